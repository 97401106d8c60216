"""Turns of phrase are looked for only where they can be, and are found there."""

import re
import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnibot.understanding.lexicons import LANGUAGES, Lexicon, lexicon
from tests.understanding.readers import FLOODS, utterance

ASCII = st.characters(codec="ascii", exclude_categories=["Cc"])
LOOKING_AROUND = re.compile(r"\(\?<?[!=](?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")  # which no text is made from


def which_have(language: str, said: str) -> list[dict[str, Any]]:
    """The ways to put a phrase for which a file says how they begin and what they have, or what comes then."""
    table = tomllib.loads((files("omnibot.understanding") / "moods" / f"{language}.toml").read_text("utf-8"))
    return [each for phrase in table["phrases"] for each in phrase["any"] if {"begins", said} <= each.keys()]


def of_one(source: dict[str, Any], *without: str) -> Lexicon:
    kept = {key: value for key, value in source.items() if key not in without}
    return Lexicon({"weights": {}, "phrases": [{"name": "it", "weight": 1.0, "any": [kept]}]})


def found(lexicon: Lexicon, text: str) -> list[tuple[int, int]]:
    read = utterance(text)
    return [(each.start, each.end) for each in lexicon.found(read.lower, read.words, read.spans)]


def numbered(said: str) -> list[tuple[str, int]]:
    return [(language, number) for language in LANGUAGES for number in range(len(which_have(language, said)))]


def written(source: dict[str, Any]) -> st.SearchStrategy[str]:
    """Texts that are put that way."""
    pattern = re.compile(LOOKING_AROUND.sub("", source["is"]), re.ASCII)
    # "0thanks" is one word, and begins with a number.
    return st.from_regex(pattern, fullmatch=True, alphabet=ASCII).filter(
        lambda text: text == text.lower() and not re.search(r"\d[a-z]", text)
    )


@pytest.mark.parametrize(("language", "number"), numbered("has"))
def test_what_a_phrase_is_said_to_have_it_has(language: str, number: int) -> None:
    source = which_have(language, "has")[number]
    whole, by_its_beginning = of_one(source), of_one(source, "has")

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(written(source))
    def holds(text: str) -> None:
        assert found(whole, text) == found(by_its_beginning, text)

    holds()


@pytest.mark.parametrize(("language", "number"), numbered("then"))
def test_what_is_said_to_come_then_does(language: str, number: int) -> None:
    source = which_have(language, "then")[number]
    whole, whatever_comes = of_one(source), of_one(source, "then")

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(written(source), st.sampled_from(["", "'s", "-x", ".y", " z", ", too"]))
    def holds(text: str, behind: str) -> None:
        assert found(whole, text + behind) == found(whatever_comes, text + behind)

    holds()


def test_what_must_come_then_comes_right_behind() -> None:
    again = of_one({"begins": "onc", "then": "aga", "is": r"\bonce.{0,9} again\b"})
    assert found(again, "not once again") == [(4, 14)]
    assert found(again, "once more again") == []


def test_a_key_is_a_words_beginning_of_any_length_or_a_whole_word() -> None:
    anything = of_one({"begins": "the$ wait my", "is": r"\w+"})
    assert found(anything, "there they wax mystery the waiter my") == [(23, 26), (27, 33), (34, 36)]


def test_what_it_must_have_may_stand_anywhere_and_within_a_word() -> None:
    late = of_one({"begins": "gre", "has": "lat", "is": r"\bgreat\b.*\blate\b"})
    assert found(late, "great, it is late") == [(0, 17)]
    assert found(late, "great...late") == [(0, 12)]
    assert found(late, "late? great") == []


def test_what_begins_with_any_word_is_found_by_what_it_has() -> None:
    lovely = of_one({"has": "lov", "is": r"\b\w+ love\b"})
    assert found(lovely, "they love it, we love it") == [(0, 9), (14, 21)]


@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_tried_a_few_times_alone(text: str) -> None:
    anything = of_one({"begins": "urg hav we how cou 0 .", "is": r"(?:\S+\s*){1,3}"})
    assert len(found(anything, text)) <= 3


@pytest.mark.parametrize(
    ("text", "thanked"), [("could you print it in large type?", False), ("can you print it? ty", True)]
)
def test_what_begins_like_a_thank_you_is_none(text: str, thanked: bool) -> None:
    read = utterance(text)
    names = {each.name for each in lexicon("en").found(read.lower, read.words, read.spans)}
    assert ("a closing word" in names) is thanked
