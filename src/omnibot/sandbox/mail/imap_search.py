"""SEARCH (RFC 3501 6.4.4): which mails match, and what is no search."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default

from omnibot.sandbox.mail.imap_folders import StoredMail
from omnibot.sandbox.mail.imap_wire import Atom, BadCommand, Token, numbers, text_of

_FLAGS = {
    "ANSWERED": "\\Answered",
    "DELETED": "\\Deleted",
    "DRAFT": "\\Draft",
    "FLAGGED": "\\Flagged",
    "SEEN": "\\Seen",
    "RECENT": "\\Recent",
}
_HEADERS = {"FROM": "From", "TO": "To", "CC": "Cc", "BCC": "Bcc", "SUBJECT": "Subject"}
_SET = re.compile(r"[\d*][\d*:,]*")

Match = Callable[[int, StoredMail], bool]  # of its number in the folder and the mail


@dataclass(frozen=True, slots=True)
class Bounds:
    """What `*` stands for."""

    number: int
    uid: int


def search(words: Sequence[Token], bounds: Bounds) -> Match:
    """The test that all these words make together; raises BadCommand."""
    rest = list(words)
    if not rest:
        raise BadCommand("SEARCH needs something to look for")
    tests = []
    while rest:
        tests.append(_test(rest, bounds))
    return lambda number, mail: all(test(number, mail) for test in tests)


def _test(rest: list[Token], bounds: Bounds) -> Match:
    if not rest:
        raise BadCommand("SEARCH ends too early")
    word = rest.pop(0)
    if isinstance(word, list):
        return search(word, bounds)
    if not isinstance(word, Atom):
        raise BadCommand("SEARCH has no such key")
    key = word.upper()
    if _SET.fullmatch(key):
        within = numbers(key, bounds.number)
        return lambda number, mail: any(number in some for some in within)
    return _keyed(key, rest, bounds)


def _keyed(key: str, rest: list[Token], bounds: Bounds) -> Match:
    if key in _FLAGS:
        return lambda _, mail: mail.has(_FLAGS[key])
    if key.startswith("UN") and key[2:] in _FLAGS and key != "UNRECENT":
        return lambda _, mail: not mail.has(_FLAGS[key[2:]])
    match key:
        case "ALL":
            return lambda *_: True
        case "NEW":
            return lambda _, mail: mail.has("\\Recent") and not mail.has("\\Seen")
        case "NOT":
            inner = _test(rest, bounds)
            return lambda number, mail: not inner(number, mail)
        case "OR":
            one, other = _test(rest, bounds), _test(rest, bounds)
            return lambda number, mail: one(number, mail) or other(number, mail)
    return _with_argument(key, rest, bounds)


def _with_argument(key: str, rest: list[Token], bounds: Bounds) -> Match:
    argument = text_of(rest.pop(0) if rest else None)
    match key:
        case "UID":
            within = numbers(argument, bounds.uid)
            return lambda _, mail: any(mail.uid in some for some in within)
        case "KEYWORD":
            return lambda _, mail: mail.has(argument)
        case "UNKEYWORD":
            return lambda _, mail: not mail.has(argument)
        case "LARGER":
            return lambda _, mail: len(mail.raw) > _number(argument)
        case "SMALLER":
            return lambda _, mail: len(mail.raw) < _number(argument)
        case "SINCE" | "BEFORE" | "ON":
            return _dated(key, _date(argument))
        case "HEADER":
            return _header(argument, text_of(rest.pop(0) if rest else None))
    if key in _HEADERS:
        return _header(_HEADERS[key], argument)
    raise BadCommand(f"SEARCH has no key {key}")


def _dated(key: str, day: date) -> Match:
    def arrived(mail: StoredMail) -> date:
        return mail.at.astimezone(UTC).date()

    match key:
        case "SINCE":
            return lambda _, mail: arrived(mail) >= day
        case "BEFORE":
            return lambda _, mail: arrived(mail) < day
    return lambda _, mail: arrived(mail) == day


def _header(name: str, wanted: str) -> Match:
    def said(_: int, mail: StoredMail) -> bool:
        head = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        values = message_from_bytes(head, policy=default).get_all(name, [])
        return any(wanted.casefold() in str(value).casefold() for value in values)

    return said


def _number(text: str) -> int:
    if not text.isdecimal():
        raise BadCommand("a number is missing")
    return int(text)


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%d-%b-%Y").replace(tzinfo=UTC).date()
    except ValueError:
        raise BadCommand("a date is like 3-Mar-2025") from None
