"""What an IMAP server keeps: accounts, folders, mails with their flags."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

INBOX = "INBOX"
SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
RECENT = "\\Recent"
_FIRST_VALIDITY = 1000


@dataclass(eq=False, slots=True)
class StoredMail:
    """A mail in a folder."""

    uid: int
    raw: bytes = field(repr=False)
    at: datetime
    flags: set[str] = field(default_factory=set)
    unreadable: bool = False  # the server has lost what is in it: its body cannot be fetched

    def has(self, flag: str) -> bool:
        """Whether it carries a flag; their case is no matter."""
        return flag.casefold() in {known.casefold() for known in self.flags}


class ImapFolder:
    """A folder: mails in the order of their UIDs, which are never used again while `validity` stays."""

    def __init__(self, name: str, now: Callable[[], datetime]) -> None:
        self.name = name
        self.validity = _FIRST_VALIDITY
        self.next_uid = 1
        self.mails: list[StoredMail] = []
        self.watchers: set[asyncio.Event] = set()  # of connections that have it selected
        self._now = now

    def add(self, raw: bytes, flags: Iterable[str] = (), at: datetime | None = None) -> StoredMail:
        """Put a mail into it."""
        mail = StoredMail(self.next_uid, raw, at or self._now().astimezone(UTC), set(flags))
        self.next_uid += 1
        self.mails.append(mail)
        self.tell()
        return mail

    def remove(self, mails: Collection[StoredMail]) -> None:
        """Take mails out of it, for good."""
        gone = {id(mail) for mail in mails}
        self.mails = [mail for mail in self.mails if id(mail) not in gone]
        self.tell()

    def renumber(self) -> None:
        """All UIDs become others, as after a server has rebuilt its index: UIDVALIDITY changes."""
        self.validity += 1
        self.mails = [
            StoredMail(uid, mail.raw, mail.at, mail.flags, mail.unreadable) for uid, mail in enumerate(self.mails, 1)
        ]
        self.next_uid = len(self.mails) + 1
        self.tell()

    def flagged(self, flag: str) -> list[StoredMail]:
        """The mails that carry a flag."""
        return [mail for mail in self.mails if mail.has(flag)]

    def tell(self) -> None:
        """Something has changed: wake whoever looks at it."""
        for watcher in self.watchers:
            watcher.set()


class ImapAccount:
    """Somebody's mailbox at the server, with its folders and how to get in."""

    def __init__(self, name: str, password: str, token: str, now: Callable[[], datetime]) -> None:
        self.name = name
        self.password = password
        self.token = token  # by OAuth 2.0; '' where there is none
        self.folders: dict[str, ImapFolder] = {}
        self._now = now
        self.create(INBOX)

    @property
    def inbox(self) -> ImapFolder:
        """Where mail arrives."""
        return self.folders[INBOX]

    def create(self, name: str) -> ImapFolder:
        """A new folder."""
        self.folders[name] = ImapFolder(name, self._now)
        return self.folders[name]

    def find(self, name: str) -> ImapFolder | None:
        """A folder by its name; INBOX in any case."""
        return self.folders.get(INBOX if name.upper() == INBOX else name)

    def deliver(self, raw: bytes) -> StoredMail:
        """A mail arrives."""
        return self.inbox.add(raw, [RECENT])
