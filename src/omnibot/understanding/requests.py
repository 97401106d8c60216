"""What somebody asks for beside the matter itself: a person; that they had to ask before; how many questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from omnibot.model import Evidence, Signal
from omnibot.understanding.cues import Cue, Cues
from omnibot.understanding.utterance import Utterance

__all__ = ["Requests"]

_EVIDENCE = 5
_FEW = 6  # words: no more, and all of them for a person, are a request without a verb ("human please")
_MOST_TIMES = 99

# How sure a form of words is.
_ASKED, _NAMED, _NOT_ASKED, _REFUSED = 0.9, 0.85, 0.8, 0.9
_ORDINAL, _COUNTED, _AGAIN, _FIRST = 0.95, 0.8, 0.65, 0.5
_MARKED, _WORDED, _NO_QUESTION = 0.95, 0.75, 0.8

# What most messages come to, by whether there are cues in their language.
_NO_PERSON = {True: Signal(False, _NOT_ASKED), False: Signal(False, 0.0, known=False)}
_NOTHING_ASKED = {True: Signal(0, _NO_QUESTION), False: Signal(0, 0.0, known=False)}
_FOR_THE_FIRST_TIME = Signal(1, _FIRST, known=False)

# "third", "drei", "2ª": which number it is. A word in several languages means the same in each.
_SAID = """
2 second seconds twice two segunda segundo dos zweite zweiten zweites zwei zweimal deuxieme seconde deux
3 third three tercera tercer tres dritte dritten drittes drei dreimal troisieme trois
4 fourth four cuarta cuarto cuatro vierte vierten viertes vier viermal quatrieme quatre
5 fifth five quinta quinto cinco funfte funften funftes funf funfmal cinquieme cinq
6 sixth six sexta sexto seis sechste sechsten sechstes sechs sixieme
7 seventh seven septima siete siebte siebten sieben septieme sept
8 eighth eight octava ocho achte achten acht huitieme huit
9 ninth nine novena nueve neunte neunten neun neuvieme neuf
10 tenth ten decima diez zehnte zehnten zehn zehnmal dixieme dix
"""
_NUMBERS = {
    word: int(number) for line in _SAID.strip().splitlines() for number, *said in [line.split()] for word in said
}
_SOME = 3  # "several times", "the umpteenth time"
_WORD = re.compile(r"\d+|[^\W\d_]+")
_SAYING = frozenset({"says", "again", "ordinal"})  # cues beside which a number of times is one of saying
_PARTED = re.compile(r"[.!?…;,\n]|\b(?:and|but|y|pero|und|aber|et|mais)\b")  # what is of two things

_SENTENCE = re.compile(r"(?:[^.!?…\n]++|\.(?=\w))++(?P<end>[.!?…]*)")
# What may stand between the beginning of a sentence and its question.
_BEFORE = re.compile(
    r"(?:.*[,;:()¿–-]|\W*(?:hi|hello|hey|hola|hallo|bonjour|salut|and|but|so|ok|okay|also|y|und|et|mais|pero|aber)\W)?\W*"
)


class Requests:
    """Reads the three by cues in the company's languages."""

    def __init__(self, languages: Iterable[str]) -> None:
        spoken = tuple(languages)
        self._person = Cues("person", spoken)
        self._repetition = Cues("repetition", spoken)
        self._questions = Cues("questions", spoken)

    def read(self, utterance: Utterance) -> tuple[Signal[bool], Signal[int], Signal[int]]:
        """Whether a person is asked for; the how manyth time it is that they say so; how many questions there are.

        Unknown in languages without cues; a question mark counts in all.
        """
        knows = self._person.knows(utterance.language)
        return (
            _person(utterance, self._person.find(utterance, few=True), knows),
            _repetition(utterance, self._repetition.find(utterance)),
            _questions(utterance, self._questions.find(utterance), knows),
        )


def _quoted(utterance: Utterance, cues: Iterable[Cue]) -> tuple[Evidence, ...]:
    return tuple(utterance.quote(cue.start, cue.end) for cue in cues)[:_EVIDENCE]


def _person(utterance: Utterance, cues: Sequence[Cue], knows: bool) -> Signal[bool]:
    if not cues:
        return _NO_PERSON[knows]
    if asked := [cue for cue in cues if cue.name == "asks"]:
        return Signal(True, _ASKED, _quoted(utterance, asked))
    if refused := [cue for cue in cues if cue.name == "never"]:
        return Signal(False, _REFUSED, _quoted(utterance, refused))
    if (named := [cue for cue in cues if cue.name == "alone"]) and _is_all(utterance, cues):
        return Signal(True, _NAMED, _quoted(utterance, named))
    return _NO_PERSON[knows]


def _is_all(utterance: Utterance, cues: Iterable[Cue]) -> bool:
    """Whether a few words are all that is said, and cues are all of them."""
    words = [(start, end) for start, end in utterance.spans if utterance.text[start].isalnum()]
    spans = [(cue.start, cue.end) for cue in cues]
    return len(words) <= _FEW and all(any(a <= start and end <= b for a, b in spans) for start, end in words)


def _repetition(utterance: Utterance, cues: Sequence[Cue]) -> Signal[int]:
    if not cues:
        return _FOR_THE_FIRST_TIME
    counts: list[tuple[int, float, Cue]] = []
    for cue in cues:
        if cue.name == "ordinal":
            counts.append((_number(utterance, cue), _ORDINAL, cue))
        elif cue.name == "counted" or (cue.name == "times" and _tells_of_it(utterance, cue, cues)):
            counts.append((_number(utterance, cue), _COUNTED, cue))
        elif cue.name == "again":
            counts.append((2, _AGAIN, cue))
    counts = [count for count in counts if count[0] > 1]
    if not counts:
        return _FOR_THE_FIRST_TIME
    times, confidence, _ = max(counts, key=lambda count: count[:2])
    return Signal(times, confidence, _quoted(utterance, [cue for _, _, cue in counts]))


def _tells_of_it(utterance: Utterance, times: Cue, cues: Iterable[Cue]) -> bool:
    """Whether it is saying that was done so often: who "was charged twice" may well say so for the first time."""
    for cue in cues:
        if cue.name in _SAYING:
            first, last = (cue, times) if cue.start < times.start else (times, cue)
            if not _PARTED.search(utterance.folded, first.end, last.start):
                return True
    return False


def _number(utterance: Utterance, cue: Cue) -> int:
    for word in _WORD.findall(utterance.folded[cue.start : cue.end]):
        if word.isdecimal():
            return min(int(word[:4]), _MOST_TIMES)
        if word in _NUMBERS:
            return _NUMBERS[word]
    return _SOME


def _questions(utterance: Utterance, cues: Sequence[Cue], knows: bool) -> Signal[int]:
    found = _asked(utterance, cues) if cues or "?" in utterance.text else []
    if not found:
        return _NOTHING_ASKED[knows]
    confidence = sum([sure for _, _, sure in found]) / len(found)
    evidence = tuple([utterance.quote(start, end) for start, end, _ in found[:_EVIDENCE]])
    return Signal(len(found), round(confidence, 3), evidence)


def _asked(utterance: Utterance, cues: Sequence[Cue]) -> list[tuple[int, int, float]]:
    """The sentences that ask: from where, to where, and how sure that is."""
    text = utterance.text
    asked: list[tuple[int, int, float]] = []
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        while start < end and text[start].isspace():
            start += 1
        if "?" in match["end"]:
            sure = _MARKED
        elif cues and any([_asks(utterance, cue, start) for cue in cues if start <= cue.start < end]):
            sure = _WORDED
        else:
            continue
        if text[start : start + 1].isalnum() or any(map(str.isalnum, text[start:end])):
            asked.append((start, end, sure))
    return asked


def _asks(utterance: Utterance, cue: Cue, start: int) -> bool:
    """Whether a cue makes a question of the sentence that starts there, without a question mark."""
    if cue.name == "indirect":
        return True
    return cue.start - start < 40 and bool(_BEFORE.fullmatch(utterance.folded, start, cue.start))
