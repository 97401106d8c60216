"""Start: replies that may leave at once are `sending` from their commit on. Pieces of its statement; see commit.py.

What most replies find is a free place, nobody before them in their address's queue, and a gate that is open. They need
no look into the outbox of their own then: the commit judges them as dispatch would, under the same lock of the address,
and waits for the disk as dispatch does. Whatever is not that simple is queued, and dispatch judges it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from omnibot.model import Address, MessageId, Outbound
from omnibot.store.codec import Codec
from omnibot.store.message_path.connections import columns
from omnibot.store.work import Dispatch, Offer, Outcome, Purpose, Quota, Reply

STARTING = """, starting AS MATERIALIZED (
    SELECT s.id, s.ord, a.value_sealed
    FROM (
        SELECT said.*
        FROM unnest((SELECT $+1::bigint[]), $+2::int[], $+3::interval[], $+4::int[], $+5::interval[])
            AS g(ord, replies, replies_in, unsolicited, unsolicited_in)
        JOIN said USING (ord)
        WHERE NOT EXISTS (
            SELECT FROM outbox p
            WHERE p.address_id = said.address_id AND p.channel = said.channel AND p.account = said.account
                AND p.state IN ('queued', 'held', 'sending', 'unknown') AND (
                    p.state = 'sending' OR (p.state = 'queued' AND p.after_id IS NULL)
                    OR (p.state = 'unknown' AND p.changed_at > now() - $+6::interval)))
            AND (
                SELECT count(*) FILTER (WHERE p.sent_at > now() - g.replies_in) < g.replies
                    AND count(*) FILTER (
                        WHERE p.purpose IN ('unsolicited', said.purpose) AND p.sent_at > now() - g.unsolicited_in
                    ) < g.unsolicited
                FROM outbox p
                WHERE p.address_id = said.address_id AND p.sent_at > now() - greatest(g.replies_in, g.unsolicited_in)
                    AND p.purpose <> 'agent')
        ORDER BY said.address_id) AS s
    CROSS JOIN LATERAL (
        SELECT value_sealed FROM addresses WHERE id = s.address_id AND stopped_at IS NULL AND unreachable_at IS NULL
        FOR SHARE) AS a
)"""

QUEUED_OR_SENDING = """, queued AS (
    INSERT INTO outbox (id, address_id, channel, account, turn_id, after_id, purpose, state, due_at, attempts,
                        leased_until, payload_sealed, created_at, changed_at)
    SELECT said.id, address_id, channel, account, turn_id,
        CASE WHEN purpose = 'pointer' THEN
            (SELECT max(a.id) FROM said a WHERE a.turn = said.turn AND a.purpose <> 'pointer') END,
        purpose, CASE WHEN starting.id IS NULL THEN 'queued' ELSE 'sending' END, now(),
        CASE WHEN starting.id IS NULL THEN 0 ELSE 1 END,
        CASE WHEN starting.id IS NOT NULL THEN now() + $+1::interval END, payload, now(), now()
    FROM said LEFT JOIN starting USING (id) ORDER BY said.id
)"""

RELEASED_AND_STARTING = """
SELECT customer_id, due, NULL::bigint AS id, NULL::bigint AS ord, NULL::bytea AS value_sealed, now() AS at FROM released
UNION ALL SELECT NULL, NULL, id, ord, value_sealed, now() FROM starting"""


def context_of(outcome: Outcome, reply: Reply) -> Mapping[str, str]:
    """Where somebody writes from elsewhere, what was last said there is not what this answers."""
    return reply.draft.to.context if reply.draft.to.id == outcome.address else {}


_UNASKED = (Purpose.UNSOLICITED, Purpose.GREETING)  # to what answers nothing of ours
_SIMPLE = (Purpose.REPLY, *_UNASKED)  # that nothing but the stops and caps of their address keeps back
_NO_CAP = 2**31 - 1


def _caps(quota: Quota, purpose: Purpose) -> tuple[int, timedelta, int, timedelta]:
    """How many replies one address may get in which time, and how many of those that answer no answer to ours."""
    unsolicited = quota.unsolicited if purpose in _UNASKED else _NO_CAP
    return (
        quota.replies, timedelta(seconds=quota.replies_seconds),
        unsolicited, timedelta(seconds=quota.unsolicited_seconds),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Start:
    """The replies that may leave with their commit, by the place that they have among all of it."""

    replies: Mapping[int, tuple[Outcome, Reply]]
    columns: Sequence[object]
    lease: timedelta  # of their calls

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], offer: Offer) -> Start | None:
        """As many as there are places; of each address the first, where nobody but the gate has a say in it."""
        replies: dict[int, tuple[Outcome, Reply]] = {}
        rows: list[tuple[int, int, timedelta, int, timedelta]] = []
        taken: Counter[tuple[str, str]] = Counter()
        met: set[tuple[int, str]] = set()
        said = ((o, reply) for o in outcomes if o.record is not None for reply in o.replies)
        for place, (outcome, reply) in enumerate(said, 1):
            to = reply.draft.to
            account = to.address.channel, to.account
            queue, quota = (to.id, to.account), offer.quotas.get(account)
            if quota and reply.purpose in _SIMPLE and queue not in met and taken[account] < quota.free:
                taken[account] += 1
                replies[place] = outcome, reply
                rows.append((place, *_caps(quota, reply.purpose)))
            met.add(queue)
        if not rows:
            return None
        judged_by = *columns(rows, 5), timedelta(seconds=offer.unknown_wait)
        return cls(replies, judged_by, timedelta(seconds=offer.lease))

    def dispatches(self, codec: Codec, rows: Sequence[asyncpg.Record]) -> tuple[Dispatch, ...]:
        """Those that have passed the gate, in the order in which they were said."""
        passed = sorted((row for row in rows if row["id"] is not None), key=lambda row: row["id"])
        return tuple(self._dispatch(codec, row) for row in passed)

    def _dispatch(self, codec: Codec, row: asyncpg.Record) -> Dispatch:
        outcome, reply = self.replies[row["ord"]]
        to, draft = reply.draft.to, reply.draft
        return Dispatch(
            outbound=Outbound(
                id=MessageId(row["id"]),
                to=Address(to.address.channel, codec.open_text(to.id, row["value_sealed"])),
                parts=draft.parts,
                subject=draft.subject,
                context=context_of(outcome, reply),
                attempts=1,
            ),
            address=to.id,
            channel=to.address.channel,
            account=to.account,
            queued_at=row["at"],
        )
