"""The readers of messages as they are measured: each as the server has it, in one language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice

from omnibot.evaluation.emotions import FOUR
from omnibot.evaluation.intents import Examples, Guess
from omnibot.memory.search import Embed
from omnibot.model import Reading, Sentiment, Situation
from omnibot.understanding import Understanding
from omnibot.understanding.utterance import Utterance, legible

__all__ = ["LANGUAGES", "Reader", "embedding", "feelings", "learn_intents", "main_language", "mood", "mood_by_rules"]

LANGUAGES = ("en", "es", "de", "fr")  # that are understood
_LOOKED_AT = 300  # texts, for their language
_SOME_DAY = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)
_SITUATION = Situation(now=_SOME_DAY, zone=UTC)


def main_language(texts: Iterable[str]) -> str:
    """The language that most of some texts are in; English where nothing tells."""
    understanding = Understanding(LANGUAGES)
    read = [understanding.read(text, _SITUATION).language for text in islice(texts, _LOOKED_AT)]
    counts = Counter(signal.value for signal in read if signal.known)
    return counts.most_common(1)[0][0] if counts else LANGUAGES[0]


class Reader:
    """Reads messages as a server does that answers in one language alone, with nothing known of what was before."""

    def __init__(self, language: str) -> None:
        self._understanding = Understanding((language,))
        self._language = language

    def __call__(self, text: str, now: datetime = _SOME_DAY) -> Reading:
        """What a message means that was written at `now`, which is aware, in its zone."""
        zone = now.tzinfo or UTC
        return self._understanding.read(text, Situation(now=now, zone=zone, last_language=self._language))


def mood(language: str) -> Callable[[str], Sentiment]:
    """What reads sentiment as the server does."""
    read = Reader(language)
    return lambda text: read(text).sentiment


def mood_by_rules(language: str) -> Callable[[str], Sentiment]:
    """What reads sentiment by words and phrases, without the head that was trained."""
    from omnibot.understanding.sentiment import Mood

    mood = Mood((language,), trained=False)
    return lambda text: mood.read(Utterance(legible(text), _SITUATION, language, written=text))


def embedding(language: str) -> Embed | None:
    """Texts as vectors, by the encoder that the package ships, which knows English alone."""
    if language != "en":
        return None
    from omnibot.understanding.features import Extractor

    features = Extractor()
    return lambda text: features(text).dense


def feelings(language: str, ours: bool) -> Callable[[str], Mapping[str, float]]:
    """What gives the emotions of a text by name: GoEmotions' labels; where they are `ours`, our four before them."""
    from omnibot.understanding.emotions import Feelings
    from omnibot.understanding.features import Extractor

    labels, features, read = Feelings().labels, Extractor(), Reader(language)

    def feel(text: str) -> Mapping[str, float]:
        found = dict(labels(features(text)))
        if ours:
            four = read(text).emotions
            found |= {name: getattr(four, name).value for name in FOUR}
        return found

    return feel


def learn_intents(examples: Examples) -> Callable[[str], Guess]:
    """Learn intents from examples, as the server does from playbooks; what reads them comes back."""
    from omnibot.understanding.features import Extractor
    from omnibot.understanding.fit import fit
    from omnibot.understanding.intents import Intents

    features = Extractor()
    model = fit(examples, features)
    intents = Intents(model)

    def read(text: str) -> Guess:
        text = legible(text)
        found = features(text)
        said = intents.read(Utterance(text, _SITUATION, LANGUAGES[0]), found).value
        return Guess(said, model.labels[int(model.judge(found).probabilities.argmax())])

    return read
