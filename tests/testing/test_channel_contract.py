"""The contract suite finds what is wrong: each of these channels breaks one promise, and one test says so."""

import asyncio
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession, web
from test_a_channel_in_one_file import channel, proof

from omnibot.contract import Accept, NotAccepted, Receipt, Refused, Site, TryLater, Unsure
from omnibot.model import Incoming, Outbound, Paragraph
from omnibot.testing import ChannelContract, Inbox, Running
from omnibot.testing.channel import served

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

    async def __aenter__(self) -> "Bench":
        self.bound = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{self.bound.getsockname()[1]}/contract"
        self.site = Site(account="a", path="/contract", public_url=url, key=b"k", now=lambda: datetime.now(UTC))
        self.client = ClientSession()
        self.service = Service(self.client)
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
        self.bound.close()

    async def run(self, test: str) -> None:
        inbox = Inbox()
        opened = self.suite.channel(self.site, self.service.settings())
        async with opened, served(opened, inbox, self.bound):
            await self.service.attach(self.site)
            listener = asyncio.ensure_future(opened.listen(inbox))
            await asyncio.sleep(0)
            await getattr(self.suite, test)(Running(opened, inbox, listener), self.service)

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


@pytest.mark.parametrize("test", sorted({test for _, test in BROKEN}))
async def test_a_promise_that_is_kept_is_not_doubted(test):
    async with Bench(Post) as bench:
        await bench.run(test)
