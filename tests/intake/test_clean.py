"""Arrivals as they may be stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnibot.intake.clean import MAX_CONTEXT, MAX_ID, MAX_LINE, MAX_TEXT, clean, clean_text
from omnibot.model import (
    Address,
    Attachment,
    ButtonPress,
    Contact,
    DeliveryReport,
    DeliveryState,
    Incoming,
    IncomingEdit,
    IncomingMessage,
    Location,
    Sender,
)

ANY_TEXT = st.text(st.characters(codec=None))  # lone surrogates too
LONG = st.sampled_from(["x" * 150_000, "\ud800" * 150_000, "a b\n" * 50_000, "é" * 1001])
ANY = ANY_TEXT | LONG
NOON = datetime(2026, 1, 1, tzinfo=UTC)


def message(text: str, name: str = "Sarah") -> IncomingMessage:
    sender = Sender(Address("telegram", "1"), name)
    return IncomingMessage(id="1", at=NOON, sender=sender, message_id="1", text=text)


@st.composite
def arrivals(draw: st.DrawFn) -> Incoming:
    """Any arrival, with anything in every string."""

    def text() -> str:
        return draw(ANY)

    def context() -> Mapping[str, str]:
        return draw(st.dictionaries(ANY, ANY, max_size=2))

    sender = Sender(Address(text(), text()), text(), text())
    of_all = {"id": text(), "at": NOON, "sender": sender}
    match draw(st.sampled_from([IncomingMessage, IncomingEdit, ButtonPress, DeliveryReport])):
        case kind if kind is IncomingMessage:
            return IncomingMessage(
                **of_all,
                message_id=text(),
                text=text(),
                attachments=(Attachment(name=text(), media_type=text(), ref=text(), content=b"\0"),),
                location=Location(1.0, 2.0, text()),
                contact=Contact(name=text(), phone=text()),
                answers=(text(), text()),
                context=context(),
                automatic=text(),
                quarantine=text(),
                flags=(text(), text()),
            )
        case kind if kind is IncomingEdit:
            return IncomingEdit(**of_all, message_id=text(), text=text())
        case kind if kind is ButtonPress:
            return ButtonPress(**of_all, value=text(), message_id=text(), context=context())
        case _:
            return DeliveryReport(**of_all, provider_id=text(), state=DeliveryState.SENT, reason=text())


def strings(value: object) -> Iterator[str]:
    """All that is text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from strings(pair)
    elif isinstance(value, tuple):
        for inner in value:
            yield from strings(inner)


@given(arrivals())
def test_every_string_of_any_arrival_becomes_storable_and_ends(item: Incoming) -> None:
    for text in strings(clean(item)):
        assert "\0" not in text
        text.encode()
        assert len(text) <= MAX_TEXT + len(" […]")


@given(arrivals())
def test_what_was_cleaned_is_clean(item: Incoming) -> None:
    cleaned = clean(item)
    assert clean(cleaned) == cleaned


@given(arrivals())
def test_whoever_was_not_believed_still_is_not(item: Incoming) -> None:
    if isinstance(item, IncomingMessage):
        cleaned = clean(item)
        assert (bool(cleaned.quarantine), bool(cleaned.automatic)) == (bool(item.quarantine), bool(item.automatic))


@given(ANY, ANY)
@example("a" * (MAX_ID + 1), "a" * (MAX_ID + 2))
@example("a\0", "a\ufffd")
@example("\ud800", "\udbff")
def test_different_ids_stay_different(one: str, other: str) -> None:
    def ids(text: str) -> list[str]:
        item = replace(message("hi"), id=text, message_id=text, answers=(text,))
        cleaned = clean(replace(item, sender=Sender(Address("telegram", text))))
        return [cleaned.id, cleaned.message_id, *cleaned.answers, cleaned.sender.address.value]

    assert len(set(ids(one))) == 1  # an answer still finds what it answers
    assert (ids(one) == ids(other)) == (one == other)


@given(ANY)
def test_a_flag_is_one_word(flag: str) -> None:
    [cleaned] = clean(replace(message("hi"), flags=(flag,))).flags
    assert len(cleaned.split()) <= 1


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("plain", "plain"),
        ("año 😀", "año 😀"),
        ("nul\0", "nul\ufffd"),
        ("lone \ud800 high", "lone \ufffd high"),
        ("lone \udc00", "lone \ufffd"),
        ("two halves \ud83d\ude00", "two halves 😀"),
    ],
)
def test_what_cannot_be_stored_is_replaced(given_text: str, stored: str) -> None:
    assert clean_text(given_text) == stored


@given(ANY_TEXT)
def test_any_text_becomes_storable(text: str) -> None:
    cleaned = clean_text(text)
    assert "\0" not in cleaned
    cleaned.encode()


@given(ANY)
def test_any_name_is_one_short_line(name: str) -> None:
    cleaned = clean(message("hi", name)).sender.name
    assert len(cleaned) <= MAX_LINE
    assert "\n" not in cleaned
    cleaned.encode()


def test_a_text_without_end_is_cut_visibly() -> None:
    assert clean_text("x" * (MAX_TEXT + 1)).endswith("x […]")


def test_a_context_is_kept_as_it_is_unless_it_has_no_end() -> None:
    thread = {"references": "<a@b>\n <c@d>", "subject": "año"}
    assert clean(replace(message("hi"), context=thread)).context is thread
    endless = clean(replace(message("hi"), context={"references": "x" * 10**6})).context
    assert len(endless["references"]) == MAX_CONTEXT


def test_what_is_clean_stays_the_same_object() -> None:
    item = message("hello\nyou", "Sarah Müller")
    assert clean(item) is item
    full = replace(
        item,
        attachments=(Attachment(name="a.pdf", media_type="application/pdf", ref="abc"),),
        location=Location(1.0, 2.0, "Café"),
        contact=Contact(name="Mike", phone="+49 170 1234567"),
        answers=("1", "2"),
        context={"chat": "-100"},
        automatic="auto-reply",
        flags=("staff_only",),
    )
    assert clean(full) is full


def test_what_has_no_text_passes() -> None:
    report = DeliveryReport(
        id="1",
        at=NOON,
        sender=Sender(Address("telegram", "1"), "a\nb"),
        provider_id="p",
        state=DeliveryState.SENT,
    )
    assert clean(report).sender.name == "a b"
