"""What the words around a time tell of it."""

from __future__ import annotations

from collections.abc import Sequence

from omnibot.understanding.times.grammar import DOT
from omnibot.understanding.times.lexing import Piece
from omnibot.understanding.times.words import Vocabulary
from omnibot.understanding.utterance import once

__all__ = ["Context"]

_FAR = 25  # pieces: further away nothing belongs to it
_JOINTS = frozenset({"comma", "and"})


class Context:
    """The sentence around the pieces from `first` up to before `end`, nearest words first."""

    def __init__(self, found: Sequence[Piece], first: int, end: int, vocabulary: Vocabulary, text: str) -> None:
        self._found = found
        self._first, self._end = first, end
        self._vocabulary = vocabulary
        self._text = text

    @once
    def before(self) -> Sequence[Piece]:
        """What stands in front of it, nearest first."""
        return _in_sentence(self._found[max(self._first - _FAR, 0) : self._first][::-1])

    @once
    def after(self) -> Sequence[Piece]:
        """What stands behind it."""
        return _in_sentence(self._found[self._end : self._end + _FAR])

    @once
    def near(self) -> Sequence[Piece]:
        """What stands in front of it in its own clause, nearest first."""
        return self.before[: self._joint(self.before)]

    @once
    def behind(self) -> Sequence[Piece]:
        """What stands behind it in its own clause."""
        return self.after[: self._joint(self.after)]

    def _joint(self, walked: Sequence[Piece]) -> int:
        """Where the clause ends that the time stands in."""
        joints = self._vocabulary.cues.get("joint", ())
        for place, piece in enumerate(walked):
            if piece.kind in _JOINTS or piece.word in joints:
                return place
        return len(walked)

    def has(self, cue: str, where: Sequence[Piece]) -> bool:
        """Whether one of these words is such a cue."""
        words = self._vocabulary.cues.get(cue)
        return words is not None and not words.isdisjoint([piece.word for piece in where])

    def near_or_behind(self, cue: str) -> bool:
        """Whether the time's own clause has such a cue."""
        return self.has(cue, self.near) or self.has(cue, self.behind)

    def tense(self, own: bool = False) -> str:
        """`past`, `present` or nothing: what the verb says that stands nearest; `own`: only those in front of it."""
        verb_last = "verb_last" in self._vocabulary.flags and not own and not self.has("passive", self.near)
        if verb_last and self._tense(self.behind, forward=True) == "past":
            return "past"
        found = self._tense(self.near, forward=False)
        if found or own:
            return found
        return (
            self._tense(self.behind, forward=True)
            or self._tense(self.before, forward=False)
            or self._tense(self.after, forward=True)
        )

    def _tense(self, words: Sequence[Piece], *, forward: bool) -> str:
        for place, piece in enumerate(words):
            tense = self._verb(piece, words, place, forward=forward)
            if tense:
                return tense
        return ""

    def _verb(self, piece: Piece, words: Sequence[Piece], place: int, *, forward: bool) -> str:
        word, cues = piece.word, self._vocabulary.cues
        if piece.kind == "month" or word in cues.get("state", ()):
            return ""
        if word in cues.get("past", ()):
            return "past"
        if word in cues.get("present", ()):
            return "present"
        if piece.kind not in ("unknown", "until", "over") or len(word) < 4:
            return ""
        for ending, cue in self._vocabulary.verbs:
            if ending.search(word):
                if cue == "participle":
                    return self._participle(words, place, forward=forward)
                return cue
        return ""

    def _participle(self, words: Sequence[Piece], place: int, *, forward: bool) -> str:
        """`is released` lies ahead, `was released` and `released` behind."""
        around = words[max(place - 3, 0) : place] if forward else words[place + 1 : place + 4]
        if any(self._vocabulary.has(piece.word, "passive") or piece.word.endswith("'s") for piece in around):
            return "present"
        return "past"

    def kind_before(self) -> str:
        """The class of the piece before it."""
        return self._found[self._first - 1].kind if self._first else DOT

    def kind_after(self) -> str:
        """The class of the piece behind it."""
        return self._found[self._end].kind if self._end < len(self._found) else DOT

    def goes_on(self) -> bool:
        """Whether what follows can follow a time: the sentence's end or a word that names no thing."""
        if self._end >= len(self._found):
            return True
        piece = self._found[self._end]
        if piece.kind in ("sign", "num", "opaque", "ord"):
            return piece.word in "-–—()[]\"'“”…*/\n" or ord(piece.word[0]) > 0x2000
        return piece.kind != "unknown" or self._vocabulary.has(piece.word, "follow")

    def capital_follows(self) -> bool:
        """Whether a word in capitals stands right behind: `Sunday Times`."""
        if self._end >= len(self._found) or self._found[self._end].kind != "unknown":
            return False
        sign = self._text[self._found[self._end].start]
        return sign.isupper() and not self._vocabulary.has(self._found[self._end].word, "follow")

    def capital(self, place: int) -> bool:
        """Whether a piece is written with a capital inside of a sentence."""
        return self._text[self._found[place].start].isupper() and place > 0 and self._found[place - 1].kind != DOT

    def quoted(self) -> bool:
        """Whether it stands in quotes of its own."""
        first, last = self._found[self._first].start, self._found[self._end - 1].end
        return (
            self._text[first - 1 : first] in ('"', "“", "«", "„")
            and self._text[last : last + 1] in ('"', "”", "»", "“")
            if first
            else False
        )

    def named(self) -> bool:
        """Whether it is a name and no time: `called Tuesday`, `Herr Freitag`."""
        if self.quoted():
            return True
        place = self._first - 1
        while place > 0 and self._found[place].kind in ("of", "det"):
            place -= 1
        if place >= 0 and self._vocabulary.has(self._found[place].word, "naming"):
            return True
        return any(self._vocabulary.has(piece.word, "titling") for piece in self.after[:4])


def _in_sentence(walked: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces up to the end of the sentence."""
    for place, piece in enumerate(walked):
        if piece.kind == DOT:
            return walked[:place]
    return walked
