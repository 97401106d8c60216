"""Texts with places in them, as people write them into files: `Your plan changed {at, on}.`

A place is `{name}`, or `{name, form}` where its value is to be put in another form than the usual one, or

    {count, plural, one {one message} other {# messages}}

with a text for each of the language's plural categories (CLDR), in which # is the number. `other` stands in for those
that are missing, `=1` is for one number alone. Braces of the text itself are doubled: {{ and }}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

__all__ = ["FORMS", "Place", "PlaceError", "Template"]

FORMS: Mapping[str, str] = {
    "on": "a day as when something happens: on 15 January, yesterday",
    "since": "a day as from when something lasts: since 15 January",
    "moment": "a day with its hour: tomorrow at 4 pm",
    "by": "a day with its hour, as the last: by 4 pm tomorrow",
    "ordinal": "a number in a row: third",
    "items": "a list of whole sentences, parted by semicolons",
}
_PLURAL = "plural"
_CATEGORIES = re.compile(r"zero|one|two|few|many|other|=\d+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LITERAL = re.compile(r"(?:[^{}]|\{\{|\}\})+")
_LITERAL_OF_CASE = re.compile(r"(?:[^{}#])+")
_SPACE = re.compile(r"\s*")


class PlaceError(ValueError):
    """A text whose places are not written as they must be; the message says what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes; `cases` are the texts of a plural by category, in which the name `#` is the number."""

    name: str
    form: str = ""
    cases: Mapping[str, Template] | None = None


Write = Callable[[Place], str]


@dataclass(frozen=True, slots=True)
class Template:
    """A text taken apart once, to be filled often."""

    text: str
    parts: tuple[str | Place, ...]
    names: frozenset[str] = field(compare=False)  # of all places, those in plurals too

    @classmethod
    def of(cls, text: str) -> Template:
        """Take a text apart; raises PlaceError."""
        reader = _Reader(text)
        parts = tuple(reader.parts(in_case=False))
        return cls(text, parts, _names(parts))

    @property
    def places(self) -> Iterator[Place]:
        """All places, those in plurals too."""
        return _places(self.parts)

    def fill(self, write: Write) -> str:
        """The text with what `write` puts in each place."""
        return "".join([part if isinstance(part, str) else write(part) for part in self.parts])


def _places(parts: tuple[str | Place, ...]) -> Iterator[Place]:
    for part in parts:
        if isinstance(part, Place):
            yield part
            for case in (part.cases or {}).values():
                yield from _places(case.parts)


def _names(parts: tuple[str | Place, ...]) -> frozenset[str]:
    return _shared(frozenset(place.name for place in _places(parts) if place.name != "#"))


@lru_cache(maxsize=1024)
def _shared(names: frozenset[str]) -> frozenset[str]:
    """Thousands of texts have the same few places: one set of them is enough for all."""
    return names


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parts(self, *, in_case: bool) -> Iterator[str | Place]:
        literal = _LITERAL_OF_CASE if in_case else _LITERAL
        while self._at < len(self._text):
            if words := literal.match(self._text, self._at):
                self._at = words.end()
                yield words[0] if in_case else words[0].replace("{{", "{").replace("}}", "}")
            elif self._text[self._at] == "#":
                self._at += 1
                yield Place("#")
            elif self._text[self._at] == "{":
                yield self._place()
            elif in_case:
                return
            else:
                raise PlaceError(f"has a }} without its {{ at {self._near()}; write }}}} for a brace of the text")

    def _place(self) -> Place:
        self._take("{")
        name = self._word(_NAME, "a name")
        if not self._takes(","):
            self._take("}")
            return Place(name)
        form = self._word(_NAME, "a form")
        if form == _PLURAL:
            self._take(",")
            return Place(name, form, self._cases(name))
        if form not in FORMS:
            known = ", ".join([*FORMS, _PLURAL])
            raise PlaceError(f"puts {{{name}}} in the form {form!r}, which there is not; there are {known}")
        self._take("}")
        return Place(name, form)

    def _cases(self, name: str) -> Mapping[str, Template]:
        cases: dict[str, Template] = {}
        while not self._ends_place():
            category = self._word(_CATEGORIES, "one, other or another category of plurals")
            self._take("{", skip_after=False)
            start = self._at
            parts = tuple(self.parts(in_case=True))
            cases[category] = Template(self._text[start : self._at], parts, _names(parts))
            self._take("}")
        if "other" not in cases:
            raise PlaceError(f"has a plural of {{{name}}} without `other`; add other {{…}} for all other numbers")
        return cases

    def _ends_place(self) -> bool:
        self._skip()
        return self._takes("}")

    def _takes(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _take(self, sign: str, *, skip_after: bool = True) -> None:
        self._skip()
        if not self._takes(sign):
            raise PlaceError(f"lacks a {sign} at {self._near()}; write {{name}}, or {{{{ for a brace of the text")
        if skip_after and sign != "}":
            self._skip()

    def _word(self, form: re.Pattern[str], what: str) -> str:
        self._skip()
        found = form.match(self._text, self._at)
        if not found:
            raise PlaceError(f"lacks {what} at {self._near()}; write {{name}}, or {{{{ for a brace of the text")
        self._at = found.end()
        self._skip()
        return found[0]

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        assert space is not None
        self._at = space.end()

    def _near(self) -> str:
        rest = self._text[self._at : self._at + 12]
        return f"{rest!r}" if rest else "the end"
