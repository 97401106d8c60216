"""A past for the bench: people who have said a lot, beside a million who have said something, too."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from bench.messages import MESSAGES
from omnibot.model import Address
from omnibot.store.codec import Codec

MESSAGES_EACH = 10
_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CHUNK = 5_000  # messages of one insertion
_NOISE = 1_000_000  # random bytes, of which marks are cut
_OTHERS_AT_ONCE = 100_000  # people

# Stems are drawn so that some are said all the time, and each belongs to one address, as the store's do.
_SAID_BY_OTHERS = f"""
WITH said AS (
    SELECT c.id AS address_id, n, nextval('messages_id_seq') AS id
    FROM generate_series($1::bigint, $2::bigint) AS c(id) CROSS JOIN generate_series(1, {MESSAGES_EACH}) AS n
), written AS (
    INSERT INTO messages (id, address_id, direction, account, at, received_at, body_sealed, attachments)
    SELECT id, address_id, CASE n % 2 WHEN 1 THEN 'in' ELSE 'out' END, 'main',
        $3::timestamptz - (100 - n) * interval '1 day', $3, $4::bytea, 0 FROM said
)
INSERT INTO recall (address_id, place, message_id, stems, mark_sealed)
SELECT address_id, n, id, ARRAY(
        SELECT hashint8extended(address_id * 4096 + floor(4096 * random() * random())::bigint, n)
        FROM generate_series(1, 8)),
    substring($5::bytea FROM 1 + floor(random() * ({_NOISE} - 300))::int FOR 265)
FROM said
"""

_OTHERS = (
    "INSERT INTO customers (id, created_at) SELECT id, $3 FROM generate_series($1::bigint, $2::bigint) AS c(id)",
    "INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)"
    " SELECT id, 'telegram', gen_random_uuid(), ('\\x00' || encode(id::text::bytea, 'hex'))::bytea, 'main', $3"
    " FROM generate_series($1::bigint, $2::bigint) AS c(id)",
    "INSERT INTO links (address_id, customer_id, home_id, proof, evidence, proven_at, since)"
    " SELECT id, id, id, 'proven', 'first message', $3, $3 FROM generate_series($1::bigint, $2::bigint) AS c(id)",
    "INSERT INTO lanes (customer_id, due_at, priority, arrivals, fence, lost)"
    " SELECT id, 'infinity', 5, 1, 1, 0"
    " FROM generate_series($1::bigint, $2::bigint) AS c(id), (SELECT $3::timestamptz) AS at",
)


async def known(connection: asyncpg.Connection, codec: Codec, first: int, people: Sequence[Address]) -> None:
    """Make these customers, each with the address of the same number, from `first` on."""
    numbered = list(enumerate(people, first))
    await connection.copy_records_to_table(
        "customers", records=[(id_, _NOW) for id_, _ in numbered], columns=("id", "created_at")
    )
    await connection.copy_records_to_table(
        "addresses",
        records=[
            (id_, a.channel, codec.address_hash(a), codec.seal(id_, a.value), "main", _NOW) for id_, a in numbered
        ],
        columns=("id", "channel", "hash", "value_sealed", "account", "created_at"),
    )
    await connection.copy_records_to_table(
        "links",
        records=[(id_, id_, id_, "proven", "first message", _NOW, _NOW) for id_, _ in numbered],
        columns=("address_id", "customer_id", "home_id", "proof", "evidence", "proven_at", "since"),
    )
    await connection.copy_records_to_table(
        "lanes",
        records=[(id_, datetime.max.replace(tzinfo=UTC), 5, 1, 1, 0) for id_, _ in numbered],
        columns=("customer_id", "due_at", "priority", "arrivals", "fence", "lost"),
    )
    await connection.execute("UPDATE lanes SET due_at = 'infinity' WHERE customer_id >= $1", first)


async def others(connection: asyncpg.Connection, first: int, last: int) -> None:
    """Make the customers from `first` to `last`, who have said MESSAGES_EACH messages each."""
    noise, body = random.randbytes(_NOISE), b'\0{"text":"and then it stopped again, as I said last week"}'
    await connection.execute("DROP INDEX recall_stems")  # made anew at once, it takes a fifth of the time
    for start in range(first, last + 1, _OTHERS_AT_ONCE):
        end = min(start + _OTHERS_AT_ONCE - 1, last)
        for statement in _OTHERS:
            await connection.execute(statement, start, end, _NOW)
        await connection.execute(_SAID_BY_OTHERS, start, end, _NOW, body, noise)
    await connection.execute("SET maintenance_work_mem = '1GB'")
    await connection.execute("CREATE INDEX recall_stems ON recall USING gin (stems)")
    await connection.execute(
        "INSERT INTO meta VALUES ('recall.until', (SELECT last_value FROM messages_id_seq))"
        " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value"
    )
    for table in ("customers", "addresses"):
        await connection.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
    await connection.execute("VACUUM (ANALYZE)")


def talk(number: int) -> str:
    """Something that somebody says: two halves of two messages, and now and then what nobody else says."""
    one, other = random.choice(MESSAGES).split(), random.choice(MESSAGES).split()
    rare = f" ticket{number}" if number % 100 == 0 else ""
    return " ".join((*one[: len(one) // 2 + 1], *other[len(other) // 2 :])) + rare


async def tell(connection: asyncpg.Connection, codec: Codec, address: int, count: int) -> None:
    """Have somebody say so many messages."""
    for start in range(0, count, _CHUNK):
        texts = [talk(start + number) for number in range(min(_CHUNK, count - start))]
        last = await connection.fetchval(
            "SELECT setval('messages_id_seq', last_value + $1) FROM messages_id_seq", len(texts)
        )
        rows = [
            (id_, address, "in", "main", _NOW, _NOW, codec.seal(address, {"text": text}), 0)
            for id_, text in enumerate(texts, last - len(texts) + 1)
        ]
        await connection.copy_records_to_table(
            "messages",
            records=rows,
            columns=("id", "address_id", "direction", "account", "at", "received_at", "body_sealed", "attachments"),
        )
