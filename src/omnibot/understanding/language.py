"""In which of the company's languages somebody writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from omnibot.model import Evidence, Signal

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

__all__ = ["Languages"]

_FEWEST_WORDS = 3  # fewer carry too little: "ok", "Hello API"
_SURE = 0.8
_EVIDENCE = 5  # words
_KEPT = 0.6  # how sure we are that somebody still writes in the language of their last message
_LONGEST = 1000  # characters; more tell nothing new about a language
# A sign of a script that sets no spaces counts as a word.
_WORD = re.compile(r"[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af]|[^\W\d_]+")


class Languages:
    """spaCy's stop words where they agree, else py3langid, both restricted to the languages of the company.

    Restricting matters more than the library. Three words that only one of the languages has are surer than the
    model (none of 7,900 such English messages was taken for Spanish; of all 11,100 it took 7) and cost 5 µs, not 90.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        if not languages:
            raise ValueError("name at least one language that the company answers in")
        self._configured = frozenset(languages)
        self._company = languages[0]
        self._telling = _telling_words(self._configured)
        self._identifier = _identifier(self._configured) if len(self._configured) > 1 else None

    @property
    def common_words(self) -> Collection[str]:
        """Some hundred words that are in most sentences, in lower case."""
        return self._telling.keys()

    def read(self, text: str, last: str | None) -> Signal[str]:
        """The language of a text; with too few words the customer's `last`, else the company's, unknown."""
        text = text[:_LONGEST]
        if self._identifier is not None:
            words = _WORD.findall(text.lower())
            if len(words) >= _FEWEST_WORDS and (signal := self._told(words, last) or self._likely(text)):
                return signal
        if last in self._configured:
            return Signal(last, _KEPT, (Evidence("the customer's last language"),))
        return Signal(self._company, 0.0, (Evidence("the company's language"),), known=False)

    def _told(self, words: Sequence[str], last: str | None) -> Signal[str] | None:
        """By words of one language alone; that somebody last wrote in it is worth one more."""
        found = dict.fromkeys(word for word in words if word in self._telling)
        languages = {self._telling[word] for word in found}
        if len(languages) != 1:
            return None
        [language] = languages
        confidence = 1 - 0.5 ** (len(found) + (language == last))
        return (
            Signal(language, round(confidence, 3), tuple(map(Evidence, found))[:_EVIDENCE])
            if confidence >= _SURE
            else None
        )

    def _likely(self, text: str) -> Signal[str] | None:
        assert self._identifier is not None
        language, confidence = self._identifier.classify(text)
        if confidence < _SURE:
            return None
        return Signal(language, round(confidence, 3), (Evidence(" ".join(text.split()[:_EVIDENCE])),))


@lru_cache(maxsize=2)  # it takes 0.3 s to unpack, and nobody changes it: servers of one process share it
def _identifier(languages: frozenset[str]) -> LanguageIdentifier | None:
    """py3langid's model of some languages; None where it does not know two of them."""
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
    from py3langid.modelio import load_model

    probabilities, priors, classes, moves, rows, outputs = load_model(MODEL_DIR / MODEL_FILE)
    ours = [column for column, name in enumerate(classes) if name in languages]
    if len(ours) < 2:
        return None
    # Only our columns, copied: `set_languages` would keep all 142 languages in memory (28 MB).
    return LanguageIdentifier(
        probabilities[:, ours],
        priors[ours],
        [classes[column] for column in ours],
        moves,
        outputs,
        norm_probs=True,
        tk_row=rows,
    )


def _telling_words(languages: Collection[str]) -> Mapping[str, str]:
    """By word the one of some languages that has it among spaCy's stop words; none where spaCy lacks a language."""
    from spacy.util import get_lang_class

    try:
        stop_words = {language: get_lang_class(language).Defaults.stop_words for language in languages}
    except ImportError:
        return {}
    holders = Counter(word for words in stop_words.values() for word in words)
    return {word: language for language, words in stop_words.items() for word in words if holders[word] == 1}
