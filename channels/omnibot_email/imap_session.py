"""One connection to a mailbox at a provider. Everything here blocks: it runs in a thread, and only `hang_up` may come
from another one.

Which mails were taken is kept at the server, on the mails themselves: docs/decisions/0005-mails-carry-their-mark.md.
"""

from __future__ import annotations

import imaplib
import re
import select
import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from imap_tools import BaseMailBox, ImapToolsError
from imap_tools.consts import SHORT_MONTH_NAMES

from omnibot_email.settings import Imap
from omnibot_email.tls import port_hint, tls_context, tls_trouble

TAKEN = "$Omnibot"
SEEN = "\\Seen"
MAX_BEGINNING = 1_000_000  # bytes that are read of a mail that is too large

_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_CHUNK = 500  # UIDs in one command
_NOT_NOW = re.compile(r"\[(?:UNAVAILABLE|LIMIT|INUSE|SERVERBUG)\]")  # RFC 5530, RFC 9051: it is not the secret


class ImapFailed(Exception):
    """The mailbox cannot be worked with now: what is wrong, and who must do what."""

    def __init__(self, reason: str, action: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.action = action


class LoginRefused(ImapFailed):
    """The server does not take name and secret. Who goes on trying is shut out for longer."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail in the mailbox that was not taken yet."""

    uid: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """What an open folder tells of itself; UIDs are the same as long as `validity` is."""

    validity: int
    keeps_keywords: bool

    @property
    def mark(self) -> str:
        """By what a mail is known to be taken."""
        return TAKEN if self.keeps_keywords else SEEN


class _MailBox(BaseMailBox):
    """imap-tools' mailbox, on a connection that is closed whatever goes wrong before the login."""

    def __init__(self, settings: Imap) -> None:
        self._settings = settings
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        settings = self._settings
        where = (settings.host, settings.port)
        if settings.security == "tls":
            return imaplib.IMAP4_SSL(*where, ssl_context=tls_context(settings.ca), timeout=settings.timeout)
        client = imaplib.IMAP4(*where, timeout=settings.timeout)
        if settings.security == "starttls":
            try:
                client.starttls(tls_context(settings.ca))
            except BaseException:
                client.shutdown()
                raise
        return client


class ImapSession:
    """See the module. A method that raises ImapFailed, imaplib's errors or OSError leaves nothing but `close`."""

    def __init__(self, settings: Imap, username: str, secret: str) -> None:
        self._settings = settings
        self._username = username
        self._secret = secret  # password, or access token
        self._box: _MailBox | None = None
        self._is_over = False

    # --- opening and closing ----------------------------------------------------------------------------------

    def open(self) -> Folder:
        """Connect, log in, open the folder; raises ImapFailed."""
        try:
            self._box = _MailBox(self._settings)
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            raise self._unreachable(error) from None
        if self._is_over:  # somebody has hung up in the meantime
            self.close()
            raise ImapFailed("the connection was given up", "wait")
        self._log_in(self._box)
        return self._open_folder(self._box)

    def hang_up(self) -> None:
        """End whatever a thread is waiting for; for another thread."""
        self._is_over = True
        if self._box is not None:
            with suppress(OSError):  # of a plain socket: that of TLS would take its lock from under a reader
                socket.socket.shutdown(self._box.client.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Let the connection go, without waiting for anybody."""
        box, self._box = self._box, None
        if box is not None:
            with suppress(OSError):
                box.client.shutdown()

    def _unreachable(self, error: BaseException) -> ImapFailed:
        settings = self._settings
        if trouble := tls_trouble(error, "imap", settings.host):
            return ImapFailed(*trouble)
        hint = port_hint("imap", settings.port, settings.security)
        action = f"check imap.host, imap.port and imap.security, and that {settings.host} can be reached from here"
        if "TLS not supported" in str(error):
            return ImapFailed("the mailbox's server offers no STARTTLS", 'set imap.security = "tls" and its port')
        return ImapFailed(
            f"cannot connect to the mailbox's server ({type(error).__name__})", f"{action}; {hint}" if hint else action
        )

    def _log_in(self, box: _MailBox) -> None:
        name, secret = self._username, self._secret
        try:
            if self._settings.token_command:
                box.xoauth2(name, secret, initial_folder=None)
            elif "LOGINDISABLED" in box.client.capabilities and "AUTH=PLAIN" not in box.client.capabilities:
                raise ImapFailed(
                    "the mailbox's server lets nobody in without TLS", 'set imap.security = "starttls" or "tls"'
                )
            elif (name + secret).isascii() and "LOGINDISABLED" not in box.client.capabilities:
                box.login(name, secret, initial_folder=None)
            else:
                box.login_utf8(name, secret, initial_folder=None)
        except (ImapToolsError, imaplib.IMAP4.error) as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            action = (
                "correct imap.username, or see that the token command gives a token for IMAP"
                if self._settings.token_command
                else "correct imap.username and imap.password; many providers want a password made for the application,"
                " or OAuth 2.0 (token_command)"
            )
            if _NOT_NOW.search(str(error)):
                raise ImapFailed("the mailbox's server lets nobody in at the moment", "wait") from None
            raise LoginRefused("the mailbox's server refused the login", action) from None

    def _open_folder(self, box: _MailBox) -> Folder:
        try:
            box.folder.set(self._settings.folder)
            if self._settings.target and not box.folder.exists(self._settings.target):
                raise ImapFailed(
                    "there is no folder of the name in imap.after", "make it in the mailbox, or correct imap.after"
                )
        except imaplib.IMAP4.readonly:
            raise ImapFailed(
                "the folder can only be read, not marked", "let imap.username have write access to it"
            ) from None
        except (ImapToolsError, UnicodeError):
            raise ImapFailed("there is no folder of the name in imap.folder", "correct imap.folder") from None
        flags = _told(box, "PERMANENTFLAGS")
        return Folder(
            validity=int(_told(box, "UIDVALIDITY") or 0),
            keeps_keywords="\\*" in flags or TAKEN.casefold() in flags.casefold(),
        )

    # --- reading ----------------------------------------------------------------------------------------------

    @property
    def _open(self) -> _MailBox:
        if self._box is None:
            raise imaplib.IMAP4.abort("closed")
        return self._box

    def floor(self, folder: Folder) -> int:
        """The UID up to which only what is unread is ours to take.

        It is the highest that carries our keyword. Where none does we are new here, and begin behind what is there:
        the last mail that was read before us gets the keyword, so that the next start knows where this one began.
        """
        if folder.keeps_keywords:
            if taken := self._found(f"KEYWORD {TAKEN}"):
                return max(taken)
            if read := self._found("SEEN UNDELETED"):
                self._flag([str(max(read))], TAKEN)
        return max(self._found("ALL"), default=0)

    def look(self, folder: Folder, floor: int, since: date) -> list[Waiting]:
        """What was not taken yet, oldest first: what is unread, and what came after `floor`, read or not.

        Of the latter only what arrived at `since` or later: should the mail that carries the keyword be gone, an old
        mailbox must not come to life.
        """
        box = self._open
        box.client.noop()  # or else a server may not tell of what is new
        box.client.untagged_responses.clear()
        rest = f"UNDELETED UNKEYWORD {TAKEN}" if folder.keeps_keywords else "UNDELETED"
        day = f"{since.day}-{SHORT_MONTH_NAMES[since.month - 1]}-{since.year}"
        unread = self._found(f"{rest} UNSEEN")
        # the last mail is always within `n:*`
        later = {uid for uid in self._found(f"{rest} UID {floor + 1}:* SINCE {day}") if uid > floor}
        return self._sized(sorted(unread | later))

    def _sized(self, uids: list[int]) -> list[Waiting]:
        sizes: dict[int, int] = {}
        for chunk in _chunks(uids):
            for told in self._fetch(chunk, "(UID RFC822.SIZE)"):
                head = told if isinstance(told, bytes) else told[0]
                uid, size = _UID.search(head), _SIZE.search(head)
                if uid and size:
                    sizes[int(uid[1])] = int(size[1])
        return [Waiting(uid, sizes[uid]) for uid in uids if uid in sizes]

    def read(self, uids: Sequence[int], *, beginning: bool = False) -> Mapping[int, bytes]:
        """The mails, as far as the server can give them; `beginning`: no more than MAX_BEGINNING of each."""
        part = f"<0.{MAX_BEGINNING}>" if beginning else ""
        items = self._fetch(uids, f"(UID BODY.PEEK[]{part})")
        found: dict[int, bytes] = {}
        for index, told in enumerate(items):
            if not isinstance(told, tuple):
                continue
            after = items[index + 1] if index + 1 < len(items) else b""
            uid = _UID.search(told[0]) or (_UID.search(after) if isinstance(after, bytes) else None)
            if uid:
                found[int(uid[1])] = told[1]
        return found

    def _found(self, criteria: str) -> set[int]:
        try:
            return {int(uid) for uid in self._open.uids(criteria, charset=None)}
        except ImapToolsError:
            raise ImapFailed("the mailbox's server does not search", "wait, or ask the provider") from None

    def _fetch(self, uids: Iterable[int], what: str) -> list[tuple[bytes, bytes] | bytes]:
        """What the server gives; a NO after a part of it leaves that part."""
        client = self._open.client
        client.untagged_responses.pop("FETCH", None)  # flags that others have changed
        _, items = client.uid("FETCH", _set(uids), what)
        told: list[tuple[bytes, bytes] | bytes] = client.untagged_responses.pop("FETCH", []) or items
        return [item for item in told if item]

    # --- what was taken ---------------------------------------------------------------------------------------

    def settle(self, uids: Sequence[int], mark: str, *, keep: Collection[int] = ()) -> None:
        """Mark, move or delete what was taken; what is to be kept is never deleted.

        Raises ImapFailed where the server does not let us.
        """
        try:
            for chunk in _chunks([uid for uid in uids if uid not in keep]):
                self._settle([str(uid) for uid in chunk], mark)
            if kept := [str(uid) for uid in uids if uid in keep]:
                self._flag(kept, SEEN, mark)
        except (ImapToolsError, imaplib.IMAP4.error) as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            raise ImapFailed(
                "the mailbox's server does not let us mark what was taken",
                "let imap.username have write access to the folder, and to the one in imap.after",
            ) from None

    def _settle(self, uids: list[str], mark: str) -> None:
        settings = self._settings
        if settings.after == "seen":
            self._flag(uids, SEEN, mark)
            return
        if settings.target and "MOVE" in self._open.client.capabilities:
            self._flag(uids, SEEN)
            self._open.move(uids, settings.target)
            return
        if settings.target:
            self._flag(uids, SEEN)
            self._open.copy(uids, settings.target)
        self._flag(uids, "\\Deleted", SEEN)
        if "UIDPLUS" in self._open.client.capabilities:
            self._must(self._open.client.uid("EXPUNGE", ",".join(uids)))
        # else they stay deleted until somebody cleans up: EXPUNGE would take away what others have deleted, too

    def _flag(self, uids: list[str], *flags: str) -> None:
        # imap-tools' flag() would expunge, too
        self._must(
            self._open.client.uid("STORE", ",".join(uids), "+FLAGS.SILENT", f"({' '.join(dict.fromkeys(flags))})")
        )

    def _must(self, answer: tuple[str, object]) -> None:
        if answer[0] != "OK":
            raise imaplib.IMAP4.error("refused")

    # --- waiting ----------------------------------------------------------------------------------------------

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself."""
        return self._settings.idle and "IDLE" in self._open.client.capabilities

    def idle(self, seconds: float) -> None:
        """Return when the server tells of anything, or after so long. It has answered then: the line is not dead.

        What it has told since the last look counts, too: among the answers to other commands, before the "+", or in one
        piece with it. imap-tools' own idle overlooks all that.
        """
        client = self._open.client
        tag = client._command("IDLE")
        while client._get_response() is not None:  # None is the "+"
            if client.tagged_commands[tag]:
                raise imaplib.IMAP4.abort("IDLE was refused")
        if not ("EXISTS" in client.untagged_responses or _has_more(client)):
            _wait_for(client.sock, seconds)
        client.send(b"DONE\r\n")
        try:
            self._open.consume_until_tagged_response(tag)
        except ImapToolsError:
            raise imaplib.IMAP4.abort("IDLE failed") from None


def _has_more(client: imaplib.IMAP4) -> bool:
    """Whether something has come that was not read yet: in the reader's buffer it wakes no poll."""
    reader: Any = getattr(client, "_file", None) or client.file
    patience = client.sock.gettimeout()
    client.sock.settimeout(0)
    try:
        return bool(reader.peek(1))
    except OSError:  # nothing has come, or by TLS nothing whole
        return False
    finally:
        client.sock.settimeout(patience)


def _wait_for(connection: socket.socket, seconds: float) -> None:
    if hasattr(select, "poll"):  # knows no limit of 1,024 files
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.poll(seconds * 1000)
    else:
        select.select([connection], [], [], seconds)


def _told(box: _MailBox, code: str) -> str:
    """What SELECT has told under a response code; '' where it has not."""
    _, told = box.client.response(code)
    last = told[-1] if told else None
    return last.decode("ascii", "replace") if isinstance(last, bytes) else ""


def _chunks(uids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (uids[start : start + _CHUNK] for start in range(0, len(uids), _CHUNK))


def _set(uids: Iterable[int]) -> str:
    return ",".join(map(str, uids))
