"""Whether a text that was put more freely says what it should, and no more: by its words, where `claims` has numbers.

A model writes fluently whatever it writes, so nothing is taken for right because it sounds right. Each sentence has to
share its words with what it puts differently, words that bind us or ask for something (`weighty.toml`) must be there
already, "not" must stay where it was, and nothing may be missing. Where that cannot be seen, the text is not sent: a
good sentence that is thrown away costs nothing but its price.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from omnibot.model import Register
from omnibot.model.values import frozen
from omnibot.stems import folded, stemmer

__all__ = ["LANGUAGES", "Doubt", "Ground", "groundless"]

LANGUAGES = frozenset({"en", "es", "de", "fr"})  # in which a text can be judged

_NO_KINDS = frozenset({"alike", "sense", "begin", "small"})
_CONTENT = 4  # letters from which on a word says something
_KNOWN = 0.4  # of a sentence's words that must be known
_FEW = 3  # words: of fewer than these one is enough
_KEPT = 0.3  # of a paragraph's words that must come again
_ALIKE = 0.5  # of a sentence's words: it puts the other one differently
_COMPOUND = 5  # letters of a known word, in a German noun that is made of it
_SENTENCE = re.compile(r"(?<=[.!?…])(?<!\d\.)\s+|\n+")
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
_NUMBER = re.compile(r"\d(?:[\d.,:'\u00a0\u202f]*\d)?")
_EMOJI = re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\u2B55\uFE0F]")
# What a plain text has not: marks of lists and headings, tags, places, signs of machines.
_MARKUP = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\ufffd\ue000-\uf8ff\u200b-\u200f\u202a-\u202e\u2066-\u2069<>{}\[\]`*_#|\\^~=]|^\s*(?:[-•–—]|\d+[.)])\s",
    re.MULTILINE,
)

# Forms of address that belong to one register alone.
_FORMS: dict[tuple[str, Register], re.Pattern[str]] = {
    ("de", Register.CASUAL): re.compile(r"\b[Dd](?:u|ich|ir|ein(?:e[mnrs]?)?)\b"),
    ("de", Register.FORMAL): re.compile(r"\bIhnen\b|(?<=[\w,] )(?:Sie|Ihr(?:e[mnrs]?)?)\b"),
    ("es", Register.CASUAL): re.compile(r"\b(?:tú|tus?|te|ti|contigo|tienes|puedes|quieres)\b", re.IGNORECASE),
    ("es", Register.FORMAL): re.compile(r"\busted(?:es)?\b", re.IGNORECASE),
    ("fr", Register.CASUAL): re.compile(r"\b(?:tu|te|toi|ton|ta|tes|t['’])\b", re.IGNORECASE),
    ("fr", Register.FORMAL): re.compile(r"\b(?:vous|votre|vos)\b", re.IGNORECASE),
}


@frozen
class Doubt:
    """Why a text is not sent: of which kind, and at which of its words."""

    kind: str
    text: str = ""


@frozen
class Ground:
    """What a text puts differently, and what else it may draw on."""

    language: str
    register: Register
    text: str
    more: Sequence[str] = ()  # facts that may be told besides
    known: frozenset[str] = frozenset()  # folded words that may stand in it besides


def groundless(text: str, ground: Ground) -> list[Doubt]:
    """What speaks against a text; [] where nothing does. Raises KeyError for a language that is none of `LANGUAGES`."""
    lexicon = _lexicon(ground.language)
    basis = "\n".join((ground.text, *ground.more))
    known = _Known.of(basis, ground, lexicon)
    return [
        *_unclean(text, ground.text),
        *_binding(text, basis, lexicon),
        *_strange_capitals(text, known, lexicon, ground.language),
        *_made_up(text, known),
        *_turned(text, ground.text, known, lexicon),
        *_left_out(text, ground.text, known),
        *_form_of_address(text, ground),
    ]


# --- words ----------------------------------------------------------------------------------------------------------


@frozen
class _Lexicon:
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    sense: re.Pattern[str]
    small: frozenset[str]
    begin: frozenset[str]


@lru_cache
def _lexicon(language: str) -> _Lexicon:
    with (Path(__file__).parent / "weighty.toml").open("rb") as file:
        table: dict[str, list[str]] = tomllib.load(file)[language]
    kinds = [(kind, _any(words)) for kind, words in table.items() if kind not in _NO_KINDS]
    kinds += [("alike", _any([word])) for word in table["alike"]]
    return _Lexicon(
        tuple(kinds), _any(table["sense"]), frozenset(table["small"]), frozenset(table["begin"] + table["small"])
    )


def _any(words: Iterable[str]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in words)
    return re.compile(rf"\b(?:{alternatives})\b")


@frozen
class _Known:
    """What may be said, word by word."""

    language: str
    small: frozenset[str]
    words: frozenset[str]
    stems: frozenset[str]

    @classmethod
    def of(cls, basis: str, ground: Ground, lexicon: _Lexicon) -> _Known:
        words = frozenset(folded(basis).split()) | ground.known
        return cls(ground.language, lexicon.small, words, frozenset(map(stemmer(ground.language), words)))

    def content(self, text: str) -> set[str]:
        """The stems of the words that say something."""
        stem = stemmer(self.language)
        words = (word for word in folded(text).split() if len(word) >= _CONTENT and not word.isdigit())
        return {stem(word) for word in words if word not in self.small}


def _sentences(text: str) -> Iterator[str]:
    return (sentence for sentence in _SENTENCE.split(text) if sentence.strip())


# --- what speaks against it -------------------------------------------------------------------------------------------


def _unclean(text: str, given: str) -> Iterator[Doubt]:
    own = {found[0] for found in _MARKUP.finditer(given)}
    if strange := {found[0] for found in _MARKUP.finditer(text)} - own:
        yield Doubt("markup", min(strange).strip())
    if signs := set(_EMOJI.findall(text)) - set(_EMOJI.findall(given)):
        yield Doubt("emoji", min(signs))
    if text.count("?") > given.count("?"):
        yield Doubt("question")
    if text.count("!") > max(1, given.count("!")):
        yield Doubt("shouting")


def _binding(text: str, basis: str, lexicon: _Lexicon) -> Iterator[Doubt]:
    said, given = folded(text), folded(basis)
    for kind, words in lexicon.kinds:
        if (found := words.search(said)) and not words.search(given):
            yield Doubt("promise" if kind != "alike" else "word", found[0])


def _strange_capitals(text: str, known: _Known, lexicon: _Lexicon, language: str) -> Iterator[Doubt]:
    """Words that may be names: those with a capital that nobody has mentioned."""
    stem = stemmer(language)
    for found in _WORD.finditer(text):
        if not found[0][0].isupper():
            continue
        words = folded(re.sub(r"[-’']", " ", found[0])).split()
        whole = folded(found[0])
        for word in (whole,) if whole in known.words or whole in lexicon.begin else words:
            if word in known.words or word in lexicon.begin or stem(word) in known.stems:
                continue
            if language == "de" and any(len(part) >= _COMPOUND and part in word for part in known.stems):
                continue
            yield Doubt("name", found[0])
            break


def _made_up(text: str, known: _Known) -> Iterator[Doubt]:
    """Sentences that have too little in common with what they could rest on."""
    new: set[str] = set()
    said: set[str] = set()
    for sentence in _sentences(text):
        content = known.content(sentence)
        here = content & known.stems
        said |= content
        new |= content - here
        too_few = len(here) < _KNOWN * len(content) if len(content) >= _FEW else len(content) > 1 and not here
        if too_few:
            yield Doubt("made up", sentence)
    if len(said) >= 2 * _FEW and len(new) > (1 - _KNOWN) * len(said):
        yield Doubt("made up")


def _turned(text: str, given: str, known: _Known, lexicon: _Lexicon) -> Iterator[Doubt]:
    """Sentences that deny what was said, or say what was denied."""
    before = [(known.content(sentence), _denies(sentence, lexicon)) for sentence in _sentences(given)]
    for sentence in _sentences(text):
        senses = _senses(known.content(sentence), before)
        if senses and _denies(sentence, lexicon) not in senses:
            yield Doubt("turned", sentence)


def _senses(content: set[str], before: Sequence[tuple[set[str], bool]]) -> set[bool]:
    """Whether those sentences deny something that a sentence with these words seems to put differently."""
    shared = [(len(words & content), len(words), denies) for words, denies in before]
    most = max((both for both, _, _ in shared), default=0)
    return {denies for both, of, denies in shared if both == most > 0 and both >= _ALIKE * min(len(content), of)}


def _denies(sentence: str, lexicon: _Lexicon) -> bool:
    return bool(lexicon.sense.search(folded(sentence)))


def _left_out(text: str, given: str, known: _Known) -> Iterator[Doubt]:
    said = known.content(text)
    for paragraph in given.split("\n"):
        content = known.content(paragraph)
        if len(content) >= _FEW and len(content & said) < _KEPT * len(content):
            yield Doubt("left out", paragraph)
    numbers = {_digits(number) for number in _NUMBER.findall(text)}
    yield from (Doubt("left out", each) for each in _NUMBER.findall(given) if _digits(each) not in numbers)
    if "?" in given and "?" not in text:
        yield Doubt("left out", "?")


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _form_of_address(text: str, ground: Ground) -> Iterator[Doubt]:
    other = Register.FORMAL if ground.register is Register.CASUAL else Register.CASUAL
    wrong = _FORMS.get((ground.language, other))
    if wrong and (found := wrong.search(text)) and not wrong.search(ground.text):
        yield Doubt("tone", found[0])
