"""Words for spaCy: cut in linear time, and forgotten again."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

__all__ = ["ShortMemory", "WordTokenizer"]

_WORD = re.compile(r"[^\W_]+(?:['.@_-]+[^\W_]+)*|[^\w\s]")


class WordTokenizer:
    """Cuts a text into words and signs by one expression.

    spaCy's own strips prefixes and suffixes one at a time, which is quadratic on runs of signs (4,000 emoji take
    1.4 s), and forgets what it has cut with every memory zone (4 µs a word).
    """

    def __init__(self, vocab: Vocab) -> None:
        from spacy.tokens import Doc

        self._vocab = vocab
        self._doc = Doc

    def __call__(self, text: str) -> Doc:
        return self._doc(self._vocab, words=_WORD.findall(text))


_REMEMBERED = 20_000  # characters: what some 200 messages say; 5 MB where each word is a new one


class ShortMemory:
    """Lets spaCy forget: it would keep each new word for ever, half a kilobyte for every order number.

    Between two memory zones, which are long enough that the words of one message are known in the next; a zone for
    each message makes tokenising twice as dear. What was read before must not be looked at afterwards.
    """

    def __init__(self, pipeline: Language) -> None:
        self._pipeline = pipeline
        self._zone = ExitStack()
        self._zone.enter_context(pipeline.memory_zone())
        self._read = 0

    def prepare(self, text: str) -> None:
        """Before a text is read: forget what was read, when that is enough."""
        self._read += len(text)
        if self._read > _REMEMBERED:
            self._read = len(text)
            self._zone.close()
            self._zone.enter_context(self._pipeline.memory_zone())
