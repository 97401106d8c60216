"""Text as it may be stored."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.intake.clean import MAX_TEXT, clean, clean_text
from omnibot.model import Address, DeliveryReport, DeliveryState, IncomingMessage, Sender

ANY_TEXT = st.text(st.characters(codec=None))  # lone surrogates too


def message(text: str, name: str = "Sarah") -> IncomingMessage:
    sender = Sender(Address("telegram", "1"), name)
    return IncomingMessage(id="1", at=datetime(2026, 1, 1, tzinfo=UTC), sender=sender, message_id="1", text=text)


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("plain", "plain"),
        ("año 😀", "año 😀"),
        ("nul\0", "nul\ufffd"),
        ("lone \ud800 high", "lone \ufffd high"),
        ("lone \udc00", "lone \ufffd"),
    ],
)
def test_what_cannot_be_stored_is_replaced(given_text: str, stored: str) -> None:
    assert clean_text(given_text) == stored


@given(ANY_TEXT)
def test_any_text_becomes_storable(text: str) -> None:
    cleaned = clean_text(text)
    assert "\0" not in cleaned
    cleaned.encode()


@given(ANY_TEXT)
def test_any_name_is_one_short_line(name: str) -> None:
    cleaned = clean(message("hi", name)).sender.name
    assert len(cleaned) <= 200
    assert "\n" not in cleaned
    cleaned.encode()


def test_a_text_without_end_is_cut_visibly() -> None:
    assert clean_text("x" * (MAX_TEXT + 1)).endswith("x […]")


def test_what_is_clean_stays_the_same_object() -> None:
    item = message("hello", "Sarah")
    assert clean(item) is item


def test_what_has_no_text_passes() -> None:
    report = DeliveryReport(
        id="1",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        sender=Sender(Address("telegram", "1"), "a\nb"),
        provider_id="p",
        state=DeliveryState.SENT,
    )
    assert clean(report).sender.name == "a b"
