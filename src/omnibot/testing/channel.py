"""The contract of a channel as tests that any channel can inherit. See docs/a-channel-in-one-file.md."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import pytest_asyncio

from omnibot.contract import Channel, Refused, Site, TryLater, Unsure
from omnibot.identifiers import spelled
from omnibot.model import (
    ButtonPress,
    Choice,
    DeliveryReport,
    DeliveryState,
    IncomingEdit,
    IncomingMessage,
    Link,
    MessageId,
    Outbound,
    Paragraph,
    Part,
    Steps,
)
from omnibot.testing.ground import Ground, listened, served
from omnibot.testing.inbox import Inbox
from omnibot.testing.provider import Ability, Provider
from omnibot.testing.shelf import Shelf

_ACTS = {  # what a provider that has an ability must be able to do; older ones need no mention
    Ability.FILES: "deliver_file",
    Ability.EDIT: "edit",
    Ability.REPORT: "report",
    Ability.REDACT: "withdrawn",
}
PROMPTLY = 5.0  # seconds in which a channel must have ended, or failed
SAMPLES = (  # a channel sends the first that it carries
    ("image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    ("image/jpeg", b"\xff\xd8\xff\xe0" + bytes(range(256))),
    ("application/pdf", b"%PDF-1.4\n" + bytes(range(256))),
    ("audio/mpeg", b"ID3" + bytes(range(256))),
    ("text/plain", "Größe 你好\n".encode()),
)
TEXT = 'Größe <b>&amp;</b> 1 < 2 "quoted" it\'s *_`[x](y)\n\nשלום 👩‍👩‍👧 🇪🇸 e\u0301 你好'


@dataclass(frozen=True, slots=True)
class Running:
    """A channel that is open, listening and served, and what it has handed over."""

    channel: Channel
    inbox: Inbox
    listener: asyncio.Task[None]
    shelf: Shelf = field(default_factory=Shelf)


@pytest.mark.asyncio
class ChannelContract(Ground):
    """What every channel must do. Subclass it, name the `channel` and give a fixture `provider`.

    class TestMine(ChannelContract):
        channel = Mine

        @pytest_asyncio.fixture
        async def provider(self): ...  # yields a `Provider`
    """

    # --- what the tests stand on --------------------------------------------------------------------------

    @pytest_asyncio.fixture
    async def site(self, listening: socket.socket, shelf: Shelf) -> AsyncIterator[Site]:
        """Where the channel lives in these tests."""
        async with self.site_at(listening, shelf) as site:
            yield site

    @pytest_asyncio.fixture
    async def running(
        self, site: Site, provider: Provider, listening: socket.socket, shelf: Shelf
    ) -> AsyncIterator[Running]:
        """The channel at work: open, its routes served, listening."""
        inbox = Inbox()
        channel = self.channel(site, provider.settings())
        async with channel, served(channel, inbox, listening, shelf):
            await provider.attach(site)
            async with listened(channel, inbox) as listener:
                yield Running(channel, inbox, listener, shelf)

    def need(self, provider: Provider, *abilities: Ability) -> None:
        """Skip a test that the provider cannot be put to, saying why."""
        for ability in abilities:
            if ability in provider.lacks:
                pytest.skip(f"{self.channel.name} lacks {ability}: {provider.lacks[ability]}")
            if (act := _ACTS.get(ability)) and not hasattr(provider, act):
                pytest.fail(f"{type(provider).__name__} neither has `{act}` nor says why it lacks {ability}")

    async def known(self, running: Running, provider: Provider) -> None:
        """Let the customer write first: some providers let nobody be written to who has not."""
        if Ability.RECEIVE not in provider.lacks:
            await provider.deliver("hello")
            await running.inbox.arrived()

    def outbound(self, provider: Provider, *parts: Part, id: int = 1) -> Outbound:
        """A message to the customer."""
        return Outbound(id=MessageId(id), to=provider.customer, parts=parts, subject="Contract")

    # --- what comes in ------------------------------------------------------------------------------------

    async def test_an_arrival_is_complete(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE)
        await provider.deliver("hello")
        await running.inbox.arrived()
        (message,) = running.inbox.messages
        assert message.id
        assert message.message_id
        assert message.sender.address == provider.customer
        assert message.sender.address.channel == self.channel.name
        assert message.at.tzinfo is not None

    async def test_it_vouches_for_what_its_provider_answers_for(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE)
        await provider.deliver("it is me")
        await running.inbox.arrived()
        (message,) = running.inbox.messages
        assert message.sender.vouched == getattr(provider, "vouched", ()), "a name, a claim, a guess prove nothing"
        assert [spelled(identifier) for identifier in message.sender.vouched] == [*message.sender.vouched]

    async def test_text_and_emoji_survive_the_way_in(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE)
        await provider.deliver(TEXT)
        await running.inbox.arrived()
        assert [message.text for message in running.inbox.messages] == [TEXT]

    async def test_a_redelivery_keeps_its_id(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE)
        await provider.deliver("only once")
        await running.inbox.arrived()
        await provider.redeliver()
        first, again = await running.inbox.offered(2)
        assert again.id == first.id

    async def test_two_messages_of_the_same_text_are_two(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE)
        await provider.deliver("again")
        await running.inbox.arrived(1)
        await provider.deliver("again")
        first, second = await running.inbox.arrived(2)
        assert first.id != second.id

    async def test_nothing_is_acknowledged_that_was_not_accepted(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE)
        running.inbox.refusing = True
        delivery = asyncio.ensure_future(provider.deliver("keep me"))
        await running.inbox.offered(2)  # it has come again: the first try was not acknowledged
        assert provider.acknowledged() == 0
        running.inbox.refusing = False
        await running.inbox.arrived()
        await delivery
        assert [message.text for message in running.inbox.messages] == ["keep me"]

    async def test_a_forged_arrival_is_turned_away(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE, Ability.SIGNATURE)
        assert await provider.forge("I am somebody else")
        assert running.inbox.offers == []

    async def test_a_file_comes_in_whole(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE, Ability.FILES)
        media_type, content = SAMPLES[0]
        await provider.deliver_file("look at this", "a picture.png", media_type, content)
        await running.inbox.arrived()
        (message,) = running.inbox.messages
        (attachment,) = message.attachments
        assert attachment.name
        assert attachment.media_type == media_type
        assert "look at this" in message.text
        if attachment.content is not None:
            assert attachment.content == content
        else:
            assert b"".join([chunk async for chunk in running.channel.fetch(attachment)]) == content

    async def test_an_edit_names_the_message_that_it_changes(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE, Ability.EDIT)
        await provider.deliver("before")
        await running.inbox.arrived(1)
        await provider.edit(TEXT)
        before, edit = (await running.inbox.arrived(2))[:2]
        assert isinstance(before, IncomingMessage)
        assert isinstance(edit, IncomingEdit)
        assert edit.id != before.id
        assert (edit.message_id, edit.text) == (before.message_id, TEXT)
        assert edit.sender.address == provider.customer

    async def test_listening_ends_promptly_when_cancelled(self, running: Running, provider: Provider) -> None:
        await self.known(running, provider)
        running.listener.cancel()
        _, pending = await asyncio.wait({running.listener}, timeout=PROMPTLY)
        assert not pending

    async def test_an_address_can_be_written_down_and_read_again(self, provider: Provider) -> None:
        assert self.channel.address(f" {provider.customer.value}\n") == provider.customer
        with pytest.raises(ValueError, match=r"\w"):
            self.channel.address(" ")

    # --- what goes out ------------------------------------------------------------------------------------

    async def test_text_and_emoji_survive_the_way_out(self, running: Running, provider: Provider) -> None:
        await self.known(running, provider)
        receipt = await running.channel.send(self.outbound(provider, Paragraph(TEXT)))
        assert receipt.provider_id
        (taken,) = provider.accepted()
        assert taken.to == provider.customer.value
        assert taken.text == TEXT

    async def test_everything_that_a_message_can_hold_arrives(self, running: Running, provider: Provider) -> None:
        await self.known(running, provider)
        parts: list[Part] = [
            Paragraph("A <first> thing & another."),
            Steps(("Open the page.", 'Press "Save" & wait < 1 minute.')),
            Link("The <handbook>", "https://example.org/read?a=1&b=2"),
        ]
        if running.channel.limits.choices:
            parts.append(Choice("Yes & no", "yes"))
        await running.channel.send(self.outbound(provider, *parts))
        (taken,) = provider.accepted()
        for words in (
            "A <first> thing & another.",
            "Open the page.",
            'Press "Save" & wait < 1 minute.',
            "The <handbook>",
        ):
            assert words in taken.text
        assert taken.text.index("Open the page.") < taken.text.index("Press")
        if running.channel.limits.choices:
            assert taken.choices == ("Yes & no",)

    async def test_a_pressed_choice_comes_back(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.RECEIVE, Ability.BUTTONS)
        await self.known(running, provider)
        value = "v" * running.channel.limits.choice_bytes
        await running.channel.send(
            self.outbound(provider, Paragraph("Which?"), Choice("This", value), Choice("That", "that"))
        )
        await provider.press("This")
        press = await running.inbox.first(ButtonPress)
        assert press.value == value
        assert press.sender.address == provider.customer

    async def test_a_file_goes_out_whole(self, running: Running, provider: Provider) -> None:
        limits = running.channel.limits
        if not limits.files:
            pytest.skip(f"{self.channel.name} carries no files, by its limits")
        await self.known(running, provider)
        media_type, content = next(sample for sample in SAMPLES if sample[0].startswith(limits.file_types))
        file = running.shelf.put('Größe & "more".bin', media_type, content)
        words = [Paragraph("Here <it> is.")] if limits.caption is None or limits.caption >= 13 else []
        await running.channel.send(self.outbound(provider, *words, file))
        async with asyncio.timeout(PROMPTLY):
            while not provider.accepted()[-1].files:  # noqa: ASYNC110 - fetched after the message was taken, untold
                await asyncio.sleep(0.01)
        (taken,) = provider.accepted()
        assert taken.files == (content,)
        assert all(word.text in taken.text for word in words)

    async def test_a_report_names_what_it_is_about(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.REPORT)
        await self.known(running, provider)
        receipt = await running.channel.send(self.outbound(provider, Paragraph("on its way")))
        state = await provider.report()
        report = await self._reported(running, state)
        assert report.provider_id == receipt.provider_id
        assert report.sender.address == provider.customer

    async def _reported(self, running: Running, state: DeliveryState) -> DeliveryReport:
        """The first report that tells this; others may come before it."""
        count = 1
        while True:
            for arrival in await running.inbox.arrived(count):
                if isinstance(arrival, DeliveryReport) and arrival.state is state:
                    return arrival
            count = len(running.inbox.arrivals) + 1

    async def test_what_was_sent_is_taken_back_where_that_is_said(self, running: Running, provider: Provider) -> None:
        await self.known(running, provider)
        receipt = await running.channel.send(self.outbound(provider, Paragraph("a secret")))
        withdrawn = await running.channel.redact(provider.customer, receipt)
        if Ability.REDACT in provider.lacks:
            assert not withdrawn, "what cannot be taken back is said to be gone"
            return
        self.need(provider, Ability.REDACT)
        assert withdrawn
        assert provider.withdrawn()

    async def test_who_must_write_first_is_knocked_at_or_waited_for(
        self, running: Running, provider: Provider, site: Site
    ) -> None:
        limits = running.channel.limits
        if limits.window is None:
            pytest.skip(f"{self.channel.name} lets everybody be written to at any time, by its limits")
        await self.known(running, provider)
        await provider.lapse()
        heard_at = site.now() - timedelta(seconds=limits.window + 60)
        message = replace(self.outbound(provider, Paragraph("long ago")), heard_at=heard_at)
        if limits.knocks:
            await running.channel.send(message)
            assert len(provider.accepted()) == 1
            return
        try:
            await running.channel.send(message)
        except Refused as error:
            unreachable = error.unreachable
        else:
            await self._reported(running, DeliveryState.HELD)
            return
        assert not unreachable, "who is only silent is called unreachable"

    async def test_whom_we_cannot_reach_any_more_is_refused(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.BLOCK)
        await self.known(running, provider)
        await provider.block()
        with pytest.raises(Refused) as refused:
            await running.channel.send(self.outbound(provider, Paragraph("hello?")))
        assert refused.value.unreachable
        assert not provider.accepted()

    async def test_a_throttled_message_is_tried_later(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.THROTTLE)
        await self.known(running, provider)
        await provider.throttle(7)
        with pytest.raises(TryLater) as later:
            await running.channel.send(self.outbound(provider, Paragraph("too fast")))
        assert later.value.after == pytest.approx(7)
        await running.channel.send(self.outbound(provider, Paragraph("too fast")))
        assert len(provider.accepted()) == 1

    async def test_accepted_and_cut_off_is_unsure(self, running: Running, provider: Provider) -> None:
        self.need(provider, Ability.CUT_OFF)
        await self.known(running, provider)
        await provider.cut_off()
        with pytest.raises(Unsure):
            await running.channel.send(self.outbound(provider, Paragraph("once")))
        assert len(provider.accepted()) == 1

    async def test_messages_sent_at_once_all_arrive(self, running: Running, provider: Provider) -> None:
        await self.known(running, provider)
        texts = [f"number {number}" for number in range(5)]
        receipts = await asyncio.gather(
            *(running.channel.send(self.outbound(provider, Paragraph(text), id=id)) for id, text in enumerate(texts, 1))
        )
        assert sorted(taken.text for taken in provider.accepted()) == texts
        assert len({receipt.provider_id for receipt in receipts}) == len(texts)

    # --- life and health ----------------------------------------------------------------------------------

    async def test_sending_outside_its_context_fails(self, site: Site, provider: Provider) -> None:
        channel = self.channel(site, provider.settings())
        message = self.outbound(provider, Paragraph("nobody listens"))
        await self._fails(channel, message)
        async with channel:
            pass
        await self._fails(channel, message)

    async def _fails(self, channel: Channel, message: Outbound) -> None:
        sending = asyncio.ensure_future(channel.send(message))
        _, pending = await asyncio.wait({sending}, timeout=PROMPTLY)
        assert not pending, "sending on a closed channel hangs"
        assert sending.exception() is not None, "sending on a closed channel claims success"

    async def test_a_working_account_has_no_fatal_finding(self, running: Running, provider: Provider) -> None:
        assert [finding for finding in await running.channel.health() if finding.fatal] == []

    async def test_a_wrong_credential_is_found(self, site: Site, provider: Provider) -> None:
        self.need(provider, Ability.CREDENTIAL)
        async with self.channel(site, provider.wrong_settings()) as channel:
            findings = await channel.health()
        fatal = [finding for finding in findings if finding.fatal]
        assert fatal, "nothing is said of the wrong credential"
        assert all(finding.what and finding.action for finding in fatal)
