"""The contract suite finds what is wrong: each of these channels breaks one promise, and one test says so."""

import asyncio
import inspect
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession, web
from rich_post import Rich, RichService
from test_a_channel_in_one_file import channel, proof

from omnibot.contract import Accept, NotAccepted, Receipt, Refused, Site, TryLater, Unsure
from omnibot.intake.download import Downloads
from omnibot.model import DeliveryState, Incoming, Outbound, Paragraph
from omnibot.testing import ChannelContract, Inbox, Running, Shelf
from omnibot.testing.ground import served

Post, Service = channel.Post, proof.Service
Change = Callable[[Incoming], Incoming]


def altering(change: Change) -> type:
    """A channel that changes what it hands over."""

    class Altering(Post):
        def routes(self, accept: Accept) -> Sequence[web.RouteDef]:
            async def altered(arrivals: Sequence[Incoming]) -> None:
                await accept([change(arrival) for arrival in arrivals])

            return super().routes(altered)

    return Altering


class AcknowledgesWhatWasNotCommitted(Post):
    def routes(self, accept: Accept) -> Sequence[web.RouteDef]:
        async def careless(arrivals: Sequence[Incoming]) -> None:
            try:
                await accept(arrivals)
            except NotAccepted:
                return

        return super().routes(careless)


class BelievesEverybody(Post):
    def routes(self, accept: Accept) -> Sequence[web.RouteDef]:
        async def receive(request: web.Request) -> web.Response:
            note = channel.Note.model_validate_json(await request.read())
            await accept([channel._message(note)])
            return web.Response()

        return [web.post(f"{self.site.path}/notes", receive)]


class CutsItsTexts(Post):
    async def send(self, message: Outbound) -> Receipt:
        return await super().send(replace(message, parts=(Paragraph(message.text[:20]),)))


class SendsAgainWhenUnsure(Post):
    async def send(self, message: Outbound) -> Receipt:
        try:
            return await super().send(message)
        except Unsure:
            return await super().send(message)


class ForgetsTheDelay(Post):
    async def send(self, message: Outbound) -> Receipt:
        try:
            return await super().send(message)
        except TryLater as later:
            raise TryLater(later.reason) from None


class WritesToWhoBlockedUs(Post):
    async def send(self, message: Outbound) -> Receipt:
        try:
            return await super().send(message)
        except Refused as refused:
            raise Refused(refused.reason) from None


class SendsWhileClosed(Post):
    async def send(self, message: Outbound) -> Receipt:
        return Receipt("7")


class HangsWhileClosed(Post):
    async def send(self, message: Outbound) -> Receipt:
        return await asyncio.get_running_loop().create_future()


class SaysThatAllIsWell(Post):
    async def health(self):
        return ()


class ListensForEver(Post):
    async def listen(self, accept: Accept) -> None:
        while not self._client.closed:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue


class MislaysFiles(Rich):
    """Each file that comes in is another one."""

    async def fetch(self, attachment):
        yield b"something else"


class LeavesFilesBehind(Rich):
    async def send(self, message: Outbound) -> Receipt:
        return await super().send(replace(message, parts=(Paragraph(message.text),)))


class SaysThatItIsGone(Rich):
    async def redact(self, to, receipt):
        return True


class KnocksAgainAndAgain(Rich):
    async def send(self, message: Outbound) -> Receipt:
        try:
            return await super().send(message)
        except Refused as refused:
            raise TryLater(refused.reason) from None


class CallsTheSilentGone(Rich):
    async def send(self, message: Outbound) -> Receipt:
        try:
            return await super().send(message)
        except Refused as refused:
            raise Refused(refused.reason, unreachable=True) from None


class ForgetsWhoIsSilent(Rich):
    """It takes what nobody will get, and nobody hears of that."""

    async def send(self, message: Outbound) -> Receipt:
        try:
            return await super().send(message)
        except Refused:
            return Receipt("7")


def telling(change: Change) -> type:
    """A rich channel that changes what it hands over besides notes."""

    class Telling(Rich):
        def arrival(self, told):
            return change(super().arrival(told))

    return Telling


BROKEN = [
    (altering(lambda m: replace(m, id=uuid.uuid4().hex)), "test_a_redelivery_keeps_its_id"),
    (altering(lambda m: replace(m, id="always this")), "test_two_messages_of_the_same_text_are_two"),
    (altering(lambda m: replace(m, text=m.text.strip("你好"))), "test_text_and_emoji_survive_the_way_in"),
    (altering(lambda m: replace(m, at=m.at.replace(tzinfo=None))), "test_an_arrival_is_complete"),
    (AcknowledgesWhatWasNotCommitted, "test_nothing_is_acknowledged_that_was_not_accepted"),
    (BelievesEverybody, "test_a_forged_arrival_is_turned_away"),
    (ListensForEver, "test_listening_ends_promptly_when_cancelled"),
    (CutsItsTexts, "test_text_and_emoji_survive_the_way_out"),
    (CutsItsTexts, "test_everything_that_a_message_can_hold_arrives"),
    (SendsAgainWhenUnsure, "test_accepted_and_cut_off_is_unsure"),
    (ForgetsTheDelay, "test_a_throttled_message_is_tried_later"),
    (WritesToWhoBlockedUs, "test_whom_we_cannot_reach_any_more_is_refused"),
    (SendsWhileClosed, "test_messages_sent_at_once_all_arrive"),
]
BROKEN_THOUGH_RICH = [
    (MislaysFiles, "test_a_file_comes_in_whole"),
    (telling(lambda m: replace(m, attachments=())), "test_a_file_comes_in_whole"),
    (LeavesFilesBehind, "test_a_file_goes_out_whole"),
    (telling(lambda e: replace(e, message_id="another")), "test_an_edit_names_the_message_that_it_changes"),
    (telling(lambda e: replace(e, id="n1")), "test_an_edit_names_the_message_that_it_changes"),
    (telling(lambda r: replace(r, provider_id="another")), "test_a_report_names_what_it_is_about"),
    (telling(lambda r: replace(r, state=DeliveryState.SENT)), "test_a_report_names_what_it_is_about"),
    (SaysThatItIsGone, "test_what_was_sent_is_taken_back_where_that_is_said"),
    (KnocksAgainAndAgain, "test_who_must_write_first_is_knocked_at_or_waited_for"),
    (CallsTheSilentGone, "test_who_must_write_first_is_knocked_at_or_waited_for"),
    (ForgetsWhoIsSilent, "test_who_must_write_first_is_knocked_at_or_waited_for"),
]
BROKEN_WHILE_CLOSED = [
    (SendsWhileClosed, "test_sending_outside_its_context_fails"),
    (HangsWhileClosed, "test_sending_outside_its_context_fails"),
    (SaysThatAllIsWell, "test_a_wrong_credential_is_found"),
]


class Bench:
    """One channel with a service, put to one test of the suite by hand."""

    def __init__(self, made: type) -> None:
        self.suite = ChannelContract()
        self.suite.channel = made
        self.service_class = RichService if issubclass(made, Rich) else Service

    async def __aenter__(self) -> "Bench":
        self.bound = socket.create_server(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{self.bound.getsockname()[1]}"
        self.shelf = Shelf(base)
        self.downloads = Downloads()
        self.site = Site(
            account="a",
            path="/contract",
            public_url=f"{base}/contract",
            key=b"k",
            now=lambda: datetime.now(UTC),
            files=self.shelf,
            download=await self.downloads.__aenter__(),
        )
        self.client = ClientSession()
        self.service = self.service_class(self.client)
        app = web.Application()
        app.router.add_route("*", "/messages", self.service.take)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.service.url = "http://{}:{}/messages".format(*self.runner.addresses[0])
        return self

    async def __aexit__(self, *_) -> None:
        await self.runner.cleanup()
        await self.client.close()
        await self.downloads.__aexit__(None, None, None)
        self.bound.close()

    async def run(self, test: str) -> None:
        inbox = Inbox()
        opened = self.suite.channel(self.site, self.service.settings())
        async with opened, served(opened, inbox, self.bound):
            await self.service.attach(self.site)
            listener = asyncio.ensure_future(opened.listen(inbox))
            await asyncio.sleep(0)
            running = Running(opened, inbox, listener, self.shelf)
            more = [self.site] if "site" in inspect.signature(getattr(self.suite, test)).parameters else []
            await getattr(self.suite, test)(running, self.service, *more)

    async def run_closed(self, test: str) -> None:
        await getattr(self.suite, test)(self.site, self.service)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibot.testing.channel.PROMPTLY", 0.1)
    monkeypatch.setattr(Inbox.offered, "__defaults__", (1, 0.3))
    monkeypatch.setattr(Inbox.arrived, "__defaults__", (1, 0.3))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("made", "test"), BROKEN)
async def test_a_broken_promise_is_found(made, test):
    async with Bench(made) as bench:
        with pytest.raises((AssertionError, TimeoutError, TryLater, pytest.fail.Exception)):
            await bench.run(test)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("made", "test"), BROKEN_WHILE_CLOSED)
async def test_a_promise_that_is_broken_while_closed_is_found(made, test):
    async with Bench(made) as bench:
        with pytest.raises(AssertionError):
            await bench.run_closed(test)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("made", "test"), BROKEN_THOUGH_RICH)
async def test_a_broken_promise_of_a_rich_channel_is_found(made, test):
    async with Bench(made) as bench:
        with pytest.raises((AssertionError, TimeoutError, TryLater, pytest.fail.Exception, ValueError)):
            await bench.run(test)


@pytest.mark.parametrize("test", sorted({test for _, test in BROKEN}))
async def test_a_promise_that_is_kept_is_not_doubted(test):
    async with Bench(Post) as bench:
        await bench.run(test)


@pytest.mark.parametrize("test", sorted({test for _, test in BROKEN_THOUGH_RICH}))
async def test_a_promise_that_a_rich_channel_keeps_is_not_doubted(test):
    async with Bench(Rich) as bench:
        await bench.run(test)


async def test_a_window_may_be_told_of_afterwards():
    class Afterwards(ForgetsWhoIsSilent):
        def arrival(self, told):
            return replace(super().arrival(told), state=DeliveryState.HELD)

    class Service(RichService):
        async def lapse(self):
            await super().lapse()
            await self.report()

    async with Bench(Afterwards) as bench:
        bench.service.__class__ = Service
        await bench.run("test_who_must_write_first_is_knocked_at_or_waited_for")


async def test_who_knocks_must_be_taken():
    class Knocking(Rich):
        limits = replace(Rich.limits, knocks=True)

    async with Bench(Knocking) as bench:
        with pytest.raises(Refused):
            await bench.run("test_who_must_write_first_is_knocked_at_or_waited_for")


@pytest.mark.parametrize(
    "test",
    ["test_a_file_goes_out_whole", "test_who_must_write_first_is_knocked_at_or_waited_for"],
)
async def test_what_the_limits_exclude_is_skipped(test):
    async with Bench(Post) as bench:
        with pytest.raises(pytest.skip.Exception, match="by its limits"):
            await bench.run(test)


async def test_what_a_provider_lacks_is_skipped_and_what_it_forgot_is_told():
    async with Bench(Post) as bench:
        with pytest.raises(pytest.skip.Exception, match="post lacks edit: a note stays as it was written"):
            await bench.run("test_an_edit_names_the_message_that_it_changes")
    async with Bench(Post) as bench:
        bench.service.lacks = {}
        with pytest.raises(pytest.fail.Exception, match="Service neither has `edit` nor says why it lacks edit"):
            await bench.run("test_an_edit_names_the_message_that_it_changes")


class SaysThatTheKeptIsGone(Post):
    async def redact(self, to, receipt):
        return True


async def test_what_nobody_can_take_back_is_not_said_to_be_gone():
    test = "test_what_was_sent_is_taken_back_where_that_is_said"
    async with Bench(Post) as bench:
        await bench.run(test)
    async with Bench(SaysThatTheKeptIsGone) as bench:
        with pytest.raises(AssertionError, match="said to be gone"):
            await bench.run(test)
