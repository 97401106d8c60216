"""Staff decides by commands who is one person, beside the server that goes on answering them."""

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

TELEGRAM, MAIL = Address("telegram", "4721"), Address("email", "priya@example.org")
SMS, WHATSAPP = Address("sms", "+493090182001"), Address("whatsapp", "+493090182001")
WHY = ("--reason", "confirmed on the phone", "--by", "anna")


@pytest_asyncio.fixture
async def stage(make_world: MakeWorld) -> AsyncIterator[Stage]:
    channels = ("sms", "email", "telegram", "whatsapp")
    async with make_world(channels=channels) as place, place.serving(), place.looking() as store:
        yield Stage(place, store)


@pytest.fixture
def environment(dsn: str, tmp_path: os.PathLike[str]) -> Mapping[str, str]:
    """How somebody else on this machine reaches the database of the running server."""
    return {
        "OMNIBOT_CONFIG": os.devnull,
        "OMNIBOT_DATABASE__URL": dsn,
        "OMNIBOT_SECRET": SECRET.decode(),
        "OMNIBOT_DATA_FOLDER": str(tmp_path),
        "OMNIBOT_BOT__KNOWLEDGE": str(KNOWLEDGE),
    }


@pytest.fixture
def omnibot(omnibot: Callable[..., Result]) -> Any:
    """Run `omnibot customer …` beside the server; what it has printed for programs."""

    async def run(*arguments: str) -> list[dict[str, Any]]:
        command = partial(omnibot, "customer", *arguments, "--json")
        return lines(await asyncio.get_running_loop().run_in_executor(None, command))

    return run


@pytest.fixture
def process(environment: Mapping[str, str]) -> Any:
    """The same in a process of its own, as it is run; it takes a second longer."""

    async def run(*arguments: str) -> list[dict[str, Any]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "omnibot", "customer", *arguments, "--json", cwd=ROOT,
            env=os.environ | environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return [json.loads(line) for line in output.splitlines()]

    return run


async def said_by(omnibot: Any, who: str) -> list[str]:
    return [message["text"] for message in await omnibot("timeline", who) if message["direction"] == "in"]


async def test_two_are_made_one_and_two_again_while_they_write(stage: Stage, omnibot: Any) -> None:
    await stage.says(TELEGRAM, "Hello, how can I export my data?")
    await stage.says(MAIL, "Good morning, I forgot my password, what do I do?")
    [one] = await omnibot("find", str(TELEGRAM))
    [other] = await omnibot("find", MAIL.value)
    assert one["customer"] != other["customer"]
    [shown] = await omnibot("show", MAIL.value)
    assert [(held["address"], held["proof"]) for held in shown["addresses"]] == [(str(MAIL), "proven")]

    [merged] = await omnibot("merge", str(one["customer"]), MAIL.value, *WHY)
    assert merged["verdict"] == "merged"
    await stage.says(TELEGRAM, "And how do I invite a colleague?")
    assert (
        await said_by(omnibot, MAIL.value)
        == await said_by(omnibot, str(TELEGRAM))
        == [
            "Hello, how can I export my data?",
            "Good morning, I forgot my password, what do I do?",
            "And how do I invite a colleague?",
        ]
    )

    [parted] = await omnibot("split", f"m{merged['merge']}", "--for-good", *WHY)
    assert {parted["stays"], parted["leaves"]} == {one["customer"], other["customer"]}
    await stage.says(MAIL, "And how do I cancel?", answer=True)
    assert await said_by(omnibot, MAIL.value) == [
        "Good morning, I forgot my password, what do I do?",
        "And how do I cancel?",
    ]
    assert await said_by(omnibot, str(TELEGRAM)) == [
        "Hello, how can I export my data?",
        "And how do I invite a colleague?",
    ]
    *_, audit = await omnibot("log", MAIL.value, "--replay")
    assert audit == {"agrees": True, "differences": []}


async def test_an_office_phone_is_two_again_once_it_is_known_to_be_one(stage: Stage, process: Any) -> None:
    await stage.says(SMS, "Hello, how can I export my data?")
    await stage.says(WHATSAPP, "Hi, how do I cancel?")
    [one] = await process("find", SMS.value)
    assert set(one["addresses"]) == {str(SMS), str(WHATSAPP)}
    [shared] = await process("share", str(SMS), *WHY)
    [parted] = shared["parted"]
    assert parted["stays"] != parted["leaves"]
    assert await said_by(process, str(SMS)) == ["Hello, how can I export my data?"]
    assert await said_by(process, str(WHATSAPP)) == ["Hi, how do I cancel?"]
    assert await process("log", "--replay") == [{"agrees": True, "differences": []}]


async def test_what_the_evidence_does_not_settle_is_decided_and_stays_so(stage: Stage, omnibot: Any) -> None:
    """Staff had parted them for good; then a code says that they are one."""
    await stage.says(TELEGRAM, "Hello, how can I export my data?")
    await stage.says(MAIL, "Good morning, how do I cancel?")
    [merged] = await omnibot("merge", str(TELEGRAM), str(MAIL), *WHY)
    await omnibot("split", f"m{merged['merge']}", "--for-good", *WHY)
    code, _ = await stage.code(MAIL, TELEGRAM, f"my e-mail is {MAIL.value}")
    await stage.says(TELEGRAM, f"The code is {code}")
    async with asyncio.timeout(15):
        while not (reviews := await omnibot("reviews")):
            await asyncio.sleep(0.05)
    [review] = reviews
    assert not await stage.one(TELEGRAM, MAIL)
    await omnibot("reviews", "--resolve", str(review["id"]), "--merge", *WHY)
    assert await stage.one(TELEGRAM, MAIL)
    assert await omnibot("reviews") == []
    assert await omnibot("log", "--replay") == [{"agrees": True, "differences": []}]
