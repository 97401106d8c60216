"""What a message means: its language, mood and urgency, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from omnibot.model import Reading, Situation
from omnibot.understanding.language import Languages
from omnibot.understanding.sentiment import Mood
from omnibot.understanding.urgency import UrgencyWords
from omnibot.understanding.utterance import LONGEST, Utterance, legible
from omnibot.understanding.words import ShortMemory, WordTokenizer

__all__ = ["LONGEST", "Understanding"]


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
        self._sentiment = Mood()
        self._languages = Languages(languages)
        self._keep(self._languages.common_words)
        self._memory = ShortMemory(self._pipeline)

    def _keep(self, words: Iterable[str]) -> None:
        """Make words known for ever."""
        for word in words:
            self._pipeline.make_doc(f"{word} {word.capitalize()}")

    def read(self, text: str, situation: Situation) -> Reading:
        """Read what a customer wrote.

        Never raises, whatever the text; at most 5 ms of CPU.
        """
        text = legible(text)
        self._memory.prepare(text)
        language = self._languages.read(text, situation.last_language)
        return Reading(
            language=language,
            sentiment=self._sentiment.read(Utterance(text, situation, language.value)),
            urgency=self._urgency.read(self._pipeline.make_doc(text)),
        )
