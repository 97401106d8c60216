"""An Outbound as a mail: text and HTML of the same words, threaded, marked as automatic, safe in every header."""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import encodebytes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from html import escape
from urllib.parse import quote, urlsplit

from omnibot.model import Choice, File, Link, Outbound, Paragraph, Part, Steps, plain
from omnibot_email.arrival import thread
from omnibot_email.decode import single_line, storable

_MAX_SUBJECT = 200  # characters
_MAX_FILE_NAME = 60  # characters: the header of a longer one would not fit on a line in its encoded form
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,100}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")  # RFC 6838 4.2
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()+,=@~-]")  # what needs RFC 2231; old programs show the plain name
_REPLY_MARKS = ("re:", "aw:", "sv:", "antw:", "rv:", "res:", "r:")
_FONT = "font-family:-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5"
_GAP = "margin:0 0 1em"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a mail carries around its words. Addresses are normalised, Message-IDs have their angle brackets."""

    sender: str
    name: str
    recipient: str
    reply_to: str
    message_id: str
    at: datetime

    @property
    def fallback_subject(self) -> str:
        """Who writes, where nothing says about what."""
        return self.name or self.sender


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes along, with its bytes."""

    file: File
    content: bytes = field(repr=False)


def render(message: Outbound, envelope: Envelope, enclosed: Sequence[Enclosure] = ()) -> bytes:
    """The mail as it goes over the wire; the same but for its date at every attempt."""
    subject = subject_of(message, envelope.fallback_subject)
    answering = threading(_references(message.context))
    return assembled(
        envelope, subject, answering, "auto-replied", as_text(message.parts), as_html(message.parts), enclosed
    )


def assembled(
    envelope: Envelope,
    subject: str,
    more: Sequence[tuple[str, str]],
    submitted: str,
    text: str,
    html: str,
    enclosed: Sequence[Enclosure] = (),
) -> bytes:
    """A mail of a text, the same in HTML, and files; `more` are further headers, `submitted` is RFC 3834's word."""
    words, mixed = (_boundary(name, envelope) for name in ("words", "mixed"))
    media_type = _multipart("mixed", mixed) if enclosed else _multipart("alternative", words)
    fields = [
        ("From", _mailbox(envelope.name, envelope.sender)),
        ("To", envelope.recipient),
        ("Subject", _words("Subject", subject)),
        ("Date", format_datetime(envelope.at)),
        ("Message-ID", envelope.message_id),
        *more,
        ("Reply-To", _mailbox(envelope.name, envelope.reply_to)),
        ("Auto-Submitted", submitted),
        # Exchange heeds only this one; "All" would keep back its reports of undelivered mail (NDR), too
        ("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"),
        ("MIME-Version", "1.0"),
        ("Content-Type", media_type),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode()
    body = _joined(words, [_entity("plain", text), _entity("html", html)])
    if enclosed:
        first = f"Content-Type: {_multipart('alternative', words)}\r\n\r\n".encode() + body
        body = _joined(mixed, [first, *map(_attached, enclosed)])
    return head + b"\r\n" + body


def _boundary(name: str, envelope: Envelope) -> str:
    return "=_" + hashlib.sha256(f"{name}{envelope.message_id}".encode()).hexdigest()[:32]


def _multipart(kind: str, boundary: str) -> str:
    return f'multipart/{kind};\r\n boundary="{boundary}"'


def _joined(boundary: str, entities: Sequence[bytes]) -> bytes:
    line = f"--{boundary}".encode()
    return b"".join(line + b"\r\n" + entity + b"\r\n" for entity in entities) + line + b"--\r\n"


def _attached(enclosure: Enclosure) -> bytes:
    """A file in base64, under a name of one line that no disk takes for a path (RFC 2183, RFC 2231)."""
    name = _file_name(enclosure.file.name)
    plain_name = _NOT_PLAIN.sub("_", name)
    exact = f'filename="{name}"' if plain_name == name else f"filename*=utf-8''{quote(name, safe='')}"
    media_type = enclosure.file.media_type.casefold()
    if not _MEDIA_TYPE.fullmatch(media_type) or media_type.startswith(("message/", "multipart/")):
        media_type = "application/octet-stream"  # the others may not be in base64 (RFC 2046 5.2)
    fields = (
        f'Content-Type: {media_type};\r\n name="{plain_name}"',
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: attachment;\r\n {exact}",
    )
    head = "\r\n".join([*fields, "", ""])
    return head.encode() + encodebytes(enclosure.content).replace(b"\n", b"\r\n")


def _file_name(name: str) -> str:
    kept = single_line(name.replace("/", "_").replace("\\", "_")).lstrip(".")
    return kept[-_MAX_FILE_NAME:] or "file"


def subject_of(message: Outbound, fallback: str) -> str:
    """The conversation's subject with one `Re:`, for mail programs thread by it; else the message's own."""
    former = single_line(message.context.get("subject", ""))
    while former.casefold().startswith(_REPLY_MARKS):
        former = former.partition(":")[2].strip()
    subject = f"Re: {former}" if former else single_line(message.subject) or single_line(fallback)
    return subject[:_MAX_SUBJECT].rstrip()


def next_context(message: Outbound, envelope: Envelope) -> dict[str, str]:
    """What continues the thread after this mail."""
    return {
        "message_id": envelope.message_id,
        "references": " ".join(_references(message.context)),
        "subject": subject_of(message, envelope.fallback_subject),
    }


def as_text(parts: Sequence[Part]) -> str:
    """The words of all parts; choices as one last line of what can be answered."""
    choices = " / ".join(part.label for part in parts if isinstance(part, Choice))
    return storable("\n\n".join(text for text in (plain(parts), choices) if text))


def as_html(parts: Sequence[Part]) -> str:
    """The same words with the little markup that every mail program shows."""
    inner = "\n".join(_html(part) for part in parts if isinstance(part, Paragraph | Steps | Link))
    choices = [f"<b>{escape(part.label)}</b>" for part in parts if isinstance(part, Choice)]
    if choices:
        inner += f'\n<p style="{_GAP}">{" / ".join(choices)}</p>'
    return page(inner)


def page(inner: str) -> str:
    """HTML in the frame that all our mails have."""
    return storable(
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n<body><div style="{_FONT}">\n{inner}\n'
        "</div></body></html>"
    )


def _html(part: Paragraph | Steps | Link) -> str:
    match part:
        case Paragraph(text):
            blocks = (escape(block).replace("\n", "<br>\n") for block in text.split("\n\n"))
            return "\n".join(f'<p style="{_GAP}">{block}</p>' for block in blocks)
        case Steps(items):
            listed = "\n".join(f"<li>{escape(item)}</li>" for item in items)
            return f'<ol style="{_GAP}">\n{listed}\n</ol>'
        case Link(label, url):
            if urlsplit(url).scheme not in ("http", "https", "mailto"):
                return f'<p style="{_GAP}">{escape(label)}: {escape(url)}</p>'
            return f'<p style="{_GAP}"><a href="{escape(url)}">{escape(label)}</a></p>'


def _references(context: Mapping[str, str]) -> list[str]:
    """The thread so far, with the mail that is answered at its end."""
    return thread(f"{context.get('references', '')} {context.get('message_id', '')}")


def threading(references: Sequence[str]) -> list[tuple[str, str]]:
    """The headers of an answer to the last of a thread."""
    if not references:
        return []
    return [("In-Reply-To", references[-1]), ("References", "\r\n ".join(references))]


def _entity(subtype: str, text: str) -> bytes:
    """A text part in quoted-printable: readable as it is, and no line too long for any server."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n") + "\n"
    encoded = binascii.b2a_qp(lines.encode(), istext=True).decode("ascii").replace("\n", "\r\n")
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return (head + encoded).encode()


def _mailbox(name: str, address: str) -> str:
    """`"Name" <address>`, the name encoded where it must be."""
    name = single_line(name)
    if not name:
        return address
    if not name.isascii():
        return f"{_words('From', name)} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _words(field: str, text: str) -> str:
    """A header's text, folded, in encoded words (RFC 2047) where it is not plain ASCII or looks like one."""
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, header_name=field).encode(linesep="\r\n")
