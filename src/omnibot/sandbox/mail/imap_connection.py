"""One client's connection to the emulated IMAP server: its state, and its commands."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Protocol

from omnibot.sandbox.faults import Blocked, Cut, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Ledger, Outcome
from omnibot.sandbox.mail.imap_folders import INBOX, RECENT, ImapAccount, ImapFolder
from omnibot.sandbox.mail.imap_selected import Selected
from omnibot.sandbox.mail.imap_wire import (
    BadCommand,
    Literal,
    Refused,
    Token,
    quoted,
    read_command,
    text_of,
    texts_of,
    tokens,
)

PROVIDER = "imap"
_GREETED, _LOGGED_IN, _SELECTED = range(3)  # states, each with all that the former may do
_NEEDS = {
    **dict.fromkeys(("CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "LOGIN", "AUTHENTICATE"), _GREETED),
    **dict.fromkeys(("SELECT", "EXAMINE", "CREATE", "DELETE", "LIST", "STATUS", "APPEND", "IDLE"), _LOGGED_IN),
    **dict.fromkeys(("FETCH", "STORE", "SEARCH", "COPY", "MOVE", "EXPUNGE", "CLOSE", "UNSELECT", "CHECK"), _SELECTED),
}
_ONLY_GREETED = ("STARTTLS", "LOGIN", "AUTHENTICATE")
_ON_MAILS = ("FETCH", "STORE", "SEARCH", "COPY", "MOVE", "EXPUNGE")  # by number, or by UID
_NUMBERS_STAY = ("FETCH", "STORE", "SEARCH")  # while one of these is answered, nothing is expunged (RFC 3501 7.4.1)
_TAG = re.compile(rb"[!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_CHUNK = 65_536


class _Gone(Exception):
    """The connection ends here."""


class Server(Protocol):
    """What a connection needs of the server."""

    ledger: Ledger
    faults: Faults
    tls: ssl.SSLContext | None
    accounts: dict[str, ImapAccount]
    logins: int

    @property
    def security(self) -> str:
        """none, starttls or tls."""
        ...

    @property
    def lacks(self) -> Collection[str]:
        """Extensions that this server does without."""
        ...


class Connection:
    """See the module. `run` ends with the connection."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.silent = False  # takes everything and answers nothing
        self._server = server
        self._reader = reader
        self._writer = writer
        self._secure = server.security == "tls"
        self._account: ImapAccount | None = None
        self._selected: Selected | None = None

    @property
    def folder(self) -> ImapFolder | None:
        """Which it has open."""
        return self._selected.folder if self._selected else None

    # --- the conversation -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Greet, and answer commands until the client leaves."""
        self._say(f"* OK [CAPABILITY {self._capabilities()}] sandbox ready")
        try:
            while True:
                await self._command(await read_command(self._reader, self._writer))
        except BadCommand as error:  # the place at which the next command begins is lost
            self._say(f"* BYE {error}")
        except (_Gone, EOFError, ConnectionError):
            pass
        finally:
            self._leave()

    def cut(self) -> None:
        """Hang up without a word."""
        self._writer.transport.abort()

    def send_away(self, why: str) -> None:
        """Hang up, saying why."""
        self._say(f"* BYE {why}")
        self._writer.close()

    def _say(self, line: str | bytes) -> None:
        if not (self.silent or self._writer.is_closing()):
            self._writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    async def _command(self, raw: bytes) -> None:
        tag, space, rest = raw.partition(b" ")
        if not space or not _TAG.fullmatch(tag):
            self._say("* BAD a command begins with its tag")
            return
        verb, by_uid = "", False
        try:
            verb, by_uid, words = self._words(rest)
            answer = f"OK {await self._answer(verb, by_uid, words)}"
        except BadCommand as error:
            answer = f"BAD {error}"
        except Refused as error:
            answer = f"NO {error}"
        if self._selected is not None:
            self._selected.sync(expunge=by_uid or verb not in _NUMBERS_STAY)
        self._say(f"{tag.decode()} {answer}")
        with suppress(ConnectionError):
            await self._writer.drain()
        if answer.startswith("OK"):
            await self._after(verb)

    async def _after(self, verb: str) -> None:
        """What a yes to a command entails, once it is said."""
        if verb == "LOGOUT":
            raise _Gone
        if verb == "STARTTLS":
            assert self._server.tls is not None
            await self._writer.start_tls(self._server.tls)
            self._secure = True

    def _words(self, rest: bytes) -> tuple[str, bool, list[Token]]:
        words = tokens(rest)
        verb = text_of(words.pop(0) if words else None).upper()
        by_uid = verb == "UID"
        if by_uid:
            verb = text_of(words.pop(0) if words else None).upper()
            if verb not in _ON_MAILS or (verb == "EXPUNGE" and "UIDPLUS" in self._server.lacks):
                raise BadCommand(f"there is no UID {verb}")
        if verb not in _NEEDS or verb in self._server.lacks:
            raise BadCommand(f"there is no {verb}")
        if _NEEDS[verb] > self._state or (verb in _ONLY_GREETED and self._state > _GREETED):
            raise BadCommand(f"{verb} is not for this state")
        return verb, by_uid, words

    @property
    def _state(self) -> int:
        if self._account is None:
            return _GREETED
        return _LOGGED_IN if self._selected is None else _SELECTED

    async def _answer(self, verb: str, by_uid: bool, words: list[Token]) -> str:
        fault = self._server.faults.take(PROVIDER, verb, self._account.name if self._account else "")
        if not isinstance(fault, Hang | Cut):
            _refuse(verb, fault)
            return await self._do(verb, by_uid, words)
        self.silent = True
        if fault.accepted:
            await self._do(verb, by_uid, words)
        await self._vanish(fault)
        raise _Gone

    async def _vanish(self, fault: Hang | Cut) -> None:
        """Never answer: hold the connection until the client gives up, or cut it."""
        if isinstance(fault, Cut):
            self.cut()
        while await self._reader.read(_CHUNK):
            pass

    async def _do(self, verb: str, by_uid: bool, words: list[Token]) -> str:
        if verb in _ON_MAILS:
            assert self._selected is not None
            on_mails: Callable[[bool, list[Token]], str] = getattr(self._selected, verb.lower())
            return on_mails(by_uid, words)
        match verb:
            case "IDLE":
                return await self._idle()
            case "AUTHENTICATE":
                return await self._authenticate(words)
        plain: Callable[[list[Token]], str] = getattr(self, f"_{verb.lower()}")
        return plain(words)

    def _note(self, verb: str, outcome: Outcome = Outcome.ACCEPTED, reason: str = "", **payload: object) -> None:
        account = self._account.name if self._account else str(payload.get("account", ""))
        self._server.ledger.append(PROVIDER, account, verb, payload, outcome, reason)

    # --- before a folder is open ------------------------------------------------------------------------------

    def _capabilities(self) -> str:
        if self._server.security == "starttls" and not self._secure:
            return "IMAP4rev1 STARTTLS LOGINDISABLED"
        known = [name for name in ("IDLE", "MOVE", "UIDPLUS", "UNSELECT") if name not in self._server.lacks]
        return " ".join(["IMAP4rev1", "LITERAL+", "SASL-IR", "AUTH=PLAIN", "AUTH=XOAUTH2", *known])

    def _capability(self, words: Sequence[Token]) -> str:
        self._say(f"* CAPABILITY {self._capabilities()}")
        return "done"

    def _noop(self, words: Sequence[Token]) -> str:
        return "done"

    def _logout(self, words: Sequence[Token]) -> str:
        self._say("* BYE until then")
        return "done"

    def _starttls(self, words: Sequence[Token]) -> str:
        if self._server.security != "starttls" or self._secure:
            raise BadCommand("there is no STARTTLS")
        return "begin"

    def _login(self, words: Sequence[Token]) -> str:
        name, password = texts_of(words, 2)
        return self._let_in(name, lambda account: bool(account.password) and account.password == password)

    async def _authenticate(self, words: Sequence[Token]) -> str:
        mechanism = text_of(words[0] if words else None).upper()
        if mechanism not in ("PLAIN", "XOAUTH2"):
            raise Refused(f"there is no {mechanism}")
        said = text_of(words[1]).encode() if len(words) > 1 else await self._ask("+ ")
        try:
            raw = base64.b64decode(said, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise BadCommand("that is no base64") from None
        return self._plain(raw) if mechanism == "PLAIN" else await self._xoauth2(raw)

    def _plain(self, raw: str) -> str:
        if raw.count("\0") != 2:
            raise BadCommand("PLAIN is malformed")
        _, name, password = raw.split("\0")
        return self._let_in(name, lambda account: bool(account.password) and account.password == password)

    async def _xoauth2(self, raw: str) -> str:
        found = re.fullmatch(r"user=([^\x01]+)\x01auth=Bearer ([^\x01]+)\x01\x01", raw)
        if found is None:
            raise BadCommand("XOAUTH2 is malformed")
        try:
            return self._let_in(found[1], lambda account: bool(account.token) and account.token == found[2])
        except Refused:
            await self._ask("+ " + base64.b64encode(b'{"status":"400","schemes":"Bearer"}').decode())
            raise

    async def _ask(self, prompt: str) -> bytes:
        self._say(prompt)
        return (await self._reader.readuntil(b"\r\n")).rstrip()

    def _let_in(self, name: str, knows: Callable[[ImapAccount], bool]) -> str:
        if self._server.security == "starttls" and not self._secure:
            raise Refused("[PRIVACYREQUIRED] not without TLS")
        account = self._server.accounts.get(name)
        if account is None or not knows(account):
            self._note("LOGIN", Outcome.REFUSED, "[AUTHENTICATIONFAILED]", account=name)
            raise Refused("[AUTHENTICATIONFAILED] wrong name or password")
        self._account = account
        self._server.logins += 1
        return f"[CAPABILITY {self._capabilities()}] welcome"

    # --- folders ----------------------------------------------------------------------------------------------

    @property
    def _mailbox(self) -> ImapAccount:
        assert self._account is not None
        return self._account

    def _named(self, name: str) -> ImapFolder:
        found = self._mailbox.find(name)
        if found is None:
            raise Refused("[NONEXISTENT] there is no such folder")
        return found

    def _select(self, words: Sequence[Token], *, writable: bool = True) -> str:
        self._leave()
        folder = self._named(texts_of(words, 1)[0])
        self._selected = Selected(
            self._mailbox, folder, writable=writable, lacks=self._server.lacks, say=self._say, note=self._note
        )
        self._selected.introduce()
        return f"[READ-{'WRITE' if writable else 'ONLY'}] selected"

    def _examine(self, words: Sequence[Token]) -> str:
        return self._select(words, writable=False)

    def _leave(self) -> None:
        if self._selected is not None:
            self._selected.leave()
        self._selected = None

    def _close(self, words: Sequence[Token]) -> str:
        assert self._selected is not None
        if self._selected.writable:
            self._selected.folder.remove(self._selected.folder.flagged("\\Deleted"))
        self._leave()
        return "done"

    def _unselect(self, words: Sequence[Token]) -> str:
        self._leave()
        return "done"

    def _check(self, words: Sequence[Token]) -> str:
        return "done"

    def _create(self, words: Sequence[Token]) -> str:
        (name,) = texts_of(words, 1)
        if self._mailbox.find(name) is not None:
            raise Refused("[ALREADYEXISTS] there is one of this name")
        self._mailbox.create(name)
        self._note("CREATE", folder=name)
        return "done"

    def _delete(self, words: Sequence[Token]) -> str:
        folder = self._named(texts_of(words, 1)[0])
        if folder.name == INBOX:
            raise Refused("[CANNOT] INBOX stays")
        del self._mailbox.folders[folder.name]
        return "done"

    def _list(self, words: Sequence[Token]) -> str:
        _, pattern = texts_of(words, 2)
        for name in self._mailbox.folders:
            if fnmatchcase(name, pattern.replace("%", "*").replace("[", "[[]")):
                self._say(f'* LIST (\\HasNoChildren) "/" {quoted(name)}')
        return "done"

    def _status(self, words: Sequence[Token]) -> str:
        if len(words) != 2 or not isinstance(words[1], list):
            raise BadCommand("STATUS takes a folder and a list")
        folder = self._named(text_of(words[0]))
        figures = {
            "MESSAGES": len(folder.mails),
            "RECENT": len(folder.flagged(RECENT)),
            "UIDNEXT": folder.next_uid,
            "UIDVALIDITY": folder.validity,
            "UNSEEN": len(folder.mails) - len(folder.flagged("\\Seen")),
        }
        asked = [text_of(word).upper() for word in words[1]]
        if not set(asked) <= set(figures):
            raise BadCommand("STATUS has no such figure")
        self._say(f"* STATUS {quoted(folder.name)} ({' '.join(f'{name} {figures[name]}' for name in asked)})")
        return "done"

    def _append(self, words: list[Token]) -> str:
        if len(words) < 2 or not isinstance(words[-1], Literal):
            raise BadCommand("APPEND takes a folder and a literal")
        folder = self._named(text_of(words[0]))
        flags = next((word for word in words[1:-1] if isinstance(word, list)), [])
        at = next((_internal_date(text_of(word)) for word in words[1:-1] if not isinstance(word, list)), None)
        mail = folder.add(bytes(words[-1]), [text_of(flag) for flag in flags], at)
        self._note("APPEND", folder=folder.name, uid=mail.uid)
        return "done" if "UIDPLUS" in self._server.lacks else f"[APPENDUID {folder.validity} {mail.uid}] done"

    async def _idle(self) -> str:
        """Tell what changes until the client says DONE (RFC 2177)."""
        self._say("+ idling")
        line = asyncio.ensure_future(self._reader.readuntil(b"\r\n"))
        try:
            while not line.done():
                await self._told_or(line)
            if line.result().strip().upper() != b"DONE":
                raise BadCommand("IDLE ends with DONE")
        finally:
            line.cancel()
        return "done"

    async def _told_or(self, line: asyncio.Future[bytes]) -> None:
        """Until the client has written a line, or was told of a change."""
        if self._selected is None:
            await asyncio.wait({line})
            return
        self._selected.changed.clear()
        self._selected.sync(expunge=True)
        change = asyncio.ensure_future(self._selected.changed.wait())
        either: set[asyncio.Future[Any]] = {line, change}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        change.cancel()


def _refuse(verb: str, fault: Fault | None) -> None:
    """Say no where that is ordered."""
    match fault:
        case Throttle():
            raise Refused("[LIMIT] too much at once")
        case ServerError():
            raise Refused("[SERVERBUG] try again later")
        case Blocked():
            raise Refused("[AUTHENTICATIONFAILED] go away" if verb in _ONLY_GREETED else "[NOPERM] not allowed")


def _internal_date(text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z")
    except ValueError:
        raise BadCommand("a date is like 03-Mar-2025 12:00:00 +0000") from None
