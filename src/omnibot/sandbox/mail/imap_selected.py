"""A folder as one client has it open: which number is which mail, and what the client has been told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Sequence

from omnibot.sandbox.mail.imap_fetch import Wanted, fetched, wanted
from omnibot.sandbox.mail.imap_folders import RECENT, SYSTEM_FLAGS, ImapAccount, ImapFolder, StoredMail
from omnibot.sandbox.mail.imap_search import Bounds, search
from omnibot.sandbox.mail.imap_wire import Atom, BadCommand, Refused, Token, numbers, text_of, texts_of

Say = Callable[[str | bytes], None]
Note = Callable[..., None]


class Selected:
    """See the module. Its commands say what the client learns and return the text behind OK."""

    def __init__(
        self,
        account: ImapAccount,
        folder: ImapFolder,
        *,
        writable: bool,
        lacks: Collection[str],
        say: Say,
        note: Note,
    ) -> None:
        self.folder = folder
        self.writable = writable
        self.changed = asyncio.Event()
        self._account = account
        self._lacks = lacks
        self._say = say
        self._note = note
        self._view = list(folder.mails)  # the place is the number
        self._told = {id(mail): frozenset(mail.flags) for mail in self._view}
        folder.watchers.add(self.changed)

    def leave(self) -> None:
        """It is not open any more."""
        self.folder.watchers.discard(self.changed)

    def introduce(self) -> None:
        """What SELECT tells of a folder."""
        unseen = next((number for number, mail in enumerate(self._view, 1) if not mail.has("\\Seen")), 0)
        used = sorted({flag for mail in self._view for flag in mail.flags if not flag.startswith("\\")})
        self._say(f"* FLAGS ({' '.join([*SYSTEM_FLAGS, *used])})")
        self._say(f"* {len(self._view)} EXISTS")
        self._say(f"* {len(self.folder.flagged(RECENT))} RECENT")
        if unseen:
            self._say(f"* OK [UNSEEN {unseen}] first unseen")
        self._say(f"* OK [UIDVALIDITY {self.folder.validity}] UIDs valid")
        self._say(f"* OK [UIDNEXT {self.folder.next_uid}] next UID")
        any_flag = [] if "KEYWORDS" in self._lacks else [*used, "\\*"]
        kept = " ".join([*SYSTEM_FLAGS, *any_flag]) if self.writable else ""
        self._say(f"* OK [PERMANENTFLAGS ({kept})] flags that stay")

    def sync(self, *, expunge: bool) -> None:
        """Tell what has changed since the client was last told."""
        present = {id(mail) for mail in self.folder.mails}
        if expunge:
            for number in range(len(self._view), 0, -1):
                if id(self._view[number - 1]) not in present:
                    del self._view[number - 1]
                    self._say(f"* {number} EXPUNGE")
        for number, mail in enumerate(self._view, 1):
            if id(mail) in present and self._told[id(mail)] != frozenset(mail.flags):
                self._give(number, mail, [Wanted("FLAGS"), Wanted("UID")])
        known = {id(mail) for mail in self._view}
        if new := [mail for mail in self.folder.mails if id(mail) not in known]:
            self._view += new
            self._told |= {id(mail): frozenset(mail.flags) for mail in new}
            self._say(f"* {len(self._view)} EXISTS")

    # --- commands ---------------------------------------------------------------------------------------------

    def search(self, by_uid: bool, words: list[Token]) -> str:
        """SEARCH, in this folder's numbers or UIDs."""
        if words and isinstance(words[0], Atom) and words[0].upper() == "CHARSET":
            if len(words) < 3 or text_of(words[1]).upper() not in ("US-ASCII", "UTF-8"):
                raise Refused("[BADCHARSET (US-ASCII UTF-8)] what is that")
            words = words[2:]
        matches = search(words, self._bounds())
        found = [(mail.uid if by_uid else number) for number, mail in enumerate(self._view, 1) if matches(number, mail)]
        self._say(" ".join(["* SEARCH", *map(str, found)]))
        return "done"

    def fetch(self, by_uid: bool, words: list[Token]) -> str:
        """FETCH; what cannot be read is left out, and NO follows."""
        if len(words) != 2:
            raise BadCommand("FETCH takes a set and what is wanted")
        items = wanted(words[1], by_uid=by_uid)
        failed = False
        for number, mail in self._chosen(text_of(words[0]), by_uid):
            if mail.unreadable and any(item.section is not None for item in items):
                failed = True
                continue
            self._give(number, mail, items)
        if failed:
            raise Refused("[SERVERBUG] some mails could not be read")
        return "done"

    def store(self, by_uid: bool, words: list[Token]) -> str:
        """STORE."""
        if len(words) < 3:
            raise BadCommand("STORE takes a set, what to do and flags")
        how = re.fullmatch(r"([+-]?)FLAGS(\.SILENT)?", text_of(words[1]).upper())
        if how is None:
            raise BadCommand("STORE can do +FLAGS, -FLAGS and FLAGS")
        self._may_write()
        flags = self._flags(words[2:])
        chosen = self._chosen(text_of(words[0]), by_uid)
        for number, mail in chosen:
            mail.flags = _changed(mail.flags, how[1], flags)
            self._told[id(mail)] = frozenset(mail.flags)
            if not how[2]:
                self._give(number, mail, [Wanted("FLAGS"), *([Wanted("UID")] if by_uid else [])])
        self._note("STORE", uids=[mail.uid for _, mail in chosen], how=how[1], flags=sorted(flags))
        self.folder.tell()
        return "done"

    def copy(self, by_uid: bool, words: list[Token]) -> str:
        """COPY."""
        return f"{self._copied('COPY', by_uid, words)[1]}done"

    def move(self, by_uid: bool, words: list[Token]) -> str:
        """MOVE (RFC 6851)."""
        self._may_write()
        moved, told = self._copied("MOVE", by_uid, words)
        if told:
            self._say(f"* OK {told}moved")
        self.folder.remove(moved)
        return "done"

    def expunge(self, by_uid: bool, words: list[Token]) -> str:
        """EXPUNGE; of the UIDs alone that are named where it is UID EXPUNGE (RFC 4315)."""
        self._may_write()
        gone = self.folder.flagged("\\Deleted")
        if by_uid:
            chosen = {id(mail) for _, mail in self._chosen(texts_of(words, 1)[0], True)}
            gone = [mail for mail in gone if id(mail) in chosen]
        self.folder.remove(gone)
        self._note("EXPUNGE", uids=[mail.uid for mail in gone])
        return "done"

    # --- what they stand on -----------------------------------------------------------------------------------

    def _bounds(self) -> Bounds:
        return Bounds(len(self._view), self._view[-1].uid if self._view else 0)

    def _chosen(self, which: str, by_uid: bool) -> list[tuple[int, StoredMail]]:
        """The mails of a set, with their numbers; a UID that is not there is none, a number that is not is a fault."""
        bounds = self._bounds()
        sets = numbers(which, bounds.uid if by_uid else bounds.number)
        if not by_uid and any(some[-1] > len(self._view) or some[0] < 1 for some in sets):
            raise BadCommand("there is no mail of that number")
        return [
            (number, mail)
            for number, mail in enumerate(self._view, 1)
            if any((mail.uid if by_uid else number) in some for some in sets)
        ]

    def _give(self, number: int, mail: StoredMail, items: Sequence[Wanted]) -> None:
        if self.writable and any(item.marks_seen for item in items) and not mail.has("\\Seen"):
            mail.flags.add("\\Seen")
            items = [*items, Wanted("FLAGS")]
        if any(item.name == "FLAGS" for item in items):
            self._told[id(mail)] = frozenset(mail.flags)
        self._say(b"* %d FETCH (%b)" % (number, b" ".join(fetched(mail, item) for item in items)))

    def _flags(self, words: Sequence[Token]) -> set[str]:
        given = words[0] if len(words) == 1 and isinstance(words[0], list) else words
        flags = {text_of(word) for word in given}
        known = {flag.casefold(): flag for flag in SYSTEM_FLAGS}
        if unknown := [flag for flag in flags if flag.startswith("\\") and flag.casefold() not in known]:
            raise BadCommand(f"there is no flag {unknown[0]}")
        if "KEYWORDS" in self._lacks:  # it says OK and keeps nothing
            flags = {flag for flag in flags if flag.startswith("\\")}
        return {known.get(flag.casefold(), flag) for flag in flags}

    def _copied(self, verb: str, by_uid: bool, words: list[Token]) -> tuple[list[StoredMail], str]:
        which, name = texts_of(words, 2)
        target = self._account.find(name)
        if target is None:
            raise Refused("[TRYCREATE] there is no such folder")
        chosen = [mail for _, mail in self._chosen(which, by_uid)]
        copies = [target.add(mail.raw, mail.flags, mail.at) for mail in chosen]
        self._note(verb, uids=[mail.uid for mail in chosen], folder=target.name)
        if not chosen or "UIDPLUS" in self._lacks:
            return chosen, ""
        return chosen, f"[COPYUID {target.validity} {_uids(chosen)} {_uids(copies)}] "

    def _may_write(self) -> None:
        if not self.writable:
            raise Refused("[READ-ONLY] the folder is only examined")


def _changed(flags: set[str], how: str, given: Collection[str]) -> set[str]:
    match how:
        case "+":
            return flags | set(given)
        case "-":
            return flags - set(given)
    return set(given) | (flags & {RECENT})


def _uids(mails: Sequence[StoredMail]) -> str:
    return ",".join(str(mail.uid) for mail in mails)
