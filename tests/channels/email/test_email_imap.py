"""The mailbox at a provider: all that is new is taken once, whatever the server, the network and the core do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from email_office import NOON, OURS, SARAH, MailRoom, free_port, mail, mail_room, outbound, settings, until
from structlog.testing import capture_logs

from omnibot.contract import NotAccepted, Refused
from omnibot.model import Incoming, IncomingMessage
from omnibot.sandbox import Blocked, Cut, Hang, ServerError, Throttle
from omnibot.sandbox.mail import MailSandbox
from omnibot.sandbox.mail.imap import Extension
from omnibot.sandbox.mail.imap_connection import Connection
from omnibot.sandbox.mail.imap_wire import Token
from omnibot.testing import Inbox
from omnibot_email import Email
from omnibot_email.authentication import Authenticator, NotNow
from omnibot_email.imap_reader import _groups
from omnibot_email.imap_session import Waiting


@pytest_asyncio.fixture
async def room() -> AsyncIterator[MailRoom]:
    async with mail_room() as room:
        yield room


def numbered(number: int) -> bytes:
    return mail(f"mail {number}", headers=f"Message-ID: <{number}@example.org>")


def texts(room: MailRoom) -> list[str]:
    return [message.text for message in room.inbox.messages]


# --- what is taken -----------------------------------------------------------------------------------------------


async def test_what_waits_and_what_comes_is_taken_in_order(room: MailRoom) -> None:
    for number in range(3):
        room.arrives(numbered(number))
    async with room.reading():
        await room.inbox.arrived(3)
        room.arrives(numbered(3))
        await room.inbox.arrived(4)
        await until(lambda: room.marked() == [1, 2, 3, 4])
    assert texts(room) == ["mail 0", "mail 1", "mail 2", "mail 3"]
    assert all(mail.has("\\Seen") for mail in room.account.inbox.mails)
    (message, *_) = room.inbox.messages
    assert (message.sender.address.value, message.quarantine, message.automatic) == (SARAH, "", "")


async def test_new_mail_is_told_of_at_once_where_the_server_can() -> None:
    async with mail_room(poll_seconds=1000) as room, room.reading():
        room.arrives(numbered(1))
        await room.inbox.arrived(1)
        room.arrives(numbered(2))
        await room.inbox.arrived(2, deadline=5)


@pytest.mark.parametrize("more", [{"idle": False}, {"lacks": ["IDLE"]}], ids=str)
async def test_else_it_is_looked_for(more: dict[str, Any]) -> None:
    async with mail_room(**more) as room, room.reading():
        room.arrives(numbered(1))
        await room.inbox.arrived(1)
        room.arrives(numbered(2))
        await room.inbox.arrived(2)


async def test_what_was_read_before_we_came_is_left_alone_now_and_later(room: MailRoom) -> None:
    room.arrives(numbered(0))
    room.arrives(numbered(1), "\\Seen")
    room.arrives(numbered(2), "\\Seen", "\\Deleted")
    for _ in range(2):
        async with room.reading(room.another()):
            await until(lambda: room.marked() == [1, 2])
            await room.inbox.arrived(1)
    assert len(room.inbox.offers) == 1


async def test_what_somebody_opens_before_us_is_taken_all_the_same(room: MailRoom) -> None:
    async with room.reading():
        await until(lambda: room.imap.logins == 1)
        room.arrives(numbered(1))
        await until(lambda: room.marked() == [1])
    room.arrives(numbered(2), "\\Seen")  # while we are stopped
    async with room.reading(room.another()):
        room.arrives(numbered(3), "\\Seen")
        await room.inbox.arrived(3)
    assert texts(room) == ["mail 1", "mail 2", "mail 3"]


async def test_an_old_mailbox_does_not_come_to_life_when_our_last_mark_is_gone(room: MailRoom) -> None:
    room.arrives(numbered(0))
    for number in range(1, 4):
        room.arrives(numbered(number), "\\Seen").at = NOON - timedelta(days=30)
    async with room.reading():
        await until(lambda: room.marked() == [1, 4])
    room.account.inbox.remove(room.account.inbox.mails[3:])
    async with room.reading(room.another()):
        room.arrives(numbered(9))
        await room.inbox.arrived(2)
    assert texts(room) == ["mail 0", "mail 9"]


async def test_without_keywords_what_is_seen_is_taken() -> None:
    async with mail_room(lacks=["KEYWORDS"]) as room:
        room.arrives(numbered(0), "\\Seen")
        room.arrives(numbered(1))
        async with room.reading():
            await room.inbox.arrived(1)
            room.arrives(numbered(2), "\\Seen")  # opened before we could
            await room.inbox.arrived(2)
        async with room.reading(room.another()):
            room.arrives(numbered(3))
            await room.inbox.arrived(3)
            await until(lambda: all(mail.has("\\Seen") for mail in room.account.inbox.mails))
        assert len(room.inbox.offers) == 3
        assert room.marked() == []


@pytest.mark.parametrize("lacks", [[], ["MOVE"], ["MOVE", "UIDPLUS"]], ids=str)
async def test_taken_mail_is_moved_where_that_is_wanted(lacks: list[Extension]) -> None:
    async with mail_room(lacks=lacks, after="move:Done") as room:
        done = room.account.create("Done")
        room.arrives(numbered(0), "\\Deleted")  # somebody else's
        ours = room.arrives(numbered(1))
        async with room.reading():
            await until(lambda: ours not in room.account.inbox.mails or ours.has("\\Deleted"))
        assert [b"mail 1" in mail.raw for mail in done.mails] == [True]
        assert [mail.uid for mail in room.account.inbox.mails][:1] == [1]
        assert texts(room) == ["mail 1"]


async def test_taken_mail_is_deleted_where_that_is_wanted() -> None:
    async with mail_room(after="delete") as room:
        room.arrives(numbered(0), "\\Deleted")
        room.arrives(numbered(1))
        async with room.reading():
            await room.inbox.arrived(1)
            await until(lambda: [mail.uid for mail in room.account.inbox.mails] == [1])


async def test_our_own_mail_come_back_is_marked_and_nothing_else(room: MailRoom) -> None:
    room.arrives(mail(sender=OURS))
    async with room.reading():
        await until(lambda: room.marked() == [1])
    assert room.inbox.offers == []


async def test_a_mailbox_tells_no_envelope_but_its_headers_do(room: MailRoom) -> None:
    await room.channel.send(outbound())
    (received,) = await room.sandbox.mailbox(SARAH).wait_for()
    posted = room.sandbox.mailbox(SARAH).reply(received, "Thanks.")
    await posted.settled()
    assert room.account.inbox.mails[0].raw.startswith(b"Delivered-To: support+r")
    hidden = mail("by a hidden copy", headers="Message-ID: <9@example.org>")
    delivered = f"X-Original-To: {received.reply_address}\n".encode()
    room.arrives(delivered + hidden.replace(b"To: support@example.com", b"To: undisclosed-recipients:;"))
    room.arrives(mail("from nowhere", headers="Return-Path: <>\nMessage-ID: <8@example.org>"))
    async with room.reading():
        await room.inbox.arrived(3)
    assert [message.answers_ours for message in room.inbox.messages] == [7, 7, None]
    assert [message.automatic for message in room.inbox.messages] == ["", "", "null return path"]


async def test_both_ways_in_take_one_mail_once() -> None:
    async with mail_room() as room:
        room.arrives(numbered(1))
        raw = room.account.inbox.mails[0].raw
        async with room.reading():
            await room.inbox.arrived(1)
            room.account.inbox.add(b"Delivered-To: support@example.com\r\n" + raw)
            await until(lambda: len(room.marked()) == 2)
    first, again = room.inbox.offers
    assert first.id == again.id


async def test_mail_may_come_both_ways_at_once(room: MailRoom) -> None:
    given = settings(room.sandbox.port, free_port(), imap={"port": room.imap.port})
    assert given.listen is not None
    channel = Email(room.channel.site, given)
    async with MailSandbox(address=OURS, deliver_to=("127.0.0.1", given.listen.port), retry_after=0.01) as server:
        async with room.reading(channel) as listener:
            room.arrives(numbered(1))
            await server.post(numbered(2), sender=SARAH).settled()
            await room.inbox.arrived(2)
        assert listener.done()


# --- many, large and poisonous -----------------------------------------------------------------------------------


def test_mails_are_read_in_groups_of_bounded_number_and_size() -> None:
    small = [Waiting(uid, 1000) for uid in range(1, 61)]
    assert [len(group) for group in _groups(small, set())] == [25, 25, 10]
    mixed = [Waiting(1, 1000), Waiting(2, 30_000_000), Waiting(3, 3_000_000), Waiting(4, 2_000_000)]
    assert [[one.uid for one in group] for group in _groups(mixed, set())] == [[1], [2], [3], [4]]
    assert [[one.uid for one in group] for group in _groups(small[:4], {2})] == [[1], [2], [3, 4]]


async def test_a_large_mail_is_read_as_far_as_it_is_a_text_and_stays_where_it_is() -> None:
    async with mail_room(max_bytes=100_000, after="delete") as room:
        head = "Message-ID: <1@example.org>\nContent-Type: multipart/mixed; boundary=b"
        body = "--b\n\nlook at this\n--b\nContent-Disposition: attachment; filename=big.bin\n\n" + "x\n" * 700_000
        room.arrives(mail(body, headers=head))
        async with room.reading():
            room.arrives(numbered(2))
            await room.inbox.arrived(2)
            await until(lambda: room.marked() == [1] and len(room.account.inbox.mails) == 1)
        message, small = room.inbox.messages
        assert (message.text, small.text) == ("look at this", "mail 2")
        (left,) = message.attachments
        assert left.size == len(room.account.inbox.mails[0].raw)
        with pytest.raises(Refused, match=r"imap\.max_bytes"):
            await anext(room.channel.fetch(left))


async def test_a_mail_past_reading_keeps_nothing_else_out(room: MailRoom) -> None:
    for number in range(5):
        room.arrives(numbered(number))
    room.account.inbox.mails[1].unreadable = True
    with capture_logs() as logs:
        async with room.reading():
            await until(lambda: len(room.marked()) == 4)
            room.arrives(numbered(5))
            await room.inbox.arrived(5)
            await until(lambda: room.channel._reader is not None and room.channel._reader.left == 1)
        findings = await room.channel.health()
    assert texts(room) == ["mail 0", "mail 2", "mail 3", "mail 4", "mail 5"]
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["email.left_in_mailbox"]
    assert "1 mails cannot be read" in findings[-1].what
    room.account.inbox.mails[1].unreadable = False
    room.clock.move(timedelta(hours=2))
    async with room.reading():
        await room.inbox.arrived(6)


async def test_a_mail_that_breaks_the_connection_is_asked_for_alone_and_then_left(room: MailRoom) -> None:
    for number in range(4):
        room.arrives(numbered(number))
    breaking = BreaksAt(room, uid=2)
    async with breaking.reading():
        await until(lambda: room.marked() == [1, 3, 4])
    assert texts(room) == ["mail 0", "mail 2", "mail 3"]


class BreaksAt:
    """A server that dies whenever a certain mail is asked for."""

    def __init__(self, room: MailRoom, uid: int) -> None:
        self.room = room
        self.uid = uid

    def reading(self):
        channel = self.room.another()
        reader = channel._reader
        assert reader is not None
        make = reader._session

        async def session():
            made = await make()
            read = made.read

            def breaking(uids: Sequence[int], **more: bool):
                if self.uid in uids:
                    made.hang_up()
                return read(uids, **more)

            made.read = breaking
            return made

        reader._session = session
        reader._wait = 0.01
        return self.room.reading(channel)


class Choosy(Inbox):
    """A core that cannot store certain mails."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    async def __call__(self, arrivals: Sequence[Incoming]) -> None:
        if any(word in item.text for item in arrivals if isinstance(item, IncomingMessage) for word in self.words):
            raise NotAccepted("no")
        await super().__call__(arrivals)


async def test_a_mail_that_the_core_cannot_store_keeps_nothing_else_out(room: MailRoom) -> None:
    room.inbox = Choosy("mail 1")
    for number in range(4):
        room.arrives(numbered(number))
    async with room.reading():
        await until(lambda: room.marked() == [1, 3, 4])
        assert not room.account.inbox.mails[1].has("\\Seen")


@pytest.mark.parametrize("words", [["mail 0"], ["mail 0", "mail 1", "mail 2"]], ids=str)
async def test_mails_that_the_core_cannot_store_are_told_from_a_core_that_stores_nothing(
    room: MailRoom, words: list[str]
) -> None:
    room.inbox = Choosy(*words)
    large = mail("mail 0\n" + "x" * 5_000_000, headers="Message-ID: <0@example.org>")  # comes alone
    room.arrives(large)
    for number in range(1, 5):
        room.arrives(numbered(number))
    reader = room.channel._reader
    assert reader is not None
    reader._wait = 0.01
    async with room.reading():
        await until(lambda: room.marked() == list(range(len(words) + 1, 6)))


async def test_a_mail_on_which_we_fail_keeps_nothing_else_out(room: MailRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Email._read

    async def failing(self: Email, raw: bytes):
        if b"mail 1" in raw:
            raise RecursionError
        return await read(self, raw)

    monkeypatch.setattr(Email, "_read", failing)
    for number in range(3):
        room.arrives(numbered(number))
    with capture_logs() as logs:
        async with room.reading():
            await until(lambda: room.marked() == [1, 3])
            await until(lambda: any(log["event"] == "email.left_in_mailbox" for log in logs))
    assert {log.get("error") for log in logs if log["event"] == "email.take_failed"} == {"RecursionError"}


# --- the core, the server and the network -------------------------------------------------------------------------


async def test_nothing_is_marked_that_was_not_committed(room: MailRoom) -> None:
    room.inbox.refusing = True
    for number in range(60):
        room.arrives(numbered(number))
    async with room.reading():
        await until(lambda: len(room.inbox.offers) > 30)  # a second look
        assert room.marked() == []
        assert not any(mail.has("\\Seen") for mail in room.account.inbox.mails)
        room.inbox.refusing = False
        await room.inbox.arrived(60)
        await until(lambda: len(room.marked()) == 60)
    assert texts(room) == [f"mail {number}" for number in range(60)]


async def test_while_name_servers_are_silent_mail_waits_and_nothing_counts_it(room: MailRoom) -> None:
    silent = 5  # looks, more than a mail has attempts

    async def doubt(self: Authenticator, headers: object, raw: bytes, domain: str) -> str:
        nonlocal silent
        silent -= 1
        if silent > 0:
            raise NotNow
        return ""

    room.arrives(numbered(1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Authenticator, "doubt", doubt)
        patched.setattr("omnibot_email.imap_reader._LONGEST_WAIT", 0.01)
        async with room.reading():
            await until(lambda: room.marked() == [1])
    assert silent == 0


async def test_whose_name_servers_never_answer_waits_for_hours_behind_others_and_goes_to_staff(room: MailRoom) -> None:
    asked: list[bytes] = []

    async def doubt(self: Authenticator, headers: object, raw: bytes, domain: str) -> str:
        text = raw.rstrip().rpartition(b"\n")[2]
        asked.append(text)
        if asked == [b"mail 0"]:
            room.arrives(numbered(1))
        if text == b"mail 0":
            raise NotNow
        return ""

    room.arrives(numbered(0))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Authenticator, "doubt", doubt)
        patched.setattr("omnibot_email.imap_reader._LONGEST_WAIT", 0.01)
        patched.setattr("omnibot_email.imap_reader._AT_ONCE", 1)
        async with room.reading():
            await until(lambda: room.marked() == [2])
            assert asked[:2] == [b"mail 0", b"mail 1"]
            room.clock.now += timedelta(hours=3, minutes=59)
            tries = len(asked)
            await until(lambda: len(asked) > tries + 1)
            assert room.marked() == [2]
            room.clock.now += timedelta(minutes=1)
            await until(lambda: room.marked() == [1, 2])
    believed, doubted = room.inbox.messages
    assert (believed.text, believed.quarantine) == ("mail 1", "")
    assert (doubted.text, bool(doubted.quarantine)) == ("mail 0", True)


async def test_a_server_that_refuses_to_idle_is_asked_all_the_same(room: MailRoom) -> None:
    room.imap.faults.add(ServerError(), provider="imap", method="IDLE", count=3)
    reader = room.channel._reader
    assert reader is not None
    reader._wait = 0.01
    async with room.reading():
        room.arrives(numbered(1))
        await until(lambda: room.marked() == [1])
        room.arrives(numbered(2))
        await until(lambda: room.marked() == [1, 2])


@pytest.mark.parametrize("method", ["NOOP", "SEARCH", "FETCH", "STORE", "IDLE"])
@pytest.mark.parametrize("fault", [Cut(accepted=True), Cut(accepted=False), ServerError(), Throttle(1)], ids=str)
async def test_whatever_fails_all_mail_is_taken(method: str, fault: Cut) -> None:
    async with mail_room(timeout=0.5) as room:
        for number in range(3):
            room.arrives(numbered(number))
        room.imap.faults.add(fault, provider="imap", method=method)
        reader = room.channel._reader
        assert reader is not None
        reader._wait = 0.01
        async with room.reading():
            await until(lambda: room.marked() == [1, 2, 3])
            room.arrives(numbered(3))
            await until(lambda: room.marked() == [1, 2, 3, 4])
        assert texts(room) == [f"mail {number}" for number in range(4)]
        assert reader.trouble is None


async def test_a_crash_between_commit_and_mark_reads_twice_and_takes_once(room: MailRoom) -> None:
    room.arrives(numbered(1))
    room.imap.faults.add(Cut(accepted=False), provider="imap", method="STORE")
    async with room.reading():
        await room.inbox.arrived(1)
    async with room.reading(room.another()):
        await until(lambda: room.marked() == [1])
    assert len(room.inbox.offers) == 2
    assert len(room.inbox.arrivals) == 1


async def test_a_dead_line_is_noticed() -> None:
    async with mail_room(timeout=0.2) as room, room.reading():
        await until(lambda: room.imap.logins == 1)
        room.imap.go_silent()
        room.arrives(numbered(1))
        await room.inbox.arrived(1)
        assert room.imap.logins == 2


async def test_mail_goes_on_when_all_uids_become_others(room: MailRoom) -> None:
    for number in range(3):
        room.arrives(numbered(number))
    reader = room.channel._reader
    assert reader is not None
    async with room.reading():
        await until(lambda: room.marked() == [1, 2, 3])
        room.account.inbox.remove(room.account.inbox.mails[:2])
        reader._wait = 0.01
        room.imap.renumber(room.account)
        room.arrives(numbered(3))
        await until(lambda: room.marked() == [1, 2])
    assert texts(room) == [f"mail {number}" for number in range(4)]


async def test_a_folder_that_cannot_be_marked_is_read_all_the_same_and_told(room: MailRoom) -> None:
    room.imap.faults.add(Blocked(), provider="imap", method="STORE", count=40)
    room.arrives(numbered(1))
    reader = room.channel._reader
    assert reader is not None
    async with room.reading():
        await until(lambda: reader.trouble)
        (finding,) = await room.channel.health()
        assert "mark what was taken" in finding.what
        room.arrives(numbered(2))
        await room.inbox.arrived(2)
        await until(lambda: room.marked() == [1, 2] and reader.trouble is None)
    assert len(room.inbox.offers) == 2


@pytest.mark.parametrize("method", ["LOGIN", "SELECT", "SEARCH", "FETCH", "IDLE"])
async def test_reading_ends_promptly_wherever_the_server_hangs(room: MailRoom, method: str) -> None:
    room.arrives(numbered(1))
    room.imap.faults.add(Hang(accepted=False), provider="imap", method=method)
    listener = asyncio.ensure_future(room.channel.listen(room.inbox))
    await until(lambda: not room.imap.faults._orders)
    listener.cancel()
    _, pending = await asyncio.wait({listener}, timeout=3)
    assert not pending


# --- what is wrong, and who must do what ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "what", "action"),
    [
        ({}, "", ""),
        ({"password": "wrong"}, "refused the login", "imap.password"),
        ({"password": "größer"}, "refused the login", "imap.password"),
        ({"username": "nobody@example.com"}, "refused the login", "imap.username"),
        ({"folder": "Nowhere"}, "imap.folder", "correct imap.folder"),
        ({"after": "move:Nowhere"}, "imap.after", "make it in the mailbox"),
        ({"host": "nowhere.invalid"}, "cannot connect", "imap.host"),
        ({"security": "tls"}, "does not speak TLS", "imap.security"),
        ({"security": "starttls"}, "no STARTTLS", "imap.security"),
    ],
    ids=str,
)
async def test_each_mistake_is_found(room: MailRoom, more: dict[str, Any], what: str, action: str) -> None:
    async with room.another(**more) as channel:
        findings = [finding for finding in await channel.health() if finding.fatal]
    assert len(findings) == bool(what)
    for finding in findings:
        assert what in finding.what
        assert action in finding.action


async def test_who_is_refused_knocks_ever_less_often_and_health_knocks_not_at_all(room: MailRoom) -> None:
    room.imap.faults.add(Blocked(), provider="imap", method="LOGIN", count=4)
    reader = room.channel._reader
    assert reader is not None
    pauses: list[float] = []
    told = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) <= 4:
            told.append([finding for finding in await room.channel.health() if finding.fatal])

    reader._pause = pause
    room.arrives(numbered(1))
    async with room.reading():
        await until(lambda: room.marked() == [1])
        room.imap.faults.add(Blocked(), provider="imap", method="LOGIN")
        room.imap.drop()
        await until(lambda: len(pauses) == 6)
    first, second, third, fourth, lost, anew = pauses
    assert 45 <= first < second < third < fourth
    assert fourth >= 360
    assert lost < 2  # a connection that breaks is another matter
    assert 45 <= anew < 80
    for (finding,) in told:
        assert "refused the login" in finding.what
        assert "it is tried again within the hour" in finding.action


async def test_a_server_that_lets_nobody_in_for_a_while_is_asked_soon_again(room: MailRoom) -> None:
    room.imap.faults.add(Throttle(1), provider="imap", method="LOGIN")
    room.arrives(numbered(1))
    async with room.reading():
        await until(lambda: room.marked() == [1])


async def test_a_server_that_hangs_up_is_found(room: MailRoom) -> None:
    room.imap.faults.add(Cut(accepted=False), provider="imap", method="LOGIN")
    (finding,) = await room.channel.health()
    assert "hung up" in finding.what


async def test_a_folder_that_can_only_be_read_is_found(room: MailRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    select = Connection._select

    def read_only(self: Connection, words: Sequence[Token], *, writable: bool = False) -> str:
        self._say("* NO [READ-ONLY] no write access")
        return select(self, words, writable=False)

    monkeypatch.setattr(Connection, "_select", read_only)
    (finding,) = await room.channel.health()
    assert "only be read" in finding.what
