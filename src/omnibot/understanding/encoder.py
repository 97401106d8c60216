"""Where a text stands in MiniLM's space of meanings, as the sum of one vector for each of its wordpieces.

The vectors are trained so that their sum points where MiniLM points for the whole sentence (training/encoder.py).
Wordpieces are those of BERT's uncased English vocabulary, found as BERT finds them: the longest piece that a word
begins with, then the longest that goes on from there.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from omnibot.understanding.artefacts import SHIPPED, artefact

__all__ = ["Encoder", "WordPieces"]

_PART = re.compile(r"[^\W_]+|[^\w\s]")
_CONTINUED = crc32(b"##")
_AT_ONCE = 256  # rows of a long text: as floats they fit into the processor's cache


class WordPieces:
    """The vocabulary: pieces are found by their hashes, which rise, and have the row of the same place.

    A dict of the 28,000 pieces would take 4 MB more.
    """

    def __init__(self, hashes: npt.NDArray[np.uint32], rows: npt.NDArray[np.uint16], longest: int) -> None:
        self._hashes = array("I", hashes.astype(np.uint32).tobytes())
        self._rows = array("H", rows.astype(np.uint16).tobytes())
        self._longest = longest

    @classmethod
    def of(cls, pieces: Sequence[str]) -> WordPieces:
        """A vocabulary of these pieces in the order of their rows; raises ValueError if two have one hash."""
        hashes = np.array([crc32(piece.encode()) for piece in pieces], np.uint32)
        if len(set(hashes.tolist())) < len(pieces):
            raise ValueError("two of these wordpieces have the same hash: leave one out")
        rows = np.argsort(hashes)
        return cls(hashes[rows], rows.astype(np.uint16), max(map(len, pieces)))

    @property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What an artefact keeps of it."""
        return {
            "hashes": np.array(self._hashes, np.uint32),
            "rows": np.array(self._rows, np.uint16),
            "longest": np.array(self._longest),
        }

    def of_word(self, word: str) -> bytes:
        """The rows of a lower-case word's pieces, two bytes each; a part that cannot be pieced together has none."""
        plain = unicodedata.normalize("NFD", word)
        if not plain.isascii():
            plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
        found: list[int] = []
        for part in _PART.findall(plain):
            found += self._of_part(part)
        return array("H", found).tobytes()

    def _of_part(self, part: str) -> list[int]:
        hashes, signs = self._hashes, part.encode()
        found: list[int] = []
        start = seed = 0
        while start < len(signs):
            for end in range(min(len(signs), start + self._longest), start, -1):
                hashed = crc32(signs[start:end], seed)
                place = bisect_left(hashes, hashed)
                if place < len(hashes) and hashes[place] == hashed:
                    found.append(self._rows[place])
                    start, seed = end, _CONTINUED
                    break
            else:
                return []
        return found


class Encoder:
    """The artefact "encoder": `vectors` (int8, a row a wordpiece, the frequent ones first), `scales` (what a row is
    to be multiplied by), and the vocabulary.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        stored = artefact("encoder", folder)
        self._vectors: npt.NDArray[np.int8] = stored["vectors"]
        self._scales: npt.NDArray[np.float32] = stored["scales"]
        self._pieces = WordPieces(stored["hashes"], stored["rows"], int(stored["longest"]))

    def wordpieces(self, word: str) -> bytes:
        """The rows of a lower-case word's pieces, two bytes each."""
        return self._pieces.of_word(word)

    def encode(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The direction that these rows add up to: of length 1, or zeros where there are none."""
        total = self._sum(rows if len(rows) <= _AT_ONCE else rows[:_AT_ONCE])
        for start in range(_AT_ONCE, len(rows), _AT_ONCE):
            total += self._sum(rows[start : start + _AT_ONCE])
        length = sqrt(total.dot(total))
        if length:
            total /= length
        return total

    def _sum(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        total: npt.NDArray[np.float32] = self._scales[rows].dot(self._vectors.take(rows, 0).astype(np.float32))
        return total
