"""What a channel's answer means for the outbox."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from omnibot.contract import Receipt, Refused, TryLater, Unsure
from omnibot.delivery.outcome import accepted, failed, reconciled
from omnibot.model import Address, AddressId, DeliveryState, MessageId, Outbound, Paragraph
from omnibot.settings import Delivery as Settings
from omnibot.store.work import Dispatch

SETTINGS = Settings(attempts=3, backoff_seconds=2)


def dispatch(attempts: int = 1, age: timedelta = timedelta()) -> Dispatch:
    outbound = Outbound(id=MessageId(7), to=Address("telegram", "1"), parts=(Paragraph("hi"),), attempts=attempts)
    return Dispatch(
        outbound=outbound,
        address=AddressId(1),
        channel="telegram",
        account="main",
        queued_at=datetime.now(UTC) - age,
    )


def test_a_receipt_is_sent() -> None:
    result = accepted(dispatch(), Receipt("p1", {"chat": "9"}))
    assert (result.state, result.provider_id, result.context) == (DeliveryState.SENT, "p1", {"chat": "9"})


def test_a_refusal_is_final_and_may_end_the_address() -> None:
    result = failed(dispatch(), Refused("blocked", unreachable=True), SETTINGS)
    assert (result.state, result.reason, result.unreachable) == (DeliveryState.REFUSED, "blocked", True)


def test_what_nobody_knows_is_unknown() -> None:
    assert failed(dispatch(), Unsure("cut off"), SETTINGS).state is DeliveryState.UNKNOWN


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 2), (2, 4)])
def test_our_own_back_off_doubles_with_some_jitter(attempts: int, seconds: float) -> None:
    result = failed(dispatch(attempts), TryLater("unreachable"), SETTINGS)
    assert result.state is DeliveryState.QUEUED
    assert seconds * 0.75 <= result.after <= seconds * 1.25


def test_after_the_last_attempt_it_is_dead_and_says_why() -> None:
    result = failed(dispatch(3), TryLater("connection refused"), SETTINGS)
    assert (result.state, result.reason) == (DeliveryState.DEAD, "given up after 3 attempts: connection refused")


def test_a_delay_that_the_provider_names_is_kept_and_kills_nothing() -> None:
    result = failed(dispatch(99), TryLater("throttled", 17), SETTINGS)
    assert (result.state, result.after) == (DeliveryState.QUEUED, 17)


def test_nobody_is_throttled_for_ever() -> None:
    result = failed(dispatch(age=timedelta(days=2)), TryLater("throttled", 17), SETTINGS)
    assert result.state is DeliveryState.DEAD


BROKEN = [("no\0such", "no\ufffdsuch"), ("Empf\udce4nger", "Empf\ufffdnger"), ("x" * 1001, "x" * 200)]


@pytest.mark.parametrize(("words", "kept"), BROKEN)
@pytest.mark.parametrize("kind", [Refused, TryLater, Unsure])
def test_the_reason_of_a_provider_can_be_stored_whatever_it_says(
    kind: type[Refused | TryLater | Unsure], words: str, kept: str
) -> None:
    assert failed(dispatch(), kind(words), SETTINGS).reason == kept


def test_a_receipt_can_be_stored_whatever_it_says() -> None:
    result = accepted(dispatch(), Receipt("p\0" + "1" * 1000, {"th\0read": "\udce4"}))
    assert result.provider_id == "p\ufffd" + "1" * 998
    assert result.context == {"th\ufffdread": "\ufffd"}


def test_an_empty_context_is_one_to_keep() -> None:
    assert accepted(dispatch(), Receipt("p1", {})).context == {}


@pytest.mark.parametrize(
    ("named", "kept"), [(0, 1), (-5, 1), (math.nan, 1), (0.5, 1), (17, 17), (math.inf, 86_400), (1e300, 86_400)]
)
def test_a_delay_that_cannot_be_meant_is_kept_within_bounds(named: float, kept: float) -> None:
    assert failed(dispatch(), TryLater("throttled", named), SETTINGS).after == kept


def test_what_is_reconciled_is_sent_or_comes_again() -> None:
    outbound = dispatch().outbound
    has, lacks = reconciled(AddressId(1), outbound, Receipt("p\0")), reconciled(AddressId(1), outbound, None)
    assert (has.state, has.provider_id) == (DeliveryState.SENT, "p\ufffd")
    assert (lacks.state, lacks.provider_id) == (DeliveryState.QUEUED, "")
