"""What customers tell of themselves by the way: who and where they are, what they have, what they work with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from omnibot.memory.cues import Cue
from omnibot.memory.said import Said, Sentence
from omnibot.memory.zones import named_zone
from omnibot.model import Change, Direction, Entity, Reading, Snapshot, TurnMessage
from omnibot.stems import folded

__all__ = ["told"]

# How sure it is, by how it was said. What they ask us to note is 1.0 and noted elsewhere; the company's word is 0.9.
_NAMED, _INTRODUCED, _SIGNED = 0.9, 0.75, 0.6
_LIVES, _IS_THERE, _PASSES = 0.9, 0.75, 0.5
_HAS, _WORKS_WITH, _VERSION = 0.8, 0.8, 0.7

_BEGINNING = 3  # sentences in which people introduce themselves
_LONGEST_NAME = 3  # words
_NAME = re.compile(r"[^\W\d_]+(?:[-'’.][^\W\d_]+)*\.?")
_NUMBERED = re.compile(r"\s*(v?\d+(?:\.\d+){0,3})(?![\w.]*\d)", re.IGNORECASE)
_NEAR = 4  # words between "I'm on" and what they are on


class _Words(NamedTuple):
    """What stands in facts.toml, folded."""

    behind_names: frozenset[str]
    no_names: frozenset[str]
    between: frozenset[str]
    things: Mapping[str, tuple[str, str]]  # by its word the fact that it tells, and its name


@cache
def _words() -> _Words:
    table = tomllib.loads(files(__package__).joinpath("facts.toml").read_text("utf-8"))
    return _Words(
        behind_names=frozenset(folded(table["behind_names"]).split()),
        no_names=frozenset(folded(table["no_names"]).split()),
        between=frozenset(folded(table["between"]).split()),
        things={folded(name): (key, name) for key, names in table["things"].items() for name in names},
    )


def told(snapshot: Snapshot, reading: Reading, messages: Sequence[TurnMessage], said: Said) -> Iterator[Change]:
    """Facts with how sure they are and the message that tells them; nothing that is known already."""
    found: dict[str, Change] = {}
    for change in _told(snapshot, reading, messages, said):
        before = found.get(change.key)
        if before is None or change.confidence >= before.confidence:
            found[change.key] = change
    known = snapshot.facts
    for change in found.values():
        if known.get(change.key, "").casefold() != change.value.casefold():
            yield change


def _told(snapshot: Snapshot, reading: Reading, messages: Sequence[TurnMessage], said: Said) -> Iterator[Change]:
    for sentence in said.sentences:
        names = {cue.name for cue in sentence.cues if cue.topic in ("self", "stay")}
        if not names:
            continue
        for cue in sentence.cues:
            if cue.topic != "self":
                continue
            if cue.name in ("name", "maybe_name"):
                yield from _name(snapshot, reading, sentence, cue)
            elif cue.name in ("home", "place"):
                yield from _zone(sentence, cue, passing="passing" in names)
        if "mine" in names:
            yield from _possessions(reading, sentence)
            yield from _environment(reading, sentence)
    yield from _signature(snapshot, messages)


# --- who ---


def _name(snapshot: Snapshot, reading: Reading, sentence: Sentence, cue: Cue) -> Iterator[Change]:
    sure = cue.name == "name"
    if not sure and (sentence.place >= _BEGINNING or "?" in sentence.text):
        return
    behind = _behind(sentence, cue)
    words = _capitalised(behind)
    rest = behind[len(words) :]
    if not words or any(folded(word) in _words().no_names for word in words):
        return
    if not sure and rest and not words[-1].endswith((",", ".")) and _ended(behind, len(words)) is False:
        return
    name = " ".join(word.strip(".,;:!)") for word in words)
    things = {entity.text.casefold() for entity in reading.entities}
    if name.casefold() in things or any(word.casefold() in things for word in name.split()):
        return
    if not _is_known_as(snapshot.name, name):
        yield Change(key="name", value=name, source=sentence.message, confidence=_NAMED if sure else _INTRODUCED)


def _behind(sentence: Sentence, cue: Cue) -> list[str]:
    """The words behind a cue as they are written."""
    before = sentence.words[: cue.end].count(" ") + 1
    written = sentence.text.split()
    seen = 0
    for place, word in enumerate(written):
        if seen >= before:
            return written[place:]
        seen += len(folded(word).split())
    return []


def _capitalised(words: Sequence[str]) -> list[str]:
    """The words that a name is made of, up to where a sign ends it."""
    found: list[str] = []
    for word in words[: _LONGEST_NAME + 1]:
        bare = word.strip(',;:!)("')
        if not (_NAME.fullmatch(bare) and bare[0].isupper() and not (len(bare) > 3 and bare.isupper())):
            break
        found.append(word)
        if word[-1] in ",;:!.)" and not (len(bare) <= 3 and word.endswith(".")):
            break
    return found if len(found) <= _LONGEST_NAME else []


def _ended(behind: Sequence[str], count: int) -> bool:
    """Whether what follows a name does not go on with it: "I'm Sarah from …", not "I'm German customer"."""
    if behind[count - 1][-1] in ",;:!.)":
        return True
    return folded(behind[count]) in _words().behind_names or not folded(behind[count])


def _is_known_as(known: str, name: str) -> bool:
    """Whether it is the name that is known, or a longer or shorter form of it."""
    theirs, told = folded(known).split(), folded(name).split()
    return bool(theirs) and (set(theirs) <= set(told) or set(told) <= set(theirs))


def _signature(snapshot: Snapshot, messages: Sequence[TurnMessage]) -> Iterator[Change]:
    """The name below a letter, where it stood below an earlier one, too."""
    for message in messages:
        if "\n" not in message.text or message.automatic:
            continue
        signed = _signed(message.text)
        if not signed or _is_known_as(snapshot.name, signed):
            continue
        own = {one.id for one in messages}
        before = (m.text for m in snapshot.timeline if m.direction is Direction.IN and m.id not in own)
        if any("\n" in text and _signed(text) == signed for text in before):
            yield Change(key="name", value=signed, source=message.id, confidence=_SIGNED)


def _signed(text: str) -> str:
    """The name in the last line; '' where there is none."""
    last = text.rstrip().rpartition("\n")[2].strip(" -–—,")
    words = last.split()
    if not 1 <= len(words) <= _LONGEST_NAME or _capitalised(words) != words or last[-1] in ".!?:":
        return ""
    return "" if any(folded(word) in _words().no_names for word in words) else last


# --- where ---


def _zone(sentence: Sentence, cue: Cue, *, passing: bool) -> Iterator[Change]:
    behind = sentence.words[cue.end :].split()
    zone = named_zone(behind, sentence.text)
    if zone:
        sure = _LIVES if cue.name == "home" else _IS_THERE
        yield Change(key="zone", value=zone, source=sentence.message, confidence=_PASSES if passing else sure)


# --- what they have ---


def _possessions(reading: Reading, sentence: Sentence) -> Iterator[Change]:
    """The plan that they are on, the product that is theirs, the version that they have."""
    for entity in reading.entities:
        if entity.label in ("plan", "product") and entity.text in sentence.text and _is_theirs(sentence, entity.text):
            yield Change(key=entity.label, value=entity.value, source=sentence.message, confidence=_HAS)
        elif entity.label == "version" and _is_of_the_product(sentence, entity):
            yield Change(key="version", value=entity.value, source=sentence.message, confidence=_VERSION)


def _is_theirs(sentence: Sentence, text: str) -> bool:
    """Whether "I'm on", "our" or the like stands right before it."""
    place = f" {sentence.words} ".find(f" {folded(text)} ")
    if place < 0:
        return False
    for cue in sentence.cues:
        if cue.topic == "self" and cue.name == "mine" and cue.end <= place:
            between = sentence.words[cue.end : place].split()
            if len(between) <= _NEAR and _words().between.issuperset(between):
                return True
    return False


def _is_of_the_product(sentence: Sentence, entity: Entity) -> bool:
    """Not that of a browser or system, which is told with its name."""
    if "?" in sentence.text or entity.text not in sentence.text:
        return False
    before = folded(sentence.text[: sentence.text.find(entity.text)]).rpartition(" ")[2]
    return before not in _words().things and (before in ("version", "v", "release") or entity.text[:1] in "vV")


def _environment(reading: Reading, sentence: Sentence) -> Iterator[Change]:
    """Systems, browsers and devices that they say they use, with the version that follows."""
    things = _words().things
    words = sentence.words.split()
    if things.keys().isdisjoint(words):
        return
    for word in dict.fromkeys(words):
        if word in things and _is_theirs_or_listed(reading, sentence, word):
            key, name = things[word]
            value = _with_version(name, word, sentence)
            yield Change(key=key, value=value, source=sentence.message, confidence=_WORKS_WITH)


def _is_theirs_or_listed(reading: Reading, sentence: Sentence, word: str) -> bool:
    """ "on Windows 11 with Firefox": what stands beside one of theirs is theirs, too."""
    named = [word for entity in reading.entities for word in folded(entity.text).split()]
    between = _words().between.union(_words().things, named)
    place = f" {sentence.words} ".find(f" {word} ")
    for cue in sentence.cues:
        if cue.topic == "self" and cue.name == "mine" and cue.end <= place:
            words = sentence.words[cue.end : place].split()
            if len(words) <= 2 * _NEAR and all(one in between or one.isdecimal() for one in words):
                return True
    return False


def _with_version(name: str, word: str, sentence: Sentence) -> str:
    at = sentence.text.casefold().find(word)
    numbered = _NUMBERED.match(sentence.text, at + len(word)) if at >= 0 else None
    return f"{name} {numbered[1]}" if numbered else name
