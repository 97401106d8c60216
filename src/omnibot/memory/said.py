"""What the words of a turn say of a matter: that it is solved or not, what was tried, that it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from omnibot.memory.cues import LANGUAGES, Cue, cues_of
from omnibot.model import MessageId, TurnMessage
from omnibot.model.values import frozen
from omnibot.stems import folded

__all__ = ["Said", "Sentence", "listen", "worded"]

_LONGEST = 3000  # characters of a message that are listened to
_MOST = 20  # sentences
_FEW = 3  # words: too few to be sure of their language
_BESIDE = 3  # words beside thanks that say nothing else
_FINE = 2  # words: "perfect", "ok great"
_END = re.compile(r"(?<=[.!?…;])\s+|\n+")
_MAY_END = re.compile(r"[.!?…;\n](?:\s|(?<=\n))")  # where one ends in a text; found in a sixth of the time


@frozen
class Sentence:
    """A sentence with its cues: as it is written and folded, its place in the turn, and its message."""

    text: str
    words: str
    place: int
    message: MessageId
    cues: Sequence[Cue]


@frozen
class Said:
    """What a turn says of a matter; by its words alone, whatever the matter is."""

    solved: bool | None = None  # that what was tried has worked, or has not
    thanks: bool = False  # and nothing besides
    goes_on: bool = False  # as if it were known what is spoken of
    how_to: bool = False  # steps are asked for
    tried: Mapping[str, MessageId] | None = None  # what they have tried, each with the message that tells it
    sentences: Sequence[Sentence] = ()  # those with cues


_SILENCE = Said()


def listen(messages: Sequence[TurnMessage], language: str) -> Said:
    """Listen to a turn in a language (ISO 639-1); in some words without a cue of it, for those of others, too."""
    sentences = _sentences(messages, language)
    if not sentences:
        return _SILENCE
    names = {(cue.topic, cue.name) for sentence in sentences for cue in sentence.cues}
    solved = _solved(sentences, names)
    return Said(
        solved=solved,
        thanks=solved is None and _only_thanks(messages, sentences, names),
        goes_on=solved is False or ("matter", "goes_on") in names,
        how_to=("matter", "how_to") in names,
        tried=dict(_tried(sentences)) or None,
        sentences=sentences,
    )


def worded(what: str, language: str) -> str:
    """Something that a customer has tried as their language tells it; '' for what is told otherwise."""
    cues = cues_of(language) or cues_of("en")
    return cues.words.get(what, "") if cues else ""


def _sentences(messages: Sequence[TurnMessage], language: str) -> Sequence[Sentence]:
    """Those with cues."""
    spoken = cues_of(language)
    found = []
    place = 0
    for message in messages:
        if not message.text or message.automatic:
            continue
        for part in _parts(message.text[:_LONGEST]):
            words = folded(part)
            if cues := (spoken.find(words) if spoken else ()) or (
                _elsewhere(words, language) if words.count(" ") < _FEW else ()
            ):
                found.append(Sentence(part, words, place, message.id, cues))
            place += 1
    return found


def _parts(text: str) -> Sequence[str]:
    return _END.split(text, _MOST)[:_MOST] if _MAY_END.search(text) else (text,)


def _elsewhere(words: str, language: str) -> Sequence[Cue]:
    others = (cues_of(other) for other in LANGUAGES if other != language)
    return next((found for cues in others if cues and (found := cues.find(words))), ())


def _solved(sentences: Sequence[Sentence], names: set[tuple[str, str]]) -> bool | None:
    """What still fails weighs more than what works, and what is told to be done already failed."""
    if ("matter", "failed") in names:
        return False
    if ("matter", "solved") in names and any(map(_tells_success, sentences)):
        return True
    return False if ("matter", "followed") in names else None


def _tells_success(sentence: Sentence) -> bool:
    """Not asked, hoped or remembered."""
    names = [cue.name for cue in sentence.cues if cue.topic == "matter"]
    return "solved" in names and "unsure" not in names and "?" not in sentence.text


def _only_thanks(messages: Sequence[TurnMessage], sentences: Sequence[Sentence], names: set[tuple[str, str]]) -> bool:
    """Not who asks something beside it, or says more than a few words; one word may be praise and no more."""
    if ("matter", "not_yet") in names:
        return False
    if ("matter", "thanks") not in names and ("matter", "fine") not in names:
        return False
    text = " ".join([message.text for message in messages])
    if ("matter", "thanks") not in names:
        return len(text.split()) <= _FINE and "?" not in text
    thanks = [
        sentence.words[cue.start : cue.end] for sentence in sentences for cue in sentence.cues if cue.name == "thanks"
    ]
    return "?" not in text and len(text.split()) - len(" ".join(thanks).split()) <= _BESIDE


def _tried(sentences: Sequence[Sentence]) -> Iterator[tuple[str, MessageId]]:
    for sentence in sentences:
        names = {cue.name for cue in sentence.cues if cue.topic == "tried"}
        for cue in sentence.cues:
            if cue.topic == "done" or (cue.topic == "doing" and _has_done(sentence, names)):
                yield cue.name, sentence.message


def _has_done(sentence: Sentence, names: set[str]) -> bool:
    """ "I tried restarting", and not "should I try restarting?"."""
    return "trying" in names and "wondering" not in names and "?" not in sentence.text
