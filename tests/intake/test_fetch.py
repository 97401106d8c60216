"""Attachments that a provider still has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from omnibot.contract import Channel, ChannelSettings, Limits, Receipt, Refused, Site, TryLater
from omnibot.intake import fetch
from omnibot.intake.fetch import Fetcher
from omnibot.intake.files import DiskFiles
from omnibot.model import Address, Attachment, IncomingMessage, Outbound, Sender
from omnibot.settings import Files
from omnibot.store import Store, StoreUnavailable, models
from omnibot.store.attachments import PendingFile
from omnibot.store.work import Arrived, StoredFile

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Shelf(Channel):
    """A channel with one file, or a reason why not."""

    name = "shelf"
    Settings = ChannelSettings

    def __init__(self, *answers: bytes | Exception) -> None:
        super().__init__(Site(account="main", path="", public_url="", key=b"", now=lambda: NOON), ChannelSettings())
        self.limits = Limits(text=1000)
        self.answers = list(answers)

    async def send(self, message: Outbound) -> Receipt:
        raise Refused("this shelf sends nothing")

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield answer


async def pending(store: Store) -> None:
    item = IncomingMessage(id="1", at=NOON, sender=Sender(Address("shelf", "1")), message_id="1", text="look")
    file = StoredFile(name="a.jpg", media_type="image/jpeg", size=5, ref="remote")
    await store.path.accept([Arrived(channel="shelf", account="main", item=item, files=(file,))])


async def due_again() -> None:
    await models.Attachment.all().update(due_at=NOON)


async def state() -> tuple[str, str | None]:
    [row] = await models.Attachment.all()
    return row.state, row.reason


def fetcher(store: Store, folder: Path, channel: Channel | None, max_bytes: int = 100) -> Fetcher:
    channels = {("shelf", "main"): channel} if channel else {}
    return Fetcher(store.attachments, DiskFiles(folder), channels, Files(max_bytes=max_bytes))


async def test_a_file_is_fetched_and_kept(store: Store, tmp_path: Path) -> None:
    await pending(store)
    fetching = fetcher(store, tmp_path, Shelf(b"bytes"))
    assert await fetching.fetch_batch() == 1
    key = await store.attachments.file_key(1)
    assert key is not None
    assert (tmp_path / key).read_bytes() == b"bytes"
    assert await fetching.fetch_batch() == 0


async def test_what_the_provider_refuses_is_not_asked_again(store: Store, tmp_path: Path) -> None:
    await pending(store)
    await fetcher(store, tmp_path, Shelf(Refused("too old"))).fetch_batch()
    assert await state() == ("refused", "too old")


async def test_what_is_too_large_is_refused(store: Store, tmp_path: Path) -> None:
    await pending(store)
    await fetcher(store, tmp_path, Shelf(b"x" * 101)).fetch_batch()
    assert await state() == ("refused", "larger than files.max_bytes")


async def test_a_failure_is_tried_again_a_few_times(store: Store, tmp_path: Path) -> None:
    await pending(store)
    shelf = Shelf(TryLater("down", 1), TryLater("down"), ConnectionError(), ConnectionError(), ConnectionError())
    fetching = fetcher(store, tmp_path, shelf)
    for _ in range(4):
        assert await fetching.fetch_batch() == 1
        assert (await state())[0] == "pending"
        assert await fetching.fetch_batch() == 0
        await due_again()
    await fetching.fetch_batch()
    assert await state() == ("refused", "given up after 5 attempts: ConnectionError")


async def test_an_account_that_is_gone_is_said_to_be(store: Store, tmp_path: Path) -> None:
    await pending(store)
    await fetcher(store, tmp_path, None).fetch_batch()
    assert await state() == ("refused", "the account shelf.main is not configured any more")


def heard(*files: StoredFile) -> Arrived:
    item = IncomingMessage(id="9", at=NOON, sender=Sender(Address("shelf", "9")), message_id="9", text="look")
    return Arrived(channel="shelf", account="main", item=item, files=files)


async def test_it_looks_again_when_there_is_something_to_fetch(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: asyncio.Queue[None] = asyncio.Queue()
    real = store.attachments.claim

    async def looking(limit: int, lease: float) -> list[PendingFile]:
        looks.put_nowait(None)
        return await real(limit, lease)

    monkeypatch.setattr(store.attachments, "claim", looking)
    monkeypatch.setattr(fetch, "_POLL_SECONDS", 3600)
    file = {"name": "a", "media_type": "text/plain", "size": 1}
    fetching = fetcher(store, tmp_path, Shelf(b"bytes"))
    running = asyncio.create_task(fetching.run())
    await asyncio.wait_for(looks.get(), 5)

    fetching.heard(heard())
    fetching.heard(heard(StoredFile(**file, key="00/00/0"), StoredFile(**file, refused="too large")))
    assert not fetching._due.is_set()
    await pending(store)
    fetching.heard(heard(StoredFile(**file, ref="remote")))
    await asyncio.wait_for(looks.get(), 5)
    async with asyncio.timeout(5):
        while (await state())[0] != "stored":
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("error", "told"),
    [(StoreUnavailable("away"), "attachments.store_unavailable"), (ValueError("defect"), "attachment.not_recorded")],
)
async def test_what_cannot_be_recorded_comes_again_and_ends_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    async def fail(id_: int, key: str) -> None:
        raise error

    await pending(store)
    monkeypatch.setattr(store.attachments, "stored", fail)
    with structlog.testing.capture_logs() as lines:
        assert await fetcher(store, tmp_path, Shelf(b"bytes")).fetch_batch() == 1
    assert [line["event"] for line in lines] == [told]
    assert (await state())[0] == "pending"


async def test_people_hear_of_files_that_are_refused_once(store: Store, tmp_path: Path) -> None:
    """Row 41 of bad inputs: ten files of one message are refused for one reason."""
    item = IncomingMessage(id="1", at=NOON, sender=Sender(Address("shelf", "1")), message_id="1", text="look")
    files = tuple(StoredFile(name=f"{n}.mp4", media_type="video/mp4", size=None, ref=f"r{n}") for n in range(10))
    await store.path.accept([Arrived(channel="shelf", account="main", item=item, files=files)])
    fetching = fetcher(store, tmp_path, Shelf(*[b"x" * 101] * 9, Refused("too old")))
    while await fetching.fetch_batch():
        pass
    reasons = sorted(handoff.reason for handoff in await store.records.handoffs())
    assert reasons == ["a file was refused: larger than files.max_bytes", "a file was refused: too old"]
    assert {row.state for row in await models.Attachment.all()} == {"refused"}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_what_is_settled_is_not_refused_any_more(store: Store, tmp_path: Path) -> None:
    await pending(store)
    await fetcher(store, tmp_path, Shelf(b"bytes")).fetch_batch()
    await store.attachments.refused(1, "too late")
    assert await state() == ("stored", None)
    assert await store.records.handoffs() == []
