"""Who put a reply into words, in a sentence."""

import pytest

from omnibot.cli.turns import _worded


@pytest.mark.parametrize(
    ("wording", "told"),
    [
        ({}, []),
        ({"by": "model", "model": "tiny"}, ["The language model tiny put it into words."]),
        (
            {"by": "model", "model": "tiny", "restarts": 2},
            ["The language model tiny put it into words, after they had written more (2)."],
        ),
        ({"by": "pack", "why": "busy"}, ["The voice pack's words were sent, not a language model's: busy."]),
        (
            {"by": "pack", "why": "doubt", "doubts": ["number: 59", "tone"]},
            ["The voice pack's words were sent, not a language model's: doubt (number: 59, tone)."],
        ),
    ],
)
def test_who_put_it_into_words_is_told(wording: dict, told: list[str]) -> None:
    assert list(_worded(wording)) == told
