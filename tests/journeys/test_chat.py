"""A person at a terminal talks to the running bot: `omnibot chat`, as it is called."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from pathlib import Path

from omnibot.model import Address
from omnibot.sandbox.providers import Ports, emulated
from omnibot.sandbox.server import free_port
from omnibot.sandbox.standalone import commanded
from omnibot.sandbox.world import World
from tests.journeys.test_day import SARAH_EMAIL, SARAH_TELEGRAM, know_sarah

ROOT = Path(__file__).parents[2]


async def omnibot_chat(*arguments: str, told: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a chat that is told these lines."""
    chat = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "omnibot", "chat", *arguments, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, errors = await chat.communicate(told.encode())
    assert chat.returncode is not None
    return chat.returncode, output.decode(), errors.decode()


async def test_replies_come_on_all_channels_of_the_person(place: World) -> None:
    async with place.looking() as store:
        await know_sarah(store)
    async with commanded(place.providers, 0) as url:
        place.people.know("Sarah Lind", [SARAH_TELEGRAM, SARAH_EMAIL])
        status, output, errors = await omnibot_chat(
            "telegram", "--as", SARAH_TELEGRAM.value, "--sandbox", url, "--quiet", "2",
            told="Please answer me by email from now on.\n\nHow can I export my data?\n/on email\nThanks!\n",
        )  # fmt: skip
    assert (status, errors) == (0, "")
    assert "Will do: from now on I'll answer by email." in output
    assert "email ← " in output
    assert "Settings > Data > Export" in output
    assert f"Now as {SARAH_EMAIL}." in output


async def test_a_terminal_shows_where_links_lead(place: World) -> None:
    async with commanded(place.providers, 0) as url:
        status, output, errors = await omnibot_chat(
            "telegram", "--as", "4711", "--sandbox", url, "--quiet", "2", told="How can I export my data?\n"
        )
    assert (status, errors) == (0, "")
    assert "Export formats (https://example.com/help/export)" in output


async def test_mistakes_are_told_and_do_not_end_it(place: World) -> None:
    async with commanded(place.providers, 0) as url:
        status, output, _ = await omnibot_chat(
            "telegram", "--as", "4711", "--also", "email:s@example.org", "--sandbox", url, "--quiet", "1",
            told="/press Yes\n/on sms\n/answer Hello there\n",
        )  # fmt: skip
    assert status == 0
    assert "no message offers 'Yes'" in output
    assert "they have telegram:4711, email:s@example.org" in output
    assert "telegram ← " in output


async def test_silence_is_told_with_where_to_look_why() -> None:
    """Nothing comes of what people have, and whoever tries it out would wait for ever."""
    nowhere = emulated(Ports(lmtp=free_port()), bot_url="http://127.0.0.1:9")
    async with nowhere as providers, commanded(providers, 0) as url:
        status, output, errors = await omnibot_chat(
            "telegram", "--as", "4711", "--name", "Ada Lovelace", "--sandbox", url, "--quiet", "0.5",
            told="/on telegram\nasdf\n",
        )  # fmt: skip
        assert providers.people.of(Address("telegram", "4711")).name == "Ada Lovelace"
    assert (status, errors) == (0, "")
    assert output.count("no answer for 0.5 s: people may have it") == 1
    assert "`omnibot customer why telegram:4711`" in output
    assert "OMNIBOT_DATA_FOLDER" in output  # else it looks into another database, where nobody is known


async def test_a_terminal_is_left_as_it_was(place: World) -> None:
    """A shell whose input does not wait any more ends, or loses what is printed to it."""
    async with commanded(place.providers, 0) as url:
        terminal, side = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "omnibot", "chat", "telegram", "--as", "4711", "--sandbox", url,
                stdin=side, stdout=side, stderr=side,
            )  # fmt: skip
            os.write(terminal, b"/on sms\n")
            shown = b""
            async with asyncio.timeout(60):
                while b"no address there" not in shown:
                    shown += await asyncio.to_thread(os.read, terminal, 10_000)
            assert os.get_blocking(side)
            os.write(terminal, b"\x04")
            assert await asyncio.wait_for(process.wait(), 20) == 0
        finally:
            os.close(terminal)
            os.close(side)


async def test_who_has_no_sandbox_is_told_to_start_one() -> None:
    status, _, errors = await omnibot_chat("telegram", "--as", "1", "--sandbox", "http://127.0.0.1:9", told="")
    assert status == 1
    assert "start `omnibot demo` or `omnibot sandbox`" in errors
    status, _, errors = await omnibot_chat("telegram", "--as", "1", "--also", "nobody", told="")
    assert status == 2
    assert "channel:value" in errors
