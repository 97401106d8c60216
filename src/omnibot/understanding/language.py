"""In which of the company's languages somebody writes."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import compress, count
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Any

from omnibot.model import Evidence, Signal
from omnibot.model.values import frozen
from omnibot.understanding.utterance import Utterance

if TYPE_CHECKING:
    from omnibot.understanding.langid import LanguageModel

__all__ = ["UNDETERMINED", "Languages", "Written"]

UNDETERMINED = "und"  # by ISO 639: for readers that know no such language
_SURE = 0.8
_EVIDENCE = 3  # words
_BEGINNING = 5  # words, where none tells more than others
_KEPT = 0.6  # how sure we are that somebody still writes in the language of their last message
_SHORT = 6  # words and signs: a text with fewer may have fewer words than few
_FEW_WORDS = 3  # fewer carry too little: "ok", "Hello API"
_A_WORD = 4.0  # what a telling word is worth beside n-grams, as odds
_LAST = 2.0  # what it is worth that somebody last wrote in a language
_MANY_WORDS = 6  # of which one at least is common, if it is one of our languages
_WORDS = 120  # more tell nothing new about a language
_LETTERS = 1000  # of which it is told which script they are
_UNTOLD = ("", 0)
# How sure we are by what is to be said for a language: the odds double with each word.
_CERTAIN = 12  # words, to three places
_CONFIDENCES = tuple(round(1 - 0.5**count, 3) for count in range(_CERTAIN + 1))
_CONTRACTED = frozenset(["d", "ll", "m", "re", "s", "t", "ve"])  # what English has behind an apostrophe
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af]")  # each sign of these scripts counts as a word


@frozen
class Written:
    """What a text is written in: what is said of it, and the language to read it in."""

    signal: Signal[str]  # one of the company's; not known where it is none of them, or cannot be told
    read_in: str  # ISO 639-1, or UNDETERMINED


@dataclass(slots=True)
class _Found:
    """The words of a text, each once, and what they tell."""

    words: Set[str]
    ours: Mapping[str, Set[str]]  # those that one of ours alone has, by language
    weights: Mapping[str, int]  # of those, by language
    foreign: Mapping[str, Set[str]]  # words that none of ours has, by language

    @property
    def likeliest(self) -> str:
        """The one of ours that most is to be said for; '' if nothing is for any."""
        if len(self.weights) > 1:
            return max(sorted(self.weights), key=self.weights.__getitem__)
        return next(iter(self.weights), "")


class Languages:
    """spaCy's stop words where they agree, else py3langid, both restricted to the languages of the company.

    Restricting matters more than the library. What most sentences of other languages have, or their script, tells that
    a text is in none of ours, which py3langid cannot when it knows only these.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        if not languages:
            raise ValueError("name at least one language that the company answers in")
        self._configured = frozenset(languages)
        self._company = languages[0]
        lists = _lists()
        words = {one: common_words(one) | set(lists["greetings"].get(one, "").split()) for one in self._configured}
        holders = Counter(word for those in words.values() for word in those)
        greetings = {word for one in words for word in lists["greetings"].get(one, "").split()}
        self._common = frozenset(holders)
        # A word that one language alone has, and what it is worth beside the others.
        self._telling = {
            word: (one, 2 if word in greetings else 1)
            for one, those in words.items()
            for word in those
            if holders[word] == 1
        }
        self._greetings = frozenset(greetings)
        self._own = {
            language: frozenset(word for word, (holder, _) in self._telling.items() if holder == language)
            for language in words
        }
        self._foreign = _foreign_words(lists["common"], self._configured)
        # In one set those that tell for a language of ours or of others: each word is looked up but once.
        self._one_sided = frozenset(self._telling) | (frozenset(self._foreign) - self._common)
        self._foreign_too = frozenset(self._foreign) & self._common
        self._scripts = _foreign_scripts(lists["scripts"], self._configured)
        self._in_any_script = re.compile("|".join([letters.pattern for letters, _ in self._scripts]) or "(?!)")
        self._all_have_words = all(words.values())
        self._model = _model(self._configured) if len(self._configured) > 1 else None

    def read(self, utterance: Utterance) -> Written:
        """The language of a text; with too few words the customer's last, else the company's, unknown."""
        last = utterance.situation.last_language
        if not utterance.text.isascii() and (script := self._foreign_script(utterance.text[:_LETTERS])):
            return self._none_of_ours(last, UNDETERMINED, (Evidence(f"{script} letters"),))
        found = self._found(utterance)
        if found.foreign and (foreign := self._foreign_one(found)):
            return self._none_of_ours(last, foreign, _quoted(utterance, found.foreign[foreign]))
        signal = self._told(utterance, found, last) or self._by_model(utterance, found, last) or self._kept(last)
        return Written(signal, signal.value)

    def _found(self, utterance: Utterance) -> _Found:
        words = utterance.words[:_WORDS]
        distinct = set(words)
        if "'" in utterance.text:
            for place in utterance.odd_words:
                if place < _WORDS and "'" in words[place]:
                    distinct.update(_elided(words[place]))
        telling = distinct & self._one_sided
        if not telling:
            return _Found(distinct, {}, {}, {})
        # In most texts all tell for one language: no step is taken for each word.
        language, _ = self._telling.get(next(iter(telling)), _UNTOLD)
        if language and telling <= self._own[language]:
            weight = len(telling) + len(telling & self._greetings)
            return _Found(distinct, {language: telling}, {language: weight}, {})
        return self._divided(distinct, telling)

    def _divided(self, words: Set[str], telling: Set[str]) -> _Found:
        """What words tell that are for several languages, or for none of ours."""
        ours: dict[str, set[str]] = {}
        weights: dict[str, int] = {}
        foreign: dict[str, set[str]] = {}
        for word in telling:
            if word in self._telling:
                language, weight = self._telling[word]
                if language in ours:
                    ours[language].add(word)
                    weights[language] += weight
                else:
                    ours[language], weights[language] = {word}, weight
            else:
                for language in self._foreign[word]:
                    foreign.setdefault(language, set()).add(word)
        return _Found(words, ours, weights, foreign)

    def _foreign_one(self, found: _Found) -> str:
        """The language of most foreign words if the text is rather in that: by its own words, or by all of them."""
        shared = Counter(language for word in found.words & self._foreign_too for language in self._foreign[word])
        foreign = max(sorted(found.foreign), key=lambda one: len(found.foreign[one]) + shared[one])
        own = len(found.foreign[foreign])
        is_foreign = own >= max(1, found.weights.get(found.likeliest, 0)) or own + shared[foreign] > len(
            found.words & self._common
        )
        return foreign if is_foreign else ""

    def _told(self, utterance: Utterance, found: _Found, last: str | None) -> Signal[str] | None:
        """By words that one language alone has; words of others speak against it, and their last language for it."""
        language = found.likeliest
        if not language:
            return None
        words = found.ours[language]
        is_short = len(found.words) < _SHORT and _count(utterance) < _FEW_WORDS
        if is_short and last in self._configured and last != language and len(words) < 2:
            return None
        weight = found.weights[language]
        against = sum(found.weights.values()) - weight if len(found.weights) > 1 else 0
        confidence = _CONFIDENCES[max(0, min(weight - 2 * against + (language == last) + is_short, _CERTAIN))]
        return Signal(language, confidence, _quoted(utterance, words)) if confidence >= _SURE else None

    def _by_model(self, utterance: Utterance, found: _Found, last: str | None) -> Signal[str] | None:
        """By n-grams, and by what words tell beside them."""
        if self._model is None or (count := _count(utterance)) < _FEW_WORDS:
            return None
        if (
            self._all_have_words
            and count >= _MANY_WORDS
            and utterance.text.isascii()
            and found.words.isdisjoint(self._common)
        ):
            return None
        probabilities = self._model.probabilities(utterance.text)
        odds = {
            language: probability * _A_WORD ** found.weights.get(language, 0) * (_LAST if language == last else 1)
            for language, probability in zip(self._model.languages, probabilities, strict=True)
        }
        language = max(odds, key=odds.__getitem__)
        confidence = odds[language] / sum(odds.values())
        if confidence < _SURE:
            return None
        evidence = _quoted(utterance, found.ours.get(language, frozenset())) or (_beginning(utterance),)
        return Signal(language, round(confidence, 3), evidence)

    def _kept(self, last: str | None) -> Signal[str]:
        if last in self._configured:
            return Signal(last, _KEPT, (Evidence("the customer's last language"),))
        return Signal(self._company, 0.0, (Evidence("the company's language"),), known=False)

    def _foreign_script(self, text: str) -> str:
        if self._in_any_script.search(text) is None:
            return ""
        letters = sum(map(str.isalpha, text))
        for script, name in self._scripts:
            if len(script.findall(text)) * 2 > letters:
                return name
        return ""

    def _none_of_ours(self, last: str | None, language: str, evidence: tuple[Evidence, ...]) -> Written:
        value = last if last in self._configured else self._company
        reason = Evidence("none of the company's languages")
        return Written(Signal(value, 0.0, (*evidence, reason), known=False), language)


def _count(utterance: Utterance) -> int:
    """How many words there are; of scripts without spaces how many signs."""
    words = sum(word[0].isalpha() for word in utterance.words[:_WORDS])
    return words if utterance.text.isascii() else words + len(_UNSPACED.findall(utterance.text, 0, _LETTERS))


def _elided(word: str) -> Iterator[str]:
    """French and Italian: j'attends is j' and attends. English is not: I've has no "ve", which Turkish has."""
    article, apostrophe, rest = word.partition("'")
    if rest not in _CONTRACTED:
        yield article + apostrophe
        yield rest


def _quoted(utterance: Utterance, words: Set[str]) -> tuple[Evidence, ...]:
    """Where some of the words stand first, in the order of the text."""
    quoted: dict[str, Evidence] = {}
    said, spans = utterance.words, utterance.spans
    if "'" in utterance.text:
        odd = [said[place] for place in utterance.odd_words]
        words = words | {word for word in odd if "'" in word and not words.isdisjoint(_elided(word))}
    for place in compress(count(), map(words.__contains__, said)):
        word = said[place]
        if word not in quoted:
            quoted[word] = utterance.quote(*spans[place])
            if len(quoted) == _EVIDENCE:
                break
    return tuple(quoted.values())


def _beginning(utterance: Utterance) -> Evidence:
    return utterance.quote_words(0, min(_BEGINNING, len(utterance.spans)))


@lru_cache(maxsize=2)  # it takes half a second to unpack, and nobody changes it: servers of one process share it
def _model(languages: frozenset[str]) -> LanguageModel | None:
    """py3langid's model of some languages; None where it does not know two of them."""
    from omnibot.understanding.langid import LanguageModel

    model = LanguageModel(languages)
    return model if len(model.languages) > 1 else None


@lru_cache(maxsize=1)
def _lists() -> Mapping[str, Any]:
    return tomllib.loads(files("omnibot.understanding").joinpath("languages.toml").read_text("utf-8"))


def common_words(language: str) -> Set[str]:
    """spaCy's stop words; none of a language that it does not have.

    Only the file with the words is run. The package around it would make what spaCy's tokenizer needs, which nobody
    asks for here: of French alone that takes two seconds and 11 MB.
    """
    import spacy.lang
    from spacy.util import find_matching_language

    folder = Path(spacy.lang.__path__[0], find_matching_language(language) or language)
    try:
        return {word.lower() for word in run_path(str(folder / "stop_words.py"))["STOP_WORDS"]}
    except FileNotFoundError:
        return set()


def _foreign_words(lists: Mapping[str, str], ours: Collection[str]) -> Mapping[str, Sequence[str]]:
    """By word those languages that are not ours and have it."""
    found: dict[str, list[str]] = {}
    for language in lists.keys() - ours:
        for word in lists[language].split():
            found.setdefault(word, []).append(language)
    return found


def _foreign_scripts(scripts: Sequence[Mapping[str, Any]], ours: Collection[str]) -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(f"[{script['range']}]"), script["name"])
        for script in scripts
        if set(ours).isdisjoint(script["languages"])
    ]
