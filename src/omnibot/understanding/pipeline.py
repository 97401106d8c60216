"""The pass: readers as components of a spaCy pipeline, each of which reads one thing and leaves it for the next.

Importing this module registers them with spaCy, their names beginning with `omnibot_`, so that any pipeline can have
them by `add_pipe`. What they read is in `under_way(doc)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

from spacy import blank, load
from spacy.attrs import LOWER  # type: ignore[import-not-found]
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from omnibot.model import (
    Emotions,
    Entity,
    Expertise,
    Intent,
    NamedTime,
    Reading,
    Register,
    Sentiment,
    Signal,
    Trend,
    Urgency,
)
from omnibot.understanding.emotions import Feelings
from omnibot.understanding.entities import Catalogue, Entities
from omnibot.understanding.errors import PipelineError
from omnibot.understanding.expertise import ExpertiseReader
from omnibot.understanding.features import NOTHING_SAID, Extractor, Features
from omnibot.understanding.intents import IntentModel, Intents
from omnibot.understanding.language import Languages
from omnibot.understanding.linear import Heads, shared
from omnibot.understanding.requests import Requests
from omnibot.understanding.sentiment import Mood
from omnibot.understanding.times import Times, time_sensitivity
from omnibot.understanding.tone import Tone
from omnibot.understanding.trends import trends
from omnibot.understanding.urgency import UrgencyReader
from omnibot.understanding.utterance import Utterance
from omnibot.understanding.words import WordTokenizer

__all__ = ["Pass", "adopt", "assemble", "begin", "extractor", "parts", "readers", "under_way"]

_KEY = "omnibot"
_BLANK = Reading(
    language=Signal("", 0.0, known=False),
    sentiment=Sentiment(0.0, 0.0, known=False),
    urgency=Signal(Urgency.NORMAL, 0.0, known=False),
)


@dataclass(slots=True)
class Pass:
    """What has been read of a text so far. What no reader has read is unknown."""

    utterance: Utterance
    features: Features = NOTHING_SAID
    language: Signal[str] = _BLANK.language
    times: tuple[NamedTime, ...] = _BLANK.times
    time_sensitivity: Signal[float] = _BLANK.time_sensitivity
    entities: tuple[Entity, ...] = _BLANK.entities
    sentiment: Sentiment = _BLANK.sentiment
    emotions: Emotions = _BLANK.emotions
    urgency: Signal[Urgency] = _BLANK.urgency
    expertise: Signal[Expertise] = _BLANK.expertise
    formality: Signal[float] = _BLANK.formality
    politeness: Signal[float] = _BLANK.politeness
    register: Signal[Register] = _BLANK.register
    person: Signal[bool] = _BLANK.person
    repetition: Signal[int] = _BLANK.repetition
    questions: Signal[int] = _BLANK.questions
    intent: Intent = _BLANK.intent
    trend: Trend | None = _BLANK.trend
    case_trend: Trend | None = _BLANK.case_trend

    def reading(self) -> Reading:
        """All that was read."""
        return Reading(
            language=self.language,
            sentiment=self.sentiment,
            urgency=self.urgency,
            intent=self.intent,
            emotions=self.emotions,
            expertise=self.expertise,
            formality=self.formality,
            politeness=self.politeness,
            register=self.register,
            person=self.person,
            repetition=self.repetition,
            questions=self.questions,
            time_sensitivity=self.time_sensitivity,
            times=self.times,
            entities=self.entities,
            trend=self.trend,
            case_trend=self.case_trend,
        )


def begin(doc: Doc, utterance: Utterance) -> Pass:
    """Start a pass over a document of spaCy's."""
    under_way: Pass = Pass(utterance)
    doc.user_data[_KEY] = under_way
    return under_way


def under_way(doc: Doc) -> Pass:
    """The pass over a document, with what was read so far; a component of the company's may read it and add to it.

    Raises ValueError for a document that no pass was begun over: a message is read in a situation, which spaCy has not.
    """
    try:
        found: Pass = doc.user_data[_KEY]
    except KeyError:
        raise ValueError("omnibot's components read in a situation: call omnibot.understanding.Understanding") from None
    return found


class _HasHeads(Protocol):
    heads: Heads


class _Component:
    """A reader as spaCy calls it; `weighs`: what of it has heads, which may stand beside those of others.

    `read` is what it does. It looks at the pass alone, so that without components of others there need be no Doc.
    """

    def __init__(self, read: Callable[[Pass], None], weighs: _HasHeads | None = None) -> None:
        self.read = read
        self.weighs = weighs
        self.trained = weighs.heads if weighs else None

    def __call__(self, doc: Doc) -> Doc:
        self.read(under_way(doc))
        return doc


# --- the readers, in the order of a pass: each may use what those before it have read --------------------------------


@Language.factory("omnibot_language", default_config={"languages": ["en"]})
def _language(nlp: Language, name: str, languages: Sequence[str]) -> _Component:
    reader = Languages(languages)

    def read(found: Pass) -> None:
        written = reader.read(found.utterance)
        found.language = written.signal
        found.utterance = found.utterance.in_language(written.read_in)

    return _Component(read)


class _FeaturesComponent(_Component):
    """Makes the features, by an extractor that others may use, too: it remembers words."""

    def __init__(self) -> None:
        self.extractor = extractor = Extractor()

        def read(found: Pass) -> None:
            found.features = extractor.of_words(found.utterance.said_words)

        super().__init__(read)


@Language.factory("omnibot_features")
def _features(nlp: Language, name: str) -> _FeaturesComponent:
    return _FeaturesComponent()


@Language.factory("omnibot_times", default_config={"languages": ["en"]})
def _times(nlp: Language, name: str, languages: Sequence[str]) -> _Component:
    reader = Times(languages)

    def read(found: Pass) -> None:
        found.times = reader.read(found.utterance)
        found.time_sensitivity = time_sensitivity(found.utterance, found.times)

    return _Component(read)


@Language.factory("omnibot_entities", default_config={"products": [], "plans": [], "spellings": {}, "patterns": {}})
def _entities(
    nlp: Language,
    name: str,
    products: Sequence[str],
    plans: Sequence[str],
    spellings: dict[str, Sequence[str]],
    patterns: dict[str, Sequence[str]],
) -> _Component:
    reader = Entities(nlp, Catalogue(products, plans, spellings, patterns))

    def read(found: Pass) -> None:
        found.entities = reader.read(found.utterance, found.times)

    return _Component(read)


@Language.factory("omnibot_sentiment", default_config={"languages": ["en"]})
def _sentiment(nlp: Language, name: str, languages: Sequence[str]) -> _Component:
    reader = Mood(languages)

    def read(found: Pass) -> None:
        found.sentiment = reader.read(found.utterance, found.features)

    return _Component(read)


@Language.factory("omnibot_emotions")
def _emotions(nlp: Language, name: str) -> _Component:
    reader = Feelings()

    def read(found: Pass) -> None:
        found.emotions = reader.read(found.utterance, found.features, found.sentiment)

    return _Component(read, reader)


@Language.factory("omnibot_urgency", default_config={"languages": ["en"]})
def _urgency(nlp: Language, name: str, languages: Sequence[str]) -> _Component:
    reader = UrgencyReader(languages)

    def read(found: Pass) -> None:
        found.urgency = reader.read(found.utterance, found.features, found.times, found.emotions, found.sentiment)

    return _Component(read, reader.judge)


@Language.factory("omnibot_expertise", default_config={"languages": ["en"]})
def _expertise(nlp: Language, name: str, languages: Sequence[str]) -> _Component:
    reader = ExpertiseReader(languages)

    def read(found: Pass) -> None:
        found.expertise = reader.read(found.utterance, found.features)

    return _Component(read, reader.judge)


@Language.factory("omnibot_tone", default_config={"languages": ["en"]})
def _tone(nlp: Language, name: str, languages: Sequence[str]) -> _Component:
    reader = Tone(languages)

    def read(found: Pass) -> None:
        found.formality, found.politeness = reader.read(found.utterance)
        found.register = reader.register(found.utterance)

    return _Component(read)


@Language.factory("omnibot_requests", default_config={"languages": ["en"]})
def _requests(nlp: Language, name: str, languages: Sequence[str]) -> _Component:
    reader = Requests(languages)

    def read(found: Pass) -> None:
        found.person, found.repetition, found.questions = reader.read(found.utterance)

    return _Component(read)


class _IntentComponent(_Component):
    """Reads intents by the model that was adopted last."""

    def __init__(self) -> None:
        reader = Intents()
        self.adopt = reader.adopt

        def read(found: Pass) -> None:
            found.intent = reader.wanted(found.utterance, found.features)

        super().__init__(read)


@Language.factory("omnibot_intents")
def _intents(nlp: Language, name: str) -> _IntentComponent:
    return _IntentComponent()


@Language.factory("omnibot_trends")
def _trends(nlp: Language, name: str) -> _Component:
    def read(found: Pass) -> None:
        if not (found.language.known or found.sentiment.evidence):
            return  # "asdf" behind a complaint says nothing, not that all is well again
        situation = found.utterance.situation
        found.trend, found.case_trend = trends(situation, found.sentiment, found.emotions.frustration, found.intent)

    return _Component(read)


# --- putting it together --------------------------------------------------------------------------------------------


def assemble(
    languages: Sequence[str], catalogue: Catalogue, *, model: str = "", components: Sequence[str] = ()
) -> Language:
    """The pipeline: the components of an installed model, if one is named, then our readers, then the company's own.

    Raises PipelineError with all that is wrong with what was named.
    """
    if not languages:
        raise ValueError("name at least one language that the company answers in")
    faults: list[tuple[str, str, str]] = []
    nlp = _begun(languages[0], model, bool(components), faults)
    in_languages = {"languages": list(languages)}
    settings: dict[str, dict[str, Any]] = {
        "omnibot_language": in_languages,
        "omnibot_features": {},
        "omnibot_times": in_languages,
        "omnibot_entities": {
            "products": list(catalogue.products),
            "plans": list(catalogue.plans),
            "spellings": {name: list(those) for name, those in catalogue.spellings.items()},
            "patterns": {label: list(those) for label, those in catalogue.patterns.items()},
        },
        "omnibot_sentiment": in_languages,
        "omnibot_emotions": {},
        "omnibot_urgency": in_languages,
        "omnibot_expertise": in_languages,
        "omnibot_tone": in_languages,
        "omnibot_requests": in_languages,
        "omnibot_intents": {},
        "omnibot_trends": {},
    }
    for name, config in settings.items():
        nlp.add_pipe(name, config=config)
    for component in components:
        _add(nlp, component, faults)
    if faults:
        raise PipelineError(faults)
    adopt(nlp, None)
    return nlp


def readers(nlp: Language) -> list[tuple[str, Callable[[Pass], None]]]:
    """Our components by their names, in the order of a pass."""
    return [(name, part.read) for name, part in nlp.pipeline if isinstance(part, _Component)]


# Of a dozen texts read part by part, these cost a sixth less than each read at once; smaller parts gain less again.
_PARTS_BEGIN = ("omnibot_language", "omnibot_entities", "omnibot_emotions")


def parts(nlp: Language) -> list[list[tuple[str, Callable[[Pass], None]]]]:
    """Our components in parts of a pass, each about as much work as a cache holds."""
    found: list[list[tuple[str, Callable[[Pass], None]]]] = []
    for name, read in readers(nlp):
        if name in _PARTS_BEGIN:
            found.append([])
        found[-1].append((name, read))
    return found


def extractor(nlp: Language) -> Extractor:
    """What makes the features of a pass."""
    return next(part.extractor for _, part in nlp.pipeline if isinstance(part, _FeaturesComponent))


def adopt(nlp: Language, intents: IntentModel | None) -> None:
    """From now on tell intents by this model, whose weights then stand beside those that were trained.

    A text's n-grams lie all over a table of weights; side by side they are looked up once, and not once a reader.
    """
    weighing = [part for _, part in nlp.pipeline if isinstance(part, _Component) and part.weighs and part.trained]
    heads = [part.trained for part in weighing if part.trained]
    beside = shared(*heads, *([intents.heads] if intents else []))
    for part, own in zip(weighing, beside, strict=False):
        assert part.weighs is not None
        part.weighs.heads = own
    for _, component in nlp.pipeline:
        if isinstance(component, _IntentComponent):
            component.adopt(replace(intents, heads=beside[-1]) if intents else None)


def _begun(language: str, model: str, has_components: bool, faults: list[tuple[str, str, str]]) -> Language:
    """spaCy's, with its own words where a model or a component needs them, else with words that cost less."""
    if model:
        try:
            return load(model)
        except Exception as error:  # a package that is missing, broken or made for another version
            told = "is not installed" if isinstance(error, OSError) else f"cannot be loaded ({type(error).__name__})"
            faults.append(
                ("nlp.model", f"{model} {told}", f"install it (python -m spacy download {model}) or remove it")
            )
    if has_components:
        try:
            return blank(language)
        except ImportError:
            return blank("xx")
    # Phrases are matched in lower case; a blank language's other twenty attributes double the price of a word.
    nlp = Language(vocab=Vocab(lex_attr_getters={LOWER: str.lower}))
    nlp.tokenizer = WordTokenizer(nlp.vocab)
    return nlp


def _add(nlp: Language, component: str, faults: list[tuple[str, str, str]]) -> None:
    """A component by its name with spaCy, or as `package.module:name`, a function from a Doc to that Doc."""
    module, colon, name = component.rpartition(":")
    try:
        named = getattr(import_module(module), name, None) if colon else None
        if not nlp.has_factory(name) and callable(named):
            Language.component(name, func=named)
        nlp.add_pipe(name, name=component)
    except ImportError as error:
        faults.append(("nlp.components", f"{component}: {error}", "install it beside Omnibot, or correct its name"))
    except Exception as error:  # whatever a component of others does when it is built
        action = "write a name that spaCy knows, or package.module:function"
        faults.append(("nlp.components", f"{component} cannot be built ({type(error).__name__})", action))
