"""A team's mailbox: letters that are read as people read them, and who may act by answering them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
import pytest_asyncio
from email_office import KEY, OURS, Clock, free_port, mail_room, settings
from mail_staffroom import ANA, BEN, EVE, SENIOR, as_read, root

from omnibot.contract import Page, Place, Refused, Site
from omnibot.model import ActKind, DeliveryState, EntryKind, File, IncomingMessage
from omnibot.sandbox import Blocked, Faults, ServerError
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.mail import Mail, MailSandbox, Posted, Program, Verdict
from omnibot.sandbox.mail.letters import returned
from omnibot.testing import Bureau, Inbox, Shelf
from omnibot.testing.desk import card_of, entry_of
from omnibot_email import Email


@dataclass
class TeamRoom:
    """An account at work, with a matter that a team has a letter about."""

    sandbox: MailSandbox
    channel: Email
    bureau: Bureau
    inbox: Inbox
    clock: Clock
    place: Place

    @property
    def letters(self) -> list[Mail]:
        return self.sandbox.mailbox(SENIOR).mails

    async def answer(
        self,
        text: str,
        *,
        by: str = ANA,
        program: Program = Program.GMAIL,
        verdict: Verdict = Verdict.PASS,
        **more: Any,
    ) -> Posted:
        """Somebody answers the latest letter."""
        mailbox = self.sandbox.mailbox(by)
        mailbox.verdict = verdict
        posted = mailbox.reply(self.letters[-1], text, program, **more)
        assert await posted.settled() == 250
        return posted

    async def post(self, headers: str = "", *, text: str = "#reply\nHello", by: str = ANA, to: str = "") -> None:
        """A letter of any form to where the team answers."""
        to = to or self.letters[-1].reply_address
        raw = f"From: {by}\nTo: {to}\nSubject: x\nMessage-ID: <own@example.com>\n{headers}\n{text}\n".encode()
        posted = self.sandbox.post(raw, sender=by, recipient=to)
        assert await posted.settled() == 250

    def told(self, who: str = ANA) -> list[str]:
        return [as_read(mail) for mail in self.sandbox.mailbox(who).mails]

    @property
    def kinds(self) -> list[ActKind]:
        return [act.kind for _, act in self.bureau.acts]


@asynccontextmanager
async def team_room(**more: Any) -> AsyncIterator[TeamRoom]:
    port, clock, inbox, bureau = free_port(), Clock(), Inbox(), Bureau()
    async with MailSandbox(faults=Faults(), address=OURS, deliver_to=("127.0.0.1", port), retry_after=0.01) as sandbox:
        sandbox.ledger.now = clock
        rooms = frozenset({SENIOR})
        site = Site(account="main", path="/", public_url="", key=KEY, now=clock, office=bureau, rooms=rooms)
        agents = [f"Ana Ruiz <{ANA}>", BEN]
        channel = Email(site, settings(sandbox.port, port, **{"agents": agents, **more}))
        async with channel:
            listener = asyncio.ensure_future(channel.listen(inbox))
            try:
                place = await channel.desk().open(SENIOR, card_of())
                bureau.cards_of[place] = card_of()
                yield TeamRoom(sandbox, channel, bureau, inbox, clock, place)
            finally:
                listener.cancel()
                with suppress(asyncio.CancelledError):
                    await listener


@pytest_asyncio.fixture
async def team() -> AsyncIterator[TeamRoom]:
    async with team_room() as it:
        yield it


# --- letters ---------------------------------------------------------------------------------------------------------


async def test_a_hand_off_is_a_letter_of_text_and_html(team: TeamRoom) -> None:
    [letter] = team.letters
    assert letter.subject == "Mike Adeyemi needs people (matter 1)"
    assert letter.header("Auto-Submitted") == "auto-generated"
    assert letter.text.startswith("--- answer above this line ---")
    assert "--- answer above this line ---" in letter.html
    for words in (letter.text, letter.html):
        assert "it still times out" in words
        assert "#reply" in words
        assert "very unhappy, falling" in words
        assert "Now: Support; nobody has it yet; priority high; first answer by 02 Mar 2026, 13:00 UTC" in words


async def test_what_follows_is_in_the_same_thread_and_tells_how_it_stands(team: TeamRoom) -> None:
    urgent = replace(card_of().stretch, priority="urgent")
    team.bureau.cards_of[team.place] = replace(card_of(), overdue=True, stretch=urgent)
    desk = team.channel.desk()
    await desk.show(team.place, entry_of(1, "hello?"))
    await desk.show(team.place, entry_of(2, "It is late", kind=EntryKind.REMINDER))
    first, heard, reminder = team.letters
    assert len({root(mail) for mail in team.letters}) == 1
    assert len({mail.message_id for mail in team.letters}) == 3
    assert {re.sub("^Re: ", "", mail.subject) for mail in team.letters} == {first.subject}
    assert "Mike Adeyemi wrote on WhatsApp, 02 Mar 2026, 12:01 UTC:\n| hello?" in heard.text
    assert "OVERDUE" in heard.text
    assert "<b>It is late</b>" in reminder.html
    assert reminder.header("Importance") == "high"
    assert first.header("Importance") == ""


async def test_the_same_line_sent_again_is_the_same_letter(team: TeamRoom) -> None:
    for _ in range(2):
        await team.channel.desk().show(team.place, entry_of(1, "hello?"))
    assert len(team.letters) == 3
    assert team.letters[1].message_id == team.letters[2].message_id


async def test_steps_on_the_way_to_the_customer_are_no_letters(team: TeamRoom) -> None:
    for state in (DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ):
        await team.channel.desk().mark(team.place, "<one@example.com>", state)
    assert len(team.letters) == 1
    await team.channel.desk().mark(team.place, "<one@example.com>", DeliveryState.UNKNOWN)
    assert team.letters[-1].header("In-Reply-To") == "<one@example.com>"
    assert "may or may not have arrived" in team.letters[-1].text


@pytest.mark.parametrize("room", [OURS, f"support+x@{OURS.partition('@')[2]}", "senior", ""])
async def test_a_room_that_can_be_no_teams_is_refused(team: TeamRoom, room: str) -> None:
    with pytest.raises(Refused):
        await team.channel.desk().open(room, card_of(2))


# --- what agents write -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", Program)
async def test_a_reply_is_what_was_written_whatever_program_quotes(team: TeamRoom, program: Program) -> None:
    await team.answer("#reply\nHello Mike,\n\nthe limit is lifted.", program=program)
    [(place, act)] = team.bureau.acts
    assert place == team.place
    assert (act.kind, act.text) == (ActKind.REPLY, "Hello Mike,\n\nthe limit is lifted.")
    assert (act.by.id, act.by.name) == (f"email:{ANA}", "Ana Ruiz")


@pytest.mark.parametrize("program", Program)
async def test_what_a_customer_writes_commands_nobody(program: Program) -> None:
    async with team_room() as team:
        place = await team.channel.desk().open(SENIOR, card_of(2, said="#reply\nWe owe you 1,000 EUR\n#resolve paid"))
        team.bureau.cards_of[place] = card_of(2)
        await team.answer("", program=program)
        await team.answer("have you seen this?", program=program)
        assert team.kinds == [ActKind.NOTE]


async def test_a_quotation_that_nothing_marks_commands_nobody(team: TeamRoom) -> None:
    await team.channel.desk().show(team.place, entry_of(1, "#reply\nWe owe you 1,000 EUR"))
    await team.post(text=f"ok\n\n发件人: Example Support\n主题: x\n\n{team.letters[-1].text}")
    assert team.kinds == [ActKind.NOTE]
    assert "1,000" not in team.bureau.acts[0][1].text


async def test_several_acts_of_a_letter_are_done_in_order_and_once(team: TeamRoom) -> None:
    posted = await team.answer("#take\n#priority urgent\n#reply\nHello")
    team.sandbox.post_again(posted)
    await team.bureau.offered(6)
    assert team.kinds == [ActKind.TAKE, ActKind.PRIORITY, ActKind.REPLY]


async def test_an_unclear_letter_does_nothing_and_is_answered_to_its_writer(team: TeamRoom) -> None:
    await team.answer("#take\n#replay\nHello Mike", by=BEN)
    assert team.bureau.offers == []
    [told] = team.told(BEN)
    assert "Nothing was done with your letter. #replay is no command." in told
    assert "#resolve reason: what worked" in told
    assert team.told() == []
    assert len(team.letters) == 1


async def test_files_go_with_a_reply_and_a_logo_does_not(team: TeamRoom) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = ANA, team.letters[-1].reply_address, "Re: x"
    mail["Message-ID"] = "<files@example.com>"
    mail.set_content("#reply\nas promised")
    mail.add_alternative('<p>#reply<br>as promised <img src="cid:logo"></p>', subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG" * 20, "image", "png", cid="<logo>")
    mail.get_payload()[1].add_related(b"\x89PNG" * 20_000, "image", "png", cid="<screen>")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="plan.pdf")
    posted = team.sandbox.post(mail.as_bytes(), sender=ANA, recipient=team.letters[-1].reply_address)
    assert await posted.settled() == 250
    [(_, act)] = team.bureau.acts
    assert [(file.media_type, file.size) for file in act.files] == [("image/png", 80_000), ("application/pdf", 4)]


async def test_a_letter_that_is_too_large_to_be_fetched_is_asked_back() -> None:
    async with mail_room(max_bytes=100_000) as room:
        bureau = Bureau()
        site = replace(room.channel.site, office=bureau, rooms=frozenset({SENIOR}))
        channel = Email(site, settings(room.sandbox.port, imap={"port": room.imap.port, "max_bytes": 100_000}))
        async with channel, room.reading(channel):
            bureau.cards_of[await channel.desk().open(SENIOR, card_of())] = card_of()
            team = room.sandbox.mailbox(SENIOR)
            team.reply(team.mails[0], "#reply\nHello", files=[SentFile("a.bin", "application/pdf", b"x" * 200_000)])
            [_, told] = await team.wait_for(count=2)
    assert "It is too large to be read" in told.text
    assert bureau.offers == []


async def test_files_that_go_nowhere_are_asked_about(team: TeamRoom) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = ANA, team.letters[-1].reply_address, "<files@example.com>"
    mail.set_content("")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="plan.pdf")
    await team.sandbox.post(mail.as_bytes(), sender=ANA, recipient=team.letters[-1].reply_address).settled()
    assert team.bureau.offers == []
    assert "Files go to the customer with #reply" in team.told()[0]


async def test_an_empty_reply_is_asked_back(team: TeamRoom) -> None:
    await team.answer("#reply")
    assert team.bureau.offers == []
    assert "#reply sends what stands below it, and nothing does." in team.told()[0]


async def test_what_cannot_be_sent_again_is_asked_back(team: TeamRoom) -> None:
    await team.answer("#retry")
    assert team.bureau.offers == []
    assert "#retry answers the letter that tells what did not arrive." in team.told()[0]


async def test_what_is_built_to_hurt_is_refused(team: TeamRoom) -> None:
    parts = "".join("--b\nContent-Type: text/plain\n\nx\n" for _ in range(600))
    await team.post('Content-Type: multipart/mixed; boundary="b"\n', text=f"#reply\n{parts}--b--")
    assert team.kinds == [ActKind.REFUSED]
    assert "(too many parts)" in team.told()[0]


async def test_a_matter_that_is_gone_is_told(team: TeamRoom) -> None:
    team.bureau.cards_of.clear()
    await team.answer("#take\n#reply\nHello")
    assert len(team.bureau.offers) == 1
    assert "there is no such matter any more" in team.told()[0]
    await team.answer("#card")
    assert "there is no such matter any more" in team.told()[1]


async def test_an_empty_page_of_the_timeline_says_so_and_help_helps(team: TeamRoom) -> None:
    team.bureau.pages = (Page((), 0, earlier=True),)
    await team.answer("#timeline\n#help")
    timeline, help = team.told()
    assert "There is nothing on this page." in timeline
    assert "#timeline 1" in timeline
    assert "#snooze 2h" in help
    assert team.bureau.offers == []


async def test_an_answer_that_cannot_be_sent_now_is_sent_when_the_letter_comes_again(team: TeamRoom) -> None:
    team.sandbox.faults.add(ServerError(451), provider="email", method="RCPT")
    mailbox = team.sandbox.mailbox(ANA)
    posted = mailbox.reply(team.letters[-1], "#take\n#card")
    assert await posted.settled() == 250
    assert posted.answers == [451, 250]
    assert len(team.told()) == 1
    assert team.kinds == [ActKind.TAKE]


async def test_an_answer_that_nobody_takes_is_left(team: TeamRoom) -> None:
    team.sandbox.close_mailbox(ANA)
    await team.answer("#take\n#card")
    assert team.kinds == [ActKind.TAKE]


# --- who may act -----------------------------------------------------------------------------------------------------


async def test_a_stranger_is_refused_once_and_each_try_written_down(team: TeamRoom) -> None:
    for _ in range(3):
        await team.answer("#reply\nPay here: evil.example", by=EVE)
    assert team.kinds == [ActKind.REFUSED] * 3
    act = team.bureau.acts[0][1]
    assert (act.by.id, act.value) == (f"email:{EVE}", "only the people of this team may act here")
    [told] = team.told(EVE)
    assert "only the people of this team may act here" in told
    assert "Mike" not in told


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNCHECKED])
async def test_who_only_says_that_they_are_of_the_team_is_refused(team: TeamRoom, verdict: Verdict) -> None:
    await team.answer("#reply\nPay here: evil.example", verdict=verdict)
    assert team.kinds == [ActKind.REFUSED]
    [told] = team.told()
    assert "it may be somebody else's" in told
    assert "Mike" not in told


async def test_a_forged_stranger_is_not_written_to(team: TeamRoom) -> None:
    await team.answer("#take", by=EVE, verdict=Verdict.FAIL)
    assert team.kinds == [ActKind.REFUSED]
    assert team.told(EVE) == []


async def test_the_team_acts_from_its_own_address_too(team: TeamRoom) -> None:
    await team.answer("#take", by=SENIOR)
    assert [act.by.id for _, act in team.bureau.acts] == [f"email:{SENIOR}"]


@pytest.mark.parametrize("change", ["altered", "expired", "invented"])
async def test_a_token_that_does_not_hold_commands_nothing(team: TeamRoom, change: str) -> None:
    to = team.letters[-1].reply_address
    if change == "altered":
        to = re.sub(r"\+d(.)", lambda found: "+d" + ("b" if found[1] == "a" else "a"), to)
    elif change == "expired":
        team.clock.move(timedelta(days=92))
    else:
        to = re.sub(r"\+d.{32}", "+d" + "a" * 32, to)
    await team.post(to=to)
    await team.post(to=to, by=EVE)
    assert team.bureau.offers == []
    assert "it answers no letter about a matter" in " ".join(team.told()[0].split())
    assert team.told(EVE) == []
    assert team.inbox.offers == []


async def test_who_is_of_a_team_is_no_customer(team: TeamRoom) -> None:
    await team.post(to=OURS, text="does this work?")
    assert team.inbox.offers == []
    assert "you are no customer here" in " ".join(team.told()[0].split())


async def test_who_only_says_so_is_a_customer_in_quarantine(team: TeamRoom) -> None:
    raw = f"From: {ANA}\nTo: {OURS}\nSubject: x\nMessage-ID: <own@example.com>\n\nhello\n".encode()
    await team.sandbox.post(raw, sender=ANA, verdict=Verdict.FAIL).settled()
    [message] = team.inbox.offers
    assert isinstance(message, IncomingMessage)
    assert message.quarantine


async def test_without_rooms_everybody_is_a_customer() -> None:
    async with team_room() as team:
        site = replace(team.channel.site, rooms=frozenset())
        assert not Email(site, settings(1, 2, agents=[ANA])).desk().is_staff(None)  # type: ignore[attr-defined]


# --- machines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: auto-replied", "List-Id: <x.example.com>", "Precedence: bulk", "Return-Path: <>"]
)
async def test_machines_command_nothing_and_are_not_answered(team: TeamRoom, header: str) -> None:
    await team.post(f"{header}\n")
    await team.post(f"{header}\n", to=OURS)
    assert team.bureau.offers == []
    assert team.told() == []
    assert team.inbox.offers == []


async def test_what_exchange_adds_to_what_people_write_is_no_machine(team: TeamRoom) -> None:
    await team.post("X-Auto-Response-Suppress: All\n")
    assert team.kinds == [ActKind.REPLY]


async def test_mail_from_ourselves_commands_nothing(team: TeamRoom) -> None:
    await team.post(by=OURS)
    assert team.bureau.offers == []


async def test_a_room_whose_letters_come_back_is_left_for_an_hour(team: TeamRoom) -> None:
    letter = team.letters[-1]
    for status in ("4.4.1", "5.1.1"):
        raw = returned(letter, status, at=team.clock())
        await team.sandbox.post(raw, sender="", recipient=letter.sender, verdict=Verdict.UNCHECKED).settled()
        if status == "4.4.1":
            await team.channel.desk().show(team.place, entry_of(1, "hello?"))
    with pytest.raises(Refused, match="come back"):
        await team.channel.desk().show(team.place, entry_of(2, "hello?"))
    assert any("come back" in finding.what for finding in await team.channel.health())
    team.clock.move(timedelta(hours=2))
    await team.channel.desk().show(team.place, entry_of(2, "hello?"))
    assert not any("come back" in finding.what for finding in await team.channel.health())


async def test_a_letter_that_is_refused_for_its_files_comes_without_them() -> None:
    async with team_room() as team:
        shelf = Shelf()
        site = replace(team.channel.site, files=shelf)
        async with Email(site, settings(team.sandbox.port, free_port())) as channel:
            file = shelf.put("virus.zip", "application/zip", b"PK")
            team.sandbox.faults.add(Blocked(), provider="email", method="RCPT")
            await channel.desk().show(team.place, replace(entry_of(1, "look"), files=(file,)))
            assert "With a file that is not here" in team.letters[-1].text
            await channel.desk().refresh(team.place, card_of())
            team.sandbox.close_mailbox(SENIOR)
            with pytest.raises(Refused):
                await channel.desk().show(team.place, replace(entry_of(2, "look"), files=(file,)))
            with pytest.raises(Refused):
                await channel.desk().refresh(team.place, card_of())
            team.clock.move(timedelta(hours=2))
            await channel.desk().refresh(team.place, card_of())


async def test_a_file_that_is_too_large_for_a_letter_is_named(team: TeamRoom) -> None:
    file = File("film.mp4", "video/mp4", 90_000_000, ref="film")
    await team.channel.desk().show(team.place, replace(entry_of(1, "look"), files=(file,)))
    assert "With a file that is not here (too large for a letter): film.mp4" in team.letters[-1].text


async def test_nothing_is_handed_in_while_the_office_is_closed(team: TeamRoom) -> None:
    team.bureau.refusing = True
    posted = team.sandbox.mailbox(ANA).reply(team.letters[-1], "#take")
    await team.bureau.offered(2)
    assert posted.acknowledged == 0
    team.bureau.refusing = False
    assert await posted.settled() == 250
    assert team.kinds == [ActKind.TAKE]


# --- settings --------------------------------------------------------------------------------------------------------


def test_who_may_act_is_told_by_address_and_name() -> None:
    given = settings(1, 2, agents=["Ana Ruiz <ANA@Example.com>", "ben@example.com"])
    assert given.people == {"ana@example.com": "Ana Ruiz", "ben@example.com": ""}
    with pytest.raises(ValueError, match="is not an email address: write"):
        settings(1, 2, agents=["Ana"])
