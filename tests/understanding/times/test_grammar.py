"""What a text must have to name a time."""

from __future__ import annotations

from itertools import product

from omnibot.understanding.times.grammar import NAMING, SIGNS, TIME


def test_without_a_class_that_names_a_time_there_is_none() -> None:
    others = [sign for sign in SIGNS.values() if not NAMING.search(sign)]
    assert len(others) < len(SIGNS)
    assert not [line for line in map("".join, product(others, repeat=3)) if TIME.search(line)]
