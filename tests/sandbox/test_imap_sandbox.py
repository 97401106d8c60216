"""The emulated IMAP server: strict to the letter for whoever writes commands, and good enough for real clients."""

from __future__ import annotations

import asyncio
import base64
import imaplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from imap_tools import A, MailboxLoginError, MailBoxUnencrypted

from omnibot.sandbox import Blocked, Cut, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Outcome
from omnibot.sandbox.mail import ImapSandbox
from omnibot.sandbox.mail.imap_folders import StoredMail
from omnibot.sandbox.mail.imap_search import Bounds, search
from omnibot.sandbox.mail.imap_wire import Atom, BadCommand, Literal, Text, numbers, tokens

T = TypeVar("T")
OURS = "support@example.com"
MAIL = b"From: sarah@example.org\r\nTo: support@example.com\r\nSubject: A question\r\n\r\nhello\r\n"


class Line:
    """A bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> str:
        async with asyncio.timeout(5):
            return (await self.reader.readuntil(b"\r\n")).decode().rstrip("\r\n")

    async def say(self, command: str | bytes, tag: str = "a") -> list[str]:
        """All lines up to the tagged one."""
        raw = command.encode() if isinstance(command, str) else command
        self.writer.write(tag.encode() + b" " + raw + b"\r\n")
        lines = [await self.read()]
        while not lines[-1].startswith((f"{tag} ", "+ ", "* BYE", "* BAD")):
            lines.append(await self.read())
        return lines


@asynccontextmanager
async def line_to(sandbox: ImapSandbox) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    line = Line(reader, writer)
    assert (await line.read()).startswith("* OK [CAPABILITY IMAP4rev1 ")
    try:
        yield line
    finally:
        writer.close()


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[ImapSandbox]:
    async with ImapSandbox() as sandbox:
        sandbox.account(OURS, "secret", token="fresh")
        yield sandbox


@pytest_asyncio.fixture
async def line(sandbox: ImapSandbox) -> AsyncIterator[Line]:
    """Logged in, the inbox with three mails open."""
    inbox = sandbox.account(OURS).inbox
    for number in range(3):
        inbox.add(MAIL.replace(b"hello", b"mail %d" % number))
    async with line_to(sandbox) as line:
        assert (await line.say(f'LOGIN {OURS} "secret"'))[-1].startswith("a OK")
        assert (await line.say("SELECT inbox"))[-1] == "a OK [READ-WRITE] selected"
        yield line


async def client(sandbox: ImapSandbox, act: Callable[[MailBoxUnencrypted], T], password: str = "secret") -> T:
    """What a client of imap-tools gets, in a thread of its own."""

    def run() -> T:
        box = MailBoxUnencrypted("127.0.0.1", sandbox.port, timeout=5)
        with box.client:  # it says goodbye even after a login that failed
            return act(box.login(OURS, password))

    return await asyncio.to_thread(run)


# --- to the letter -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("FETCH 1 (FLAGS)", "a BAD FETCH is not for this state"),
        ("SELECT INBOX", "a BAD SELECT is not for this state"),
        ("XYZ", "a BAD there is no XYZ"),
        ("STARTTLS", "a BAD there is no STARTTLS"),
        ("LOGIN support@example.com wrong", "a NO [AUTHENTICATIONFAILED] wrong name or password"),
        ("LOGIN nobody@example.com secret", "a NO [AUTHENTICATIONFAILED] wrong name or password"),
        ("LOGIN support@example.com", "a BAD this takes 2 words"),
        ("AUTHENTICATE GSSAPI", "a NO there is no GSSAPI"),
        ("AUTHENTICATE PLAIN !!", "a BAD that is no base64"),
        ("AUTHENTICATE PLAIN YWE=", "a BAD PLAIN is malformed"),
        ("AUTHENTICATE XOAUTH2 YWE=", "a BAD XOAUTH2 is malformed"),
        ("LOGIN  support@example.com secret", "a BAD a word is malformed or missing"),
        ("NOOP", "a OK done"),
    ],
)
async def test_before_the_login(sandbox: ImapSandbox, command: str, answer: str) -> None:
    async with line_to(sandbox) as line:
        assert (await line.say(command))[-1] == answer


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("LOGIN support@example.com secret", "a BAD LOGIN is not for this state"),
        ("FETCH 4 (FLAGS)", "a BAD there is no mail of that number"),
        ("FETCH 0 (FLAGS)", "a BAD a set of numbers is malformed"),
        ("FETCH 1 (ENVELOPE)", "a BAD FETCH knows no ENVELOPE"),
        ("FETCH 1 (BODY[7])", "a BAD FETCH knows no section 7"),
        ("FETCH 1 ()", "a BAD FETCH wants nothing"),
        ("FETCH 1", "a BAD FETCH takes a set and what is wanted"),
        ("UID FETCH 99 (FLAGS)", "a OK done"),
        ("UID NOOP", "a BAD there is no UID NOOP"),
        ("STORE 1 +FLAGS (\\Gone)", "a BAD there is no flag \\Gone"),
        ("STORE 1 FLAG (\\Seen)", "a BAD STORE can do +FLAGS, -FLAGS and FLAGS"),
        ("STORE 1 +FLAGS", "a BAD STORE takes a set, what to do and flags"),
        ("SEARCH", "a BAD SEARCH needs something to look for"),
        ("SEARCH MAYBE", "a BAD a string is missing"),
        ("SEARCH BODY x", "a BAD SEARCH has no key BODY"),
        ("SEARCH OR UNSEEN", "a BAD SEARCH ends too early"),
        ('SEARCH "UNSEEN"', "a BAD SEARCH has no such key"),
        ("SEARCH SINCE yesterday", "a BAD a date is like 3-Mar-2025"),
        ("SEARCH LARGER x", "a BAD a number is missing"),
        ("SEARCH CHARSET KOI8-R UNSEEN", "a NO [BADCHARSET (US-ASCII UTF-8)] what is that"),
        ("COPY 1 Nowhere", "a NO [TRYCREATE] there is no such folder"),
        ("SELECT Nowhere", "a NO [NONEXISTENT] there is no such folder"),
        ("CREATE INBOX", "a NO [ALREADYEXISTS] there is one of this name"),
        ("DELETE inbox", "a NO [CANNOT] INBOX stays"),
        ("STATUS INBOX (SIZE)", "a BAD STATUS has no such figure"),
        ("STATUS INBOX", "a BAD STATUS takes a folder and a list"),
        ("APPEND INBOX x", "a BAD APPEND takes a folder and a literal"),
        ("CLOSE", "a OK done"),
        ("UNSELECT", "a OK done"),
        ("CHECK", "a OK done"),
        ("STATUS INBOX (MESSAGES UNSEEN)", "a OK done"),
    ],
)
async def test_after_the_login(line: Line, command: str, answer: str) -> None:
    assert (await line.say(command))[-1] == answer


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b"a NOOP\n", "* BYE a line ends in CRLF"),
        (b"a LOGIN " + b"x" * 70_000, "* BYE the line is too long"),
        (b"a LOGIN {99999999}\r\n", "* BYE the literal is too large"),
        (b"NOOP\r\n", "* BAD a command begins with its tag"),
        (b"* NOOP\r\n", "* BAD a command begins with its tag"),
    ],
)
async def test_what_is_no_command_at_all(line: Line, raw: bytes, answer: str) -> None:
    line.writer.write(raw)
    assert await line.read() == answer


async def test_who_leaves_is_let_go(line: Line) -> None:
    assert await line.say("LOGOUT") == ["* BYE until then"]
    assert await line.read() == "a OK done"
    assert await line.reader.read() == b""


async def test_a_folder_tells_what_it_holds(sandbox: ImapSandbox, line: Line) -> None:
    sandbox.account(OURS).inbox.mails[0].flags.add("\\Seen")
    lines = await line.say("SELECT INBOX")
    for told in ("* 3 EXISTS", "* OK [UNSEEN 2] first unseen", "* OK [UIDVALIDITY 1000] UIDs valid"):
        assert told in lines
    assert any("PERMANENTFLAGS" in told and "\\*" in told for told in lines)
    sandbox.lacks = frozenset({"KEYWORDS"})
    assert not any("\\*" in told for told in await line.say("SELECT INBOX"))
    assert (await line.say("EXAMINE INBOX"))[-1] == "a OK [READ-ONLY] selected"
    assert (await line.say("STORE 1 +FLAGS (\\Seen)"))[-1] == "a NO [READ-ONLY] the folder is only examined"


async def test_mails_are_given_whole_and_in_parts(line: Line) -> None:
    head = "From: sarah@example.org"
    whole = await line.say("UID FETCH 1 (BODY.PEEK[] RFC822.SIZE)")
    assert whole[0] == f"* 1 FETCH (UID 1 BODY[] {{{len(MAIL) + 1}}}"
    assert whole[1] == head
    assert whole[-2] == f" RFC822.SIZE {len(MAIL) + 1})"
    assert (await line.say("FETCH 1 (BODY.PEEK[]<6.5>)"))[0:2] == ["* 1 FETCH (BODY[]<6> {5}", "sarah)"]
    fields = await line.say("FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject To)])")
    assert fields[1:3] == ["To: support@example.com", "Subject: A question"]
    others = await line.say("FETCH 1 (BODY.PEEK[HEADER.FIELDS.NOT (Subject To)])")
    assert others[1:3] == [head, ""]
    assert (await line.say("FETCH 1 BODY.PEEK[TEXT]"))[1] == "mail 0"
    assert (await line.say("FETCH 1:2 FLAGS"))[:2] == ["* 1 FETCH (FLAGS ())", "* 2 FETCH (FLAGS ())"]
    seen = await line.say("FETCH 1 (RFC822)")
    assert seen[-2] == " FLAGS (\\Seen))"
    assert any("INTERNALDATE" in told and "RFC822.SIZE" in told for told in await line.say("FETCH 1 FAST"))


async def test_flags_are_set_kept_and_told_to_others(sandbox: ImapSandbox, line: Line) -> None:
    async with line_to(sandbox) as other:
        await other.say(f"LOGIN {OURS} secret")
        await other.say("SELECT INBOX")
        assert (await line.say("UID STORE 2 +FLAGS (\\seen $Mine)"))[0] == "* 2 FETCH (FLAGS ($Mine \\Seen) UID 2)"
        assert (await line.say("UID STORE 2 -FLAGS.SILENT ($Mine)")) == ["a OK done"]
        assert (await other.say("NOOP"))[0] == "* 2 FETCH (FLAGS (\\Seen) UID 2)"
        sandbox.lacks = frozenset({"KEYWORDS"})
        await line.say("SELECT INBOX")
        assert (await line.say("STORE 1 FLAGS ($Mine \\Flagged)"))[0] == "* 1 FETCH (FLAGS (\\Flagged))"


async def test_what_is_gone_is_told_when_numbers_may_change(sandbox: ImapSandbox, line: Line) -> None:
    async with line_to(sandbox) as other:
        await other.say(f"LOGIN {OURS} secret")
        await other.say("SELECT INBOX")
        await line.say("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        assert (await line.say("UID EXPUNGE 3"))[0] == "* 3 EXPUNGE"
        assert (await line.say("EXPUNGE"))[0] == "* 1 EXPUNGE"
        assert not any("EXPUNGE" in told for told in await other.say("FETCH 2 FLAGS"))
        assert (await other.say("NOOP"))[:2] == ["* 3 EXPUNGE", "* 1 EXPUNGE"]


async def test_mails_move_and_keep_what_they_are(sandbox: ImapSandbox, line: Line) -> None:
    await line.say("CREATE Done")
    moved = await line.say("UID MOVE 2 Done")
    assert moved[0] == "* OK [COPYUID 1000 2 1] moved"
    assert moved[1] == "* 2 EXPUNGE"
    account = sandbox.account(OURS)
    assert [mail.uid for mail in account.inbox.mails] == [1, 3]
    assert b"mail 1" in account.folders["Done"].mails[0].raw
    assert (await line.say("UID COPY 1 Done"))[-1] == "a OK [COPYUID 1000 1 2] done"
    sandbox.lacks = frozenset({"MOVE", "UIDPLUS"})
    await line.say("SELECT INBOX")
    assert (await line.say("UID MOVE 1 Done"))[-1] == "a BAD there is no MOVE"
    assert (await line.say("UID EXPUNGE 1"))[-1] == "a BAD there is no UID EXPUNGE"
    assert (await line.say("COPY 1 Done"))[-1] == "a OK done"
    assert [entry.method for entry in sandbox.ledger] == ["CREATE", "MOVE", "COPY", "COPY"]


async def test_who_idles_is_told_at_once(sandbox: ImapSandbox, line: Line) -> None:
    assert await line.say("IDLE") == ["+ idling"]
    sandbox.account(OURS).deliver(MAIL)
    assert await line.read() == "* 4 EXISTS"
    line.writer.write(b"DONE\r\n")
    assert await line.read() == "a OK done"
    await line.say("IDLE")
    line.writer.write(b"NOOP\r\n")
    assert await line.read() == "a BAD IDLE ends with DONE"


async def test_a_literal_is_asked_for_unless_it_comes_unasked(sandbox: ImapSandbox, line: Line) -> None:
    assert await line.say(f"APPEND INBOX (\\Seen) {{{len(MAIL)}}}") == ["+ go on"]
    line.writer.write(MAIL + b"\r\n")
    assert await line.read() == "* 4 EXISTS"
    assert await line.read() == "a OK [APPENDUID 1000 4] done"
    unasked = b'APPEND INBOX "03-Mar-2025 12:00:00 +0000" {%d+}\r\n%b' % (len(MAIL), MAIL)
    assert (await line.say(unasked))[-1] == "a OK [APPENDUID 1000 5] done"
    assert (await line.say("SEARCH BEFORE 4-Mar-2025"))[0] == "* SEARCH 5"
    bad = b'APPEND INBOX "yesterday" {1+}\r\nx'
    assert (await line.say(bad))[-1] == "a BAD a date is like 03-Mar-2025 12:00:00 +0000"


def oauth(token: str) -> str:
    return base64.b64encode(f"user={OURS}\1auth=Bearer {token}\1\1".encode()).decode()


async def test_it_lets_in_by_password_and_by_token(sandbox: ImapSandbox) -> None:
    plain = base64.b64encode(f"\0{OURS}\0secret".encode()).decode()
    for command in (f"AUTHENTICATE PLAIN {plain}", f"AUTHENTICATE XOAUTH2 {oauth('fresh')}"):
        async with line_to(sandbox) as line:
            assert (await line.say(command))[-1].startswith("a OK [CAPABILITY")
    async with line_to(sandbox) as line:
        assert await line.say("AUTHENTICATE PLAIN") == ["+ "]
        line.writer.write(plain.encode() + b"\r\n")
        assert (await line.read()).startswith("a OK")
    async with line_to(sandbox) as line:
        assert (await line.say(f"AUTHENTICATE XOAUTH2 {oauth('stale')}"))[0].startswith("+ eyJ")
        line.writer.write(b"\r\n")
        assert await line.read() == "a NO [AUTHENTICATIONFAILED] wrong name or password"
    assert sandbox.logins == 3
    assert [entry.outcome for entry in sandbox.ledger] == [Outcome.REFUSED]


@given(st.binary(max_size=60) | st.text(alphabet='ab(){}[]"\\ <.>*1+\r\n').map(str.encode))
def test_any_bytes_are_words_or_bad(raw: bytes) -> None:
    with suppress(BadCommand):
        assert isinstance(tokens(raw + b"\r\n"), list)


def test_words_of_all_kinds() -> None:
    command = b'STORE "a \\"b\\"" (\\Seen (x)) BODY[HEADER.FIELDS (A B)]<0.9> {3+}\r\na"( x\r\n'
    assert tokens(command) == ["STORE", 'a "b"', ["\\Seen", ["x"]], "BODY[HEADER.FIELDS (A B)]<0.9>", b'a"(', "x"]
    assert [type(word) for word in tokens(b'a "b" {1}\r\nc\r\n')] == [Atom, Text, Literal]


def test_sets_of_numbers() -> None:
    assert numbers("1,4:2,*", 9) == [range(1, 2), range(2, 5), range(9, 10)]
    assert numbers("12:*", 9) == [range(9, 13)]  # the last is always in it
    for text in ("", "0", "1:2:3", "a", "1,,2", "-1"):
        with pytest.raises(BadCommand):
            numbers(text, 9)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ALL", True),
        ("SEEN", True),
        ("UNSEEN", False),
        ("UNDELETED", True),
        ("NEW", False),
        ("NOT NEW", True),
        ("KEYWORD $Mine", True),
        ("UNKEYWORD $mine", False),
        ("OR UNSEEN UID 5:*", True),
        ("UID 9", False),
        ("7", False),
        ("1:3", True),
        ("SEEN (UID 7)", True),
        ("SEEN FLAGGED", False),
        ("FROM SARAH", True),
        ('SUBJECT "a question"', True),
        ("HEADER X-None x", False),
        ("SINCE 3-Mar-2025", True),
        ("SINCE 4-Mar-2025", False),
        ("BEFORE 3-Mar-2025", False),
        ("ON 3-Mar-2025", True),
        ("LARGER 10", True),
        ("SMALLER 10", False),
    ],
)
def test_searches(words: str, found: bool) -> None:
    mail = StoredMail(7, MAIL, datetime(2025, 3, 3, 12, tzinfo=UTC), {"\\Seen", "$Mine"})
    assert search(tokens(words.encode() + b"\r\n"), Bounds(9, 9))(2, mail) is found


# --- real clients ------------------------------------------------------------------------------------------------


async def test_imap_tools_reads_flags_moves_and_deletes(sandbox: ImapSandbox) -> None:
    account = sandbox.account(OURS)
    for number in range(5):
        account.deliver(MAIL.replace(b"hello", b"mail %d" % number))

    def act(box: MailBoxUnencrypted) -> list[str]:
        assert [folder.name for folder in box.folder.list()] == ["INBOX"]
        assert box.folder.status()["MESSAGES"] == 5
        box.folder.create("Größe")
        texts = [mail.text.strip() for mail in box.fetch(A(seen=False), mark_seen=False, bulk=2)]
        box.flag(["1", "2"], ["\\Seen", "$Mine"], True)
        box.move(["3"], "Größe")
        box.delete(["4"])
        assert box.uids("UNSEEN") == ["5"]
        assert box.uids(A(keyword="$Mine")) == ["1", "2"]
        box.append(MAIL)
        return texts

    assert await client(sandbox, act) == [f"mail {number}" for number in range(5)]
    assert [mail.uid for mail in account.inbox.mails] == [1, 2, 5, 6]
    assert [len(folder.mails) for folder in account.folders.values()] == [4, 1]


async def test_imap_tools_waits_and_gets_in_by_token(sandbox: ImapSandbox) -> None:
    account = sandbox.account(OURS)
    loop = asyncio.get_running_loop()

    def run() -> list[bytes]:
        with MailBoxUnencrypted("127.0.0.1", sandbox.port, timeout=5).xoauth2(OURS, "fresh") as box:
            box.idle.start()
            loop.call_soon_threadsafe(account.deliver, MAIL)
            told = box.idle.poll(5)
            box.idle.stop()
            return told

    assert await asyncio.to_thread(run) == [b"* 1 EXISTS"]
    with pytest.raises(MailboxLoginError, match="AUTHENTICATIONFAILED"):
        await client(sandbox, lambda box: None, password="wrong")


# --- misbehaviour ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (Throttle(3), "a NO [LIMIT] too much at once"),
        (ServerError(), "a NO [SERVERBUG] try again later"),
        (Blocked(), "a NO [NOPERM] not allowed"),
    ],
)
async def test_it_refuses_on_command_once(sandbox: ImapSandbox, line: Line, fault: Throttle, answer: str) -> None:
    sandbox.faults.add(fault, provider="imap", method="FETCH", address=OURS)
    assert (await line.say("FETCH 1 FLAGS"))[-1] == answer
    assert (await line.say("FETCH 1 FLAGS"))[-1] == "a OK done"


async def test_it_turns_a_login_away_on_command(sandbox: ImapSandbox) -> None:
    sandbox.faults.add(Blocked(), provider="imap", method="LOGIN")
    async with line_to(sandbox) as line:
        assert (await line.say(f"LOGIN {OURS} secret"))[-1] == "a NO [AUTHENTICATIONFAILED] go away"


@pytest.mark.parametrize("accepted", [True, False])
async def test_it_hangs_up_on_command_having_done_it_or_not(sandbox: ImapSandbox, line: Line, accepted: bool) -> None:
    sandbox.faults.add(Cut(accepted=accepted), provider="imap", method="STORE")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await line.say("STORE 1 +FLAGS (\\Seen)")
    assert sandbox.account(OURS).inbox.mails[0].has("\\Seen") is accepted


async def test_it_hangs_on_command(sandbox: ImapSandbox, line: Line) -> None:
    sandbox.faults.add(Hang(accepted=False), provider="imap", method="FETCH")
    waiting = asyncio.ensure_future(line.say("FETCH 1 FLAGS"))
    async with line_to(sandbox) as other:  # others are served
        await other.say("NOOP")
    assert not waiting.done()
    waiting.cancel()


async def test_connections_are_dropped_or_go_silent_on_command(sandbox: ImapSandbox, line: Line) -> None:
    sandbox.go_silent()
    waiting = asyncio.ensure_future(line.say("NOOP"))
    async with line_to(sandbox) as other:
        await other.say("NOOP")
        assert not waiting.done()
        sandbox.drop()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await other.read()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await waiting


async def test_uids_become_others_on_command(sandbox: ImapSandbox, line: Line) -> None:
    account = sandbox.account(OURS)
    account.inbox.remove(account.inbox.mails[:1])
    sandbox.renumber(account)
    assert await line.read() == "* BYE the mailbox was rebuilt"
    assert (account.inbox.validity, [mail.uid for mail in account.inbox.mails]) == (1001, [1, 2])


async def test_a_mail_can_be_past_reading(sandbox: ImapSandbox, line: Line) -> None:
    sandbox.account(OURS).inbox.mails[1].unreadable = True
    answers = await line.say("UID FETCH 1:3 (BODY.PEEK[TEXT])")
    assert [told for told in answers if told.startswith("mail")] == ["mail 0", "mail 2"]
    assert answers[-1] == "a NO [SERVERBUG] some mails could not be read"
    assert (await line.say("UID FETCH 2 (FLAGS)"))[-1] == "a OK done"


async def test_pythons_own_client_is_served_too(sandbox: ImapSandbox) -> None:
    def run() -> tuple[str, list[bytes]]:
        with imaplib.IMAP4("127.0.0.1", sandbox.port, timeout=5) as plain:
            plain.login(OURS, "secret")
            return plain.select("INBOX")  # type: ignore[return-value]

    assert await asyncio.to_thread(run) == ("OK", [b"0"])
