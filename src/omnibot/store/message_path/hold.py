"""Hold: what the gate lets wait for something else than its turn, and what lets it go on.

Two things can be waited for: that somebody writes, where only they may open a conversation (`Held.WINDOW`), and that
an account may spend again (`Held.SPEND`). Only where an account has either do these pieces stand in the gate's
statement; see dispatch.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.work import Held, Overspent

# The hours that a cap looks back on are whole ones, so that it never lets too much pass. What is under way counts as
# one unit each: nobody knows better until it is billed.
QUOTA = """
    SELECT q.channel, q.account, q.replies, q.replies_in, q.unsolicited, q.unsolicited_in, q.heard_in, q.knocks,
        b.overspent, b.frees_at, CASE WHEN b.overspent THEN q.free ELSE LEAST(q.free, b.remaining) END AS free
    FROM unnest((SELECT $1::text[]), $2::text[], $3::int[], $4::int[], $5::interval[], $6::int[], $7::interval[],
                $10::interval[], $11::boolean[], $12::bigint[], $13::interval[])
        AS q(channel, account, free, replies, replies_in, unsolicited, unsolicited_in, heard_in, knocks, spend,
             spend_in)
    LEFT JOIN LATERAL (
        SELECT used.units >= q.spend AS overspent,
            min(past.hour) FILTER (WHERE used.units - past.units < q.spend) + interval '1 h' + q.spend_in AS frees_at,
            GREATEST(0, q.spend - used.units - (
                SELECT count(*) FROM outbox
                WHERE channel = q.channel AND account = q.account AND state = 'sending')) AS remaining
        FROM (
            SELECT hour, sum(units) OVER (ORDER BY hour) AS units FROM spent
            WHERE channel = q.channel AND account = q.account AND hour > now() - q.spend_in - interval '1 h') AS past
        RIGHT JOIN (
            SELECT coalesce(sum(units), 0) AS units FROM spent
            WHERE channel = q.channel AND account = q.account AND hour > now() - q.spend_in - interval '1 h') AS used
            ON true
        WHERE q.spend IS NOT NULL GROUP BY used.units) AS b ON true"""

# Whoever waits for the cap waits in order; who may be written to again is in no order with others.
BEHIND = f"OR (p.state = 'held' AND p.reason = '{Held.SPEND}')"

HEARD = """
    LEFT JOIN LATERAL (
        SELECT LEAST(m.at, m.received_at) AS at FROM messages m
        WHERE h.heard_in IS NOT NULL AND m.address_id = h.address_id AND m.account = h.account AND m.direction = 'in'
        ORDER BY m.at DESC LIMIT 1) AS heard ON true"""

VERDICTS = f"""
        WHEN h.overspent THEN '{Held.SPEND}'
        WHEN h.heard_in IS NOT NULL AND NOT h.knocks AND coalesce(heard.at, '-infinity') <= now() - h.heard_in
            THEN '{Held.WINDOW}'"""

TOLD = f"OR (verdict = '{Held.WINDOW}' AND h.state = 'queued')"

# The window is looked at again in a while: a message that came in while this statement ran was not seen by it. After
# that only what OPENED has missed can free it: it is looked at when it has waited for as long again.
OUTCOME = f"""
    state = CASE WHEN gate.verdict IS NULL THEN 'sending' WHEN gate.held THEN 'held' ELSE 'suppressed' END,
    due_at = CASE gate.verdict WHEN '{Held.WINDOW}' THEN now() + CASE
            WHEN o.state = 'held' THEN GREATEST(now() - o.created_at, interval '5 min') ELSE interval '5 min' END
        WHEN '{Held.SPEND}' THEN coalesce(gate.frees_at, now() + interval '1 h') ELSE o.due_at END,
    attempts = attempts + CASE WHEN gate.held THEN 0 ELSE 1 END,
    leased_until = CASE WHEN gate.held THEN NULL ELSE now() + $9::interval END"""

GATE = f"""
gate AS (SELECT *, coalesce(verdict IN ('{Held.WINDOW}', '{Held.SPEND}'), false) AS held FROM judged),"""

# They have written: what waited for that is queued again, before what answers them now.
OPENED = f""", opened AS (
    UPDATE outbox o SET state = 'queued', reason = NULL, due_at = now(), changed_at = now()
    FROM unnest((SELECT $+1::bigint[]), $+2::bigint[]) AS w(customer_id, address_id) JOIN held USING (customer_id)
    WHERE o.address_id = w.address_id AND o.state = 'held' AND o.reason = '{Held.WINDOW}'
)"""

# The provider has found out only afterwards. Whoever has written meanwhile gets it again; else only they can free it.
HOLD_AFTERWARDS = f"""
WITH told AS (
    SELECT o.id, o.address_id, EXISTS (
        SELECT FROM messages m WHERE m.address_id = o.address_id AND m.account = o.account AND m.direction = 'in'
            AND m.received_at > o.sent_at) AS open
    FROM unnest($1::bigint[], $2::uuid[]) AS r(address_id, provider_hash)
    JOIN outbox o ON o.address_id = r.address_id AND o.provider_hash = r.provider_hash
        AND o.state IN ('sending', 'sent', 'unknown')
), held AS (
    UPDATE outbox o SET state = CASE WHEN told.open THEN 'queued' ELSE 'held' END,
        reason = CASE WHEN told.open THEN NULL ELSE '{Held.WINDOW}' END,
        due_at = CASE WHEN told.open THEN now() ELSE 'infinity' END, leased_until = NULL, changed_at = now()
    FROM told WHERE o.id = told.id
)
INSERT INTO handoffs (address_id, reason, at)
SELECT DISTINCT address_id, 'reply kept back: {Held.WINDOW}', now() FROM told WHERE NOT open
ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
"""

# Before the result itself is recorded: what has been is not billed again.
SPEND = """
INSERT INTO spent (channel, account, hour, units)
SELECT o.channel, o.account, date_trunc('hour', now()), sum(r.units)
FROM unnest($1::bigint[], $2::int[], $3::int[]) AS r(id, attempts, units)
JOIN outbox o ON o.id = r.id AND o.attempts = r.attempts AND o.state IN ('sending', 'unknown')
GROUP BY o.channel, o.account ORDER BY o.channel, o.account
ON CONFLICT (channel, account, hour) DO UPDATE SET units = spent.units + EXCLUDED.units
"""

_LOOK_AGAIN = """
UPDATE outbox o SET due_at = now() FROM unnest($1::text[], $2::text[]) AS a(channel, account)
WHERE o.channel = a.channel AND o.account = a.account AND o.state = 'held' AND o.due_at < 'infinity'
"""

_OVERSPENT = f"""
SELECT channel, account, count(*), min(due_at) AS until FROM outbox
WHERE state = 'held' AND reason = '{Held.SPEND}' GROUP BY channel, account ORDER BY channel, account
"""


class Holding(Connections):
    """What is asked about all that is held."""

    async def look_again(self, accounts: Collection[tuple[str, str]]) -> None:
        """Judge anew what these accounts hold: a cap may have been raised, a template found."""
        async with self._connection() as connection:
            await connection.execute(_LOOK_AGAIN, *columns(sorted(accounts), 2))

    async def overspent(self) -> Sequence[Overspent]:
        """The accounts that have used up what they may spend, while messages of theirs wait for it."""
        async with self._connection() as connection:
            rows = await connection.fetch(_OVERSPENT)
        return [Overspent(row["channel"], row["account"], row["count"], row["until"]) for row in rows]
