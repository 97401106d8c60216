"""What the linear heads look at: hashed n-grams of a text, and its place in MiniLM's space of meanings."""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import AnyStr, Final, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt

from omnibot.understanding.artefacts import SHIPPED, artefact
from omnibot.understanding.encoder import Encoder

__all__ = ["BUCKETS", "DENSE", "Extractor", "Features", "letters_of", "spelt", "words"]

BUCKETS: Final = 1 << 15  # of hashed n-grams
DENSE: Final = 256  # numbers of the dense part

_MASK = BUCKETS - 1
_SHORTEST, _LONGEST = 2, 5  # letters of an n-gram within a word and the blank on either side of it
_LONGEST_WORD = 40  # what is longer is a link or noise; its beginning says enough
_FEW_DIGITS = 2  # a number with more is a reference: its length tells, its digits do not
_REMEMBERED = 4096  # words of one generation: some 1.5 MB; two are kept
_WORD = re.compile(r"[^\W_]+(?:['.@_-]+[^\W_]+)*|[^\w\s]")
_DIGIT = re.compile(r"\d")
_GRAM_SEED = crc32(b"letters")  # so that a word and the same letters within another fall apart
_PAIR = np.uint32(0x9E3779B1)

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A text in numbers.

    `hashed_ids` and `hashed_weights` are as long as each other: a bucket below BUCKETS, which may come more than
    once, and its weight. First stand words and pairs of words, then letters; either block is of length 1.
    `dense` has DENSE numbers and length 1. A text without words has no ids, and zeros for `dense`.
    """

    hashed_ids: npt.NDArray[np.intp]
    hashed_weights: Floats
    dense: Floats


class Extractor:
    """Makes features of texts; remembers the words that it met of late.

    Building it loads the artefacts "hashed" and "encoder". Time is linear in the length of a text.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        self._idf: Floats = artefact("hashed", folder)["idf"]
        self._encoder = Encoder(folder)
        self._words = _RecentWords(self._encoder)

    def __call__(self, text: str) -> Features:
        """Features of a text, whatever is in it."""
        known = self._words
        read = [known[word] for word in words(text)]
        if not read:
            return Features(np.empty(0, np.intp), np.empty(0, np.float32), np.zeros(DENSE, np.float32))
        hashes = np.frombuffer(b"".join([word[0] for word in read]), np.uint32)
        letters = np.frombuffer(b"".join([word[1] for word in read]), np.uint16)
        pieces = np.frombuffer(b"".join([word[2] for word in read]), np.uint16)
        ids = np.concatenate((hashes, (hashes[:-1] * _PAIR) ^ hashes[1:], letters)).astype(np.intp)
        ids &= _MASK
        weights = self._idf.take(ids)
        _to_length_1(weights[: 2 * len(read) - 1])
        _to_length_1(weights[2 * len(read) - 1 :])
        return Features(ids, weights, self._encoder.encode(pieces))


def words(text: str) -> list[str]:
    """The words and signs of a text in lower case."""
    return _WORD.findall(text.lower())


def spelt(word: str) -> str:
    """A word as it is looked up: no longer than words are, valid Unicode, a reference without its digits."""
    word = word[:_LONGEST_WORD].encode("utf-8", "replace").decode()
    return _DIGIT.sub("0", word) if len(_DIGIT.findall(word)) > _FEW_DIGITS else word


def _to_length_1(block: Floats) -> None:
    block /= np.sqrt(block.dot(block))


_Word: TypeAlias = tuple[bytes, bytes, bytes]  # its hash (4 bytes), its n-grams (2 each), its wordpieces (2 each)


class _RecentWords(dict[str, _Word]):
    """Words and what is known of them; holds two generations, and drops the older when the younger is full."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._encoder = encoder
        self._older: dict[str, _Word] = {}

    def __missing__(self, word: str) -> _Word:
        known = self._older.get(word) or self._read(word)
        if len(self) >= _REMEMBERED:
            self._older = dict(self)
            self.clear()
        self[word] = known
        return known

    def _read(self, word: str) -> _Word:
        word = spelt(word)
        grams = [crc32(gram, _GRAM_SEED) & _MASK for gram in _grams(word)]
        return (
            crc32(word.encode()).to_bytes(4, sys.byteorder),
            array("H", grams).tobytes(),
            self._encoder.wordpieces(word),
        )


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


def letters_of(word: str) -> int:
    """How many n-grams of letters a word has."""
    padded = min(len(word), _LONGEST_WORD) + 2
    return sum(padded - length + 1 for length in range(_SHORTEST, min(_LONGEST, padded) + 1))
