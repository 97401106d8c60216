"""The company tells of somebody before they ever write, in any order, beside the server that answers them then."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import Result

from omnibot.model import Address
from tests.conftest import ROOT, SECRET, lines
from tests.journeys.conftest import KNOWLEDGE, MakeWorld
from tests.journeys.test_moves import Stage

MAIL, SMS = Address("email", "priya@example.org"), Address("sms", "+493090182001")
UPGRADED = {"id": "e2", "name": "plan_changed", "at": "2026-01-15T09:30:00Z", "properties": {"plan": "Pro"}}
SIGNED_UP = {"id": "e1", "name": "signed_up", "at": "2023-02-01T08:00:00Z", "properties": {"name": "Priya"}}


@pytest_asyncio.fixture
async def stage(make_world: MakeWorld) -> AsyncIterator[Stage]:
    async with make_world(channels=("sms", "email")) as place, place.serving(), place.looking() as store:
        yield Stage(place, store)


@pytest.fixture
def environment(dsn: str, tmp_path: os.PathLike[str]) -> Mapping[str, str]:
    """How another program on this machine reaches the database of the running server."""
    return {
        "OMNIBOT_CONFIG": os.devnull,
        "OMNIBOT_DATABASE__URL": dsn,
        "OMNIBOT_SECRET": SECRET.decode(),
        "OMNIBOT_DATA_FOLDER": str(tmp_path),
        "OMNIBOT_BOT__KNOWLEDGE": str(KNOWLEDGE),
    }


@pytest.fixture
def omnibot(omnibot: Callable[..., Result]) -> Any:
    """Run a command beside the server; what it has printed for programs."""

    async def run(*arguments: str) -> list[dict[str, Any]]:
        command = partial(omnibot, *arguments, "--json")
        return lines(await asyncio.get_running_loop().run_in_executor(None, command))

    return run


async def told(environment: Mapping[str, str], events: str) -> list[dict[str, Any]]:
    """What `omnibot event` says of events that another program hands to a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "omnibot", "event", "--jsonl", "--json", cwd=ROOT, env=os.environ | environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, errors = await process.communicate(events.encode())
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in output.splitlines()]


async def taken(omnibot: Any, who: str, count: int) -> list[dict[str, Any]]:
    """What is known of somebody once the server has taken in so many events."""
    async with asyncio.timeout(30):
        while True:
            [shown] = await omnibot("customer", "show", who)
            if len(shown["events"]) >= count:
                return shown
            await asyncio.sleep(0.05)


async def test_who_was_told_of_is_known_when_they_write(
    stage: Stage, omnibot: Any, environment: Mapping[str, str]
) -> None:
    text = "\n".join(json.dumps(event | {"of": f"email:{MAIL.value}"}) for event in (UPGRADED, SIGNED_UP, UPGRADED))
    assert await told(environment, text) == [{"told": 2, "known": 1, "faults": []}]
    shown = await taken(omnibot, MAIL.value, 2)
    assert [event["name"] for event in shown["events"]] == ["plan_changed", "signed_up"]
    assert {fact["key"]: fact["value"][:10] for fact in shown["facts"]} == {
        "name": "Priya",
        "plan": "Pro",
        "customer_since": "2023-02-01",
    }

    assert "Priya" in await stage.says(MAIL, "Hello, how can I export my data?")
    [again] = await omnibot("customer", "show", MAIL.value)
    assert (again["customer"], again["events"]) == (shown["customer"], shown["events"])
    [turn] = await omnibot("customer", "why", MAIL.value)
    assert turn["recollection"]["contacts"] == 1

    failed = ("event", "payment_failed", "--of", f"sms:{SMS.value}", "--id", "e3", "amount=12.50")
    await stage.says(SMS, "Hello, how can I export my data?")
    assert await omnibot(*failed) == [{"told": 1, "known": 0, "faults": []}]
    other = await taken(omnibot, SMS.value, 1)
    assert other["customer"] != shown["customer"]
    assert [event["properties"] for event in other["events"]] == [{"amount": 12.5}]
