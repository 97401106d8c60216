"""What a message means: its language, mood and urgency, each with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import structlog

from omnibot.model import Entity, Reading, Situation
from omnibot.understanding.entities import Catalogue
from omnibot.understanding.errors import PipelineError
from omnibot.understanding.utterance import LONGEST, Utterance, legible
from omnibot.understanding.words import ShortMemory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from spacy.language import Language
    from spacy.tokens import Doc

    from omnibot.understanding.intents import IntentModel
    from omnibot.understanding.pipeline import Pass

__all__ = ["LONGEST", "Catalogue", "PipelineError", "Understanding"]

_log = structlog.get_logger()
_NAMELESS = Catalogue()


class Understanding:
    """Reads messages; building it loads spaCy, VADER and the language model (a second, some 60 MB).

    `languages` are those the company answers in, ISO 639-1, its own first; `catalogue` what it calls its things;
    `model` an installed pipeline of spaCy's to begin with, and `components` the company's own to end with. Raises
    PipelineError where these cannot be used.
    """

    def __init__(
        self,
        languages: Sequence[str],
        catalogue: Catalogue = _NAMELESS,
        *,
        model: str = "",
        components: Sequence[str] = (),
    ) -> None:
        from spacy.tokens import Doc

        from omnibot.understanding.pipeline import Pass, assemble, begin, extractor, parts

        self._begin, self._doc, self._pass = begin, Doc, Pass
        self._pipeline = assemble(languages, catalogue, model=model, components=components)
        self._parts = parts(self._pipeline)
        self._extractor = extractor(self._pipeline)
        self._by_others = bool(model or components)
        self._memory = ShortMemory(self._pipeline)

    @property
    def pipeline(self) -> Language:
        """spaCy's pipeline, whose components take a Doc that a pass was begun over."""
        return self._pipeline

    def embed(self, text: str) -> NDArray[np.float32]:
        """Where a text stands among meanings, as a vector of length 1; only English texts stand where they belong."""
        return self._extractor.meaning(text)

    def adopt(self, intents: IntentModel | None) -> None:
        """From now on tell intents by this model; without one none is known."""
        from omnibot.understanding.pipeline import adopt

        adopt(self._pipeline, intents)

    def ready(self, text: str, situation: Situation) -> Pass:
        """Make a text ready for our own readers (`pipeline.readers`), which share its words and need no Doc."""
        written, text = text, legible(text)
        self._memory.prepare(text)
        return self._pass(_utterance(text, situation, None, written))

    def read(self, text: str, situation: Situation) -> Reading:
        """Read what a customer wrote.

        Never raises, whatever the text, and takes time that grows as its length does. What a reader failed at is
        unknown, and logged.
        """
        if self._by_others:
            return self._read_with_others(text, situation)
        found = self.ready(text, situation)
        for part in self._parts:
            _read(found, part)
        return found.reading()

    def read_in_parts(self, text: str, situation: Situation) -> Generator[None, object, Reading]:
        """The same with a pause behind each part: whoever reads several texts part by part finds the caches warm."""
        if self._by_others:
            return self._read_with_others(text, situation)
        found = self.ready(text, situation)
        for part in self._parts:
            _read(found, part)
            yield
        return found.reading()

    def _read_with_others(self, text: str, situation: Situation) -> Reading:
        written, text = text, legible(text)
        self._memory.prepare(text)
        doc = self._pipeline.make_doc(text)
        found = self._begin(doc, _utterance(text, situation, doc, written))
        # As spaCy's own call does it, but that makes a failure of its own of a KeyError, which no handler gets.
        for name, component in self._pipeline.pipeline:
            try:
                given = component(doc)
                if not isinstance(given, self._doc):
                    raise TypeError("a component gives the Doc back")
                doc = given
            except Exception as error:
                _failed(name, error)
        found.entities += _others(doc, found.entities)
        return found.reading()


def _utterance(text: str, situation: Situation, doc: Doc | None, written: str) -> Utterance:
    return Utterance(text, situation, situation.last_language or "", doc, written)


def _read(found: Pass, part: Sequence[tuple[str, Callable[[Pass], None]]]) -> None:
    for name, read in part:
        try:
            read(found)
        except Exception as error:
            _failed(name, error)


def _failed(step: str, error: Exception) -> None:
    _log.error("reader_failed", step=step, error=type(error).__name__)


def _others(doc: Doc, ours: Sequence[Entity]) -> tuple[Entity, ...]:
    """What components of others have found, where we have found nothing."""
    return tuple(
        Entity(entity.label_.lower(), entity.text, entity.ent_id_ or entity.text, entity.start_char, entity.end_char)
        for entity in doc.ents
        if all(entity.end_char <= one.start or one.end <= entity.start_char for one in ours)
    )
