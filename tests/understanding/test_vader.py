"""VADER with less work gives what VADER gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES, SentimentIntensityAnalyzer

from omnibot.understanding.vader import Vader

LIBRARY = SentimentIntensityAnalyzer()
OURS = Vader()

IDIOMS = [word for idiom in (*SPECIAL_CASES, *BOOSTER_DICT) for word in idiom.split()]
TURNS = "but so this no or nor least at very never without doubt kind of sort just enough isn't won't table , ! ? ??? ."
WORDS = st.one_of(
    st.sampled_from(sorted(LIBRARY.lexicon)),
    st.sampled_from(sorted(NEGATE)),
    st.sampled_from(IDIOMS),
    st.sampled_from(TURNS.split()),
)
WRITTEN = st.tuples(
    st.sampled_from([str, str.upper, str.title]), WORDS, st.sampled_from(["", "!", "?!", ",", " "])
).map(lambda parts: parts[0](parts[1]) + parts[2])


@given(st.lists(WRITTEN, max_size=12).map(" ".join))
def test_any_words_weigh_as_much(text: str) -> None:
    assert OURS.compound(text) == LIBRARY.polarity_scores(text)["compound"]


@given(st.text(max_size=60))
def test_any_text_weighs_as_much(text: str) -> None:
    assert OURS.compound(text) == LIBRARY.polarity_scores(text)["compound"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the table has three columns",
        "It is NOT good, but I love it!!!",
        "never so good",
        "not at all so good",
        "without doubt great",
        "what we had so good",
        "what we had this good",
        "at least it is bad",
        "least helpful",
        "no good, no bad",
        "kind of bad, a kind man of the shit",
        "to die for",
        "isn't it GREAT?? well??",
        "just enough good",
        "great 😡 a😡b 👍🏻 :)",
        "bad bad good but bad good bad but good",
        "good but good good but",
    ],
)
def test_what_vader_has_rules_for_weighs_as_much(text: str) -> None:
    assert OURS.compound(text) == LIBRARY.polarity_scores(text)["compound"]


def test_a_revised_lexicon_changes_what_it_names_and_nothing_else() -> None:
    both = Vader({"please": 0.0, "slow": -1.2})
    revised = both.revised
    assert revised.compound("please") == 0
    assert revised.compound("slow") < 0
    assert revised.compound("what a great day") == OURS.compound("what a great day")
    for text in ("please", "what a slow day", "PLEASE be good", "good"):
        assert both.compound(text) == OURS.compound(text)
