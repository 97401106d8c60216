"""The structure of a mail: headers and leaf parts, found in one pass a level and within a budget.

The standard library's parser looks at every line once for every level of nesting and makes an object of every part;
a hostile mail of 25 MB keeps it busy for minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import Message

from omnibot_email.decode import decoded_words, text_of, transferred

MAX_DEPTH = 20  # multiparts inside one another
MAX_PARTS = 500  # leaves and multiparts together
MAX_HEADERS = 256_000  # bytes of one header block
_MAX_PARAMETERS = 4096  # characters of a Content-Type or Content-Disposition
_MAX_FILE_NAME = 200  # characters

_FOLD = re.compile(r"\n(?=[ \t])")
_BOUNDARY_END = re.compile(rb"(--)?[ \t]*(?:\n|\Z)")


class TooComplex(ValueError):
    """A mail that is built to keep a parser busy; its text says how."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in their order: lower-case name, unfolded value."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        """Every value of one name, topmost first."""
        return [value for field_name, value in self.fields if field_name == name]

    def get(self, name: str) -> str:
        """The topmost value of one name; '' where there is none."""
        return next((value for field_name, value in self.fields if field_name == name), "")

    @classmethod
    def parse(cls, block: bytes) -> Headers:
        """Read a header block; lines that are no fields are left out."""
        if len(block) > MAX_HEADERS:
            raise TooComplex("oversized header")
        try:
            text = block.decode("utf-8")
        except UnicodeDecodeError:
            text = block.decode("latin-1")
        lines = (line.partition(":") for line in _FOLD.sub("", text).split("\n"))
        return cls(tuple((name.strip().casefold(), value.strip()) for name, colon, value in lines if colon))


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail, or the whole mail where it has one part only."""

    headers: Headers
    body: bytes = field(repr=False)  # as transferred
    media_type: str
    charset: str
    file_name: str  # a single line; not to be trusted as a path
    disposition: str  # inline, attachment or ''
    flowed: bool  # text whose soft line breaks end in a space (RFC 3676)

    @property
    def content(self) -> bytes:
        """The bytes that were meant."""
        return transferred(self.body, self.headers.get("content-transfer-encoding"))

    @property
    def text(self) -> str:
        """The content as text."""
        return text_of(self.content, self.charset)


def split_head(raw: bytes) -> tuple[bytes, bytes]:
    """Header block and body of an entity whose lines end in LF."""
    if raw.startswith(b"\n"):
        return b"", raw[1:]
    head, _, body = raw.partition(b"\n\n")
    return head, body


def leaves(headers: Headers, body: bytes) -> list[Part]:
    """All parts of a mail that hold something themselves, in order; raises TooComplex beyond the budget.

    An attached mail (message/rfc822) is one part: what is in it was not said by this sender.
    """
    return list(_Walk().parts(headers, body, depth=0))


@dataclass(slots=True)
class _Walk:
    seen: int = 0

    def parts(self, headers: Headers, body: bytes, depth: int) -> Iterator[Part]:
        self.seen += 1
        if self.seen > MAX_PARTS:
            raise TooComplex("too many parts")
        if depth > MAX_DEPTH:
            raise TooComplex("nested too deeply")
        described = _described(headers)
        boundary = _boundary(described)
        if not boundary:
            yield _leaf(headers, described, body)
            return
        for entity in _entities(body, boundary):
            head, inner = split_head(entity)
            yield from self.parts(Headers.parse(head), inner, depth + 1)


def _described(headers: Headers) -> Message:
    """The two headers with parameters, where the standard library knows all their encodings (RFC 2231)."""
    message = Message()
    for name in ("content-type", "content-disposition"):
        if value := headers.get(name):
            message[name] = value[:_MAX_PARAMETERS]
    return message


def _parameter(message: Message, name: str, header: str = "content-type") -> str:
    try:
        value = message.get_param(name, "", header)
    except (MessageError, ValueError, LookupError, TypeError):
        return ""
    if isinstance(value, tuple):
        charset, _, encoded = value
        return text_of(encoded.encode("latin-1", "replace"), charset or "")
    return value


def _boundary(described: Message) -> bytes:
    if described.get_content_maintype() != "multipart":
        return b""
    return _parameter(described, "boundary").rstrip().encode("utf-8", "replace")


def _leaf(headers: Headers, described: Message, body: bytes) -> Part:
    name = _parameter(described, "filename", "content-disposition") or _parameter(described, "name")
    return Part(
        headers=headers,
        body=body,
        media_type=described.get_content_type(),
        charset=_parameter(described, "charset"),
        file_name=_file_name(name),
        disposition=(described.get_content_disposition() or ""),
        flowed=_parameter(described, "format").casefold() == "flowed",
    )


def _file_name(name: str) -> str:
    # programs put encoded words here although RFC 2047 forbids it
    return decoded_words(name)[:_MAX_FILE_NAME]


def _entities(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between boundary lines; the last may lack its end."""
    body = b"\n" + body
    delimiter = b"\n--" + boundary
    start = None
    position = body.find(delimiter)
    while position >= 0:
        end = _BOUNDARY_END.match(body, position + len(delimiter))
        if end is not None:
            if start is not None:
                yield body[start:position]
            if end[1]:
                return
            start = end.end()
        # the line break that ends one boundary line may begin the next
        position = body.find(delimiter, position + len(delimiter))
    if start is not None:
        yield body[start:]
