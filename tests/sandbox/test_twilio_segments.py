"""What a text costs by SMS, and what smart encoding makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.sandbox.twilio.segments import BASIC, EXTENDED, count_segments, is_gsm7, smart

GSM7 = st.text(st.sampled_from(sorted(BASIC | EXTENDED)), max_size=1600)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),  # an escape before each
        ("€" * 81, 2),
        ("a" * 152 + "€" * 5, 2),  # 162 septets
        ("a" * 152 + "€" + "a" * 152, 3),  # the escape is not torn from what it escapes: 152, 2 + 151, 1
        ("—" * 70, 1),
        ("—" * 71, 2),
        ("—" * 134, 2),
        ("—" * 135, 3),
        ("😀" * 35, 1),  # two units each
        ("😀" * 36, 2),
        ("—" + "😀" * 66, 2),  # 133 units: 1 + 33 × 2 = 67, and 33 × 2
        ("😀" * 67, 3),  # 134 units, but 33 a segment: a pair is not torn apart
    ],
)
def test_a_text_is_billed_by_segments(text, segments):
    assert count_segments(text) == segments


def test_there_are_128_characters_in_gsm7():
    assert len(BASIC) == 127  # the escape is the 128th
    assert len(EXTENDED) == 10


@given(GSM7, GSM7)
def test_more_text_never_costs_less(text, more):
    assert count_segments(text) <= count_segments(text + more) <= count_segments(text) + count_segments(more) + 1


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“Don’t” – wait…", '"Don\'t" - wait...'),
        ("10\u00a0€ • now", "10 € * now"),
        ("naïve 😀", "naïve 😀"),  # what has no like stays
    ],
)
def test_smart_encoding_replaces_what_has_a_plain_like(text, plain):
    assert smart(text) == plain


@given(st.text())
def test_smart_encoding_twice_is_once(text):
    assert smart(smart(text)) == smart(text)
    assert not is_gsm7(text) or set(smart(text)) <= BASIC | EXTENDED
