"""Tokens at the inbox's door: seen before anybody else, kept nowhere, believed or counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import structlog
from tests.signing import AUDIENCE, ISSUER, SECRET, signed

from omnibot.intake import Intake
from omnibot.intake.files import DiskFiles
from omnibot.model import Address, Incoming, IncomingEdit, IncomingMessage, Sender
from omnibot.store import Store
from omnibot.tokens import Algorithm, Key, Verifier, new_code

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SARAH = Address("telegram", "4711")
VERIFIER = Verifier([Key("main", Algorithm.HS256, SECRET)], issuer=ISSUER, audience=AUDIENCE, longest=3600, skew=60)


def message(text: str, **fields) -> IncomingMessage:
    return IncomingMessage(id="1", at=NOON, sender=Sender(SARAH), message_id="m1", text=text, **fields)


@asynccontextmanager
async def receiving(store: Store, folder: Path) -> AsyncIterator[Intake]:
    files = DiskFiles(folder)
    intake = Intake(store.path, files, max_file=1000, pause=0, committed=lambda: None, tokens=VERIFIER)
    task = asyncio.create_task(intake.run())
    yield intake
    intake.close()
    await asyncio.wait_for(task, 10)


async def heard(store: Store, folder: Path, item: Incoming) -> list[tuple[str, tuple[str, ...]]]:
    """What is kept of an arrival: its text and its flags."""
    async with receiving(store, folder) as intake:
        await intake.door("telegram", "main", carrier=False)([item])
    works = await store.path.load(await store.path.claim(100, lease=30))
    return [(item.message.text, item.message.flags) for work in works for item in work.items if item.message]


async def holding(dsn: str, text: str) -> list[str]:
    """The tables in which a text stands, sealed or not."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        found = []
        for (name,) in names:
            rows = await connection.fetch(f'SELECT t::text AS row FROM "{name}" t')
            if any(text in row["row"] or text.encode().hex() in row["row"] for row in rows):
                found.append(name)
        return found
    finally:
        await connection.close()


async def spent(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM spent_tokens")
        return count
    finally:
        await connection.close()


async def test_a_signed_token_is_taken_and_not_kept(store: Store, dsn: str, tmp_path: Path) -> None:
    token = signed("u-77")
    assert await heard(store, tmp_path, message(f"/link {token}")) == [("/link …", ("token",))]
    assert await holding(dsn, token) == []
    assert await holding(dsn, "/link …") == ["messages"]  # where it would be found
    [held] = (await store.identity.show(SARAH)).addresses
    assert [str(one.identifier) for one in held.identifiers] == ["user_id:u-77"]


@pytest.mark.parametrize("token", [signed(life=-100), signed(key="x" * 40), "a" * 25, "x" * 5000])
async def test_what_is_not_believed_is_counted_and_not_kept(store: Store, dsn: str, tmp_path: Path, token: str) -> None:
    with structlog.testing.capture_logs() as lines:
        [(text, flags)] = await heard(store, tmp_path, message(f"/link {token}"))
    assert (text, flags) == ("/link …", ("token_void",))
    [line] = [line for line in lines if line["event"] == "token.refused"]
    assert line.keys() == {"event", "log_level", "channel", "account", "reason"}
    assert await holding(dsn, token) == []


async def test_a_guessed_start_token_is_counted(store: Store, tmp_path: Path) -> None:
    """Bad input 14."""
    with structlog.testing.capture_logs() as lines:
        [(text, flags)] = await heard(store, tmp_path, message(f"/start {new_code()}"))
    assert text == "/start …"
    assert "token_void" in flags
    assert [line["reason"] for line in lines if line["event"] == "token.refused"] == ["unknown or spent"]


@pytest.mark.parametrize("fields", [{"automatic": "auto-reply"}, {"quarantine": "DMARC fails"}])
async def test_who_is_a_machine_or_not_believed_spends_nothing(
    store: Store, dsn: str, tmp_path: Path, fields: dict[str, str]
) -> None:
    token = signed()
    await heard(store, tmp_path, message(f"/link {token}", **fields))
    assert await holding(dsn, token) == []
    assert await spent(dsn) == 0
    again = IncomingMessage(id="2", at=NOON, sender=Sender(SARAH), message_id="m2", text=f"/link {token}")
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([again])
    [held] = (await store.identity.show(SARAH)).addresses
    assert [str(one.identifier) for one in held.identifiers] == ["user_id:u-1"]


async def test_an_edit_links_nothing_and_keeps_no_token(store: Store, dsn: str, tmp_path: Path) -> None:
    token = signed()
    await heard(store, tmp_path, message("hello"))
    edit = IncomingEdit(id="2", at=NOON, sender=Sender(SARAH), message_id="m1", text=f"/link {token}")
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([edit])
    assert await holding(dsn, token) == []
    assert await spent(dsn) == 0
    assert [one.identifiers for one in (await store.identity.show(SARAH)).addresses] == [()]
