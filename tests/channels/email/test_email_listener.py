"""The listener as our mail server meets it, command by command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import pytest_asyncio
from email_office import OURS, Office, free_port, mail, office, settings

from omnibot.model import Incoming
from omnibot.testing import Inbox
from omnibot_email import Email


class Line:
    """A connection to the listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> str:
        async with asyncio.timeout(5):
            while True:
                line = (await self.reader.readuntil(b"\n")).decode().rstrip()
                if line[3:4] != "-":
                    return line

    async def say(self, command: str | bytes) -> str:
        self.writer.write((command.encode() if isinstance(command, str) else command) + b"\r\n")
        return await self.answer()


@asynccontextmanager
async def line_to(at: Office) -> AsyncIterator[Line]:
    assert at.channel._settings.listen is not None
    port = at.channel._settings.listen.port
    while True:
        with suppress(ConnectionRefusedError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        await asyncio.sleep(0)
    line = Line(reader, writer)
    await line.answer()
    try:
        yield line
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest_asyncio.fixture
async def lmtp() -> AsyncIterator[tuple[Office, Line]]:
    async with office() as at, line_to(at) as line:
        assert (await line.say("LHLO mx")).startswith("250")
        yield at, line


CRLF_MAIL = mail().replace(b"\n", b"\r\n")


async def test_lmtp_answers_for_every_recipient(lmtp: tuple[Office, Line]) -> None:
    at, line = lmtp
    await line.say("MAIL FROM:<sarah@example.org>")
    assert (await line.say(f"RCPT TO:<{OURS}>")).startswith("250")
    assert (await line.say("RCPT TO:<support+x@EXAMPLE.com>")).startswith("250")
    assert (await line.say("RCPT TO:<sales@example.com>")).startswith("550")
    assert (await line.say("DATA")).startswith("354")
    assert (await line.say(CRLF_MAIL + b".")).startswith("250")
    assert (await line.answer()).startswith("250")
    assert len(at.inbox.offers) == 1


async def test_smtp_answers_once(lmtp: tuple[Office, Line]) -> None:
    async with office(listen={"protocol": "smtp"}) as at, line_to(at) as line:
        await line.say("EHLO mx")
        await line.say("MAIL FROM:<sarah@example.org>")
        await line.say(f"RCPT TO:<{OURS}>")
        await line.say("RCPT TO:<support+x@example.com>")
        await line.say("DATA")
        assert (await line.say(CRLF_MAIL + b".")).startswith("250")
        assert (await line.say("NOOP")).startswith("250")


@pytest.mark.parametrize("hello", ["EHLO mx", "HELO mx"])
async def test_lmtp_does_not_speak_smtp(hello: str) -> None:
    async with office() as at, line_to(at) as line:
        assert (await line.say(hello)).startswith("500")


async def test_data_needs_a_greeting_and_a_recipient() -> None:
    async with office() as at, line_to(at) as line:
        assert (await line.say("DATA")).startswith("503")
        await line.say("LHLO mx")
        await line.say("MAIL FROM:<sarah@example.org>")
        assert (await line.say("DATA")).startswith("503")
        await line.say(f"RCPT TO:<{OURS}>")
        assert (await line.say("DATA now")).startswith("501")


async def test_a_mail_without_anything_is_taken(lmtp: tuple[Office, Line]) -> None:
    at, line = lmtp
    await line.say("MAIL FROM:<sarah@example.org>")
    await line.say(f"RCPT TO:<{OURS}>")
    await line.say("DATA")
    assert (await line.say(b".")).startswith("250")
    (message,) = at.inbox.messages
    assert message.quarantine == "no From header"


async def test_a_mail_sent_before_it_was_asked_for_is_not_taken(lmtp: tuple[Office, Line]) -> None:
    at, line = lmtp
    await line.say("MAIL FROM:<sarah@example.org>")
    await line.say(f"RCPT TO:<{OURS}>")
    assert (await line.say(b"DATA\r\n" + CRLF_MAIL + b".")).startswith("354")
    assert (await line.say(b".")).startswith("503")
    assert at.inbox.offers == []


async def test_only_a_whole_line_ends_a_mail(lmtp: tuple[Office, Line]) -> None:
    at, line = lmtp
    await line.say("MAIL FROM:<sarah@example.org>")
    await line.say(f"RCPT TO:<{OURS}>")
    await line.say("DATA")
    smuggled = CRLF_MAIL + b"\n.\nMAIL FROM:<boss@example.com>\r\n"
    assert (await line.say(smuggled + b".")).startswith("250")
    (message,) = at.inbox.messages
    assert "MAIL FROM:<boss@example.com>" in message.text


async def test_a_connection_that_ends_in_the_middle_leaves_nothing(lmtp: tuple[Office, Line]) -> None:
    at, line = lmtp
    await line.say("MAIL FROM:<sarah@example.org>")
    await line.say(f"RCPT TO:<{OURS}>")
    await line.say("DATA")
    line.writer.write(CRLF_MAIL)
    await line.writer.drain()
    line.writer.close()
    assert (await at.take(mail("another"))) is not None
    assert len(at.inbox.offers) == 1


class Failing:
    """A core that fails in a way that nobody foresaw."""

    async def __call__(self, arrivals: Sequence[Incoming]) -> None:
        raise RuntimeError("no more disk")


async def test_an_unforeseen_failure_is_not_acknowledged(lmtp: tuple[Office, Line]) -> None:
    at, _ = lmtp
    channel = another_channel(at)
    listener = asyncio.ensure_future(channel.listen(Failing()))
    other = Office(at.sandbox, channel, at.inbox, at.clock)
    async with line_to(other) as line:
        await line.say("LHLO mx")
        await line.say("MAIL FROM:<sarah@example.org>")
        await line.say(f"RCPT TO:<{OURS}>")
        await line.say("DATA")
        assert (await line.say(CRLF_MAIL + b".")).startswith("451")
        listener.cancel()
        await asyncio.wait([listener])


async def test_a_cancelled_listener_hangs_up(lmtp: tuple[Office, Line]) -> None:
    at, _ = lmtp
    channel = another_channel(at)
    listener = asyncio.ensure_future(channel.listen(Inbox()))
    async with line_to(Office(at.sandbox, channel, at.inbox, at.clock)) as line:
        await line.say("LHLO mx")
        listener.cancel()
        _, pending = await asyncio.wait([listener], timeout=5)
        assert not pending
        with pytest.raises(asyncio.IncompleteReadError):
            await line.answer()


async def test_a_taken_port_is_found(lmtp: tuple[Office, Line]) -> None:
    at, _ = lmtp
    assert at.channel._settings.listen is not None
    channel = another_channel(at, port=at.channel._settings.listen.port)
    with pytest.raises(OSError, match="in use"):
        await channel.listen(Inbox())
    async with channel:
        (finding,) = [finding for finding in await channel.health() if finding.fatal]
    assert "cannot listen" in finding.what
    assert "listen.port" in finding.action


def another_channel(at: Office, **listen: Any) -> Email:
    given = {"port": free_port(), **listen}
    return Email(at.channel.site, settings(at.sandbox.port, given["port"]))
