"""What the words of a clause tell of the forms that it may have, so that those which it cannot have are not tried.

A form is an expression over folded words. From it follows either which words it is made of (then a clause with any
other is none of it) or, where anything may stand in it, which pieces of words it cannot do without and how it begins.
Each word is looked at once and then known. Most words are in no form that is made of words, or have no piece that any
form needs: such sets of words are asked for a whole clause at once, so that only its few telling words cost a look-up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from omnibot.model.values import frozen
from omnibot.stems import folded

__all__ = ["Form", "Hints", "beginnings"]

_WORDS_REMEMBERED = 8192
# In how many clauses a piece of a word stands, roughly: one that is common, others by their letters, long ones.
_COMMON = 0.3
_OFTEN = {1: 3.0, 2: 0.5, 3: 0.03, 4: 0.01}
_SELDOM = 0.004
_ANY = r"\w*"  # word
_NEVER_WRITTEN = "qxzjvkwq"  # a form that may have this word may have any


@frozen
class Form:
    """A kind of thing that is said: by forms that are whole clauses, or stand anywhere in one.

    `before` and `behind` are what the whole ones may stand between.
    """

    name: str
    whole: Sequence[str] = ()
    anywhere: Sequence[str] = ()
    before: str = ""
    behind: str = ""


class _Known(dict[str, int]):
    """What is known of words; of a new one it is found out."""

    def __init__(self, look_up: Callable[[str], int]) -> None:
        self._look_up = look_up

    def __missing__(self, word: str) -> int:
        found = self[word] = self._look_up(word)
        return found


class Hints:
    """By the words of a clause, which kinds of forms it may have: a bit for each kind, by its place."""

    def __init__(self, forms: Sequence[Form], common: Collection[str] = ()) -> None:
        """`common` are words that tell little, since they stand in all that is written."""
        self._read = _Reader(frozenset(common)).read
        self.bits = {form.name: 1 << place for place, form in enumerate(forms)}
        # What is known of a word, in three fields of so many bits: which kinds are made of such words alone, which have
        # what they need where there is one such, which may begin with it.
        self._width = len(forms)
        self._kinds = (1 << self._width) - 1
        self._always = 0
        self._is: dict[str, int] = {}
        self._like: dict[str, int] = {}  # by expression
        self._has: dict[str, dict[str, int]] = {}  # by its first two signs and piece: a word has few such pairs
        for form in forms:
            self._add(form, self.bits[form.name])
        self._patterns: dict[str, list[tuple[re.Pattern[str], int]]] = {}  # by the letter that they begin with, if any
        for word, bits in self._like.items():
            self._patterns.setdefault(word[0] if word[0].isalnum() else "", []).append((re.compile(word), bits))
        self._known = _Known(self._look_up)
        self._foreign: set[str] = set()  # known words of which no kind is made
        self._plain: set[str] = set()  # known words that have nothing which any kind needs

    def of(self, words: Sequence[str]) -> int:
        """The kinds that folded words may have; never lacks one that they have."""
        known = self._known
        made_of, needed = 0, 0
        if self._foreign.isdisjoint(words):
            made_of = self._kinds
            for word in words:
                made_of &= known[word]
        for word in set(words) - self._plain:
            needed |= known[word]
        if needed:
            needed = needed >> self._width & known[words[0]] >> 2 * self._width
        return made_of | needed | self._always

    def _add(self, form: Form, bit: int) -> None:
        before, whole, behind = self._read(form.before), list(map(self._read, form.whole)), self._read(form.behind)
        if closed := [part for part in whole if not part.is_open]:
            self._may_be((before + _any_of(closed) + behind).words(), bit)
        open_, anywhere = [part for part in whole if part.is_open], list(map(self._read, form.anywhere))
        others = open_ + anywhere
        if not all(part.needs for part in others):
            self._always |= bit
        elif others:
            self._may_be([_ANY] if anywhere else (before + _any_of(open_)).beginnings(), bit << 2 * self._width)
            pieces = {piece for part in others for piece in part.needs.pieces}
            for piece in pieces:
                alike = self._has.setdefault(piece[:2] if len(piece) > 1 else "", {})
                alike[piece] = alike.get(piece, 0) | bit << self._width

    def _may_be(self, words: Iterable[str], bit: int) -> None:
        for word in words:
            known = self._is if word.isalnum() else self._like
            known[word] = known.get(word, 0) | bit

    def _look_up(self, word: str) -> int:
        if len(self._known) >= _WORDS_REMEMBERED:
            self._known.clear()
            self._foreign.clear()
            self._plain.clear()
        bits = self._is.get(word, 0) | self._like_patterns(word) | self._by_pieces(word)
        if not bits & self._kinds:
            self._foreign.add(word)
        if not bits & self._kinds << self._width:
            self._plain.add(word)
        return bits

    def _like_patterns(self, word: str) -> int:
        bits = 0
        for letter in ("", word[0]):
            for pattern, more in self._patterns.get(letter, ()):
                if more & ~bits and pattern.fullmatch(word):
                    bits |= more
        return bits

    def _by_pieces(self, word: str) -> int:
        bits, whole = 0, f" {word} "
        for pair in ("", *{whole[place : place + 2] for place in range(len(whole) - 1)}):
            for piece, more in self._has.get(pair, _NO_PIECES).items():
                if piece in whole:
                    bits |= more
        return bits


_NO_PIECES: Mapping[str, int] = {}


def beginnings(forms: Iterable[str]) -> frozenset[str]:
    """The words with which forms may begin; raises ValueError where that may be one of many."""
    read = _Reader(frozenset()).read
    words = frozenset(word for form in forms for word in read(form).beginnings())
    if many := sorted(word for word in words if not word.isalnum()):
        raise ValueError(f"forms may begin with {', '.join(many)}; write the words themselves")
    return words


# --- what follows from an expression ---


@frozen
class _Needs:
    """Pieces of words, one of which must be there; none where nothing must. A space is where a word begins or ends."""

    pieces: frozenset[str] = frozenset()
    seldom: float = -math.inf  # how much it tells that one is there

    def __bool__(self) -> bool:
        return bool(self.pieces)


@frozen
class _Part:
    """What a part of an expression may be, cut at spaces; words and ends of words are expressions again."""

    alone: frozenset[str]  # without any space
    begins: frozenset[str] = frozenset()  # up to the first space
    ends: frozenset[str] = frozenset()  # from the last one on
    between: frozenset[str] = frozenset()
    needs: _Needs = _Needs()

    def words(self) -> frozenset[str]:
        """All that may be a word of it."""
        return (self.alone | self.begins | self.ends | self.between) - {""}

    def beginnings(self) -> Collection[str]:
        """All that may be its first word: any where a space may come first."""
        found = self.alone | self.begins
        return [_ANY] if "" in found else found

    @property
    def is_open(self) -> bool:
        """Whether any word may stand in it."""
        return any(re.fullmatch(word, _NEVER_WRITTEN) for word in self.words() if not word.isalnum())

    def __add__(self, other: _Part) -> _Part:
        return _Part(
            alone=_joined(self.alone, other.alone),
            begins=self.begins | _joined(self.alone, other.begins),
            ends=other.ends | _joined(self.ends, other.alone),
            between=self.between | other.between | _joined(self.ends, other.begins),
            needs=max(self.needs, other.needs, key=_tells),
        )

    def optional(self) -> _Part:
        """It, or nothing."""
        return replace(self, alone=self.alone | {""}, needs=_Needs())

    def repeated(self) -> _Part:
        """It, as often as you like, and at least once."""
        pieces = sorted(self.alone - {""})
        alone = frozenset([f"(?:{'|'.join(pieces)})*" if pieces else ""])
        return _Part(
            alone=alone,
            begins=_joined(alone, self.begins),
            ends=_joined(self.ends, alone),
            between=self.between | _joined(_joined(self.ends, alone), self.begins),
            needs=self.needs,
        )


def _any_of(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    needs = [part.needs for part in parts]
    return _Part(
        alone=frozenset().union(*[part.alone for part in parts]),
        begins=frozenset().union(*[part.begins for part in parts]),
        ends=frozenset().union(*[part.ends for part in parts]),
        between=frozenset().union(*[part.between for part in parts]),
        needs=_Needs(frozenset().union(*[one.pieces for one in needs]), sum(one.seldom for one in needs))
        if all(needs)
        else _Needs(),
    )


_EMPTY = frozenset([""])
_WORD = frozenset([_ANY])
_NOTHING = _Part(_EMPTY)
_ANYTHING = _Part(alone=_WORD, begins=_WORD, ends=_WORD, between=_WORD)


def _joined(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    if others == _EMPTY:
        return some
    return frozenset([one + other for one in some for other in others])


def _tells(needs: _Needs) -> float:
    return needs.seldom


_TOKEN = re.compile(
    r"(?P<look>\(\?[!=])|(?P<open>\((?:\?:|\?P<\w+>)?)|(?P<close>\))|(?P<or>\|)|(?P<set>\[[^\]]+\])"
    r"|(?P<run>[^\W_]+(?![*+?{])(?: [^\W_]+(?![*+?{]))*)"
    r"|(?P<edge>\\b|\^|\$)|(?P<any>\.|\\[sWDS])|(?P<sign>\\[wd])|(?P<text>\\[^\w]|[^\\()\[\]|.*+?{}^$])"
)
_REPEAT = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<least>\d+)(?:,\d*)?\})\??")
_APOSTROPHES = "'’‘`´"


class _Reader:
    """Reads expressions as parts."""

    def __init__(self, common: Collection[str]) -> None:
        self._common = common

    def read(self, source: str) -> _Part:
        """What follows from an expression; raises ValueError where it has what no form should have."""
        part, end = self._alternatives(source, 0)
        if end != len(source):
            raise ValueError(f"{source!r} cannot be read as a form from place {end} on")
        return part

    def _alternatives(self, source: str, place: int) -> tuple[_Part, int]:
        found = []
        while True:
            part, place = self._sequence(source, place)
            found.append(part)
            if source[place : place + 1] != "|":
                return _any_of(found), place
            place += 1

    def _sequence(self, source: str, place: int) -> tuple[_Part, int]:
        whole, text = _NOTHING, ""
        while (token := _TOKEN.match(source, place)) and token.lastgroup not in ("or", "close"):
            place = token.end()
            if token.lastgroup in ("look", "open"):
                part, place = self._alternatives(source, place)
                if source[place : place + 1] != ")":
                    raise ValueError(f"{source!r} has a group that does not end")
                place += 1
                part = _NOTHING if token.lastgroup == "look" else part
                sign = ""
            elif token.lastgroup == "run":
                text += token[0]
                continue
            else:
                part, sign = self._one_sign(token.lastgroup or "", token[0])
            repeat = _REPEAT.match(source, place)
            if sign and not repeat:
                text += sign
                continue
            whole, text = whole + self._text(text), ""
            if repeat:
                place = repeat.end()
                part = part if repeat["sign"] == "?" else part.repeated()
                part = part if repeat["sign"] == "+" or int(repeat["least"] or 0) else part.optional()
            whole += part
        return whole + self._text(text), place

    def _one_sign(self, kind: str, token: str) -> tuple[_Part, str]:
        """What a sign may be, and its text where that is one."""
        if kind == "edge":
            return _NOTHING, ""
        if kind == "any":
            return _ANYTHING, ""
        if kind == "sign":
            return _Part(frozenset([token])), ""
        if kind == "text":
            return self._text(token[-1]), token[-1]
        signs = token[1:-1]
        if signs[0] == "^" or (" " in signs and "\\" in signs):
            return _ANYTHING, ""
        if "\\" in signs or "-" in signs[1:-1]:
            return _Part(frozenset([r"\w"])), ""
        folds = {_folded(sign) for sign in signs}
        return _any_of(list(map(self._text, signs))), signs[0] if len(folds) == 1 else ""

    def _text(self, text: str) -> _Part:
        """What is written as it stands."""
        words = re.split(" +", "".join(map(_folded, text)))
        last = len(words) - 1
        needs = max(
            (
                self._needs(f"{' ' * (place > 0)}{word}{' ' * (place < last)}")
                for place, word in enumerate(words)
                if word
            ),
            key=_tells,
            default=_Needs(),
        )
        if len(words) == 1:
            return _Part(frozenset(words), needs=needs)
        return _Part(
            frozenset(),
            begins=frozenset(words[:1]),
            ends=frozenset(words[-1:]),
            between=frozenset(words[1:-1]),
            needs=needs,
        )

    def _needs(self, piece: str) -> _Needs:
        word = piece.strip()
        return _Needs(frozenset([piece]), -max(_OFTEN.get(len(word), _SELDOM), _COMMON * (word in self._common)))


@cache
def _folded(sign: str) -> str:
    """As `folded` does with it within a text: an apostrophe is nothing, a hyphen parts words."""
    return folded(sign) or ("" if sign in _APOSTROPHES else " ")
