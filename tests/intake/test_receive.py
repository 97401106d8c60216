"""The inbox's door: acknowledged means committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from omnibot.contract import NotAccepted
from omnibot.intake import Intake, receive
from omnibot.intake.files import DiskFiles
from omnibot.model import Address, Attachment, DeliveryReport, DeliveryState, IncomingMessage, Sender
from omnibot.store import Store, StoreUnavailable
from omnibot.store.work import Work

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SARAH = Sender(Address("telegram", "4711"), "Sarah")


def message(id_: str, text: str = "hello", **fields) -> IncomingMessage:
    return IncomingMessage(id=id_, at=NOON, sender=SARAH, message_id=f"m{id_}", text=text, **fields)


@asynccontextmanager
async def receiving(store: Store, folder: Path, max_file: int = 1000) -> AsyncIterator[Intake]:
    intake = Intake(store.path, DiskFiles(folder), max_file=max_file, pause=0, committed=lambda: None)
    task = asyncio.create_task(intake.run())
    yield intake
    intake.close()
    await asyncio.wait_for(task, 10)


async def works(store: Store) -> list[Work]:
    return await store.path.load(await store.path.claim(100, lease=30))


def texts(work: Work) -> list[str]:
    return [item.message.text for item in work.items if item.message]


async def test_what_is_accepted_is_committed(store: Store, tmp_path: Path) -> None:
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([message("1"), message("2", "there")])
        [work] = await works(store)
    assert texts(work) == ["hello", "there"]


async def test_nothing_to_accept_is_fine(store: Store, tmp_path: Path) -> None:
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([])


async def test_what_waits_is_committed_together(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = store.path.accept

    async def counting(batch, pause):
        sizes.append(len(batch))
        return await real(batch, pause)

    monkeypatch.setattr(store.path, "accept", counting)
    async with receiving(store, tmp_path) as intake:
        door = intake.door("telegram", "main", carrier=False)
        await asyncio.gather(*(door([message(str(number))]) for number in range(600)))
    assert sum(sizes) == 600
    assert max(sizes) == 256


async def test_what_cannot_be_stored_is_cleaned(store: Store, tmp_path: Path) -> None:
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([message("1", "a\0b \ud800")])
        [work] = await works(store)
    assert texts(work) == ["a\ufffdb \ufffd"]


@pytest.mark.parametrize(
    ("text", "carrier", "flags"),
    [
        ("STOP", False, ("stop",)),
        ("start", False, ("start", "already")),
        ("cancel", False, ()),
        ("cancel", True, ("stop",)),
    ],
)
async def test_stop_and_start_are_seen(
    store: Store, tmp_path: Path, text: str, carrier: bool, flags: tuple[str, ...]
) -> None:
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=carrier)([message("1", text)])
        [work] = await works(store)
    assert [item.message.flags for item in work.items if item.message] == [flags]


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"opt": "stop"}, ("network", "stop")),
        ({"opt": "start"}, ("network", "start", "already")),
        ({"opt": "help"}, ("network",)),
        ({"opt": "stop", "automatic": "a country that is not served"}, ("network", "stop")),
        ({"opt": "nonsense"}, ()),
        ({}, ()),
    ],
)
async def test_what_its_network_has_obeyed_is_obeyed_and_marked(
    store: Store, tmp_path: Path, fields: dict[str, Any], flags: tuple[str, ...]
) -> None:
    """The network's own word, whatever it is called there: the text alone would say nothing."""
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=True)([message("1", "HALTO", **fields)])
        [work] = await works(store)
    assert [item.message.flags for item in work.items if item.message] == [flags]
    assert work.addresses[0].stopped == ("stop" in flags)


async def test_who_is_not_believed_can_order_nothing(store: Store, tmp_path: Path) -> None:
    async with receiving(store, tmp_path) as intake:
        door = intake.door("telegram", "main", carrier=True)
        await door([message("1")])
        await door([message("2", "STOP", opt="stop", quarantine="forged")])
        [work] = await works(store)
    assert not work.addresses[0].stopped


@pytest.mark.parametrize(("carrier", "flags"), [(True, ("help",)), (False, ())])
async def test_the_word_for_help_is_one_only_where_networks_have_it(
    store: Store, tmp_path: Path, carrier: bool, flags: tuple[str, ...]
) -> None:
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=carrier)([message("1", "HELP")])
        [work] = await works(store)
    assert [item.message.flags for item in work.items if item.message] == [flags]


async def test_a_machine_cannot_say_stop(store: Store, tmp_path: Path) -> None:
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([message("1", "stop", automatic="auto-reply")])
        [work] = await works(store)
    assert not work.addresses[0].stopped


async def test_a_file_is_on_disk_before_the_message_is_acknowledged(store: Store, tmp_path: Path) -> None:
    attachment = Attachment(name="a.txt", media_type="text/plain", content=b"hello")
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([message("1", attachments=(attachment,))])
    key = await store.attachments.file_key(1)
    assert key is not None
    assert (tmp_path / key).read_bytes() == b"hello"


async def test_a_repeated_message_leaves_no_second_file(store: Store, tmp_path: Path) -> None:
    attachment = Attachment(name="a.txt", media_type="text/plain", content=b"hello")
    async with receiving(store, tmp_path) as intake:
        for _ in range(2):
            await intake.door("telegram", "main", carrier=False)([message("1", attachments=(attachment,))])
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 1


async def test_a_file_that_is_too_large_is_refused_and_the_message_kept(store: Store, tmp_path: Path) -> None:
    attachment = Attachment(name="a.bin", media_type="application/zip", content=b"x" * 1001)
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([message("1", attachments=(attachment,))])
        [work] = await works(store)
    assert texts(work) == ["hello"]
    assert await store.attachments.file_key(1) is None


async def test_without_room_for_the_file_nothing_is_acknowledged(store: Store, tmp_path: Path) -> None:
    (tmp_path / "drafts").write_text("a file where a folder must be")
    attachment = Attachment(name="a.txt", media_type="text/plain", content=b"hello")
    async with receiving(store, tmp_path) as intake:
        with pytest.raises(NotAccepted):
            await intake.door("telegram", "main", carrier=False)([message("1", attachments=(attachment,))])
    assert await works(store) == []


async def test_while_the_database_is_away_nothing_is_acknowledged_and_the_alert_is_rare(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(batch, pause):
        raise StoreUnavailable("ConnectionRefusedError")

    monkeypatch.setattr(store.path, "accept", away)
    with structlog.testing.capture_logs() as lines:
        async with receiving(store, tmp_path) as intake:
            for number in range(5):
                with pytest.raises(NotAccepted):
                    await intake.door("telegram", "main", carrier=False)([message(str(number))])
    assert [line["event"] for line in lines] == ["intake.not_accepted"]


async def test_one_arrival_that_cannot_be_stored_keeps_no_other_out(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.path.accept

    async def picky(batch, pause):
        if any(arrived.item.id == "bad" for arrived in batch):
            raise ValueError("cannot be stored")
        return await real(batch, pause)

    monkeypatch.setattr(store.path, "accept", picky)
    async with receiving(store, tmp_path) as intake:
        door = intake.door("telegram", "main", carrier=False)
        ok, bad = await asyncio.gather(door([message("1")]), door([message("bad")]), return_exceptions=True)
        [work] = await works(store)
    assert ok is None
    assert isinstance(bad, NotAccepted)
    assert texts(work) == ["hello"]


@pytest.fixture
def picky(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that cannot store what says `bad`, unless for staff."""
    real = store.path.accept

    async def picky(batch, pause):
        if any("bad" in arrived.item.text and not arrived.item.quarantine for arrived in batch):
            raise ValueError("cannot be stored")
        return await real(batch, pause)

    monkeypatch.setattr(store.path, "accept", picky)


@pytest.mark.usefixtures("picky")
async def test_what_cannot_be_stored_blocks_no_queue_for_ever(store: Store, tmp_path: Path) -> None:
    """Telegram hands over up to a hundred together, again and again from the same place."""
    async with receiving(store, tmp_path) as intake:
        door = intake.door("telegram", "main", carrier=False)
        together = [message("1", "good"), message("2", "bad"), message("3", "behind it")]
        for _ in range(2):
            with pytest.raises(NotAccepted):
                await door(together)
        [work] = await works(store)
        await door(together)
    assert texts(work) == ["good", "behind it"]
    [kept] = await store.records.quarantined(10)
    assert (kept.text, kept.reason) == ("bad", "it cannot be stored (ValueError)")


@pytest.mark.usefixtures("picky")
async def test_while_nothing_can_be_stored_nothing_is_set_aside(store: Store, tmp_path: Path) -> None:
    async with receiving(store, tmp_path) as intake:
        door = intake.door("telegram", "main", carrier=False)
        for _ in range(5):
            with pytest.raises(NotAccepted):
                await door([message("1", "bad")])
        assert await store.records.quarantined(10) == []
        await door([message("2", "good")])
        await door([message("1", "bad")])
    assert len(await store.records.quarantined(10)) == 1


async def test_a_closed_door_takes_nothing(store: Store, tmp_path: Path) -> None:
    async with receiving(store, tmp_path) as intake:
        intake.close()
        with pytest.raises(NotAccepted):
            await intake.door("telegram", "main", carrier=False)([message("1")])


async def test_a_report_has_no_text_to_look_at(store: Store, tmp_path: Path) -> None:
    report = DeliveryReport(id="1", at=NOON, sender=SARAH, provider_id="p1", state=DeliveryState.DELIVERED)
    async with receiving(store, tmp_path) as intake:
        door = intake.door("telegram", "main", carrier=False)
        await door([message("2")])
        await door([report])
        [work] = await works(store)
    assert [item.kind.value for item in work.items] == ["message", "report"]


@asynccontextmanager
async def hanging(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Intake]:
    """A database that takes a commit and does not answer, until the end."""
    answers, real = asyncio.Event(), store.path.accept

    async def slow(batch, pause):
        await answers.wait()
        return await real(batch, pause)

    monkeypatch.setattr(store.path, "accept", slow)
    async with receiving(store, folder) as intake:
        yield intake
        answers.set()


async def test_while_the_database_hangs_everybody_is_told_in_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "_ACCEPT_SECONDS", 0.05)
    async with hanging(store, tmp_path, monkeypatch) as intake:
        door = intake.door("telegram", "main", carrier=False)
        first = asyncio.create_task(door([message("0")]))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            told = await asyncio.gather(
                first, *(door([message(str(number))]) for number in range(1, 700)), return_exceptions=True
            )
    assert {type(answer) for answer in told} == {NotAccepted}
    assert sum(len(texts(work)) for work in await works(store)) <= 256  # whoever has given up is not committed


async def test_when_too_much_waits_no_more_is_taken(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "_MOST_WAITING", 3)
    async with hanging(store, tmp_path, monkeypatch) as intake:
        door = intake.door("telegram", "main", carrier=False)
        taken = [asyncio.create_task(door([message(str(number))])) for number in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(NotAccepted, match="too much"):
            await door([message("9")])
    await asyncio.gather(*taken)
    async with receiving(store, tmp_path) as intake:
        await intake.door("telegram", "main", carrier=False)([message("9")])


# --- files that are refused at the door; row 41 of bad inputs ---


async def kept(store: Store, folder: Path, *attachments: Attachment) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """What becomes of each of these files (its state and why), and the flags of their message."""
    async with receiving(store, folder, max_file=10) as intake:
        await intake.door("telegram", "main", carrier=False)([message("1", attachments=attachments)])
        [work] = await works(store)
    files = await store.attachments.of([work.addresses[0].id])
    assert work.items[0].message is not None
    states = [(file.state, file.reason) for file in sorted(files, key=lambda file: (file.name, file.reason))]
    return states, work.items[0].message.flags


async def test_what_is_too_large_is_refused_at_once_whether_it_came_along_or_not(store: Store, tmp_path: Path) -> None:
    came = Attachment(name="a", media_type="x/y", content=b"x" * 11)
    named = Attachment(name="b", media_type="x/y", size=50_000_000, ref="remote")
    fine = Attachment(name="c", media_type="x/y", content=b"x" * 10)
    unknown = Attachment(name="d", media_type="x/y", ref="remote")
    states, flags = await kept(store, tmp_path, came, named, fine, unknown)
    large = ("refused", "larger than files.max_bytes")
    assert states == [large, large, ("stored", ""), ("pending", "")]
    assert flags == ("file_refused",)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


async def test_of_many_files_the_first_twenty_are_kept(store: Store, tmp_path: Path) -> None:
    one = Attachment(name="a", media_type="x/y", content=b"x")
    states, flags = await kept(store, tmp_path, *[one] * 22)
    assert states == [("stored", "")] * 20 + [("refused", "more than 20 files in one message")] * 2
    assert flags == ("file_refused",)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 20


async def test_files_that_are_kept_flag_nothing(store: Store, tmp_path: Path) -> None:
    _, flags = await kept(store, tmp_path, Attachment(name="a", media_type="x/y", content=b"x"))
    assert flags == ()
