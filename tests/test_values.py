"""Values: what can be done with them besides changing them."""

from __future__ import annotations

import pickle
from copy import deepcopy
from dataclasses import fields, replace

import pytest

from omnibot.model import Address, Intent, Signal
from omnibot.model.values import frozen


def test_the_type_checker_is_told_that_nobody_sets_a_field() -> None:
    told = frozen.__dataclass_transform__
    assert {**told["kwargs"], **told}["frozen_default"] is True  # a keyword like others before Python 3.12


def test_values_are_equal_and_hashed_by_their_fields() -> None:
    assert Address("sms", "+1") == Address("sms", "+1")
    assert len({Address("sms", "+1"), Address("sms", "+1"), Address("sms", "+2")}) == 2
    assert Intent("refund", 0.9) != Signal("refund", 0.9)  # another kind of value


def test_a_value_has_no_other_fields_than_its_own() -> None:
    with pytest.raises(AttributeError):
        Address("sms", "+1").chanel = "telegram"  # type: ignore[attr-defined]


def test_another_value_is_made_of_one() -> None:
    one = Intent("refund", 0.9)
    assert replace(one, confidence=0.5) == Intent("refund", 0.5)
    assert [field.name for field in fields(one)][-1] == "alternatives"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_values_go_through_pickle_and_copies(protocol: int) -> None:
    one = Intent("refund", 0.9)
    assert pickle.loads(pickle.dumps(one, protocol)) == one
    assert deepcopy(one) == one


def test_values_that_are_not_compared_are_themselves_alone() -> None:
    @frozen(eq=False, kw_only=True)
    class Room:
        number: int

    assert Room(number=1) != Room(number=1)
    assert len({Room(number=1), Room(number=1)}) == 2
