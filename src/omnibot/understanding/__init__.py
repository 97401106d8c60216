"""What a message means: its language, mood and urgency, each with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from omnibot.model import Reading
from omnibot.understanding.language import Languages
from omnibot.understanding.sentiment import Sentiment
from omnibot.understanding.urgency import UrgencyWords
from omnibot.understanding.words import ShortMemory, WordTokenizer

__all__ = ["LONGEST", "Understanding"]

LONGEST = 4000  # characters that are read of a message
_SIGNS = 200  # neither letter, digit nor space: a long letter has fewer, a flood of emoji more
_UNBROKEN = 40  # signs without a space; longer runs are links and noise


class Understanding:
    """Reads messages; building it loads spaCy, VADER and the language model (a second, some 60 MB).

    `languages` are those the company answers in, ISO 639-1, its own first.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        from spacy.attrs import LOWER  # type: ignore[import-not-found]
        from spacy.language import Language
        from spacy.vocab import Vocab

        # Phrases are matched in lower case; a blank language's other twenty attributes double the price of a word.
        self._pipeline = Language(vocab=Vocab(lex_attr_getters={LOWER: str.lower}))
        self._pipeline.tokenizer = WordTokenizer(self._pipeline.vocab)
        self._urgency = UrgencyWords(self._pipeline, languages)
        self._sentiment = Sentiment()
        self._languages = Languages(languages)
        self._keep(self._languages.common_words)
        self._memory = ShortMemory(self._pipeline)

    def _keep(self, words: Iterable[str]) -> None:
        """Make words known for ever."""
        for word in words:
            self._pipeline.make_doc(f"{word} {word.capitalize()}")

    def read(self, text: str, last_language: str | None) -> Reading:
        """Read what a customer wrote; `last_language` is the one they were last known to write in.

        Never raises, whatever the text; at most 5 ms of CPU.
        """
        text = _legible(text)
        self._memory.prepare(text)
        language = self._languages.read(text, last_language)
        return Reading(
            language=language,
            sentiment=self._sentiment.read(text, language.value),
            urgency=self._urgency.read(self._pipeline.make_doc(text)),
        )


_SIGN = re.compile(r"[^\w\s]")
_RUN = re.compile(rf"(\S{{{_UNBROKEN}}})\S+")


def _legible(text: str) -> str:
    """The part of a text that is read: capped, valid Unicode, without floods of signs and endless runs."""
    text = text[:LONGEST]
    if not text.isascii():
        # spaCy encodes its words as UTF-8, which has no lone surrogates.
        text = text.encode("utf-8", "replace").decode("utf-8").replace("’", "'")
    if len(text) > _SIGNS:
        text = _without_flood(text)
    return _RUN.sub(r"\1", text)


def _without_flood(text: str) -> str:
    signs = list(islice(_SIGN.finditer(text), _SIGNS + 1))
    if len(signs) <= _SIGNS:
        return text
    end = signs[-1].start()
    return text[:end] + _SIGN.sub(" ", text[end:])
