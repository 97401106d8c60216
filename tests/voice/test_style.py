"""Tone is real: over hundreds of replies our own reading and plain measures differ as the styles say, in each language.

Reading ease is LIX (Björnsson 1968: words a sentence, and the share of words over six letters), which needs no list of
syllables: textstat would download one for English. Lower is easier.
"""

import re
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path
from statistics import mean

import pytest
import textstat

from omnibot.model import Complexity, Detail, Length, Manner, Preferences, Register, Situation
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices
from omnibot.voice.samples import replies

VOICES = Voices.load(Path(__file__).parents[2] / "config" / "voice")
LANGUAGES = VOICES.languages
SPEAKER = Speaker("Example Ltd", "Omnibot", voices=VOICES)
STORIES = ("bill", "timeout", "new", "unknown", "solved")
VARIANTS = range(12)
LENGTHS = (Length.SHORT, None, Length.DETAILED)
NOW = datetime(2026, 2, 3, tzinfo=UTC)
EMOJI = re.compile(r"[\U0001f300-\U0001faff\u2600-\u27bf]")
# A word that no plain text has: a sign inside, digits, capitals throughout, a path.
JARGON = re.compile(r"\w*[_=/{}?&]\w*|\b(?:[A-Z]{2,}|\w*\d\w*[A-Za-z]\w*)\b")
UNDERSTANDING = Understanding(("en", "es", "de", "fr"))


@cache
def texts(language: str, stories: tuple[str, ...] = STORIES, **liked: object) -> list[str]:
    """Replies to somebody who likes that, without subjects."""
    preferences = Preferences(**liked)  # type: ignore[arg-type]
    made = (
        replies(story, language, preferences, SPEAKER, variant=variant) for story in stories for variant in VARIANTS
    )
    return [text.partition("\n\n")[2] if text.startswith("Subject: ") else text for text in made]


@cache
def formality(language: str, text: str) -> float:
    situation = Situation(now=NOW, zone=UTC, last_language=language)
    return UNDERSTANDING.read(text, situation).formality.value


def formal(language: str, **liked: object) -> float:
    return mean(formality(language, text) for text in texts(language, **liked))


def words(language: str, stories: tuple[str, ...] = STORIES, **liked: object) -> float:
    return mean(len(text.split()) for text in texts(language, stories, **liked))


def jargon(language: str, **liked: object) -> float:
    """The share of such words."""
    said = texts(language, ("bill",), **liked)
    return sum(len(JARGON.findall(text)) for text in said) / sum(len(text.split()) for text in said)


def test_there_are_hundreds_of_replies() -> None:
    for language, style in product(LANGUAGES, Register):
        assert (
            sum(
                len(texts(language, register=style, manner=manner, length=length))
                for manner in Manner
                for length in LENGTHS
            )
            > 200
        )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("manner", "length"), [*product(Manner, LENGTHS)])
def test_formal_replies_read_more_formal(language: str, manner: Manner, length: Length | None) -> None:
    casual, other = (formal(language, register=register, manner=manner, length=length) for register in Register)
    assert casual + 0.03 < other


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("register", "length"), [*product(Register, LENGTHS)])
def test_professional_replies_read_more_formal_than_friendly_ones(
    language: str, register: Register, length: Length | None
) -> None:
    friendly, professional = (formal(language, register=register, manner=manner, length=length) for manner in Manner)
    assert friendly < professional


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("register", "manner"), [*product(Register, Manner)])
def test_replies_are_as_long_as_they_are_liked(language: str, register: Register, manner: Manner) -> None:
    short, usual, detailed = (words(language, register=register, manner=manner, length=length) for length in LENGTHS)
    assert short * 1.1 < usual
    assert usual * 1.05 < detailed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("length", LENGTHS)
def test_steps_are_told_to_who_likes_them(language: str, length: Length | None) -> None:
    summary, steps = (texts(language, ("bill",), detail=detail, length=length) for detail in Detail)
    assert all("1. " not in text for text in summary)
    assert all("1. " in text and "3. " in text for text in steps)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("length", LENGTHS)
def test_technical_replies_have_more_jargon_and_are_harder_to_read(language: str, length: Length | None) -> None:
    plain, technical = (jargon(language, complexity=complexity, length=length) for complexity in Complexity)
    assert plain * 1.5 < technical
    if length is Length.DETAILED:
        return  # both have the whole explanation, the technical one something behind it
    plain, technical = (
        mean(textstat.lix(text) for text in texts(language, ("bill",), complexity=one, length=length))
        for one in Complexity
    )
    assert plain < technical


@pytest.mark.parametrize("language", LANGUAGES)
def test_short_replies_are_easier_to_read(language: str) -> None:
    short, detailed = (
        mean(len(re.split(r"[.?!:]\s", text)) for text in texts(language, length=length))
        for length in (Length.SHORT, Length.DETAILED)
    )
    assert short < detailed


@pytest.mark.parametrize("language", LANGUAGES)
def test_professional_formal_replies_are_the_hardest_to_read(language: str) -> None:
    """Whole sentences with long words cost something: that is what a plain manner saves."""
    friendly, professional = (
        mean(
            textstat.lix(text) for text in texts(language, ("timeout", "unknown"), register=Register.FORMAL, manner=one)
        )
        for one in Manner
    )
    assert friendly < professional


@pytest.mark.parametrize("language", LANGUAGES)
def test_emoji_are_for_who_likes_them_and_never_many_nor_beside_bad_news(language: str) -> None:
    for liked in (None, False):
        assert not any(EMOJI.search(text) for text in texts(language, emoji=liked))
    decorated = [len(EMOJI.findall(text)) for text in texts(language, ("solved", "new"), emoji=True)]
    assert all(0 < count <= 2 for count in decorated)
    assert not any(EMOJI.search(text) for text in texts(language, ("timeout", "unknown"), emoji=True))
