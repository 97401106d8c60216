"""What the writer feels: frustration, confusion, satisfaction, excitement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from omnibot.model import Emotions, Sentiment, Signal
from omnibot.understanding.features import Features
from omnibot.understanding.utterance import Utterance

__all__ = ["GOEMOTIONS", "Feelings"]

GOEMOTIONS: Final = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip

_UNREAD = Signal(0.0, 0.0, known=False)


class Feelings:
    """Linear heads over the shared features, and what the situation adds to them."""

    def labels(self, features: Features) -> Mapping[str, float]:
        """GoEmotions' 28 labels of a text alone: 0…1, each decided at .5."""
        return dict.fromkeys(GOEMOTIONS, 0.0)

    def read(self, utterance: Utterance, features: Features, sentiment: Sentiment) -> Emotions:
        """The four emotions of an utterance in its situation."""
        return Emotions(frustration=_UNREAD, confusion=_UNREAD, satisfaction=_UNREAD, excitement=_UNREAD)
