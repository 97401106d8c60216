"""What a mail says: its headers, the text that a person would read, and its attachments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnibot.model import Attachment
from omnibot_email.decode import storable
from omnibot_email.markup import MAX_HTML, text_of_html
from omnibot_email.mime import Headers, Part, TooComplex, leaves, split_head
from omnibot_email.quotes import own_words

MAX_TEXT = 200_000  # characters of a text that are read; the whole is then attached
_MAX_ADDRESS_HEADER = 64_000  # characters: some thousand recipients
_ADDRESS_HEADERS = ("from", "sender", "reply-to", "to", "cc", "return-path")
_MEDIA_TYPE = "application/octet-stream"
_ORNAMENT = 50_000  # bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as read. `fault` says why it must not be believed for its form alone; '' where nothing is wrong."""

    headers: Headers
    text: str  # the sender's own words
    attachments: tuple[Attachment, ...] = ()
    fault: str = ""
    ornaments: tuple[Attachment, ...] = ()  # those that are small pictures within the text, such as a logo


def read_letter(raw: bytes) -> Letter:
    """Read a mail of any form; never raises. What is too complex to be read is attached whole."""
    head, body = split_head(raw.replace(b"\r\n", b"\n"))
    try:
        headers = Headers.parse(head)
    except TooComplex as fault:
        return Letter(Headers(), "", (_whole(raw),), str(fault))
    try:
        parts = leaves(headers, body)
        text = _text(parts)
    except TooComplex as fault:
        return Letter(headers, "", (_whole(raw),), str(fault))
    enclosed = [(part, _attachment(part)) for part in parts if not _is_text(part) or _is_cut(part)]
    attached = tuple(attachment for _, attachment in enclosed)
    ornaments = tuple(attachment for part, attachment in enclosed if _is_ornament(part, attachment))
    if len(text) > MAX_TEXT:
        attached += (_attached_text(text),)
    return Letter(headers, own_words(text[:MAX_TEXT]), attached, _form_fault(headers), ornaments)


def _form_fault(headers: Headers) -> str:
    if any(len(value) > _MAX_ADDRESS_HEADER for name in _ADDRESS_HEADERS for value in headers.all(name)):
        return "oversized address header"
    if len(headers.all("from")) != 1:
        return "several From headers" if headers.all("from") else "no From header"
    return ""


def _is_text(part: Part) -> bool:
    """Whether a part is read as text, and not handed on as a file."""
    return part.media_type in ("text/plain", "text/html") and part.disposition != "attachment" and not part.file_name


def _is_cut(part: Part) -> bool:
    """Whether a text is HTML of which only the beginning is read."""
    return part.media_type == "text/html" and len(part.body) > MAX_HTML


def _is_ornament(part: Part, attachment: Attachment) -> bool:
    """Whether a mail program shows it within the text, and it is too small to be what somebody wants to send."""
    is_within = bool(part.headers.get("content-id")) and part.disposition != "attachment"
    return is_within and part.media_type.startswith("image/") and len(attachment.content or b"") <= _ORNAMENT


def _text(parts: Sequence[Part]) -> str:
    """All plain text; the HTML where there is none."""
    texts = [part for part in parts if _is_text(part)]
    plain = "\n".join(_plain(part) for part in texts if part.media_type == "text/plain")
    if plain.strip():
        return plain
    return "\n".join(storable(text_of_html(part.text)) for part in texts if part.media_type == "text/html")


def _plain(part: Part) -> str:
    text = part.text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return _unflowed(text) if part.flowed else text


def _unflowed(text: str) -> str:
    """Join the lines that a mail program has only wrapped (RFC 3676 4.2)."""
    joined: list[str] = []
    goes_on = False
    for line in text.split("\n"):
        quoted = line.startswith(">")
        if not quoted and line.startswith(" "):  # stuffed, so that it does not look quoted
            line = line[1:]
        if goes_on and not quoted and line != "-- ":
            joined[-1] += line
        else:
            joined.append(line)
        goes_on = line.endswith(" ") and line != "-- " and not quoted
    return "\n".join(joined)


def _attachment(part: Part) -> Attachment:
    content = part.content
    return Attachment(
        name=part.file_name, media_type=part.media_type or _MEDIA_TYPE, size=len(content), content=content
    )


def _whole(raw: bytes) -> Attachment:
    return Attachment(name="message.eml", media_type="message/rfc822", size=len(raw), content=raw)


def _attached_text(text: str) -> Attachment:
    content = text.encode()
    return Attachment(name="message.txt", media_type="text/plain", size=len(content), content=content)
