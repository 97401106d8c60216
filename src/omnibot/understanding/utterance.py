"""What a turn says, made ready once for all that read it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from itertools import accumulate, compress, count, islice
from operator import not_
from string import ascii_uppercase, digits
from typing import TYPE_CHECKING, Generic, TypeVar

from omnibot.model import Evidence, Situation

if TYPE_CHECKING:
    from spacy.tokens import Doc

__all__ = ["LONGEST", "SIGNS_OF_CODE", "Utterance", "cut", "folded", "legible", "once"]

LONGEST = 4000  # characters that are read of a message
_SIGNS = 200  # neither letter, digit nor space: a long letter has fewer, a flood of emoji more
_UNBROKEN = 40  # signs without a space; longer runs are links and noise
SIGNS_OF_CODE = "`{}[]<>=|\\^~#_@$%/"
_FIGURES = digits.encode()
_MARKS = ascii_uppercase + digits + SIGNS_OF_CODE
_UNMARKED = bytes(set(range(128)) - set(_MARKS.encode()))
_NO_CAPITALS = bytes(set(range(128)) - set(ascii_uppercase.encode()))
_WORD = re.compile(r"([^\W_]++(?:['.@_-]++[^\W_]++)*+|[^\w\s])")
# The same of ASCII, of which each sign is looked up in a map of bits.
_ASCII_WORD = re.compile(r"([A-Za-z0-9]++(?:['.@_-]++[A-Za-z0-9]++)*+|[^\w\s])", re.ASCII)
_DIGIT = re.compile(r"\d")


_Owner = TypeVar("_Owner")
_Value = TypeVar("_Value")


class once(Generic[_Owner, _Value]):
    """A property that is made when it is first asked for, and kept.

    `functools.cached_property` takes a lock for it until Python 3.12, which costs more than most of what is made here.
    """

    def __init__(self, make: Callable[[_Owner], _Value]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, owner: _Owner, kind: type[_Owner]) -> _Value:
        value = owner.__dict__[self._name] = self._make(owner)
        return value


class Utterance:
    """A text with its words, and the situation that it is said in. Nobody changes it.

    `text` has the length of what was written, up to LONGEST: a place in it is a place in the original. What every pass
    needs is made at once, which costs less than a call for each of it.
    """

    text: str
    situation: Situation
    language: str  # ISO 639-1: the one to read it in, known or not
    doc: Doc | None  # spaCy's, of the same text
    written: str | None  # as it came in, before it was made legible; None: just so

    lower: str  # in lower case, sign by sign in the same place
    folded: str  # the same without accents
    said: str  # the text with blanks for what says nothing: whom it is addressed to, links, marks of HTML
    words: list[str]  # words and signs in lower case
    spans: list[tuple[int, int]]  # where each of the words stands in the text
    said_words: list[str]  # the words of what is said, in plain lower case: as features are made of them
    marks: bytes  # capitals, figures and the signs of code, in the order of the text; of ASCII's alone
    capitals: int  # how many letters are capitals; of ASCII's alone
    has_figures: bool  # whether there is a digit in the text

    def __init__(
        self, text: str, situation: Situation, language: str, doc: Doc | None = None, written: str | None = None
    ) -> None:
        self.text = text
        self.situation = situation
        self.language = language
        self.doc = doc
        self.written = written
        self.lower = lower = _lower(text)
        self.folded = folded(lower)
        self.said = _said(text, lower)
        # A letter is none in either case, or in both.
        self.words, self.spans = _words(lower)
        is_plain = self.said is text and (text.isascii() or len(text.lower()) == len(text))
        self.said_words = self.words if is_plain else _WORD.findall(self.said.lower())
        self.marks = marks = text.encode("ascii", "ignore").translate(None, _UNMARKED)
        if not marks or marks.isalpha():
            self.capitals, has_figures = len(marks), False
        else:
            self.capitals = len(marks.translate(None, _NO_CAPITALS))
            has_figures = len(marks.translate(None, _FIGURES)) < len(marks)
        self.has_figures = has_figures or not (text.isascii() or _DIGIT.search(text) is None)

    @once
    def odd_words(self) -> list[int]:
        """The places of the words that are not of letters alone: figures, signs, words with a mark in them."""
        return list(compress(count(), map(not_, map(str.isalpha, self.words))))

    @once
    def said_spans(self) -> list[tuple[int, int]]:
        """Where each word of what is said stands in the text."""
        return self.spans if self.said is self.text else _words(self.said)[1]

    def in_language(self, language: str) -> Utterance:
        """The same, read in a language; what was made of the text already goes along."""
        if language == self.language:
            return self
        same: Utterance = object.__new__(Utterance)
        same.__dict__ = self.__dict__.copy()
        same.language = language
        return same

    def quote(self, start: int, end: int) -> Evidence:
        """These signs of the text as evidence."""
        return Evidence(self.text[start:end], start, end)

    def quote_words(self, first: int, end: int) -> Evidence:
        """The words from `first` up to before `end` as evidence."""
        return self.quote(self.spans[first][0], self.spans[end - 1][1])


def cut(text: str, word: re.Pattern[str]) -> tuple[list[str], list[tuple[int, int]]]:
    """What an expression, which is one group, finds in a text, and where it stands.

    No step for each word: a split with a group gives what stands between words and words in turn, and their lengths
    add up to their places.
    """
    parts = word.split(text)
    places = list(accumulate(map(len, parts)))
    return parts[1::2], list(zip(places[::2], places[1::2], strict=False))  # behind the last word ends no other


def _words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    return cut(text, _ASCII_WORD if text.isascii() else _WORD)


def _lower(text: str) -> str:
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := sign.lower()) == 1 else sign for sign in text)


def _said(text: str, lower: str) -> str:
    if not any(map(lower.__contains__, _OF_UNSAID)):
        return text
    return _UNSAID.sub(lambda unsaid: " " * len(unsaid[0]), text)


def folded(lower: str) -> str:
    """Lower-case Latin letters without their accents: what was typed with them and without reads alike."""
    return lower if lower.isascii() else lower.translate(_accents())


@cache
def _accents() -> Mapping[int, str]:
    """By letter with an accent the one without, where that is one letter, too."""
    letters = map(chr, [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)])
    return {ord(letter): plain for letter in letters if (plain := unicodedata.normalize("NFD", letter)[0]) != letter}


_OF_UNSAID = ("@", "<", "&", "://", "www.")  # what says nothing has one of these
_UNSAID = re.compile(
    r"<?(?<![\w.+-])@\w+(?:>|[-.]\w+)*|<(?:user|url|link|mention)>|https?://\S+|(?<!\w)www\.\S+|&(?:amp|gt|lt|quot|nbsp);",
    re.IGNORECASE,
)

_SIGN = re.compile(r"[^\w\s]")
_RUN = re.compile(rf"(?<!\S)(\S{{{_UNBROKEN}}})(\S+)")


def legible(text: str) -> str:
    """The part of a text that is read, of the same length: valid Unicode, no floods of signs or endless runs."""
    text = text[:LONGEST]
    if not text.isascii():
        # spaCy encodes its words as UTF-8, which has no lone surrogates.
        text = text.encode("utf-8", "replace").decode("utf-8").replace("’", "'")
    if len(text) > _SIGNS:
        text = _without_flood(text)
    if _is_broken(text):  # as most texts are: a tenth of what the expression takes
        return text
    return _RUN.sub(lambda run: run[1] + " " * len(run[2]), text)


def _is_broken(text: str) -> bool:
    """Whether there is a space within each UNBROKEN signs; from one to the last that is near enough."""
    last, begin = len(text) - _UNBROKEN, 0
    while begin < last:
        begin = text.rfind(" ", begin, begin + _UNBROKEN + 1) + 1
        if not begin:
            return False
    return True


def _without_flood(text: str) -> str:
    signs = list(islice(_SIGN.finditer(text), _SIGNS + 1))
    if len(signs) <= _SIGNS:
        return text
    end = signs[-1].start()
    return text[:end] + _SIGN.sub(" ", text[end:])
