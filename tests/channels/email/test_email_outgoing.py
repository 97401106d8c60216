"""What leaves: the mail itself, and what the submission server's answers mean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import parseaddr
from typing import Any

import pytest
from email_office import NOON, OURS, SARAH, Office, mail, office, outbound, settings

from omnibot.contract import Refused, TryLater, Unsure
from omnibot.model import Address, Choice, File, Link, Paragraph, Part, Steps
from omnibot.sandbox import Blocked, Cut, Fault, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Outcome
from omnibot.sandbox.mail import Mail
from omnibot.sandbox.mail.rules import fault_of
from omnibot_email import Email
from omnibot_email.render import Enclosure, Envelope, render

ENVELOPE = Envelope(
    sender=OURS,
    name="Example Support",
    recipient=SARAH,
    reply_to="support+rabc@example.com",
    message_id="<7.00@example.com>",
    at=NOON,
)


async def sent(at: Office, *parts: Part, **more: Any) -> Mail:
    await at.channel.send(outbound(*parts, **more))
    return (await at.sandbox.mailbox(SARAH).wait_for())[-1]


# --- the mail --------------------------------------------------------------------------------------------------


async def test_a_mail_says_who_wrote_when_and_that_it_is_automatic(office: Office) -> None:
    received = await sent(office)
    assert received.recipient == SARAH
    assert received.header("From") == "Example Support <support@example.com>"
    assert received.header("To") == SARAH
    assert received.message["Date"].datetime == NOON
    assert received.header("Auto-Submitted") == "auto-replied"
    suppressed = received.header("X-Auto-Response-Suppress").split(", ")
    assert {"OOF", "AutoReply"} <= set(suppressed)
    assert not {"NDR", "All"} & set(suppressed)  # by which Exchange would not tell what has come back
    assert received.header("MIME-Version") == "1.0"


async def test_text_and_html_say_the_same(office: Office) -> None:
    received = await sent(
        office,
        Paragraph("One & two,\nthree <b>.\n\nFour."),
        Steps(("Open it.", "Press <Save>.")),
        Link("The handbook", "https://example.org/?a=1&b=2"),
        Link("Not a link", "javascript:x()"),
        Choice("Yes", "y"),
        Choice("No", "n"),
    )
    assert received.text == (
        "One & two,\nthree <b>.\n\nFour.\n\n1. Open it.\n2. Press <Save>.\n\n"
        "The handbook: https://example.org/?a=1&b=2\n\nNot a link: javascript:x()\n\nYes / No"
    )
    for words in (
        "One &amp; two,<br>\nthree &lt;b&gt;.</p>",
        "Four.</p>",
        "<li>Press &lt;Save&gt;.</li>",
        '<a href="https://example.org/?a=1&amp;b=2">The handbook</a>',
        "Not a link: javascript:x()",
        "<b>Yes</b> / <b>No</b>",
    ):
        assert words in received.html
    assert 'href="javascript' not in received.html


async def test_a_repeated_attempt_has_the_same_message_id(office: Office) -> None:
    first = await office.channel.send(outbound())
    again = await office.channel.send(outbound())
    other = await office.channel.send(outbound(id=8))
    assert first.provider_id == again.provider_id != other.provider_id
    assert [m.message_id for m in office.sandbox.mailbox(SARAH).mails][:2] == [first.provider_id] * 2


async def test_a_reply_is_threaded_and_its_receipt_carries_the_thread_on(office: Office) -> None:
    asked = await office.take(mail(headers="References: <zero@example.org>"))
    assert asked is not None
    receipt = await office.channel.send(outbound(context=asked.context))
    assert receipt.context is not None
    await office.channel.send(outbound(id=8, context=receipt.context))
    first, second = await office.sandbox.mailbox(SARAH).wait_for(count=2)
    assert first.subject == second.subject == "Re: A question"
    assert first.header("In-Reply-To") == "<one@example.org>"
    assert first.header("References") == "<zero@example.org> <one@example.org>"
    assert second.header("In-Reply-To") == receipt.provider_id
    assert second.header("References") == f"<zero@example.org> <one@example.org> {receipt.provider_id}"


async def test_the_answer_to_a_mail_is_recognised_without_its_quotation(office: Office) -> None:
    sarah = office.sandbox.mailbox(SARAH, "Sarah Miller")
    received = await sent(office, Paragraph("Is it solved?"), subject="Your question")
    posted = sarah.reply(received, "Yes, thank you.")
    assert await posted.settled() == 250
    (message,) = office.inbox.messages
    assert message.text == "Yes, thank you."
    assert message.answers_ours == 7
    assert message.answers == (received.message_id,)
    assert message.context["subject"] == "Re: Your question"


@pytest.mark.parametrize(
    ("subject", "former", "shown"),
    [
        ("Your bill", "A question", "Re: A question"),
        ("Your bill", "", "Your bill"),
        ("", "A question", "Re: A question"),
        ("", "RE: Aw: A question", "Re: A question"),
        ("", "", "Example Support"),
        ("Größe\r\nBcc: evil@example.org", "", "Größe Bcc: evil@example.org"),
        ("=?utf-8?q?x?=", "", "=?utf-8?q?x?="),
        ("long " * 60, "", ("long " * 60)[:199]),
        ("ü" * 150, "", "ü" * 150),
    ],
)
def test_the_subject(subject: str, former: str, shown: str) -> None:
    raw = render(outbound(subject=subject, context={"subject": former}), ENVELOPE)
    received = Mail(OURS, SARAH, raw)
    assert received.subject == shown
    assert "Bcc" not in received.message
    assert all(len(line) <= 78 for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))


@pytest.mark.parametrize("name", ["Größe AG", 'Q "A" \\ Team', "", "A\r\nBcc: evil@example.org", "名" * 60])
def test_the_senders_name_is_safe_in_its_header(name: str) -> None:
    envelope = Envelope(
        sender=OURS, name=name, recipient=SARAH, reply_to=OURS, message_id="<7.00@example.com>", at=NOON
    )
    message = message_from_bytes(render(outbound(), envelope))
    shown, address = parseaddr(message["From"])
    assert address == OURS
    assert str(make_header(decode_header(shown))) == " ".join(name.split())
    assert "Bcc" not in message


def test_forged_context_cannot_add_headers() -> None:
    context = {
        "message_id": "<a@b.example>\r\nBcc: evil@example.org",
        "references": "<c@d.example>\r\nBcc: evil@example.org " + "<e@f.example>" * 500,
        "subject": "x\nBcc: evil@example.org",
    }
    raw = render(outbound(context=context), ENVELOPE)
    message = message_from_bytes(raw, policy=default)
    assert "Bcc" not in message
    assert message["In-Reply-To"] == "<a@b.example>"
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_long_words_and_dots_survive() -> None:
    text = ".\n..a\n" + "x" * 5000 + "\nend \n\n=20"
    assert Mail(OURS, SARAH, render(outbound(Paragraph(text)), ENVELOPE)).text == text


# --- files -----------------------------------------------------------------------------------------------------


class Shelf:
    """Where the files lie that go along."""

    def __init__(self, **contents: bytes) -> None:
        self.contents = contents

    async def open(self, file: File) -> AsyncIterator[bytes]:
        if file.ref not in self.contents:
            raise Refused("there is no such file any more")
        for start in range(0, len(self.contents[file.ref]), 1000):
            yield self.contents[file.ref][start : start + 1000]

    def url(self, file: File) -> str:
        return ""


def with_files(office: Office, **contents: bytes) -> Email:
    site = replace(office.channel.site, files=Shelf(**contents))
    return Email(site, settings(office.sandbox.port, 2))


def a_file(name: str, media_type: str = "application/pdf", ref: str = "one") -> File:
    return File(name, media_type, 3, ref)


async def test_files_go_along_whole(office: Office) -> None:
    contents = {"one": bytes(range(256)) * 40, "two": b"\r\n.\r\n"}
    async with with_files(office, **contents) as channel:
        await channel.send(
            outbound(
                Paragraph("Look."), a_file("Größe 1.pdf"), a_file("b.txt", "text/plain", "two"), Choice("Yes", "y")
            )
        )
    (received,) = await office.sandbox.mailbox(SARAH).wait_for()
    assert received.text == "Look.\n\nYes"
    assert "<p" in received.html
    attached = list(received.message.iter_attachments())
    assert [part.get_filename() for part in attached] == ["Größe 1.pdf", "b.txt"]
    assert [part.get_content_type() for part in attached] == ["application/pdf", "text/plain"]
    assert [part.get_payload(decode=True) for part in attached] == list(contents.values())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\evil.exe", "_evil.exe"),
        (".htaccess", "htaccess"),
        ('a"; name="b.exe', 'a"; name="b.exe'),
        ("a\r\nBcc: evil@example.org\r\n.pdf", "a Bcc: evil@example.org .pdf"),
        ("x" * 300 + ".pdf", "x" * 56 + ".pdf"),
        ("名前" * 100 + ".pdf", "名前" * 28 + ".pdf"),
        ("", "file"),
        ("...", "file"),
    ],
)
@pytest.mark.parametrize("media_type", ["application/pdf", "message/rfc822", 'text/html"\r\nBcc: evil@example.org', ""])
def test_a_files_name_and_type_are_safe_in_their_headers(name: str, shown: str, media_type: str) -> None:
    raw = render(outbound(), ENVELOPE, [Enclosure(a_file(name, media_type), b"abc")])
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert fault_of(raw, eight_bit=False) == ""
    message = message_from_bytes(raw, policy=default)
    assert "Bcc" not in message
    (attached,) = message.iter_attachments()
    assert "Bcc" not in attached
    assert attached.get_filename() == shown
    assert attached.get_content_type() in ("application/pdf", "application/octet-stream")
    assert attached.get_payload(decode=True) == b"abc"


async def test_a_file_that_is_not_there_any_more_refuses_the_message(office: Office) -> None:
    async with with_files(office) as channel:
        with pytest.raises(Refused, match="no such file"):
            await channel.send(outbound(Paragraph("Look."), a_file("a.pdf")))
    assert office.sandbox.mailbox(SARAH).mails == []


def test_what_the_limits_allow_fits_into_a_mail_that_the_server_takes(office: Office) -> None:
    limits = office.channel.limits
    text = Paragraph("ü" * limits.text)
    enclosed = [Enclosure(a_file("a.pdf"), bytes(limits.file_bytes))] * limits.files
    assert 20_000_000 < len(render(outbound(text), ENVELOPE, enclosed)) < 25_000_000


async def test_what_was_mailed_cannot_be_taken_back(office: Office) -> None:
    receipt = await office.channel.send(outbound())
    assert await office.channel.redact(Address("email", SARAH), receipt) is False


# --- what answers mean -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("fault", "meaning", "reason"),
    [
        (Throttle(5), TryLater, "450 4.7.1"),
        (ServerError(), TryLater, "451 4.3.0"),
        (ServerError(554), Refused, "554 5.3.0"),
        (Cut(accepted=False), TryLater, "did not answer"),
    ],
)
async def test_a_no_is_a_no(office: Office, method: str, fault: Fault, meaning: type[Exception], reason: str) -> None:
    if isinstance(fault, Cut) and method == "DATA":
        meaning, reason = Unsure, "before the mail server confirmed"  # nobody can know from outside
    tries = 2 if (fault, method) == (ServerError(554), "MAIL") else 1  # once more as its own bare address
    office.sandbox.faults.add(fault, provider="email", method=method, count=tries)
    with pytest.raises(meaning, match=reason):
        await office.channel.send(outbound())
    assert office.sandbox.mailbox(SARAH).mails == []
    assert (await sent(office)).text == "Hello."


@pytest.mark.parametrize("method", ["MAIL", "RCPT", "DATA"])
async def test_accepted_and_cut_off_is_unsure_wherever_it_was_ordered(office: Office, method: str) -> None:
    office.sandbox.faults.add(Cut(accepted=True), provider="email", method=method)
    with pytest.raises(Unsure):
        await office.channel.send(outbound())
    assert len(office.sandbox.mailbox(SARAH).mails) == 1
    (entry,) = office.sandbox.ledger.entries("email", "DATA")
    assert entry.outcome is Outcome.UNANSWERED


async def test_whoever_blocks_us_is_unreachable(office: Office) -> None:
    office.sandbox.faults.add(Blocked(), provider="email", address=SARAH)
    with pytest.raises(Refused) as refused:
        await office.channel.send(outbound())
    assert refused.value.unreachable
    assert SARAH not in refused.value.reason


async def test_what_is_no_address_is_unreachable(office: Office) -> None:
    with pytest.raises(Refused) as refused:
        await office.channel.send(outbound(to="sarah"))
    assert refused.value.unreachable


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(office: Office) -> None:
    with pytest.raises(Refused, match="beyond ASCII") as refused:
        await office.channel.send(outbound(to="jörg@example.org"))
    assert not refused.value.unreachable


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_server_that_hangs_with_the_mail_leaves_us_unsure(accepted: bool) -> None:
    async with office(smtp={"timeout": 0.2}) as at:
        at.sandbox.faults.add(Hang(accepted=accepted), provider="email", method="DATA")
        with pytest.raises(Unsure):
            await at.channel.send(outbound())


async def test_a_server_that_hangs_before_it_has_the_mail_is_tried_later() -> None:
    async with office(smtp={"timeout": 0.2}) as at:
        at.sandbox.faults.add(Hang(accepted=False), provider="email", method="RCPT")
        with pytest.raises(TryLater):
            await at.channel.send(outbound())


async def test_nobody_listening_is_tried_later_and_found(office: Office) -> None:
    channel = Email(office.channel.site, settings(1, 2))
    async with channel:
        with pytest.raises(TryLater, match="cannot connect"):
            await channel.send(outbound())
        (finding,) = await channel.health()
    assert finding.fatal
    assert "smtp.port" in finding.action


# --- connections -----------------------------------------------------------------------------------------------


async def test_connections_are_kept_and_no_more_than_allowed() -> None:
    async with office(smtp={"connections": 2}) as at:
        await asyncio.gather(*(at.channel.send(outbound(id=id)) for id in range(1, 9)))
        assert len(at.sandbox.mailbox(SARAH).mails) == 8
        assert len(at.sandbox.sessions) == 2
        assert at.channel.limits.in_flight == 2


async def test_a_connection_that_the_server_has_ended_is_replaced(office: Office) -> None:
    await office.channel.send(outbound())
    for session in list(office.sandbox.sessions):
        with suppress(asyncio.CancelledError):
            await session.end()
    assert (await office.channel.send(outbound(id=8))).provider_id


async def test_a_sender_that_gives_up_leaves_the_dialogue_in_order(office: Office) -> None:
    sending = asyncio.ensure_future(office.channel.send(outbound()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await office.channel.send(outbound(id=8))
    mails = await office.sandbox.mailbox(SARAH).wait_for(count=2)
    assert len({m.message_id for m in mails}) == 2


async def test_closing_waits_for_what_is_being_sent() -> None:
    async with office() as at:
        sending = asyncio.ensure_future(at.channel.send(outbound()))
        await asyncio.sleep(0)
    assert (await sending).provider_id
    assert len(at.sandbox.mailbox(SARAH).mails) == 1


Answers = dict[str, str]


async def scripted(answers: Answers, act: Callable[[Email], Awaitable[None]], base: Office) -> None:
    """A mail server that answers each command by the script, `250 ok` where it says nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers.get("", "220 hello").encode() + b"\r\n")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                verb = (await reader.readuntil(b"\r\n"))[:4].decode()
                writer.write(answers.get(verb, "354 go" if verb == "DATA" else "250 ok").encode() + b"\r\n")
                if verb == "DATA" and answers.get("DATA", "354").startswith("354"):
                    await reader.readuntil(b"\r\n.\r\n")
                    writer.write(answers.get(".", "250 ok").encode() + b"\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Email(base.channel.site, settings(server.sockets[0].getsockname()[1], 2)) as channel:
        await act(channel)


@pytest.mark.parametrize(
    ("answers", "meaning", "unreachable"),
    [
        ({"RCPT": "550 unknown user"}, Refused, True),
        ({"RCPT": "550 5.7.1 spam"}, Refused, False),
        ({"RCPT": "552 5.2.2 full"}, Refused, False),
        ({"MAIL": "550 5.1.1 no such sender"}, Refused, False),
        ({"MAIL": "530 5.7.0 log in"}, TryLater, False),
        ({"MAIL": "421 closing"}, TryLater, False),
        ({"DATA": "451 later"}, TryLater, False),
        ({".": "554 5.6.0 content"}, Refused, False),
        ({".": "452 4.2.2 full"}, TryLater, False),
        ({".": "nonsense"}, Unsure, False),
        ({".": "354 what"}, Unsure, False),
        ({"": "554 go away"}, TryLater, False),
        ({"EHLO": "550 no", "HELO": "550 no"}, TryLater, False),
    ],
)
async def test_any_answer_has_its_meaning(
    office: Office, answers: Answers, meaning: type[Exception], unreachable: bool
) -> None:
    async def act(channel: Email) -> None:
        with pytest.raises(meaning) as raised:
            await channel.send(outbound())
        assert getattr(raised.value, "unreachable", False) is unreachable

    await scripted(answers, act, office)


async def test_an_old_server_that_knows_only_helo_is_good_enough(office: Office) -> None:
    async def act(channel: Email) -> None:
        assert (await channel.send(outbound())).provider_id

    await scripted({"EHLO": "502 what"}, act, office)


async def test_a_silent_server_is_found(office: Office) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    given = settings(server.sockets[0].getsockname()[1], 2, smtp={"timeout": 0.1})
    async with server, Email(office.channel.site, given) as channel:
        (finding,) = await channel.health()
        assert finding.fatal


async def test_a_token_lives_as_long_as_the_settings_say() -> None:
    async with office(token_days=1) as at:
        received = await sent(at)
        at.clock.move(timedelta(days=2))
        message = await at.take(mail(), recipient=received.reply_address)
        assert message is not None
        assert message.answers_ours is None
