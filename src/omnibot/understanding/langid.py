"""py3langid's model, cut down to a few languages: a sixth of its memory, and the same answers."""

from __future__ import annotations

import lzma
import math
import shutil
import struct
import unicodedata
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import SEEK_CUR
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

__all__ = ["LanguageModel"]

_BYTES = 256
_ALIKE = 1.0  # a feature whose log-probabilities differ by less between our languages tells nothing
_WORTH_IT = 0.98  # an iteration that saves fewer of the rows is not worth its time
_LONGEST = 300  # characters; more tell nothing new about a language
_LETTER = np.int64(1 << 32)
_NAME_LENGTHS = 26  # bytes from a member's header to the lengths of its name and of what is behind that

Numbers = npt.NDArray[Any]


class LanguageModel:
    """Which of some languages a text is in, by its n-grams of bytes.

    py3langid walks an automaton of 40 MB that knows the n-grams of 142 languages. Here those that tell nothing about
    ours are left out, then states that do the same are made one, and bytes likewise.
    """

    def __init__(self, languages: Collection[str]) -> None:
        with _unpacked() as whole:
            names = whole["classes"].tolist()
            columns = [column for column, name in enumerate(names) if name in languages]
            self.languages: Sequence[str] = [names[column] for column in columns]
            weights = whole["ptc"][:, columns].astype(np.float32)
            telling = np.ptp(weights, axis=1) >= _ALIKE if len(columns) > 1 else np.zeros(len(weights), bool)
            self._weights = weights[telling]
            self._priors = whole["pc"][columns].astype(np.float32)
            number = np.append(np.where(telling, np.cumsum(telling) - 1, -1), -1)  # the last: states without output
            moves = whole["nextmove"].reshape(-1, _BYTES)
            self._cut_down(moves, whole["nextmove_row"].astype(np.int64), number[whole["out_feat"]])

    def _cut_down(self, moves: Numbers, row_of: Numbers, output: Numbers) -> None:
        state, row = np.arange(len(row_of), dtype=np.uint32), np.arange(len(moves))
        left = math.inf
        while int(row.max()) < _WORTH_IT * left:
            left = int(row.max())
            state = _alike(row[row_of] * _LETTER + output).astype(np.uint32)
            row = _alike(np.concatenate([_hashes(state[part]) for part in _parts(moves)]))
        rows, members = (np.unique(numbers, return_index=True)[1] for numbers in (row, state))
        by_part = [_hashes(state[part].T, seed) for seed, part in enumerate(_parts(moves[rows]))]
        letter = _alike(np.sum(by_part, axis=0))
        letters = np.unique(letter, return_index=True)[1]
        self._letters = bytes(letter.tolist())
        self._moves = array("H" if len(members) < 1 << 16 else "I")
        for part in _parts(moves[rows]):
            self._moves.frombytes(_as_kept(state[part[:, letters]], self._moves))
        self._rows = array("I", (row[row_of[members]] * len(letters)).tolist())
        self._outputs = array("i", output[members].tolist())
        self._begin = int(state[0])

    def probabilities(self, text: str) -> Sequence[float]:
        """By language, in the order of `languages`; all alike for a text without anything that tells."""
        written = _bytes_of(text[:_LONGEST])
        found = self._walk(written.translate(self._letters))
        if not found:
            return [1 / len(self.languages)] * len(self.languages)
        features = np.fromiter(found.keys(), np.intp, len(found))
        counts = np.fromiter(found.values(), np.float32, len(found))
        scores = np.log1p(counts) @ self._weights[features] + self._priors
        scores /= math.sqrt(len(written))  # py3langid's own: long texts would be sure of anything
        odds = np.exp(scores - scores.max())
        probabilities: list[float] = (odds / odds.sum()).tolist()
        return probabilities

    def _walk(self, letters: bytes) -> Counter[int]:
        moves, rows, outputs, state = self._moves, self._rows, self._outputs, self._begin
        found = []
        for letter in letters:
            state = moves[rows[state] + letter]
            if (feature := outputs[state]) >= 0:
                found.append(feature)
        return Counter(found)


@contextmanager
def _unpacked() -> Iterator[Mapping[str, Numbers]]:
    """The arrays of py3langid's model, mapped from a file: on the heap they would leave 50 MB of holes behind."""
    from py3langid.langid import MODEL_DIR, MODEL_FILE

    with TemporaryFile() as file:
        with lzma.open(MODEL_DIR / MODEL_FILE) as packed:
            shutil.copyfileobj(packed, file, 1 << 20)
        with ZipFile(file) as archive:
            yield {member.filename.removesuffix(".npy"): _mapped(file, member) for member in archive.infolist()}


def _mapped(file: IO[bytes], member: ZipInfo) -> Numbers:
    """An array that `numpy.savez` has stored as it is."""
    file.seek(member.header_offset + _NAME_LENGTHS)
    file.seek(sum(struct.unpack("<HH", file.read(4))), SEEK_CUR)
    np.lib.format.read_magic(file)
    shape, _, kind = np.lib.format.read_array_header_1_0(file)
    return np.memmap(file, kind, "r", file.tell(), shape)


def _parts(rows: Numbers) -> Iterator[Numbers]:
    """Little at a time: whatever is large stays with the process."""
    return (rows[start : start + 512] for start in range(0, len(rows), 512))


def _hashes(rows: Numbers, seed: int = 0) -> Numbers:
    """64 bits a row."""
    weights = np.random.default_rng(seed).integers(1, 1 << 63, rows.shape[1], dtype=np.uint64)
    return np.asarray((rows * weights).sum(axis=1, dtype=np.uint64))


def _alike(keys: Numbers) -> Numbers:
    """Numbers from 0 on, the same for the same keys."""
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _as_kept(numbers: Numbers, kept: array[int]) -> bytes:
    return numbers.astype(f"u{kept.itemsize}").tobytes()


def _bytes_of(text: str) -> bytes:
    """As py3langid was trained: composed, and no text in capitals alone."""
    if text.isascii():
        return (text.lower() if text.isupper() else text).encode()
    text = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", text).encode(errors="replace")
