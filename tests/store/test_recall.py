"""The index of what was said, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import chain

import asyncpg
import pytest

from omnibot.model import Address, AddressId, CustomerId, Direction, IncomingMessage, MessageId, Sender
from omnibot.store import Store
from omnibot.store.recall import Backlog, Found, Indexed, Sought, Spoken
from omnibot.store.work import Arrived, Work
from tests.conftest import SECRET

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SARAH, MIKE = Address("telegram", "4711"), Address("telegram", "4712")


async def say(store: Store, *texts: str, sender: Address = SARAH, first: int = 1) -> list[Work]:
    """Messages of one who writes, and what waits for them then."""
    await store.path.accept(
        [
            Arrived(
                channel=sender.channel,
                account="main",
                item=IncomingMessage(
                    id=f"{sender}-{number}",
                    at=NOON + timedelta(minutes=number),
                    sender=Sender(sender),
                    message_id=f"m{number}",
                    text=text,
                ),
            )
            for number, text in enumerate(texts, first)
        ]
    )
    return [work for work in await store.path.load(await store.path.claim(10, lease=30)) if isinstance(work, Work)]


async def settle(dsn: str) -> None:
    """As if all that is there had been there for a while."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE messages SET received_at = received_at - interval '1 h'")
    await connection.close()


def stems_of(text: str) -> tuple[str, ...]:
    return tuple(text.lower().split())


async def index(store: Store, most: int = 100) -> list[Backlog]:
    """All that is not indexed yet, by its words; the mark is the text."""
    done = []
    while backlog := await store.recall.backlog(most):
        rows = [Indexed(m.address, m.message, stems_of(m.text), m.text.encode()) for m in backlog.messages]
        assert await store.recall.keep(backlog, rows)
        done.append(backlog)
    return done


async def near(store: Store, work: Work, question: str) -> Found:
    addresses = tuple(address.id for address in work.addresses)
    [found] = await store.recall.near([Sought(work.lease.customer, addresses, stems_of(question))])
    return found


def said(found: Found) -> list[str]:
    return [mark.decode() for mark in found.marks]


async def test_what_was_said_is_found_with_how_often_it_has_each_stem(store: Store, dsn: str) -> None:
    [work] = await say(store, "red boat", "a boat a boat", "sky")
    await settle(dsn)
    [backlog] = await index(store)
    assert [message.text for message in backlog.messages] == ["red boat", "a boat a boat", "sky"]
    found = await near(store, work, "boat red")
    assert said(found) == ["red boat", "a boat a boat", "sky"]
    assert found.counts.tolist() == [[1, 1], [2, 0], [0, 0]]
    assert found.stretches.tolist() == [0, 0, 0]


async def test_what_has_just_come_waits_until_it_is_settled(store: Store, dsn: str) -> None:
    await say(store, "red boat")
    assert await store.recall.backlog(10) is None
    await settle(dsn)
    await say(store, "sky", first=2)
    assert [[m.text for m in backlog.messages] for backlog in await index(store)] == [["red boat"]]


async def test_nothing_is_indexed_twice_and_nothing_is_left_out(store: Store, dsn: str) -> None:
    [work] = await say(store, *(f"boat {number}" for number in range(7)))
    await settle(dsn)
    await index(store, most=3)
    await say(store, "boat 7", first=8)
    await settle(dsn)
    await index(store, most=3)
    assert said(await near(store, work, "boat")) == [f"boat {number}" for number in range(8)]


async def test_numbers_that_were_never_used_are_passed_over(store: Store, dsn: str) -> None:
    [work] = await say(store, "red boat")
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT setval('messages_id_seq', currval) FROM (SELECT last_value + 500 AS currval FROM messages_id_seq) AS s"
    )
    await connection.close()
    await say(store, "sky", first=2)
    await settle(dsn)
    await index(store, most=100)
    assert said(await near(store, work, "boat")) == ["red boat", "sky"]


async def test_what_cannot_be_opened_holds_up_nothing_behind_it(store: Store, dsn: str) -> None:
    [work] = await say(store, "red boat", "lost", "sky")
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE messages SET body_sealed = '\\x00' WHERE id = (SELECT min(id) + 1 FROM messages)")
    await connection.close()
    await settle(dsn)
    [backlog] = await index(store)
    assert backlog.unreadable == 1
    assert said(await near(store, work, "boat")) == ["red boat", "sky"]


async def test_of_two_processes_one_keeps_the_index(store: Store, dsn: str) -> None:
    [work] = await say(store, "red boat")
    await settle(dsn)
    async with Store.open(dsn, SECRET) as other:
        both = [await one.recall.backlog(10) for one in (store, other)]
        assert all(both)
        kept = await asyncio.gather(
            *(
                one.recall.keep(b, [Indexed(m.address, m.message, ("boat",), b"") for m in b.messages])
                for one, b in zip((store, other), both, strict=True)
            )
        )
    assert sorted(kept) == [False, True]
    assert len((await near(store, work, "boat")).messages) == 1


async def test_nobody_finds_what_others_said(store: Store, dsn: str) -> None:
    await say(store, "red boat")
    [mike] = await say(store, "blue boat", sender=MIKE)
    await settle(dsn)
    await index(store)
    assert said(await near(store, mike, "boat")) == ["blue boat"]


async def test_no_word_stands_in_the_database(store: Store, dsn: str) -> None:
    await say(store, "zanzibar")
    await say(store, "zanzibar", sender=MIKE)
    await settle(dsn)
    backlog = await store.recall.backlog(10)
    assert backlog
    await store.recall.keep(backlog, [Indexed(m.address, m.message, ("zanzibar",), b"") for m in backlog.messages])
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT stems FROM recall")
    await connection.close()
    assert len({stem for row in rows for stem in row["stems"]}) == 2  # the same word looks different


async def say_much(
    store: Store, dsn: str, golden: Collection[int], silent: Collection[int] = ()
) -> tuple[Work, list[str]]:
    """Somebody who says much, and what they said behind the first: with a rare word or with none where told."""
    [work] = await say(store, "first")
    [home] = work.addresses
    await settle(dsn)
    [backlog] = await index(store)
    texts = [f"gold {nth}" if nth in golden else "" if nth in silent else f"common {nth}" for nth in range(1, 2500)]
    for start in range(0, len(texts), 500):
        later = Backlog(backlog.until + start, backlog.until + start + 500, ())
        rows = [
            Indexed(home.id, MessageId(later.since + place), stems_of(text), text.encode())
            for place, text in enumerate(texts[start : start + 500], 1)
        ]
        assert await store.recall.keep(later, rows)
    return work, texts


@pytest.mark.parametrize("needle", [5, 700])
async def test_of_who_has_said_much_the_rare_is_found_with_what_stands_beside_it(
    store: Store, dsn: str, needle: int
) -> None:
    work, texts = await say_much(store, dsn, {needle})
    found = await near(store, work, "gold common")
    assert len(found.messages) == 500 + 5
    [gold] = found.counts[:, 0].nonzero()[0]
    assert found.marks[gold].decode() == f"gold {needle}"
    [beside] = (found.stretches == found.stretches[gold]).nonzero()
    assert [found.marks[place].decode() for place in beside] == texts[needle - 3 : needle + 2]


@pytest.mark.parametrize(
    ("golden", "beside"),
    [
        ([300, 301, 304, 310], [range(298, 307), range(308, 313)]),
        ([1, 1998], [range(0, 4), range(1996, 2500)]),  # the latest 500 are read anyway; 0 is the first message of all
    ],
)
async def test_what_stands_beside_several_is_read_once(
    store: Store, dsn: str, golden: list[int], beside: list[range]
) -> None:
    work, texts = await say_much(store, dsn, golden, silent=[299, 305])
    found = await near(store, work, "gold")
    places = sorted({*range(2000, 2500), *chain.from_iterable(beside)})
    assert said(found) == [["first", *texts][place] for place in places]
    assert found.counts[:, 0].tolist() == [int(mark.startswith(b"gold")) for mark in found.marks]
    numbered = [stretch for stretch, places in enumerate(beside) for _ in places]
    assert found.stretches.tolist()[: len(numbered)] == numbered


async def test_messages_are_read_with_where_they_were_said(store: Store, dsn: str) -> None:
    [work] = await say(store, "red boat", "sky")
    await settle(dsn)
    await index(store)
    found = await near(store, work, "boat")
    boat, sky = found.spoken(0), found.spoken(1)
    gone = Spoken(AddressId(1), MessageId(boat.message + 1000))
    customer = CustomerId(7)
    first, none, second = await store.recall.messages([(customer, sky), (customer, gone), (customer, boat)])
    assert none is None
    assert (first.text, second.text, first.customer) == ("sky", "red boat", 7)
    assert (second.address, second.direction, second.at) == (SARAH, Direction.IN, NOON + timedelta(minutes=1))


async def test_the_language_that_somebody_writes_is_told(store: Store, dsn: str) -> None:
    await say(store, "hola")
    await settle(dsn)
    connection = await asyncpg.connect(dsn)
    address = await connection.fetchval("SELECT id FROM addresses")
    await connection.execute(
        "INSERT INTO facts (address_id, key, value_sealed, confidence, source, valid_from)"
        " VALUES ($1, 'language', $2, 1, 'message', now())", address, b"\0es",
    )  # fmt: skip
    await connection.close()
    backlog = await store.recall.backlog(10)
    assert backlog
    assert [message.language for message in backlog.messages] == ["es"]
