"""What the linear heads look at: hashed n-grams of a text, and its place in MiniLM's space of meanings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from operator import attrgetter
from pathlib import Path
from struct import Struct
from typing import AnyStr, Final, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt

from omnibot.model.values import frozen
from omnibot.understanding.artefacts import SHIPPED, artefact
from omnibot.understanding.encoder import Encoder

__all__ = ["BUCKETS", "DENSE", "NOTHING_SAID", "Extractor", "Features", "Word", "spelt", "words"]

BUCKETS: Final = 1 << 15  # of hashed n-grams
DENSE: Final = 256  # numbers of the dense part

_MASK = BUCKETS - 1
_SHORTEST, _LONGEST = 2, 5  # letters of an n-gram within a word and the blank on either side of it
_LONGEST_WORD = 40  # what is longer is a link or noise; its beginning says enough
_FEW_DIGITS = 2  # a number with more is a reference: its length tells, its digits do not,
_CODES = frozenset({"401", "403", "404", "408", "422", "429", "502", "503", "504"})  # but of what HTTP answers
_REMEMBERED = 4096  # words of one generation: some 2 MB; two are kept
_WORD = re.compile(r"[^\W_]+(?:['.@_-]+[^\W_]+)*|[^\w\s]")
_DIGIT = re.compile(r"\d")
_GRAM_SEED = crc32(b"letters")  # so that a word and the same letters within another fall apart
_PAIR = 0x9E3779B1
# Of a word: its half of the bucket of the pair that it begins, and of the one that it ends, its own weight squared, and
# the sum of its letters' weights squared. What is a place takes 8 bytes: numpy looks others up at twice the price.
_NUMBERS = Struct("qqff")
_PLACE, _FLOAT = np.dtype(np.int64), np.dtype(np.float32)
_PLACES, _FLOATS = _NUMBERS.size // _PLACE.itemsize, _NUMBERS.size // _FLOAT.itemsize

Floats: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.int64]


@frozen(eq=False)
class Word:
    """What is known of a word, which is an n-gram, and whose letters have others; made by `of`.

    All in few objects: in a server's cold caches each that is looked at costs more than what is done with it.
    """

    numbers: bytes  # _NUMBERS
    ids: bytes  # the bucket of the word, then those of its letters: 2 bytes each
    weights: bytes  # of these: 4 bytes each
    pieces: bytes  # the rows of its wordpieces: 8 bytes each

    @classmethod
    def of(cls, hashed: int, letters: Sequence[int], idf: Floats, pieces: bytes) -> Word:
        """A word by its hash of 32 bits, its letters' buckets, the weights of all buckets, and its `wordpieces`."""
        ids = np.array([hashed & _MASK, *letters], np.uint16)
        weights = idf.take(ids)
        squares = weights * weights
        numbers = _NUMBERS.pack(hashed * _PAIR & _MASK, hashed & _MASK, squares[0], squares[1:].sum())
        places = np.frombuffer(pieces, np.uint16).astype(_PLACE)
        return cls(numbers, ids.tobytes(), weights.tobytes(), places.tobytes())

    @property
    def letters(self) -> int:
        """How many n-grams of letters it has."""
        return len(self.ids) // 2 - 1


_numbers, _pieces = attrgetter("numbers"), attrgetter("pieces")


@dataclass(slots=True, eq=False)
class Features:
    """A text in numbers: its words, what weighs them, and its place among meanings.

    The hashed part has two blocks of length 1, each a weighted sum of buckets: words with their pairs, and letters.
    What a word has in either is to be multiplied by `word_scale` and by `letter_scale`. `pairs` are the buckets of
    neighbours, one fewer than there are words, and `pair_weights` their weights in the block. `dense` has DENSE numbers
    and length 1; of a text without words they are zeros.
    """

    words: Sequence[Word]
    pairs: Places
    pair_weights: Floats
    word_scale: float
    letter_scale: float
    dense: Floats
    _hashed: tuple[Places, Floats] | None = field(default=None, init=False)

    @property
    def hashed_ids(self) -> Places:
        """The buckets of both blocks, one of which may come more than once: words, pairs, letters."""
        return self._flat()[0]

    @property
    def hashed_weights(self) -> Floats:
        """The weights of `hashed_ids`."""
        return self._flat()[1]

    def _flat(self) -> tuple[Places, Floats]:
        # Heads have no need of them: they remember what each word says.
        if self._hashed is None:
            ids = np.frombuffer(b"".join([word.ids for word in self.words]), np.uint16)
            weights = np.frombuffer(b"".join([word.weights for word in self.words]), np.float32)
            begins = np.cumsum([0, *[word.letters + 1 for word in self.words]])[:-1]
            own, own_weights = ids.take(begins), weights.take(begins) * np.float32(self.word_scale)
            letters, letter_weights = np.delete(ids, begins), np.delete(weights, begins) * np.float32(self.letter_scale)
            self._hashed = (
                np.concatenate((own, self.pairs, letters)).astype(np.int64),
                np.concatenate((own_weights, self.pair_weights, letter_weights)),
            )
        return self._hashed


NOTHING_SAID: Final = Features(
    (), np.empty(0, np.int64), np.empty(0, np.float32), 0.0, 0.0, np.zeros(DENSE, np.float32)
)


class Extractor:
    """Makes features of texts; remembers the words that it met of late.

    Building it loads the artefacts "hashed" and "encoder". Time is linear in the length of a text.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        self._idf: Floats = artefact("hashed", folder)["idf"]
        self._encoder = Encoder(folder)
        self._words = _RecentWords(self._idf, self._encoder)

    def __call__(self, text: str) -> Features:
        """Features of a text, whatever is in it."""
        return self.of_words(words(text))

    def of_words(self, said: Sequence[str]) -> Features:
        """Features of a text of which these are the `words`."""
        if not said:
            return NOTHING_SAID
        read = list(map(self._words.__getitem__, said))
        numbers = b"".join(map(_numbers, read))
        halves: Places = np.frombuffer(numbers, _PLACE)
        squares: Floats = np.frombuffer(numbers, _FLOAT)
        pairs = halves[:-_PLACES:_PLACES] ^ halves[_PLACES + 1 :: _PLACES]
        pair_weights: Floats = self._idf[pairs]
        word_scale = 1 / sqrt(np.add.reduce(squares[_FLOATS - 2 :: _FLOATS]) + pair_weights.dot(pair_weights))
        letter_scale = 1 / sqrt(np.add.reduce(squares[_FLOATS - 1 :: _FLOATS]))
        pair_weights *= word_scale
        return Features(read, pairs, pair_weights, word_scale, letter_scale, self._meaning(read))

    def meaning(self, text: str) -> Floats:
        """The dense part of the features of a text alone: a third of the work."""
        said = words(text)
        return self._meaning(map(self._words.__getitem__, said)) if said else NOTHING_SAID.dense

    def _meaning(self, read: Iterable[Word]) -> Floats:
        return self._encoder.encode(np.frombuffer(b"".join(map(_pieces, read)), _PLACE))


def words(text: str) -> list[str]:
    """The words and signs of a text in lower case."""
    return _WORD.findall(text.lower())


def spelt(word: str) -> str:
    """A word as it is looked up: no longer than words are, valid Unicode, a reference without its digits."""
    word = word[:_LONGEST_WORD].encode("utf-8", "replace").decode()
    is_reference = len(_DIGIT.findall(word)) > _FEW_DIGITS and word not in _CODES
    return _DIGIT.sub("0", word) if is_reference else word


class _RecentWords(dict[str, Word]):
    """Words and what is known of them; holds two generations, and drops the older when the younger is full."""

    def __init__(self, idf: Floats, encoder: Encoder) -> None:
        super().__init__()
        self._idf = idf
        self._encoder = encoder
        self._older: dict[str, Word] = {}

    def __missing__(self, word: str) -> Word:
        looked_up = spelt(word)
        if looked_up != word:  # one of many references, which are all one to us
            return self[looked_up]
        known = self._older.get(word) or self._read(word)
        if len(self) >= _REMEMBERED:
            self._older = dict(self)
            self.clear()
        self[word] = known
        return known

    def _read(self, word: str) -> Word:
        grams = [crc32(gram, _GRAM_SEED) & _MASK for gram in _grams(word)]
        return Word.of(crc32(word.encode()), grams, self._idf, self._encoder.wordpieces(word))


def _grams(word: str) -> Iterable[bytes]:
    padded = f" {word} "
    if padded.isascii():
        return _slices(padded.encode())
    return (gram.encode() for gram in _slices(padded))


def _slices(signs: AnyStr) -> list[AnyStr]:
    return [
        signs[start : start + length]
        for length in range(_SHORTEST, min(_LONGEST, len(signs)) + 1)
        for start in range(len(signs) - length + 1)
    ]
