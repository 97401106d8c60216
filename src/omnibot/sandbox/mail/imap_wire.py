"""Commands of IMAP as bytes: RFC 3501's grammar for what clients send, read to the letter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

MAX_LINE = 65_536  # octets of a command without its literals
MAX_LITERAL = 30_000_000

_LITERAL = re.compile(rb"\{(\d{1,9})(\+?)\}\r\n")
_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\[\]]+')
_SECTION = re.compile(rb"\[[^\]\r\n]*\](?:<\d+(?:\.\d+)?>)?")
_QUOTED = re.compile(rb'"((?:[^"\\\r\n]|\\["\\])*)"')


class BadCommand(Exception):
    """The client wrote what the grammar does not have; its text says what."""


class Refused(Exception):
    """The command is understood and not done: NO, with this text."""


class Atom(str):
    """A word as it stands: a flag, a number, a keyword, `BODY.PEEK[]`."""

    __slots__ = ()


class Text(str):
    """A quoted string."""

    __slots__ = ()


class Literal(bytes):
    """Octets that were announced with their number."""

    __slots__ = ()


Token = Atom | Text | Literal | list["Token"]


def text_of(token: Token | None) -> str:
    """An astring: a mailbox, a user name; raises BadCommand where there is none."""
    match token:
        case Atom() | Text():
            return str(token)
        case Literal():
            return token.decode("utf-8", "replace")
    raise BadCommand("a string is missing")


def texts_of(words: Sequence[Token], count: int) -> list[str]:
    """So many astrings and nothing else; raises BadCommand."""
    if len(words) != count:
        raise BadCommand(f"this takes {count} words")
    return [text_of(word) for word in words]


def quoted(text: str) -> str:
    """A string as it stands in answers."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def read_command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """One command with its literals; asks for each that waits to be asked for. Raises BadCommand, EOFError."""
    whole = b""
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise BadCommand("the line is too long") from None
        if not line.endswith(b"\r\n"):
            raise BadCommand("a line ends in CRLF")
        whole += line
        announced = re.search(rb"\{(\d{1,9})(\+?)\}\r\n\Z", line)
        if announced is None:
            return whole
        size = int(announced[1])
        if size > MAX_LITERAL:
            raise BadCommand("the literal is too large")
        if not announced[2]:
            writer.write(b"+ go on\r\n")
        whole += await reader.readexactly(size)


def tokens(command: bytes) -> list[Token]:
    """The words of a command that ends in CRLF; raises BadCommand."""
    return _Parser(command).words(b"\r\n")


class _Parser:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def words(self, end: bytes) -> list[Token]:
        """What stands up to `end`, parted by single spaces."""
        found: list[Token] = []
        while not self._data.startswith(end, self._at):
            if found:
                self._expect(b" ")
            found.append(self._word())
        self._at += len(end)
        return found

    def _word(self) -> Token:
        first = self._data[self._at : self._at + 1]
        match first:
            case b"(":
                self._at += 1
                return self.words(b")")
            case b'"':
                return Text(
                    re.sub(r"\\(.)", r"\1", self._match(_QUOTED, "a quoted string")[1].decode("utf-8", "replace"))
                )
            case b"{":
                size = int(self._match(_LITERAL, "a literal")[1])
                self._at += size
                return Literal(self._data[self._at - size : self._at])
        return Atom(self._atom())

    def _atom(self) -> str:
        """An atom may have a section in brackets, in which there are spaces."""
        word = self._match(_ATOM, "a word")[0]
        section = _SECTION.match(self._data, self._at)
        if section is not None:
            self._at = section.end()
            word += section[0]
        return word.decode("ascii")

    def _match(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        found = pattern.match(self._data, self._at)
        if found is None:
            raise BadCommand(f"{what} is malformed or missing")
        self._at = found.end()
        return found

    def _expect(self, wanted: bytes) -> None:
        if not self._data.startswith(wanted, self._at):
            raise BadCommand("words are parted by one space")
        self._at += len(wanted)


def numbers(text: str, last: int) -> list[range]:
    """A set such as `1,4:6,9:*`, where `*` is `last`; raises BadCommand."""
    found = []
    for part in text.split(","):
        ends = part.split(":")
        if len(ends) > 2 or not all(end == "*" or re.fullmatch(r"[1-9]\d{0,9}", end) for end in ends):
            raise BadCommand("a set of numbers is malformed")
        low, high = sorted(last if end == "*" else int(end) for end in (ends[0], ends[-1]))
        found.append(range(low, high + 1))
    return found
