"""Commit, where a turn asked for a code or somebody typed one: requests, their messages, and what is proven by them.

Whether the address that is named is known makes no difference to what is done here: the same statements, in the same
number, and the turn has written its reply before it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from omnibot.model import ProofPurpose, Tried, plain
from omnibot.store.codec import Codec
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.payloads import parts_to_json
from omnibot.store.work import Asked, Outcome

_RESERVE_IDS = """
SELECT nextval('addresses_id_seq') AS address, nextval('customers_id_seq') AS customer FROM generate_series(1, $1)
"""

# An address that nobody has written from belongs to nobody but itself, by the word of who named it. It is met before
# the lanes of those who ask are locked, as arrivals meet theirs.
_MEET = """
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[], $6::text[])
        AS i(hash, address_id, customer_id, channel, value_sealed, account)
), met AS (
    INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)
    SELECT address_id, channel, hash, value_sealed, account, now() FROM input ORDER BY hash
    ON CONFLICT (hash) DO NOTHING RETURNING id
), person AS (
    INSERT INTO customers (id, created_at) SELECT customer_id, now() FROM input JOIN met ON met.id = address_id
), linked AS (
    INSERT INTO links (address_id, customer_id, home_id, proof, evidence, since)
    SELECT address_id, customer_id, customer_id, 'claimed', 'named', now() FROM input JOIN met ON met.id = address_id
)
INSERT INTO identity_log (at, act, address_id, customer_id, proof, evidence, by, reason)
SELECT now(), 'link', address_id, customer_id, 'claimed', 'named', 'customer', ''
FROM input JOIN met ON met.id = address_id
"""

# Who asks for the same address at the same moment waits here, so that nobody gets more codes than they may.
_LOCK_TARGETS = """
SELECT id, hash, account FROM addresses WHERE hash = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

# Where nobody has written from an address, whoever named it last may have spelled it better, and whatever bounced there
# was meant for another spelling, perhaps: the first to name it must not keep codes from the one whose it is.
_RESPELL = """
UPDATE addresses a SET value_sealed = n.value_sealed, unreachable_at = NULL, unreachable_reason = NULL
FROM unnest($1::bigint[], $2::bytea[]) AS n(id, value_sealed) JOIN links l ON l.address_id = n.id
WHERE a.id = n.id AND l.proof = 'claimed'
"""

# The limits look back on the codes that an hour has sent, whatever became of them: who asks without end locks nobody
# out, not even themselves. What somebody has sent to where they write themselves is limited by who asks alone, so that
# nobody else's requests keep them from undoing. What is beyond a limit is written down without a message and without a
# hash that any code has: whoever asks cannot tell, and whoever guesses gets no more tries by asking on. A code that is
# sent replaces the one before it for the same.
_ASK = """
WITH input AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[],
                         $8::text[], $9::bytea[], $10::bytea[], $11::interval[], $12::int[], $13::int[], $14::int[])
        WITH ORDINALITY
        AS i(address_id, target_id, purpose, about_id, source_id, code_hash, channel, account, body, payload, lives,
             per_address, per_requester, overall, ord)
), counted AS MATERIALIZED (
    SELECT i.*,
        (i.target_id = i.address_id OR
            row_number() OVER (PARTITION BY i.target_id, i.address_id = i.target_id ORDER BY i.ord) + (
                SELECT count(*) FROM proof_requests
                WHERE target_id = i.target_id AND address_id <> target_id AND message_id IS NOT NULL
                    AND created_at > now() - interval '1 h') <= i.per_address)
        AND row_number() OVER (PARTITION BY i.address_id ORDER BY i.ord) + (
            SELECT count(*) FROM proof_requests
            WHERE address_id = i.address_id AND message_id IS NOT NULL
                AND created_at > now() - interval '1 h') <= i.per_requester
        AND i.ord + (
            SELECT count(*) FROM (
                SELECT FROM proof_requests WHERE created_at > now() - interval '1 h' AND message_id IS NOT NULL
                LIMIT i.overall) AS lately
            ) <= i.overall AS within
    FROM input i
), numbered AS MATERIALIZED (
    SELECT *, CASE WHEN within THEN nextval('messages_id_seq') END AS message_id FROM counted ORDER BY ord
), replaced AS (
    UPDATE proof_requests p SET settled = 'replaced', settled_at = now() FROM numbered n
    WHERE n.within AND p.address_id = n.address_id AND p.target_id = n.target_id AND p.purpose = n.purpose
        AND p.about_id IS NOT DISTINCT FROM n.about_id AND p.settled_at IS NULL
        AND p.created_at > now() - interval '1 d'
), asked AS (
    INSERT INTO proof_requests (address_id, target_id, purpose, about_id, source_id, message_id, code_hash, tries,
                                created_at, expires_at)
    SELECT address_id, target_id, purpose, about_id, source_id, message_id,
        CASE WHEN within THEN code_hash ELSE '' END, 0, now(), now() + lives
    FROM numbered ORDER BY ord
), written AS (
    INSERT INTO messages (id, address_id, direction, account, at, received_at, body_sealed, attachments)
    SELECT message_id, target_id, 'out', account, date_trunc('second', now()), now(), body, 0
    FROM numbered WHERE within
), queued AS (
    INSERT INTO outbox (id, address_id, channel, account, purpose, state, due_at, attempts, payload_sealed,
                        created_at, changed_at)
    SELECT message_id, target_id, channel, account, 'code', 'queued', now(), 0, payload, now(), now()
    FROM numbered WHERE within ORDER BY ord
)
SELECT count(*) FILTER (WHERE NOT within) AS limited FROM numbered
"""

# A code that is settled is of no use to anybody who could still read it: the message that brought it is scrubbed. While
# a turn was under way others may have been tried on a page: these count on, or each turn would give a guesser more.
TRY = """
WITH typed AS (
    SELECT DISTINCT ON (id) * FROM unnest($1::bigint[], $2::int[], $3::text[]) WITH ORDINALITY
        AS t(id, tries, settled, ord)
    ORDER BY id, ord DESC
), tried AS (
    UPDATE proof_requests p SET settled = nullif(t.settled, ''),
        settled_at = CASE WHEN t.settled <> '' THEN now() END,
        tries = greatest(t.tries, p.tries + CASE t.settled WHEN 'proven' THEN 0 ELSE 1 END)
    FROM typed t WHERE p.id = t.id AND p.settled_at IS NULL
    RETURNING p.*
), scrubbed AS (
    UPDATE outbox o SET payload_sealed = '' FROM tried
    WHERE o.id = tried.message_id AND tried.settled_at IS NOT NULL AND o.state NOT IN ('queued', 'held', 'sending')
)
INSERT INTO identity_acts (act, address_id, other_id, evidence, by, at, attempts)
SELECT purpose, CASE purpose WHEN 'link' THEN target_id ELSE about_id END,
    CASE purpose WHEN 'link' THEN address_id END, 'code', 'customer', now(), 0
FROM tried
WHERE settled = 'proven' AND CASE purpose
    WHEN 'link' THEN NOT EXISTS (
        SELECT FROM addresses WHERE id IN (tried.address_id, tried.target_id) AND shared_at IS NOT NULL)
    ELSE EXISTS (
        SELECT FROM links a JOIN links b USING (customer_id)
        WHERE a.address_id = tried.about_id AND b.address_id = tried.address_id) END
ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class _Named:
    """An address that is named, by its hash."""

    hash: UUID
    asked: Asked


class Proving(Connections):
    """What is written in the transaction of a commit where something was asked for or typed."""

    async def _meet_named(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        """Meet the addresses that are named, whoever knows them."""
        named = {_named(self._codec, asked).hash: asked for o in outcomes for asked in o.asked}
        ids = await connection.fetch(_RESERVE_IDS, len(named))
        rows = []
        for (hash_, asked), reserved in zip(sorted(named.items()), ids, strict=True):
            target, address = asked.ask.target, reserved["address"]
            value = self._codec.seal(address, target.value)
            rows.append((hash_, address, reserved["customer"], target.channel, value, asked.account))
        await connection.execute(_MEET, *columns(rows, 6))

    async def _ask(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        """Write the requests and send their codes, as far as the limits allow."""
        asked = [(_named(self._codec, one), outcome) for outcome in outcomes for one in outcome.asked]
        if not asked:
            return
        found = await connection.fetch(_LOCK_TARGETS, [named.hash for named, _ in asked])
        targets = {row["hash"]: row for row in found}
        spelled = {targets[named.hash]["id"]: named.asked.ask.target.value for named, _ in asked}
        respelled = [(id_, self._codec.seal(id_, value)) for id_, value in spelled.items()]
        await connection.execute(_RESPELL, *columns(respelled, 2))
        rows = [self._request_row(named.asked, targets[named.hash], outcome) for named, outcome in asked]
        await connection.fetchval(_ASK, *columns(rows, 14))

    def _request_row(self, asked: Asked, target: asyncpg.Record, outcome: Outcome) -> tuple[Any, ...]:
        ask, id_ = asked.ask, target["id"]
        here = next((one for one in outcome.work.addresses if one.id == id_ == ask.by), None)
        payload = {
            "parts": parts_to_json(asked.parts),
            "subject": asked.subject,
            "context": here.context if here else {},  # where it is asked for and sent to the same, it is an answer
        }
        limits = asked.limits
        return (
            ask.by, id_, ask.purpose, ask.about, ask.source, asked.code_hash, ask.target.channel, target["account"],
            self._codec.seal(id_, {"text": plain(asked.kept)}), self._codec.seal(id_, payload),
            timedelta(seconds=limits.seconds), limits.per_address, limits.per_requester, limits.overall,
        )  # fmt: skip

    async def _try(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        """Count what was typed, settle what is proven or void, and have done what is proven."""
        rows = [_tried_row(tried) for outcome in outcomes for tried in outcome.tried if not tried.request.over]
        if rows:
            await connection.execute(TRY, *columns(rows, 3))


def _named(codec: Codec, asked: Asked) -> _Named:
    return _Named(codec.address_hash(asked.ask.target), asked)


def _tried_row(tried: Tried) -> tuple[int, int, str]:
    settled = "proven" if tried.right else "" if tried.left else "void"
    return tried.request.id, tried.request.tries + (not tried.right), settled


assert {*ProofPurpose} == {"link", "unlink", "forget"}  # they are acts of the same names
