"""In which of the company's languages somebody writes."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

from omnibot.model import Evidence, Signal

if TYPE_CHECKING:
    from omnibot.understanding.langid import LanguageModel

__all__ = ["UNDETERMINED", "Languages", "Written"]

UNDETERMINED = "und"  # by ISO 639: for readers that know no such language
_SURE = 0.8
_EVIDENCE = 5  # words
_KEPT = 0.6  # how sure we are that somebody still writes in the language of their last message
_LONGEST = 600  # characters; more tell nothing new about a language
_FEW_WORDS = 3  # fewer carry too little: "ok", "Hello API"
_A_WORD = 4.0  # what a telling word is worth beside n-grams, as odds
_LAST = 2.0  # what it is worth that somebody last wrote in a language
_MANY_WORDS = 6  # of which one at least is common, if it is one of our languages
# A sign of a script that sets no spaces counts as a word.
_WORD = re.compile(
    r"[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af]|\b(?:[cdjlmnst]|qu)'(?=\w)|[^\W\d_]+(?:'[^\W\d_]+)*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a text is written in: what is said of it, and the language to read it in."""

    signal: Signal[str]  # one of the company's; not known where it is none of them, or cannot be told
    read_in: str  # ISO 639-1, or UNDETERMINED


@dataclass(frozen=True, slots=True)
class _Found:
    """The words of a text, and which of them tell a language."""

    words: int
    common: int  # of those, each once, how many are common in any of our languages
    ours: Mapping[str, Sequence[Evidence]]  # by language, each word once
    weights: Mapping[str, int]  # of those, by language
    foreign: Mapping[str, Sequence[Evidence]]  # words that none of ours has, by language
    shared: Mapping[str, int]  # words that one of ours has as well, by language

    @property
    def most_foreign(self) -> str:
        """The language of most foreign words; '' if there are none."""
        return max(self.foreign, key=lambda one: len(self.foreign[one]) + self.shared.get(one, 0), default="")

    def is_foreign(self, foreign: str, language: str) -> bool:
        """Whether a text is rather in a foreign language than in one of ours: by its own words, or by all of them."""
        own = len(self.foreign[foreign])
        return own >= max(1, self.weights.get(language, 0)) or own + self.shared.get(foreign, 0) > self.common


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
        words = {one: _common_words(one) | set(lists["greetings"].get(one, "").split()) for one in self._configured}
        self._common = holders = Counter(word for those in words.values() for word in those)
        self._telling = {word: one for one, those in words.items() for word in those if holders[word] == 1}
        self._greetings = {word for one in words for word in lists["greetings"].get(one, "").split()}
        self._foreign = _foreign_words(lists["common"], self._configured)
        self._scripts = _foreign_scripts(lists["scripts"], self._configured)
        self._all_have_words = all(words.values())
        self._model = _model(self._configured) if len(self._configured) > 1 else None

    @property
    def common_words(self) -> Collection[str]:
        """Some hundred words that are in most sentences, in lower case."""
        return self._telling.keys()

    def read(self, text: str, last: str | None) -> Written:
        """The language of a text; with too few words the customer's `last`, else the company's, unknown."""
        text = text[:_LONGEST]
        if not text.isascii() and (script := self._foreign_script(text)):
            return self._none_of_ours(last, UNDETERMINED, [Evidence(f"{script} letters")])
        found = self._found(text)
        told = self._told(found, last)
        language = told.value if told else self._likeliest(found)
        if (foreign := found.most_foreign) and found.is_foreign(foreign, language):
            return self._none_of_ours(last, foreign, found.foreign[foreign])
        signal = told or self._by_model(text, found, last) or self._kept(last)
        return Written(signal, signal.value)

    def _found(self, text: str) -> _Found:
        ours: dict[str, list[Evidence]] = {}
        foreign: dict[str, list[Evidence]] = {}
        weights: dict[str, int] = {}
        shared: dict[str, int] = {}
        seen = set()
        words = common = 0
        for match in _WORD.finditer(_lower(text)):
            words += 1
            word = match[0]
            if word in seen:
                continue
            seen.add(word)
            is_ours = word in self._common
            common += is_ours
            if language := self._telling.get(word):
                ours.setdefault(language, []).append(_quote(text, match))
                weights[language] = weights.get(language, 0) + (2 if word in self._greetings else 1)
            for language in self._foreign.get(word, ()):
                if is_ours:
                    shared[language] = shared.get(language, 0) + 1
                else:
                    foreign.setdefault(language, []).append(_quote(text, match))
        return _Found(words, common, ours, weights, foreign, shared)

    def _likeliest(self, found: _Found) -> str:
        return max(found.weights, key=found.weights.__getitem__, default="")

    def _told(self, found: _Found, last: str | None) -> Signal[str] | None:
        """By words of one language alone; that somebody last wrote in it is worth one more."""
        if len(found.ours) != 1:
            return None
        [(language, words)] = found.ours.items()
        if found.words < _FEW_WORDS and last in self._configured and last != language and len(words) < 2:
            return None
        confidence = 1 - 0.5 ** (found.weights[language] + (language == last) + (found.words < _FEW_WORDS))
        return Signal(language, round(confidence, 3), tuple(words[:_EVIDENCE])) if confidence >= _SURE else None

    def _by_model(self, text: str, found: _Found, last: str | None) -> Signal[str] | None:
        """By n-grams, and by what words tell beside them."""
        if self._model is None or found.words < _FEW_WORDS:
            return None
        if self._all_have_words and found.words >= _MANY_WORDS and not found.common:
            return None
        odds = {
            language: probability * _A_WORD ** found.weights.get(language, 0) * (_LAST if language == last else 1)
            for language, probability in zip(self._model.languages, self._model.probabilities(text), strict=True)
        }
        language = max(odds, key=odds.__getitem__)
        confidence = odds[language] / sum(odds.values())
        if confidence < _SURE:
            return None
        evidence = tuple(found.ours.get(language, ())[:_EVIDENCE]) or (_beginning(text),)
        return Signal(language, round(confidence, 3), evidence)

    def _kept(self, last: str | None) -> Signal[str]:
        if last in self._configured:
            return Signal(last, _KEPT, (Evidence("the customer's last language"),))
        return Signal(self._company, 0.0, (Evidence("the company's language"),), known=False)

    def _foreign_script(self, text: str) -> str:
        letters = sum(map(str.isalpha, text))
        for script, name in self._scripts:
            if len(script.findall(text)) * 2 > letters:
                return name
        return ""

    def _none_of_ours(self, last: str | None, language: str, evidence: Sequence[Evidence]) -> Written:
        value = last if last in self._configured else self._company
        reason = Evidence("none of the company's languages")
        return Written(Signal(value, 0.0, (*evidence[:_EVIDENCE], reason), known=False), language)


def _quote(text: str, match: re.Match[str]) -> Evidence:
    start, end = match.span()
    return Evidence(text[start:end], start, end)


def _lower(text: str) -> str:
    """In lower case, sign by sign in the same place."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(sign.lower()[0] for sign in text)


def _beginning(text: str) -> Evidence:
    words = list(islice(_WORD.finditer(text), _EVIDENCE))
    start, end = words[0].start(), words[-1].end()
    return Evidence(text[start:end], start, end)


@lru_cache(maxsize=2)  # it takes half a second to unpack, and nobody changes it: servers of one process share it
def _model(languages: frozenset[str]) -> LanguageModel | None:
    """py3langid's model of some languages; None where it does not know two of them."""
    from omnibot.understanding.langid import LanguageModel

    model = LanguageModel(languages)
    return model if len(model.languages) > 1 else None


@lru_cache(maxsize=1)
def _lists() -> Mapping[str, Any]:
    return tomllib.loads(files("omnibot.understanding").joinpath("languages.toml").read_text("utf-8"))


def _common_words(language: str) -> Set[str]:
    """spaCy's stop words; none of a language that it does not have."""
    from spacy.util import get_lang_class

    try:
        return {word.lower() for word in get_lang_class(language).Defaults.stop_words}
    except ImportError:
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
