"""The emulated mail server, with a plain SMTP client on one side and a plain listener on the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
import pytest_asyncio
from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPResponseException, SMTPServerDisconnected

from omnibot.sandbox import Blocked, Cut, Delay, Duplicate, Hang, ServerError, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.ledger import Outcome
from omnibot.sandbox.mail import MailSandbox, Program, Verdict

OURS = "support@example.com"
SARAH = "sarah@example.org"
MAIL = (
    b"From: Support <support@example.com>\r\nTo: sarah@example.org\r\nSubject: Hello\r\n"
    b"Date: Mon, 3 Mar 2025 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
    b"Reply-To: support+rabc@example.com\r\n\r\nOne.\r\n\r\nTwo.\r\n"
)


@dataclass
class Listener:
    """Omnibot's side: takes mail over LMTP or SMTP and answers DATA as told."""

    answers: list[str] = field(default_factory=list)  # to DATA, in order; then 250
    taken: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                command = (await reader.readuntil(b"\r\n")).decode().rstrip()
                self.commands.append(command)
                if command != "DATA":
                    writer.write(b"250-one\r\n250 two\r\n")
                    continue
                writer.write(b"354 go\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                answer = self.answers.pop(0) if self.answers else "250 ok"
                if answer == "hang up":
                    break
                if answer.startswith("250"):
                    self.taken.append(message_from_bytes(raw[:-3], policy=default))  # type: ignore[arg-type]
                writer.write(answer.encode() + b"\r\n")
        writer.close()

    def texts(self) -> list[str]:
        return [message.get_content().strip() for message in self.taken]


@asynccontextmanager
async def working(**more: object) -> AsyncIterator[tuple[MailSandbox, Listener]]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, MailSandbox(deliver_to=("127.0.0.1", port), retry_after=0.01, **more) as sandbox:  # type: ignore[arg-type]
        yield sandbox, listener


@pytest_asyncio.fixture
async def both() -> AsyncIterator[tuple[MailSandbox, Listener]]:
    async with working() as both:
        yield both


async def send(sandbox: MailSandbox, mail: bytes = MAIL, *, sender: str = OURS, to: str = SARAH) -> None:
    client = SMTP(hostname="127.0.0.1", port=sandbox.port, start_tls=False, timeout=5)
    async with client:
        await client.mail(sender)
        await client.rcpt(to)
        await client.data(mail)


# --- what Omnibot sends ----------------------------------------------------------------------------------------


async def test_a_good_mail_reaches_its_mailbox_and_the_ledger(both: tuple[MailSandbox, Listener]) -> None:
    sandbox, _ = both
    await send(sandbox)
    (mail,) = await sandbox.mailbox(SARAH).wait_for()
    assert (mail.subject, mail.text, mail.html) == ("Hello", "One.\n\nTwo.", "")
    assert (mail.reply_address, mail.from_name) == ("support+rabc@example.com", "Support")
    (entry,) = sandbox.ledger.entries("email", "DATA")
    assert (entry.account, entry.payload["to"], entry.payload["text"]) == (OURS, SARAH, "One.\n\nTwo.")


@pytest.mark.parametrize(
    ("mail", "sender", "to", "code"),
    [
        (MAIL.replace(b"Date: Mon, 3 Mar 2025 12:00:00 +0000\r\n", b""), OURS, SARAH, 550),
        (MAIL, "else@example.com", SARAH, 553),
        (MAIL, "a..b@example.com", SARAH, 553),
        (MAIL, OURS, "a@-b.example", 553),
        (MAIL, OURS, "gone@example.org", 550),
    ],
)
async def test_a_bad_one_is_refused_and_written_down(
    both: tuple[MailSandbox, Listener], mail: bytes, sender: str, to: str, code: int
) -> None:
    sandbox, _ = both
    sandbox.close_mailbox("gone@example.org")
    with pytest.raises(SMTPResponseException) as refused:
        await send(sandbox, mail, sender=sender, to=to)
    assert refused.value.code == code
    (entry,) = sandbox.ledger
    assert entry.outcome is Outcome.REFUSED
    assert entry.reason.startswith(str(code))
    assert sandbox.mailbox(SARAH).mails == []


async def test_a_login_is_demanded_where_there_is_one() -> None:
    async with working(username="omnibot", password="correct") as (sandbox, _):
        with pytest.raises(SMTPResponseException) as refused:
            await send(sandbox)
        assert refused.value.code == 530
        right = SMTP(hostname="127.0.0.1", port=sandbox.port, start_tls=False, username="omnibot", password="correct")
        async with right:
            await right.mail(OURS)
        wrong = SMTP(hostname="127.0.0.1", port=sandbox.port, start_tls=False, username="omnibot", password="no")
        with pytest.raises(SMTPAuthenticationError):
            await wrong.connect()


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Throttle(3), 450), (ServerError(), 451), (ServerError(554), 554), (Blocked(), 550)],
)
async def test_it_refuses_on_command_once(both: tuple[MailSandbox, Listener], fault: Throttle, code: int) -> None:
    sandbox, _ = both
    sandbox.faults.add(fault, provider="email")
    with pytest.raises(SMTPResponseException) as refused:
        await send(sandbox)
    assert refused.value.code == code
    await send(sandbox)
    assert len(sandbox.mailbox(SARAH).mails) == 1


@pytest.mark.parametrize("accepted", [True, False])
async def test_it_hangs_up_on_command(both: tuple[MailSandbox, Listener], accepted: bool) -> None:
    sandbox, _ = both
    sandbox.faults.add(Cut(accepted=accepted), provider="email", method="DATA", address=SARAH)
    with pytest.raises(SMTPServerDisconnected):
        await send(sandbox)
    assert len(sandbox.mailbox(SARAH).mails) == accepted


async def test_it_hangs_on_command_until_it_closes() -> None:
    async with working() as (sandbox, _):
        sandbox.faults.add(Hang(accepted=True), provider="email", method="DATA")
        sending = asyncio.ensure_future(send(sandbox))
        await sandbox.mailbox(SARAH).wait_for()
        assert not sending.done()
    with pytest.raises(SMTPServerDisconnected):
        await sending


async def test_waiting_for_what_does_not_come_ends() -> None:
    async with working() as (sandbox, _):
        with pytest.raises(TimeoutError, match="0 of 2 expected mails"):
            await sandbox.mailbox(SARAH).wait_for(count=2, deadline=0.01)


# --- what customers write --------------------------------------------------------------------------------------


async def test_a_customers_mail_is_brought_with_our_servers_word(both: tuple[MailSandbox, Listener]) -> None:
    sandbox, listener = both
    sarah = sandbox.mailbox(SARAH, "Sarah Müller")
    posted = sarah.write(
        "A question", "hello", "<p>hello</p>", files=[SentFile("a.txt", "text/plain", b"x")], headers={"X-Mine": "y"}
    )
    assert await posted.settled() == 250
    (mail,) = listener.taken
    assert mail["From"].addresses[0].display_name == "Sarah Müller"
    assert mail["Message-ID"] == posted.message_id
    assert mail["X-Mine"] == "y"
    assert "dmarc=pass" in mail["Authentication-Results"]
    assert list(mail.keys())[:3] == ["Return-Path", "Authentication-Results", "Received"]
    assert [part.get_filename() for part in mail.iter_attachments()] == ["a.txt"]
    assert listener.commands[0].startswith("LHLO")


@pytest.mark.parametrize(
    ("verdict", "results"), [(Verdict.FAIL, ["dkim=fail"]), (Verdict.UNCHECKED, [])], ids=["fail", "unchecked"]
)
async def test_its_word_is_as_ordered(both: tuple[MailSandbox, Listener], verdict: Verdict, results: list[str]) -> None:
    sandbox, listener = both
    sarah = sandbox.mailbox(SARAH)
    sarah.verdict = verdict
    await sarah.write("A question", "hello").settled()
    found = listener.taken[0].get_all("Authentication-Results", [])
    assert len(found) == len(results)
    assert all(result in value for result, value in zip(results, found, strict=True))


async def test_it_speaks_smtp_too() -> None:
    async with working(protocol="smtp") as (sandbox, listener):
        await sandbox.mailbox(SARAH).write("A question", "hello").settled()
        assert listener.commands[0].startswith("EHLO")


async def test_it_comes_again_until_the_mail_is_taken(both: tuple[MailSandbox, Listener]) -> None:
    sandbox, listener = both
    listener.answers = ["451 later", "hang up", "nonsense", "250 ok"]
    posted = sandbox.mailbox(SARAH).write("A question", "hello")
    assert await posted.settled() == 250
    assert posted.answers == [451, 250]
    assert posted.acknowledged == 1
    assert not posted.refused


async def test_it_takes_a_no_for_an_answer(both: tuple[MailSandbox, Listener]) -> None:
    sandbox, listener = both
    listener.answers = ["554 no"]
    posted = sandbox.mailbox(SARAH).write("A question", "hello")
    assert await posted.settled() == 554
    assert posted.refused


async def test_raw_bytes_are_brought_as_they_are(both: tuple[MailSandbox, Listener]) -> None:
    sandbox, listener = both
    posted = sandbox.post(b"X: y\n\n.dot\n..\nend", sender="", recipient="support+x@example.com")
    await posted.settled()
    assert "MAIL FROM:<>" in listener.commands[1]
    assert listener.commands[2] == "RCPT TO:<support+x@example.com>"
    assert listener.taken[0].get_content() == "..dot\r\n...\r\nend\r\n"  # the listener does not unstuff
    sandbox.post_again(posted)
    await posted.settled()
    assert posted.answers == [250, 250]


async def test_it_duplicates_and_reorders_on_command(both: tuple[MailSandbox, Listener]) -> None:
    sandbox, listener = both
    sarah = sandbox.mailbox(SARAH)
    sandbox.faults.add(Delay(behind=2), provider="email")
    late = sarah.write("1", "first")
    sandbox.faults.add(Duplicate(), provider="email")
    await sarah.write("2", "second").settled()
    assert late.answers == []
    await sarah.write("3", "third").settled()
    await late.settled()
    assert listener.texts()[:2] == ["second", "second"]
    assert sorted(listener.texts()[2:]) == ["first", "third"]


@pytest.mark.parametrize(
    ("program", "quotation"),
    [
        (Program.GMAIL, " Support <support+rabc@example.com> wrote:\n\n> One.\n>\n> Two."),
        (Program.APPLE, "Sent from my iPhone\n\n> On "),
        (Program.OUTLOOK, "From: Support <support+rabc@example.com>\nSent: "),
        (Program.THUNDERBIRD_GERMAN, " schrieb Support:\n> One."),
    ],
)
async def test_an_answer_is_threaded_and_quotes_as_its_program_does(
    both: tuple[MailSandbox, Listener], program: Program, quotation: str
) -> None:
    sandbox, listener = both
    await send(sandbox)
    sarah = sandbox.mailbox(SARAH)
    await sarah.reply(sarah.mails[0], "Thanks.", program).settled()
    (mail,) = listener.taken
    assert (mail["Subject"], mail["To"]) == ("Re: Hello", "support+rabc@example.com")
    assert (mail["In-Reply-To"], mail["References"]) == ("<1@example.com>", "<1@example.com>")
    plain = mail.get_body(("plain",))
    assert plain is not None
    text = plain.get_content().replace("\r\n", "\n")
    assert text.startswith("Thanks.\n\n")
    assert quotation in text
