"""What the tests of single readers share: an utterance of a text, and what is seen of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from omnibot.model import Signal, Situation
from omnibot.understanding.features import Extractor, Features
from omnibot.understanding.utterance import Utterance, legible

NOW = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)
QUIET = Situation(now=NOW, zone=UTC)
LANGUAGES = ("en", "es", "de", "fr")

FLOODS = {
    "emoji": "😡" * 5000,
    "one word": "urgent " * 1000,
    "gaps": "have " * 1000,
    "hacked": "we have been hacked " * 300,
    "questions": "how do I? " * 500,
    "stops": "." * 5000,
    "digits": "7 " * 3000,
    "codes": "0xdeadbeef ERR_A_B v1.2.3 " * 300,
    "line ends": "\n" * 5000,
    "100 KB": "could somebody from your team please call me back again " * 2000,
    "control characters": "\x00\x1b\u200f\u202e" * 1500,
    "lone surrogates": "\ud800 " * 2000,
}


def utterance(text: str, language: str = "en", **situation: Any) -> Utterance:
    """A text as the pass makes it ready."""
    return Utterance(text=legible(text), situation=replace(QUIET, **situation), language=language)


@cache
def _extractor() -> Extractor:
    return Extractor()


def features(read: Utterance) -> Features:
    """What the judges see of it beside its cues."""
    return _extractor()(read.text)


def words(signal: Signal[Any]) -> Sequence[str]:
    """The evidence, as text."""
    return [str(evidence) for evidence in signal.evidence]


def assert_evidence_stands_in(read: Utterance, signal: Signal[Any]) -> None:
    """Each piece of evidence that has a place is what stands there."""
    for evidence in signal.evidence:
        if evidence.start is not None:
            assert read.text[evidence.start : evidence.end] == evidence.text
