import asyncio
from datetime import UTC, datetime

import pytest

from omnibot.sandbox import Ledger, Outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ledger() -> Ledger:
    return Ledger(now=lambda: NOON)


def test_entries_are_numbered_over_all_providers():
    book = ledger()
    book.append("telegram", "1", "sendMessage", {"text": "a"})
    book.append("email", "box", "DATA", {"text": "b"})
    assert [(entry.number, entry.provider, entry.at) for entry in book] == [
        (1, "telegram", NOON),
        (2, "email", NOON),
    ]
    assert book.last == len(book) == 2


def test_what_was_refused_is_no_accepted_entry():
    book = ledger()
    book.append("telegram", "1", "sendMessage", {}, Outcome.REFUSED, "Forbidden")
    unanswered = book.append("telegram", "1", "sendMessage", {}, Outcome.UNANSWERED)
    assert book.entries() == [unanswered]
    assert [entry.reason for entry in book] == ["Forbidden", ""]


def test_entries_can_be_chosen_by_provider_method_and_age():
    book = ledger()
    for provider, method in [("telegram", "getMe"), ("telegram", "sendMessage"), ("email", "DATA")]:
        book.append(provider, "1", method, {})
    assert [entry.number for entry in book.entries("telegram")] == [1, 2]
    assert [entry.number for entry in book.entries(method="sendMessage")] == [2]
    assert [entry.number for entry in book.entries(after=2)] == [3]


async def test_waiting_ends_with_the_call_that_was_awaited():
    book = ledger()
    waiting = asyncio.ensure_future(book.wait_for(lambda entry: entry.payload["text"] == "b", 5))
    await asyncio.sleep(0)
    for text in "abc":
        book.append("telegram", "1", "sendMessage", {"text": text})
    assert [entry.payload["text"] for entry in await waiting] == ["b"]


async def test_waiting_counts_what_is_there_already():
    book = ledger()
    for text in "abc":
        book.append("telegram", "1", "sendMessage", {"text": text})
    found = await book.wait_for(lambda entry: True, 5, count=2, after=1)
    assert [entry.payload["text"] for entry in found] == ["b", "c"]


async def test_a_call_that_never_comes_is_said_so():
    book = ledger()
    book.append("telegram", "1", "sendMessage", {})
    with pytest.raises(TimeoutError, match="1 of 2 expected calls"):
        await book.wait_for(lambda entry: True, 0.01, count=2)
    book.append("telegram", "1", "sendMessage", {})  # the waiter is gone
