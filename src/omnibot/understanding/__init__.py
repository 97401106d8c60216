"""What a message means: its language, mood and urgency, each with its evidence."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property
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

    from omnibot.understanding.features import Extractor
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

        from omnibot.understanding.pipeline import assemble, begin

        self._begin, self._blank = begin, Doc
        self._pipeline = assemble(languages, catalogue, model=model, components=components)
        self._components = [(name, component) for name, component in self._pipeline.pipeline]
        self._by_others = bool(model or components)
        self._memory = ShortMemory(self._pipeline)
        _give_back()

    @property
    def pipeline(self) -> Language:
        """spaCy's pipeline, whose components take a Doc that a pass was begun over."""
        return self._pipeline

    def embed(self, text: str) -> NDArray[np.float32]:
        """Where a text stands among meanings, as a vector of length 1; only English texts stand where they belong."""
        return self._extractor(text).dense

    @cached_property
    def _extractor(self) -> Extractor:
        from omnibot.understanding.features import Extractor

        return Extractor()

    def adopt(self, intents: IntentModel | None) -> None:
        """From now on tell intents by this model; without one none is known."""
        from omnibot.understanding.pipeline import adopt

        adopt(self._pipeline, intents)

    def begin(self, text: str, situation: Situation) -> tuple[Doc, Pass]:
        """Make a text ready: the Doc that the components are called with, and the pass that they add to.

        Its words are cut for components of others alone. Our readers share words of their own, and where something that
        the company names may stand in a text, they cut it for the EntityRuler.
        """
        written, text = text, legible(text)
        self._memory.prepare(text)
        doc = self._pipeline.make_doc(text) if self._by_others else self._blank(self._pipeline.vocab)
        cut = doc if self._by_others else None
        return doc, self._begin(doc, Utterance(text, situation, situation.last_language or "", cut, written))

    def read(self, text: str, situation: Situation) -> Reading:
        """Read what a customer wrote.

        Never raises, whatever the text, and takes time that grows as its length does. What a reader failed at is
        unknown, and logged.
        """
        doc, found = self.begin(text, situation)
        # As spaCy's own call does it, but that makes a failure of its own of a KeyError, which no handler gets.
        for name, component in self._components:
            try:
                given = component(doc)
                if not isinstance(given, self._blank):
                    raise TypeError("a component gives the Doc back")
                doc = given
            except Exception as error:
                _log.error("reader_failed", step=name, error=type(error).__name__)
        if self._by_others:
            found.entities += _others(doc, found.entities)
        return found.reading()


def _give_back() -> None:
    """Return to the machine what loading needed for a moment: some 20 MB, which glibc would keep."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return
    trim(0)


def _others(doc: Doc, ours: Sequence[Entity]) -> tuple[Entity, ...]:
    """What components of others have found, where we have found nothing."""
    return tuple(
        Entity(entity.label_.lower(), entity.text, entity.ent_id_ or entity.text, entity.start_char, entity.end_char)
        for entity in doc.ents
        if all(entity.end_char <= one.start or one.end <= entity.start_char for one in ours)
    )
