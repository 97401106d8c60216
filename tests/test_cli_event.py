"""omnibot event: one on the command line, many on stdin, and what is told of those that are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from omnibot.cli import app
from omnibot.store import Store
from tests.conftest import SECRET, lines
from tests.store.test_message_path import claim

ONE = ("event", "plan_changed", "plan=Pro", "seats=5", "trial=false", "version=1.10.2", "--of", "user:u-123")
TOLD = ("--id", "evt_1", "--at", "2026-03-01T12:00:00Z")
Command = Callable[..., Result]


def line(number: int, **changed: object) -> str:
    fields = {"id": f"e{number}", "name": "invoice", "of": "user:u-1", "at": "2026-03-01T12:00:00Z"}
    return json.dumps(fields | changed)


@pytest.fixture
def piped(environment: dict[str, str], omnibot: Command) -> Callable[..., Result]:
    """The command with something on stdin."""
    return lambda text, *more: CliRunner().invoke(app, ["event", "--jsonl", *more], env=environment, input=text)


@pytest_asyncio.fixture
async def waiting(dsn: str) -> Callable:
    """What waits for its turn."""

    async def look() -> list[dict]:
        async with Store.open(dsn, SECRET) as store:
            return [dict(item.payload) for work in await claim(store, 100) for item in work.items]

    return look


async def in_thread(run: Callable[..., Result], *arguments: str) -> Result:
    """A command has a loop of its own."""
    import asyncio

    return await asyncio.to_thread(run, *arguments)


async def test_one_is_told_once(omnibot: Command, waiting: Callable) -> None:
    told = await in_thread(omnibot, *ONE, *TOLD)
    assert (told.exit_code, told.stdout) == (0, "1 told\n")
    again = await in_thread(omnibot, *ONE, *TOLD)
    assert (again.exit_code, again.stdout) == (0, "0 told, 1 known already\n")
    [event] = await waiting()
    assert event["properties"] == {"plan": "Pro", "seats": 5, "trial": False, "version": "1.10.2"}


async def test_without_a_time_it_has_happened_now(omnibot: Command) -> None:
    told = await in_thread(omnibot, *ONE, "--id", "1", "--json")
    assert lines(told) == [{"told": 1, "known": 0, "faults": []}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*ONE, "--at", "2026-03-01T12:00:00Z"), "id is missing"),
        ((*ONE, "--id", "1", "--at", "2026-03-01T12:00:00"), "write its offset"),
        (("event", "plan_changed", "--id", "1", "--of", "slack:T1/U1"), "slack is no channel that is configured"),
        (("event", "Plan Changed", "--id", "1", "--of", "user:u-1"), "use small letters"),
    ],
)
async def test_what_is_wrong_is_told_with_what_to_write(
    omnibot: Command, arguments: tuple[str, ...], told: str
) -> None:
    result = await in_thread(omnibot, *arguments)
    assert result.exit_code == 1
    assert result.stdout == "0 told\n"
    assert told in result.stderr


@pytest.mark.parametrize(
    "arguments", [("event",), ("event", "x", "plan"), ("event", "x", "--jsonl"), ("event", "--jsonl", "--id", "1")]
)
def test_what_is_written_wrongly_is_an_error_of_usage(omnibot: Command, arguments: tuple[str, ...]) -> None:
    assert omnibot(*arguments).exit_code == 2


async def test_a_line_that_is_wrong_keeps_no_other_back(piped: Callable, waiting: Callable) -> None:
    written = [
        line(1),
        "",
        "{not json",
        '{"id": "e2", "name": "invoice", "of": "user:u-1", "at": "2026-03-01T12:00:00Z", "properties": {"a": NaN}}',
        line(3, at="2026-03-01T12:00:00"),
        line(4, properties={"text": "x" * 1_000_000}),
        "[1, 2]",
        line(5, of="user:u-2"),
        line(1),
    ]
    result = await in_thread(piped, "\n".join(written))
    assert result.exit_code == 1
    assert result.stdout == "2 told, 1 known already\n"
    faults = result.stderr.splitlines()
    assert [fault.partition(":")[0] for fault in faults] == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    assert "is longer than 65536 bytes" in faults[3]
    assert sorted(event["id"] for event in await waiting()) == ["e1", "e5"]


async def test_many_lines_are_told(piped: Callable, waiting: Callable) -> None:
    text = "".join(line(n, of=f"user:u-{n % 50}") + "\n" for n in range(2500))
    result = await in_thread(piped, text, "--json")
    assert lines(result) == [{"told": 2500, "known": 0, "faults": []}]
    assert len(await waiting()) == 2500


async def test_whom_it_is_about_is_found_by_the_companys_own_id(omnibot: Command, dsn: str) -> None:
    assert (await in_thread(omnibot, *ONE, *TOLD)).exit_code == 0
    [found] = lines(await in_thread(omnibot, "customer", "find", "user:u-123", "--json"))
    assert found["addresses"] == ["user:u-123"]
    [shown] = lines(await in_thread(omnibot, "customer", "show", "user:u-123", "--json"))
    [address] = shown["addresses"]
    assert (address["proof"], address["identifiers"][0]["identifier"]) == ("proven", "user_id:u-123")


async def test_an_event_that_was_given_up_is_shown_by_its_name(omnibot: Command, dsn: str) -> None:
    assert (await in_thread(omnibot, *ONE, *TOLD)).exit_code == 0
    async with Store.open(dsn, SECRET) as store:
        [work] = await claim(store)
        await store.path.retry(work.lease, [item.id for item in work.items], after=0, attempts=1, reason="x")
    [parked] = lines(await in_thread(omnibot, "parked", "list", "--json"))
    assert (parked["address"], parked["text"]) == ("user:u-123", "event plan_changed")
    assert (await in_thread(omnibot, "parked", "retry", str(parked["id"]))).exit_code == 0


async def test_nothing_on_stdin_is_nothing_told(piped: Callable) -> None:
    assert (await in_thread(piped, "")).stdout == "0 told\n"
