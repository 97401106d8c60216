"""The data-quality report: each thing that it tells is told of files that have it, and of none that do not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import orjson
import pytest

from omnibot.events import EventReader
from omnibot.history import EntryReader, Survey, survey
from omnibot.model import Address, Level
from omnibot.settings import Settings

SARAH, MIKE = "email:sarah@example.org", "email:mike@example.org"


def message(number: int, at: str = "2026-03-01T12:00:00Z", of: str = SARAH, **more: object) -> dict[str, object]:
    return {"id": f"m{number}", "address": of, "at": at, "direction": "in", "text": f"text {number}", **more}


async def nobody(addresses: Sequence[Address]) -> Collection[Address]:
    return ()


@pytest.fixture
def surveyed(tmp_path: Path) -> Callable:
    async def run(*rows: dict[str, object] | str, known: Callable = nobody) -> Survey:
        lines = [row if isinstance(row, str) else orjson.dumps(row).decode() for row in rows]
        (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
        return await survey([tmp_path / "a.jsonl"], EntryReader(EventReader(Settings())), known)

    return run


async def test_rows_are_counted_by_what_they_are(surveyed: Callable) -> None:
    found = await surveyed(
        message(1),
        message(2, "2024-01-01T00:00:00Z", direction="out"),
        {"kind": "case", "id": "T-1", "address": SARAH, "opened": "2023-05-01T00:00:00Z"},
        {"id": "e1", "name": "signed_up", "of": SARAH, "at": "2023-04-01T00:00:00Z", "properties": {}},
        {"name": "Sarah", "email": "sarah@example.org"},
        {"address": SARAH, "key": "plan", "value": "Pro", "at": "2023-04-01T00:00:00Z"},
    )
    assert (found.read, found.total) == (6, 6)
    assert found.taken == {"message": 2, "case": 1, "event": 1, "customer": 1, "fact": 1}
    assert found.directions == {"in": 1, "out": 1}
    assert (f"{found.first_at:%F}", f"{found.last_at:%F}") == ("2023-04-01", "2026-03-01")
    assert (found.open_cases, found.left_out) == (1, {})


async def test_what_is_left_out_says_why_and_where(surveyed: Callable) -> None:
    found = await surveyed("nothing", message(1), *(message(n, "soon") for n in range(5)), message(9, direction="up"))
    assert {why: (one.count, one.where) for why, one in found.left_out.items()} == {
        "no JSON": (1, ["a.jsonl:1"]),
        "unreadable time": (5, ["a.jsonl:3", "a.jsonl:4", "a.jsonl:5"]),
        "unknown direction": (1, ["a.jsonl:8"]),
    }
    assert found.taken == {"message": 1}


async def test_what_is_told_twice_is_told_from_what_contradicts(surveyed: Callable) -> None:
    case = {"kind": "case", "id": "T-1", "address": SARAH, "opened": "2023-05-01T00:00:00Z"}
    updated = case | {"resolved": "2023-05-02T00:00:00Z"}
    found = await surveyed(message(1), message(1), message(1, text="something else"), message(2), case, updated)
    assert found.taken == {"message": 2, "case": 2}
    assert (found.duplicates.where, found.contradictions.where) == (["a.jsonl:2"], ["a.jsonl:3"])


async def test_months_without_a_message_are_gaps(surveyed: Callable) -> None:
    found = await surveyed(message(1, "2025-11-30T00:00:00Z"), message(2, "2026-02-01T00:00:00Z"))
    assert found.gaps == ["2025-12", "2026-01"]
    assert (await surveyed({"name": "Sarah", "email": "sarah@example.org"})).gaps == []


async def test_times_without_a_zone_are_counted(surveyed: Callable) -> None:
    found = await surveyed(message(1, "2026-03-01T12:00:00"), message(2))
    assert (found.naive, found.total) == (1, 1)


async def test_addresses_of_nobody_are_counted(surveyed: Callable) -> None:
    async def known(addresses: Sequence[Address]) -> Collection[Address]:
        return [address for address in addresses if address.value == "mike@example.org"]

    rows = [message(1), message(2, of=MIKE), message(3, of="email:pria@example.org")]
    told = {"name": "Sarah", "email": "sarah@example.org"}
    assert (await surveyed(*rows, told, known=known)).unknown_addresses == 1
    assert (await surveyed(*rows)).unknown_addresses == 3


async def test_cases_that_only_messages_name_are_counted(surveyed: Callable) -> None:
    told = {"kind": "case", "id": "T-1", "address": SARAH, "opened": "2023-05-01T00:00:00Z", "state": "closed"}
    found = await surveyed(message(1, case="T-1"), told, message(2, case="T-2"))
    assert (found.untold_cases, found.open_cases) == (1, 0)


async def test_levels_are_of_whole_customers(surveyed: Callable) -> None:
    """Sarah has all over two addresses, Mike only writes, and of Pria no name is told."""
    found = await surveyed(
        *(message(n) for n in range(3)),
        {"name": "Sarah", "email": "sarah@example.org", "sms": "+4917012345678", "register": "casual"},
        {"id": "e1", "name": "signed_up", "of": "sms:+4917012345678", "at": "2023-04-01T00:00:00Z", "properties": {}},
        message(10, of=MIKE),
        {"name": "Mike", "email": "mike@example.org"},
        *(message(n, of="email:pria@example.org") for n in range(20, 23)),
    )
    assert found.customers == 3
    assert list(found.has.items()) == [
        (Level.NAME, 2),
        (Level.HISTORY, 3),
        (Level.PREFERENCES, 1),
        (Level.ANTICIPATION, 1),
        (Level.EMOTION, 2),
    ]
    assert list(found.levels.values()) == [2, 2, 1, 1, 1]


async def test_people_of_two_rows_that_share_an_address_are_one(surveyed: Callable) -> None:
    found = await surveyed(
        {"name": "Sarah", "email": "sarah@example.org", "sms": "+4917012345678", "at": "2024-01-01T00:00:00Z"},
        {"name": "Sarah", "email": "lind@example.org", "sms": "+4917012345678", "at": "2025-01-01T00:00:00Z"},
    )
    assert found.customers == 1
