"""Tokens, each good for once: signed ones are remembered when they are spent, codes of ours are gone.

To spend one and what it does are one transaction: who shows it again, and who is told twice by a provider, changes
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import asyncpg
import structlog

from omnibot.model import Identifier, IdentifierKind, IncomingMessage, ProofPurpose
from omnibot.store.codec import OWN, Codec
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.message_path.prove import TRY
from omnibot.store.work import TOKEN_TAKEN, TOKEN_VOID, Arrived
from omnibot.tokens import SignedToken

log = structlog.get_logger(__name__)

# Clocks differ, and their allowance may be raised: a token is remembered for longer than it can be believed.
_REMEMBERED = timedelta(hours=1)

_SPEND = """
INSERT INTO spent_tokens (key, at, expires_at)
SELECT key, now(), expires_at FROM unnest($1::uuid[], $2::timestamptz[]) AS t(key, expires_at) ORDER BY key
ON CONFLICT DO NOTHING RETURNING key
"""

_TAKE = """
DELETE FROM link_codes WHERE key IN (
    SELECT key FROM link_codes WHERE key = ANY($1::uuid[]) AND expires_at > now() ORDER BY key FOR UPDATE)
RETURNING key, identifiers_sealed
"""

_EXCHANGE = """
WITH spent AS (
    INSERT INTO spent_tokens (key, at, expires_at) VALUES ($1, now(), $2) ON CONFLICT DO NOTHING RETURNING key
)
INSERT INTO link_codes (key, identifiers_sealed, at, expires_at)
SELECT $3, $4, now(), now() + $5::interval FROM spent ON CONFLICT DO NOTHING RETURNING key
"""

_ISSUE = "INSERT INTO link_codes (key, identifiers_sealed, at, expires_at) VALUES ($1, $2, now(), now() + $3::interval)"

_WAITS = "SELECT EXISTS (SELECT FROM link_codes WHERE key = $1 AND expires_at > now())"

# Who shows a token, and which users of the company they are known to be, wherever they write.
_USERS = """
SELECT a.hash, ARRAY(
    SELECT i.hash FROM links m JOIN identifiers i ON i.address_id = m.address_id
    WHERE m.customer_id = l.customer_id AND i.kind = 'user_id' AND i.proven_at IS NOT NULL AND i.revoked_at IS NULL
) AS users
FROM addresses a JOIN links l ON l.address_id = a.id WHERE a.hash = ANY($1::uuid[])
"""

# Requests live for an hour at most: the index finds those of today.
_ASKED = """
SELECT id, purpose, code_hash, tries, settled, settled_at IS NULL AND expires_at > now() AS open,
    (SELECT channel FROM addresses a WHERE a.id = address_id) AS channel
FROM proof_requests WHERE source_id = $1 AND created_at > now() - interval '1 d' ORDER BY id
"""


class Confirmed(StrEnum):
    """What became of an address that was opened instead of typing its code."""

    PROVEN = "proven"
    WRONG = "wrong"
    VOID = "void"  # wrong too often
    OVER = "over"  # too late, or done already


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a code was asked for, and on which channel."""

    purpose: ProofPurpose
    channel: str


class Tokens(Connections):
    """What is done with tokens that are not shown in a conversation."""

    async def exchange(self, token: SignedToken, code: str, seconds: float) -> bool:
        """Spend a token for a code that says the same for so many seconds; False when it was spent before.

        Who asks again with the same code, as a browser does whose button is pressed twice, is told the same again.
        """
        key = self._codec.token_hash("code", code)
        sealed = _sealed(self._codec, token.identifiers)
        until = token.expires_at + _REMEMBERED
        async with self._connection() as connection:
            if await connection.fetchval(
                _EXCHANGE, _key(self._codec, token), until, key, sealed, timedelta(seconds=seconds)
            ):
                return True
            waits: bool = await connection.fetchval(_WAITS, key)
        return waits

    async def asked_by(self, source: int, is_right: Callable[[bytes], bool]) -> AskedFor | None:
        """What a code was asked for by a message, by what is kept of it; None when it is of no use any more."""
        async with self._connection() as connection:
            rows = await connection.fetch(_ASKED, source)
        right = next((row for row in rows if row["open"] and is_right(row["code_hash"])), None)
        return AskedFor(ProofPurpose(right["purpose"]), right["channel"] or "") if right else None

    async def confirm(self, source: int, is_right: Callable[[bytes], bool], tries: int) -> Confirmed:
        """Do what typing the code would that a message has asked for; a wrong one counts, and voids after `tries`."""
        async with self._transaction() as connection:
            rows = await connection.fetch(f"{_ASKED} FOR UPDATE", source)
            still = [row for row in rows if row["open"]]
            if not still:
                return Confirmed.VOID if any(row["settled"] == Confirmed.VOID for row in rows) else Confirmed.OVER
            right = next((row for row in still if is_right(row["code_hash"])), None)
            if right is not None:
                await connection.execute(TRY, [right["id"]], [right["tries"]], [Confirmed.PROVEN.value])
                return Confirmed.PROVEN
            tried = [row["tries"] + 1 for row in still]
            settled = [Confirmed.VOID.value if count >= tries else "" for count in tried]
            await connection.execute(TRY, [row["id"] for row in still], tried, settled)
            return Confirmed.VOID if all(settled) else Confirmed.WRONG

    async def issue(self, identifiers: Sequence[Identifier], code: str, seconds: float) -> None:
        """Let a code say so, by the company's own hand."""
        key, sealed = self._codec.token_hash("code", code), _sealed(self._codec, identifiers)
        async with self._connection() as connection:
            await connection.execute(_ISSUE, key, sealed, timedelta(seconds=seconds))


async def redeem(connection: asyncpg.Connection, codec: Codec, batch: Mapping[UUID, Arrived]) -> Mapping[UUID, Arrived]:
    """Take what tokens say for what those who show them are vouched for, each token once; flags tell the turn.

    Within the transaction that stores these arrivals. Of two who show the same one in a batch the first has it. Whoever
    is known as one user is not made another as well: a link that somebody else has sent them is opened by one press.
    """
    shown = {arrival: _key(codec, arrived.token) for arrival, arrived in batch.items() if arrived.token}
    if not shown:
        return batch
    first: dict[UUID, UUID] = {}
    for arrival, key in shown.items():
        first.setdefault(key, arrival)
    said = await _spend(connection, codec, {key: batch[arrival].token for key, arrival in first.items()})
    good = {first[key]: identifiers for key, identifiers in said.items()}
    senders = {arrival: codec.address_hash(batch[arrival].item.sender.address) for arrival in good}
    users = {row["hash"]: row["users"] for row in await connection.fetch(_USERS, [*senders.values()])}
    others = {
        arrival
        for arrival, identifiers in good.items()
        if _is_another_user(codec, identifiers, users.get(senders[arrival], ()))
    }
    redeemed = dict(batch)
    for arrival in shown:
        if arrival in others:
            redeemed[arrival] = _refused(batch[arrival], "of another user")
        elif arrival in good:
            redeemed[arrival] = _vouched(batch[arrival], good[arrival])
        else:
            redeemed[arrival] = _refused(batch[arrival], "unknown or spent")
    return redeemed


def _is_another_user(codec: Codec, identifiers: Sequence[Identifier], users: Collection[UUID]) -> bool:
    """Whether a token names a user of the company, and whoever shows it is known as a different one."""
    named = {codec.identifier_hash(each) for each in identifiers if each.kind is IdentifierKind.USER_ID}
    return bool(named and users) and named.isdisjoint(users)


async def _spend(
    connection: asyncpg.Connection, codec: Codec, tokens: Mapping[UUID, SignedToken | str]
) -> dict[UUID, tuple[Identifier, ...]]:
    """What those say, by their keys, that nobody has used before."""
    signed = {key: token for key, token in tokens.items() if isinstance(token, SignedToken)}
    codes = [key for key in tokens if key not in signed]
    said: dict[UUID, tuple[Identifier, ...]] = {}
    if signed:
        rows = [(key, token.expires_at + _REMEMBERED) for key, token in signed.items()]
        spent = await connection.fetch(_SPEND, *columns(rows, 2))
        said |= {row["key"]: signed[row["key"]].identifiers for row in spent}
    if codes:
        taken = await connection.fetch(_TAKE, codes)
        said |= {row["key"]: _opened(codec, row["identifiers_sealed"]) for row in taken}
    return said


def _vouched(arrived: Arrived, identifiers: tuple[Identifier, ...]) -> Arrived:
    """With what its token says, and a flag by which the turn answers."""
    item = arrived.item
    assert isinstance(item, IncomingMessage)
    sender = replace(item.sender, vouched=(*item.sender.vouched, *identifiers))
    return replace(arrived, item=replace(item, sender=sender, flags=(*item.flags, TOKEN_TAKEN)))


def _refused(arrived: Arrived, reason: str) -> Arrived:
    """With a flag by which the turn says so in the same words, whatever the reason; it is counted."""
    log.warning("token.refused", channel=arrived.channel, account=arrived.account, reason=reason)
    item = arrived.item
    assert isinstance(item, IncomingMessage)
    return replace(arrived, item=replace(item, flags=(*item.flags, TOKEN_VOID)))


def _key(codec: Codec, token: SignedToken | str) -> UUID:
    if isinstance(token, SignedToken):
        return codec.token_hash("signed", token.issuer, token.id)
    return codec.token_hash("code", token)


def _sealed(codec: Codec, identifiers: Sequence[Identifier]) -> bytes:
    return codec.seal(OWN, {"identifiers": [[each.kind, each.value] for each in identifiers]})


def _opened(codec: Codec, sealed: bytes) -> tuple[Identifier, ...]:
    return tuple(Identifier(IdentifierKind(kind), value) for kind, value in codec.open(OWN, sealed)["identifiers"])
