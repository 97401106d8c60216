"""Words for spaCy: cut in linear time, and forgotten again."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

__all__ = ["ByHeart", "ShortMemory", "WordTokenizer"]

_T = TypeVar("_T")

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


_BY_HEART = 2048  # words of one generation; two are kept
_LONGEST_WORD = 40  # what is longer is a link or noise, and does not come again


class ByHeart(dict[str, _T]):
    """What a function tells of a word, by the word: looked up once and then known for as long as the word is in use.

    Holds two generations, and drops the older when the younger is full. A word that is known costs a dict's own
    look-up, some 0.6 of what `lru_cache` takes.
    """

    def __init__(self, look_up: Callable[[str], _T]) -> None:
        super().__init__()
        self._look_up = look_up
        self._older: dict[str, _T] = {}

    def __missing__(self, word: str) -> _T:
        known = self._older[word] if word in self._older else self._look_up(word)
        if len(word) <= _LONGEST_WORD:
            if len(self) >= _BY_HEART:
                self._older = dict(self)
                self.clear()
            self[word] = known
        return known
