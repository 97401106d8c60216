"""Dispatch: the heads of the addresses' queues, past the gate, as `sending` and committed; then their calls start."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import asyncpg

from omnibot.model import AddressId, DeliveryState, MessageId
from omnibot.store.message_path import hold
from omnibot.store.message_path.connections import columns
from omnibot.store.message_path.finish import Finishing
from omnibot.store.work import Dispatch, Dispatched, Held, Quota, Result, StoreUnavailable

# The head of an address's queue (one an account: two bots are two chats) is the one with nothing open before it. An
# `unknown` blocks what is behind it only for a while; what is held waits for its own time and blocks nobody, and so
# does a pointer, which leaves after what it points to. The gate: the address row is locked (a STOP that commits later
# waits, one that committed before is seen), and replies are counted against their caps; not those of people, who see
# for themselves whom they answer. A greeting takes no place of the tighter cap, and gets none where one is taken.
_QUOTA = """
    SELECT * FROM unnest((SELECT $1::text[]), $2::text[], $3::int[], $4::int[], $5::interval[], $6::int[],
                         $7::interval[])
        AS q(channel, account, free, replies, replies_in, unsolicited, unsolicited_in)"""
_OUTCOME = """
    state = CASE WHEN gate.verdict IS NULL THEN 'sending' ELSE 'suppressed' END, attempts = attempts + 1,
    leased_until = now() + $9::interval"""


def _gated(
    quota: str = _QUOTA,
    outcome: str = _OUTCOME,
    *,
    behind: str = "",
    heard: str = "",
    verdicts: str = "",
    told: str = "",
    more: str = "NULL::timestamptz AS heard_at",
    judged: str = "gate",
    gate: str = "",
    over: str = "gate.verdict IS NOT NULL",
) -> str:
    """The statement; what may be held makes it longer only for those accounts that hold anything.

    A code that does not leave is scrubbed: nobody has any use for it. What is too late is no reply that people miss.
    """
    return f"""
WITH head AS (
    SELECT q.*, o.id, o.address_id, o.purpose, o.state
    FROM ({quota}) AS q
    CROSS JOIN LATERAL (
        SELECT o.id, o.address_id, o.purpose, o.state FROM outbox o
        WHERE o.channel = q.channel AND o.account = q.account AND o.state IN ('queued', 'held') AND o.due_at <= now()
            AND NOT EXISTS (
                SELECT FROM outbox p
                WHERE p.address_id = o.address_id AND p.channel = o.channel AND p.account = o.account AND p.id < o.id
                    AND p.state IN ('queued', 'held', 'sending', 'unknown') AND (
                        p.state = 'sending' OR (p.state = 'queued' AND p.after_id IS NULL)
                        OR (p.state = 'unknown' AND p.changed_at > now() - $8::interval) {behind}))
            AND (o.after_id IS NULL OR EXISTS (
                SELECT FROM outbox a WHERE a.id = o.after_id AND a.state IN ('sent', 'delivered', 'read', 'unknown')))
        ORDER BY o.due_at, o.id LIMIT q.free FOR UPDATE OF o SKIP LOCKED
    ) AS o
), {judged} AS (
    SELECT h.id, a.value_sealed, {more}, CASE
        WHEN h.purpose = 'code' AND NOT EXISTS (
            SELECT FROM proof_requests WHERE message_id = h.id AND settled_at IS NULL AND expires_at > now())
            THEN 'too late'
        WHEN h.purpose = 'confirmation' THEN CASE WHEN 4 <= (
            SELECT count(*) FROM outbox s WHERE s.address_id = h.address_id AND s.sent_at > now() - interval '1 h'
                AND s.purpose = 'confirmation') THEN 'reply cap' END
        WHEN a.stopped_at IS NOT NULL THEN 'stopped'
        WHEN a.unreachable_at IS NOT NULL THEN 'unreachable'
        WHEN h.purpose IN ('unsolicited', 'greeting') AND h.unsolicited <= (
            SELECT count(*) FROM outbox s WHERE s.address_id = h.address_id AND s.sent_at > now() - h.unsolicited_in
                AND s.purpose IN ('unsolicited', h.purpose)) THEN 'reply cap'
        WHEN h.purpose <> 'agent' AND h.replies <= (
            SELECT count(*) FROM outbox s WHERE s.address_id = h.address_id AND s.sent_at > now() - h.replies_in
                AND s.purpose <> 'agent') THEN 'reply cap'{verdicts}
        END AS verdict
    FROM (SELECT * FROM head ORDER BY address_id) AS h
    CROSS JOIN LATERAL (SELECT * FROM addresses WHERE id = h.address_id FOR SHARE) AS a{heard}
), {gate} capped AS (
    INSERT INTO handoffs (address_id, reason, at)
    SELECT DISTINCT h.address_id, 'reply kept back: ' || verdict, now() FROM gate JOIN head h USING (id)
    WHERE h.purpose <> 'code' AND (verdict IN ('reply cap', 'unreachable') {told})
    ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
)
UPDATE outbox o SET {outcome}, reason = gate.verdict, changed_at = now(),
    payload_sealed = CASE WHEN o.purpose = 'code' AND {over} THEN '' ELSE o.payload_sealed END
FROM gate WHERE o.id = gate.id
RETURNING o.id, o.address_id, o.channel, o.account, o.attempts, o.payload_sealed, o.provider_sealed, o.created_at,
    gate.value_sealed, gate.heard_at, o.state, o.reason
"""


_DISPATCH = _gated()
_DISPATCH_OR_HOLD = _gated(
    hold.QUOTA,
    hold.OUTCOME,
    behind=hold.BEHIND,
    heard=hold.HEARD,
    verdicts=hold.VERDICTS,
    told=hold.TOLD,
    more="heard.at AS heard_at, h.frees_at",
    judged="judged",
    gate=hold.GATE,
    over="gate.verdict IS NOT NULL AND NOT gate.held",
)


class Dispatching(Finishing):
    """The fifth step of the message path."""

    async def dispatch(self, quotas: Sequence[Quota], *, lease: float, unknown_wait: float) -> Dispatched:
        """Mark as `sending`, past the gate, what may start now, and commit; the calls must start at once."""
        rows = [
            (
                q.channel, q.account, q.free, q.replies, timedelta(seconds=q.replies_seconds),
                q.unsolicited, timedelta(seconds=q.unsolicited_seconds),
            )
            for q in quotas
        ]  # fmt: skip
        arguments = [*columns(rows, 7), timedelta(seconds=unknown_wait), timedelta(seconds=lease)]
        holds = any(quota.holds for quota in quotas)
        if holds:
            arguments += columns([_waits(quota) for quota in quotas], 4)
        async with self._connection() as connection:
            claimed = await connection.fetch(_DISPATCH_OR_HOLD if holds else _DISPATCH, *arguments)
        starting, unreadable = [], []
        for row in sorted(claimed, key=lambda row: row["id"]):
            if row["state"] != DeliveryState.SENDING:
                continue
            try:
                starting.append(self._dispatch(row))
            except Exception:
                unreadable.append(_unreadable(row))
        kept_back = [row["id"] for row in claimed if row["state"] == DeliveryState.SUPPRESSED]
        with suppress(StoreUnavailable):  # what is claimed must start all the same
            if unreadable:
                await self.finish(unreadable)
            if kept_back:
                await self._keep_back_pointers(kept_back)
        overspent = frozenset((row["channel"], row["account"]) for row in claimed if row["reason"] == Held.SPEND)
        return Dispatched(tuple(starting), len(claimed) - len(starting), overspent)

    def _dispatch(self, row: asyncpg.Record) -> Dispatch:
        return Dispatch(
            outbound=self._outbound(row),
            address=AddressId(row["address_id"]),
            channel=row["channel"],
            account=row["account"],
            queued_at=row["created_at"],
        )


def _waits(quota: Quota) -> tuple[timedelta | None, bool, int | None, timedelta]:
    window = None if quota.window is None else timedelta(seconds=quota.window)
    return window, quota.knocks, quota.spend, timedelta(seconds=quota.spend_seconds)


def _unreadable(row: asyncpg.Record) -> Result:
    """One message that this version cannot read must not keep the others from leaving."""
    return Result(
        id=MessageId(row["id"]),
        address=AddressId(row["address_id"]),
        attempts=row["attempts"],
        state=DeliveryState.DEAD,
        reason="this version cannot read it",
    )
