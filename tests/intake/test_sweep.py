"""Files that no message refers to are removed, and no others."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omnibot.intake.files import DiskFiles
from omnibot.intake.sweep import Sweeper
from omnibot.model import Address, Attachment, IncomingMessage, Sender
from omnibot.store import Store, StoreUnavailable
from omnibot.store.work import Arrived, StoredFile

HOUR = 3600.0
FILE = Attachment(name="a.pdf", media_type="application/pdf", content=b"x")


def message(**fields: object) -> IncomingMessage:
    sender = Sender(Address("telegram", "4711"))
    return IncomingMessage(
        id="1", at=datetime.now(UTC), sender=sender, message_id="1", text="hello", attachments=(FILE,), **fields
    )  # type: ignore[arg-type]


async def put(files: DiskFiles) -> str:
    async def once() -> AsyncIterator[bytes]:
        yield b"x"

    return await files.put(once(), 10)


async def refer(store: Store, *keys: str) -> None:
    stored = tuple(StoredFile(name="a", media_type="text/plain", size=1, key=key) for key in keys)
    await store.path.accept([Arrived(channel="telegram", account="main", item=message(), files=stored)])


async def listed(files: DiskFiles) -> set[str]:
    return {file.key async for batch in files.listing() for file in batch}


@pytest.fixture
def files(tmp_path: Path) -> DiskFiles:
    return DiskFiles(tmp_path / "files")


def later(seconds: float) -> float:
    return time.time() + seconds


async def test_what_no_message_refers_to_goes_after_an_hour(store: Store, files: DiskFiles) -> None:
    kept = await put(files)
    await refer(store, kept)
    lost = [await put(files) for _ in range(3)]
    assert await Sweeper(store.attachments, files, lambda: later(HOUR - 60)).sweep() == 0
    assert await listed(files) == {kept, *lost}
    assert await Sweeper(store.attachments, files, lambda: later(HOUR + 60)).sweep() == 3
    assert await listed(files) == {kept}


async def test_the_files_of_another_database_stay(store: Store, files: DiskFiles, tmp_path: Path) -> None:
    other = await put(files)
    sweeper = Sweeper(store.attachments, files, lambda: later(2 * HOUR))
    assert await sweeper.sweep() == 0  # it knows nobody
    os.utime(tmp_path / "files" / other, (1_000_000_000, 1_000_000_000))
    await refer(store)
    assert await sweeper.sweep() == 0
    assert await listed(files) == {other}


async def test_what_was_left_half_written_goes_too(store: Store, files: DiskFiles, tmp_path: Path) -> None:
    drafts = tmp_path / "files" / "drafts"
    drafts.mkdir(parents=True)
    (drafts / "half").touch()
    assert await Sweeper(store.attachments, files, lambda: later(60)).sweep() == 0
    assert await Sweeper(store.attachments, files, lambda: later(HOUR + 60)).sweep() == 1
    assert list(drafts.iterdir()) == []


async def test_what_is_no_file_of_ours_is_let_be(store: Store, files: DiskFiles, tmp_path: Path) -> None:
    await refer(store)
    strange = tmp_path / "files" / "ab" / "cd" / "notes.txt"
    strange.parent.mkdir(parents=True)
    strange.touch()
    assert await Sweeper(store.attachments, files, lambda: later(2 * HOUR)).sweep() == 0
    assert strange.exists()


async def test_many_files_are_asked_for_in_parts(
    store: Store, files: DiskFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibot.store.attachments._KEYS", 2)
    keys = [f"ab/cd/abcd{number:028x}" for number in range(5)]
    await refer(store, *keys[:3])
    assert await store.attachments.unreferenced(keys) == set(keys[3:])


class Hindered(Sweeper):
    """Fails in one way after another, then works."""

    def __init__(self, store: Store, files: DiskFiles, *errors: Exception) -> None:
        super().__init__(store.attachments, files)
        self.errors, self.swept = list(errors), asyncio.Event()

    async def sweep(self) -> int:
        if self.errors:
            raise self.errors.pop(0)
        self.swept.set()
        return 1


async def test_no_failure_ends_it(store: Store, files: DiskFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibot.intake.sweep._SECONDS_BETWEEN", 0.0)
    sweeper = Hindered(store, files, StoreUnavailable("away"), OSError("full"), ValueError("wrong"))
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(sweeper.run())
        await sweeper.swept.wait()
        running.cancel()
