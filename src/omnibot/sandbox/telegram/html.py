"""Telegram's HTML style, parsed as strictly as its servers do, with their words for what is wrong.

Source: core.telegram.org/bots/api#html-style; offsets and lengths of entities count UTF-16 code units, offsets in
errors count bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES = {
    "b": "bold", "strong": "bold",
    "i": "italic", "em": "italic",
    "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "tg-spoiler": "spoiler", "span": "spoiler",
    "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot)(?![0-9A-Za-z]));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TAG = re.compile(r"""<(/?)([^\s>]*)((?:[^>"']|"[^"]*"|'[^']*')*)(>?)""")
_ATTRIBUTE = re.compile(r"""\s*([^\s=]*)\s*(=?)\s*("[^"]*"|'[^']*'|[A-Za-z0-9._-]+)?""")


class CannotParse(ValueError):
    """The markup is wrong; the message is what Telegram would say after "can't parse entities: "."""


def parse_html(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Split HTML into the text that is shown and its entities; raises CannotParse."""
    if "<" not in text:
        return _unescape(text), []
    return _Parser(text).parse()


def links_of(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The words of a message that lead somewhere, each with the address that is not seen."""
    for words, kinds in (("text", "entities"), ("caption", "caption_entities")):
        units = message.get(words, "").encode("utf-16-le", "surrogatepass")
        for entity in message.get(kinds, ()):
            if entity["type"] == "text_link":
                begin, end = 2 * entity["offset"], 2 * (entity["offset"] + entity["length"])
                yield units[begin:end].decode("utf-16-le", "surrogatepass"), entity["url"]


def utf16_length(text: str) -> int:
    """How many UTF-16 code units a text has."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _unescape(text: str) -> str:
    return _REFERENCE.sub(_referred, text) if "&" in text else text


def _referred(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]


class _Parser:
    """One pass over one text; `_open` holds (tag, attributes, offset) of what is not closed yet."""

    def __init__(self, text: str) -> None:
        self._source = text
        self._shown: list[str] = []
        self._length = 0
        self._entities: list[dict[str, Any]] = []
        self._open: list[tuple[str, dict[str, str], int]] = []

    def parse(self) -> tuple[str, list[dict[str, Any]]]:
        position = 0
        while (start := self._source.find("<", position)) >= 0:
            self._show(self._source[position:start])
            match = _TAG.match(self._source, start)
            assert match is not None  # it matches any "<"
            self._close(match) if match[1] else self._start(match)
            position = match.end()
        self._show(self._source[position:])
        if self._open:
            raise CannotParse(f'Can\'t find end tag corresponding to start tag "{self._open[-1][0]}"')
        self._entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self._shown), self._entities

    def _show(self, escaped: str) -> None:
        text = _unescape(escaped)
        self._shown.append(text)
        self._length += utf16_length(text)

    def _start(self, match: re.Match[str]) -> None:
        tag = match[2].lower()
        if tag not in _TYPES and (match[3] or match[4]):
            raise CannotParse(f'Unsupported start tag "{tag}" at byte offset {self._bytes(match)}')
        if not match[4]:
            raise CannotParse(f"Unclosed start tag at byte offset {self._bytes(match)}")
        attributes = self._attributes(tag, match)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise CannotParse(f'Tag "span" must have class "tg-spoiler" at byte offset {self._bytes(match)}')
        self._open.append((tag, attributes, self._length))

    def _attributes(self, tag: str, match: re.Match[str]) -> dict[str, str]:
        found = {}
        source = match[3].strip()
        position = 0
        while position < len(source):
            attribute = _ATTRIBUTE.match(source, position)
            assert attribute is not None  # it matches anything
            name, equals, value = attribute.groups()
            if not name:
                raise CannotParse(f'Empty attribute name in the tag "{tag}" at byte offset {self._bytes(match)}')
            if equals and value is None:
                raise CannotParse(f'Unclosed attribute value in the tag "{tag}" at byte offset {self._bytes(match)}')
            found[name.lower()] = _unescape((value or "").strip("\"'"))
            position = attribute.end()
        return found

    def _close(self, match: re.Match[str]) -> None:
        tag = match[2].lower()
        if not self._open:
            raise CannotParse(f"Unexpected end tag at byte offset {self._bytes(match)}")
        if not match[4] or match[3].strip():
            raise CannotParse(f"Unclosed end tag at byte offset {self._bytes(match)}")
        expected, attributes, offset = self._open.pop()
        if tag not in ("", expected):
            raise CannotParse(
                f'Unmatched end tag at byte offset {self._bytes(match)}, expected "</{expected}>", found "</{tag}>"'
            )
        self._add(expected, attributes, offset)

    def _add(self, tag: str, attributes: dict[str, str], offset: int) -> None:
        if self._length == offset:
            return  # nothing is shown in it
        entity: dict[str, Any] = {"type": _TYPES[tag], "offset": offset, "length": self._length - offset}
        if tag == "a":
            url = attributes.get("href") or self._text_from(offset)
            if not url.startswith(("http://", "https://", "tg://", "mailto:", "tel:")):
                return  # Telegram shows the text and drops the link
            entity["url"] = url
        self._entities.append(entity)

    def _text_from(self, offset: int) -> str:
        units = "".join(self._shown).encode("utf-16-le", "surrogatepass")
        return units[2 * offset :].decode("utf-16-le", "surrogatepass")

    def _bytes(self, match: re.Match[str]) -> int:
        return len(self._source[: match.start()].encode("utf-8", "surrogatepass"))
