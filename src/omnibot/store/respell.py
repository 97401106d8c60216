"""Addresses that were stored when another spelling was compared: found again, and known by what they say.

Done once a database, at the first start of a version that spells otherwise. An address whose new hash another one has
already keeps its old one: nobody writes from there any more, since whoever does is found at the other. Both become one
person's, and so do those who have proven the same on two channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg

from omnibot.identifiers import implied
from omnibot.model import Address
from omnibot.store.codec import Codec
from omnibot.store.identity.match import MATCH_LATER
from omnibot.store.identity.values import RULE
from omnibot.store.message_path.connections import columns

SPELLING = "1"  # raise it when `identifiers.comparable` changes
_LOCK = 0x6F6D6E6A
_BATCH = 2000
_CHANNELS = ["sms", "whatsapp", "email", "telegram"]  # whose addresses can be spelled in several ways

_SPELLED = "SELECT value FROM meta WHERE key = 'spelling'"
_REMEMBER = """
INSERT INTO meta (key, value) VALUES ('spelling', $1) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value
"""
_NEXT = """
SELECT a.id, a.channel, a.hash, a.value_sealed, l.proof, l.evidence FROM addresses a JOIN links l ON l.address_id = a.id
WHERE a.id > $1 AND a.channel = ANY($2) ORDER BY a.id LIMIT $3
"""
_RESPELL = """
UPDATE addresses a SET hash = n.hash
FROM (SELECT DISTINCT ON (hash) * FROM unnest($1::bigint[], $2::uuid[]) AS n(id, hash) ORDER BY hash, id) AS n
WHERE a.id = n.id AND NOT EXISTS (SELECT FROM addresses WHERE hash = n.hash)
"""
# Whose new hash another address has: one mailbox, or one telephone, in two spellings.
_LINK_LATER = """
INSERT INTO identity_acts (act, address_id, other_id, evidence, by, at, attempts)
SELECT 'link', a.id, o.id, 'spelling', 'rule', now(), 0
FROM unnest($1::bigint[], $2::uuid[]) AS n(id, hash)
JOIN addresses a ON a.id = n.id AND a.hash <> n.hash JOIN addresses o ON o.hash = n.hash ORDER BY a.id
"""
# What was revoked stays revoked; where something is written down already, nothing is missing.
_IDENTIFY = """
INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, proven_at, at)
SELECT n.address_id, n.kind, n.hash, n.value_sealed, n.evidence, l.since, now()
FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::bytea[], $5::text[])
    AS n(address_id, kind, hash, value_sealed, evidence)
JOIN links l ON l.address_id = n.address_id
WHERE NOT EXISTS (SELECT FROM identifiers WHERE address_id = n.address_id)
RETURNING address_id, hash
"""


async def respell(pool: asyncpg.Pool, codec: Codec) -> None:
    """Bring stored addresses into today's spelling, unless they are. Of several starters one does it."""
    if await pool.fetchval(_SPELLED) == SPELLING:
        return
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if await connection.fetchval(_SPELLED) != SPELLING:
            await _respell_all(connection, codec)
            await connection.execute(_REMEMBER, SPELLING)


async def _respell_all(connection: asyncpg.Connection, codec: Codec) -> None:
    latest = 0
    while rows := await connection.fetch(_NEXT, latest, _CHANNELS, _BATCH):
        latest = rows[-1]["id"]
        known = [(row, Address(row["channel"], codec.open_text(row["id"], row["value_sealed"]))) for row in rows]
        changed = [(row["id"], hash_) for row, a in known if (hash_ := codec.address_hash(a)) != row["hash"]]
        if changed:
            await connection.execute(_RESPELL, *columns(changed, 2))
            await connection.execute(_LINK_LATER, *columns(changed, 2))
        new = await connection.fetch(_IDENTIFY, *columns(list(_named(codec, known)), 5))
        if new:
            found = columns([(row["address_id"], row["hash"]) for row in new], 2)
            await connection.execute(MATCH_LATER, *found, "spelling", RULE)


def _named(codec: Codec, known: Sequence[tuple[asyncpg.Record, Address]]) -> Iterator[tuple[Any, ...]]:
    """What these addresses say of whose they are: whoever wrote from there, or the company, has proven it."""
    for row, address in known:
        identifier = implied(address)
        if identifier is None or row["proof"] == "claimed":
            continue
        evidence = "import" if row["evidence"] == "import" else f"vouched by {address.channel}"
        sealed = codec.seal(row["id"], identifier.value)
        yield row["id"], identifier.kind, codec.identifier_hash(identifier), sealed, evidence
