"""How customers want to be answered, as it is told and kept in texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import Complexity, Detail, Length, Level, Manner, Preferences, Register

WORDS = st.none() | st.text(min_size=1)
PREFERENCES = st.builds(
    Preferences,
    channel=WORDS,
    register=st.sampled_from([None, *Register]),
    length=st.sampled_from([None, *Length]),
    language=WORDS,
    manner=st.sampled_from([None, *Manner]),
    detail=st.sampled_from([None, *Detail]),
    complexity=st.sampled_from([None, *Complexity]),
    emoji=st.sampled_from([None, True, False]),
    zone=WORDS,
    quiet=WORDS,
    level=st.sampled_from([None, *Level]),
)


@given(PREFERENCES)
def test_what_is_told_of_preferences_is_read_as_the_same_ones(preferences: Preferences) -> None:
    assert Preferences().told(preferences.texts()) == preferences


@given(PREFERENCES, PREFERENCES)
def test_those_of_which_nothing_is_told_stay_as_they_are(before: Preferences, told: Preferences) -> None:
    after = before.told(told.texts())
    for name in before.__slots__:
        assert getattr(after, name) in (getattr(told, name), getattr(before, name))
        assert name in told.texts() or getattr(after, name) == getattr(before, name)


def test_they_are_told_in_the_words_that_facts_are_kept_in() -> None:
    told = Preferences(level=Level.HISTORY, emoji=False, register=Register.FORMAL, quiet="22:00-07:00")
    assert told.texts() == {"level": "2", "emoji": "no", "register": "formal", "quiet": "22:00-07:00"}


def test_an_empty_text_takes_one_back() -> None:
    before = Preferences(channel="email", emoji=True, length=Length.SHORT)
    assert before.told({"channel": "", "emoji": ""}) == Preferences(length=Length.SHORT)


@pytest.mark.parametrize(
    ("name", "text"), [("length", "endless"), ("emoji", "maybe"), ("level", "9"), ("level", "high"), ("register", "X")]
)
def test_what_cannot_be_read_is_not_known(name: str, text: str) -> None:
    assert Preferences(length=Length.SHORT, level=Level.NAME).told({name: text}).texts().get(name) is None


def test_a_newer_servers_preference_is_left_alone() -> None:
    assert Preferences(channel="sms").told({"font": "large"}) == Preferences(channel="sms")
