"""What a text costs, and how to make it cost less (3GPP TS 23.038)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.sandbox.twilio.segments import count_segments
from omnibot_twilio.gsm import BASIC, EXTENDED, characters, fold, is_gsm, segments

GSM = st.text(st.sampled_from(sorted(BASIC | EXTENDED)), max_size=500)
TYPOGRAPHIC = st.text(st.sampled_from("’“”–—…\u00a0\u2009•abc d.{€ñ"), max_size=400)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 152 signs leave room for one: the euro sign needs two, and moves on with all behind it
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("👋" * 35, 1),
        ("👋" * 36, 2),
        # 67 units hold 33 emoji and a half: halves do not travel apart
        ("👋" * 66, 2),
        ("👋" * 67, 3),
    ],
)
def test_segments_are_counted_as_they_travel(text: str, count: int) -> None:
    assert segments(text) == count


@given(st.one_of(st.text(max_size=500), GSM, TYPOGRAPHIC))
def test_it_counts_as_the_sandbox_does(text: str) -> None:
    assert segments(text) == count_segments(text)


def test_the_alphabet_has_128_places_one_of_which_is_the_escape() -> None:
    assert len(BASIC) == 127
    assert set(string.ascii_letters + string.digits) <= BASIC
    assert not BASIC & EXTENDED


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("’", "'"),
        ("„ja“", '"ja"'),
        ("«oui»", '"oui"'),
        ("9–17", "9-17"),
        ("well — no", "well - no"),
        ("wait…", "wait..."),
        ("10\u00a0%", "10 %"),
        ("a\u2009b", "a b"),
        ("no\u200bbreak", "nobreak"),
        ("one\u2028two", "one\ntwo"),
        ("• first", "- first"),
    ],
)
def test_typography_is_folded_where_it_saves_a_segment(written: str, plain: str) -> None:
    rest = "x" * (100 - len(written))
    assert segments(written + rest) == 2
    assert fold(written + rest) == plain + rest
    assert segments(plain + rest) == 1


@pytest.mark.parametrize(
    "text",
    [
        "It’s fine – really…",  # one segment either way: it stays as it was written
        "Łódź " * 30 + "’",  # letters are not touched, so that folding the rest saves nothing
        "👋 " * 40 + "’",
        "a" * 500,
    ],
)
def test_what_would_cost_as_much_stays_as_it_was_written(text: str) -> None:
    assert fold(text) == text


@given(st.one_of(st.text(max_size=500), TYPOGRAPHIC))
def test_folding_never_costs_more_and_changes_nothing_without_need(text: str) -> None:
    folded = fold(text)
    assert folded == text or (is_gsm(folded) and segments(folded) < segments(text))
    assert fold(folded) == folded


@given(TYPOGRAPHIC)
def test_folding_keeps_every_letter(text: str) -> None:
    assert list(filter(str.isalnum, fold(text))) == list(filter(str.isalnum, text))


@given(GSM)
def test_plain_signs_are_never_touched(text: str) -> None:
    assert fold(text) == text


@pytest.mark.parametrize(("count", "signs"), [(1, 160), (2, 306), (10, 1530)])
def test_so_many_segments_hold_so_many_signs(count: int, signs: int) -> None:
    assert characters(count) == signs
    assert segments("a" * signs) == count
    assert segments("a" * (signs + 1)) == count + 1
