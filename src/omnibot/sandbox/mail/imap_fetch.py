"""FETCH (RFC 3501 6.4.5): what can be asked of a mail, and how it is given."""

from __future__ import annotations

import re
from dataclasses import dataclass

from omnibot.sandbox.mail.imap_folders import StoredMail
from omnibot.sandbox.mail.imap_wire import BadCommand, Token, text_of

_MACROS = {"FAST": ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]}
_PLAIN = ("FLAGS", "UID", "RFC822.SIZE", "INTERNALDATE")
_WHOLE = {"RFC822": "", "RFC822.HEADER": "HEADER", "RFC822.TEXT": "TEXT"}
_BODY = re.compile(r"BODY(\.PEEK)?\[([^\]]*)\](?:<(\d+)\.([1-9]\d*)>)?", re.IGNORECASE)
_FIELDS = re.compile(r"HEADER\.FIELDS(\.NOT)? \(([^()]+)\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that is asked for; `section` is None where it is not of the mail's text."""

    name: str
    section: str | None = None
    part: tuple[int, int] | None = None  # from which octet, how many
    marks_seen: bool = False


def wanted(token: Token, *, by_uid: bool) -> list[Wanted]:
    """What is asked for; raises BadCommand. UID FETCH gives the UID in any case."""
    given = [text_of(word) for word in token] if isinstance(token, list) else [text_of(token)]
    if not isinstance(token, list):
        given = _MACROS.get(given[0].upper(), given)
    items = [_wanted(word) for word in given]
    if not items:
        raise BadCommand("FETCH wants nothing")
    if by_uid and not any(item.name == "UID" for item in items):
        items.insert(0, Wanted("UID"))
    return items


def _wanted(word: str) -> Wanted:
    name = word.upper()
    if name in _PLAIN:
        return Wanted(name)
    if name in _WHOLE:
        return Wanted(name, _WHOLE[name], marks_seen=name != "RFC822.HEADER")
    body = _BODY.fullmatch(word)
    if body is None:
        raise BadCommand(f"FETCH knows no {word}")
    section = body[2].upper()
    if section not in ("", "HEADER", "TEXT") and not _FIELDS.fullmatch(section):
        raise BadCommand(f"FETCH knows no section {section}")
    part = (int(body[3]), int(body[4])) if body[3] else None
    return Wanted(f"BODY[{section}]", section, part, marks_seen=not body[1])


def fetched(mail: StoredMail, item: Wanted) -> bytes:
    """One thing of a mail, with its name before it."""
    if item.section is None:
        return f"{item.name} {_plain(mail, item.name)}".encode()
    content = _section(mail.raw, item.section)
    name = item.name
    if item.part is not None:
        begin, count = item.part
        content = content[begin : begin + count]
        name += f"<{begin}>"
    return f"{name} {{{len(content)}}}\r\n".encode() + content


def _plain(mail: StoredMail, name: str) -> str:
    match name:
        case "FLAGS":
            return f"({' '.join(sorted(mail.flags))})"
        case "UID":
            return str(mail.uid)
        case "RFC822.SIZE":
            return str(len(mail.raw))
    return f'"{mail.at:%d-%b-%Y %H:%M:%S %z}"'


def _section(raw: bytes, section: str) -> bytes:
    head, gap, body = raw.partition(b"\r\n\r\n")
    if not section:
        return raw
    if section == "TEXT":
        return body
    if section == "HEADER":
        return head + gap
    return _fields(head, section)


def _fields(head: bytes, section: str) -> bytes:
    asked = _FIELDS.fullmatch(section)
    assert asked is not None
    names = {name.casefold().encode() for name in asked[2].split()}
    lines = re.sub(rb"\r\n(?=[ \t])", b"\0", head).split(b"\r\n")
    kept = [line for line in lines if (line.partition(b":")[0].lower() in names) != bool(asked[1])]
    return b"".join(line.replace(b"\0", b"\r\n") + b"\r\n" for line in kept) + b"\r\n"
