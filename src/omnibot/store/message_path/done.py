"""Done: what agents did about stretches. In the transaction of the commit, whose lanes are its own.

A stretch is locked before anything is added to its thread, so that the numbers of its entries tell their order. What
is about a stretch of somebody else changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import asyncpg

from omnibot.model import AddressId, CaseChange, CaseId, CaseSide, CustomerId, Done, Draft, File, MessageId
from omnibot.store.cases import side_after, side_body, side_of
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.payloads import notice_payload, parts_to_json, said_body
from omnibot.store.stretches import ONE_REFRESH, stretch_body
from omnibot.store.work import Outcome, Purpose

_ITSELF = "omnibot"  # who acts where no agent does
_KEPT = "kept:"  # begins the reference of a file that we have

_HOLD = """
SELECT s.id, s.address_id, s.matter_id, s.ended_at
FROM unnest((SELECT $1::bigint[]), $2::bigint[]) AS d(customer_id, stretch_id)
JOIN stretches s ON s.id = d.stretch_id JOIN links l ON l.address_id = s.address_id AND l.customer_id = d.customer_id
ORDER BY s.id FOR NO KEY UPDATE OF s
"""

# What was refused or given up is sent again with all its attempts; what is `unknown` keeps their number, by which the
# result of the call that may still be under way is told from that of the next.
_RETRY = """
UPDATE outbox o SET state = 'queued', reason = NULL, due_at = now(), leased_until = NULL, changed_at = now(),
    attempts = CASE WHEN o.state = 'unknown' THEN o.attempts ELSE 0 END
FROM (
    SELECT o.id FROM unnest((SELECT $1::bigint[]), $2::bigint[]) AS r(stretch_id, message_id)
    JOIN desk_entries e ON e.stretch_id = r.stretch_id AND e.message_id = r.message_id AND e.kind = 'reply'
    JOIN outbox o ON o.id = r.message_id AND o.state IN ('refused', 'dead', 'suppressed', 'unknown')
    ORDER BY o.id FOR UPDATE OF o) AS again
WHERE o.id = again.id
"""

_CHANGE = """
UPDATE stretches s SET team = c.team, priority = coalesce(c.priority, s.priority), state = c.state,
    owner_hash = c.owner_hash, body_sealed = c.body, answered_at = coalesce(c.answered_at, s.answered_at),
    snoozed_until = c.snoozed_until, look_at = now(),
    ended_at = CASE WHEN c.ended THEN coalesce(s.ended_at, GREATEST(c.ended_at, now())) END
FROM unnest((SELECT $1::bigint[]), $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[], $7::timestamptz[],
            $8::timestamptz[], $9::boolean[], $10::timestamptz[])
    AS c(id, team, priority, state, owner_hash, body, answered_at, snoozed_until, ended, ended_at)
WHERE s.id = c.id
"""

_RESOLVE_HANDOFFS = """
UPDATE handoffs SET resolved_at = now() WHERE stretch_id = ANY($1::bigint[]) AND resolved_at IS NULL
"""

_REOPEN_HANDOFFS = """
UPDATE handoffs SET resolved_at = NULL WHERE turn_id IS NOT NULL AND id IN (
    SELECT max(id) FROM handoffs WHERE stretch_id = ANY($1::bigint[]) GROUP BY stretch_id)
"""

_SAY = f"""
WITH said AS MATERIALIZED (
    SELECT nextval('messages_id_seq') AS id, r.*
    FROM unnest((SELECT $1::bigint[]), $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::bytea[],
                $8::int[])
        WITH ORDINALITY AS r(stretch_id, purpose, address_id, channel, account, body, payload, files, ord)
    ORDER BY r.ord
), written AS (
    INSERT INTO messages (id, address_id, direction, account, at, received_at, body_sealed, attachments)
    SELECT id, address_id, 'out', account, date_trunc('second', now()), now(), body, files FROM said
), queued AS (
    INSERT INTO outbox (id, address_id, channel, account, purpose, state, due_at, attempts, payload_sealed,
                        created_at, changed_at)
    SELECT id, address_id, channel, account, purpose, 'queued', now(), 0, payload, now(), now()
    FROM said ORDER BY id
), answered AS (
    UPDATE stretches s SET replied_id = a.id, answered_at = coalesce(s.answered_at, now()), asked_at = NULL
    FROM (SELECT stretch_id, max(id) AS id FROM said WHERE purpose = '{Purpose.AGENT}' GROUP BY stretch_id) AS a
    WHERE s.id = a.stretch_id
)
SELECT id FROM said ORDER BY ord
"""

_FILE = """
INSERT INTO attachments (address_id, message_id, channel, account, state, name_sealed, media_type, size, file_key,
                         attempts, due_at)
SELECT f.*, 0, now()
FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[],
            $8::bigint[], $9::text[])
    AS f(address_id, message_id, channel, account, state, name, media_type, size, file_key)
"""

ENTRY_IDS = "SELECT nextval('desk_entries_id_seq') AS id FROM generate_series(1, $1)"

_ENTER = """
INSERT INTO desk_entries (id, stretch_id, address_id, kind, message_id, about_id, state, at, due_at, shown_at,
                          provider_hash, provider_sealed, payload_sealed, marked)
SELECT id, stretch_id, address_id, kind, message_id, about_id, state, now(), now(),
    CASE WHEN state = 'shown' THEN now() END, provider_hash, provider, payload,
    CASE WHEN kind = 'reply' THEN 'queued' END
FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
            $8::uuid[], $9::bytea[], $10::bytea[])
    AS e(id, stretch_id, address_id, kind, message_id, about_id, state, provider_hash, provider, payload)
"""

# The card tells of it.
_REFRESH = f"""
INSERT INTO desk_entries (stretch_id, address_id, kind, state, at, due_at)
SELECT id, address_id, 'refresh', 'queued', now(), now() FROM unnest((SELECT $1::bigint[]), $2::bigint[])
    AS c(id, address_id)
ORDER BY id
{ONE_REFRESH}"""

_WRITE_DOWN = """
INSERT INTO desk_acts (stretch_id, address_id, at, by_hash, kind, outcome, payload_sealed)
SELECT a.stretch_id, a.address_id, now(), a.by_hash, a.kind, a.outcome, a.payload
FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bytea[])
    WITH ORDINALITY AS a(stretch_id, address_id, by_hash, kind, outcome, payload, ord)
ORDER BY a.ord
"""

_SIDES = """
SELECT l.customer_id, c.address_id, c.matter_id, c.intent, c.state, c.opened_at, c.touched_at, c.resolved_at,
    c.contacts, c.reopened, c.body_sealed
FROM unnest((SELECT $1::bigint[]), $2::bigint[]) AS d(customer_id, matter_id)
CROSS JOIN LATERAL (SELECT * FROM cases WHERE matter_id = d.matter_id OFFSET 0) AS c
JOIN links l ON l.address_id = c.address_id AND l.customer_id = d.customer_id
ORDER BY c.address_id, c.matter_id FOR NO KEY UPDATE OF c
"""

_KEEP_SIDES = """
INSERT INTO cases (address_id, matter_id, intent, state, body_sealed, opened_at, touched_at, resolved_at, contacts,
                   reopened)
SELECT c.* FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[],
                       $7::timestamptz[], $8::timestamptz[], $9::int[], $10::int[])
    AS c(address_id, matter_id, intent, state, body, opened_at, touched_at, resolved_at, contacts, reopened)
ORDER BY c.address_id, c.matter_id
ON CONFLICT (address_id, matter_id) DO UPDATE SET intent = EXCLUDED.intent, state = EXCLUDED.state,
    body_sealed = EXCLUDED.body_sealed, resolved_at = EXCLUDED.resolved_at, reopened = EXCLUDED.reopened
"""

_ACCEPT_REVIEWS = """
INSERT INTO identity_acts (act, address_id, evidence, by, at, attempts)
SELECT 'review', r.address_id, r.evidence, r.by, now(), 0
FROM unnest((SELECT $1::bigint[]), $2::text[], $3::text[]) AS r(address_id, evidence, by)
"""


@dataclass(frozen=True, slots=True)
class _Taken:
    """An act of a batch with the row of its stretch as it was before."""

    outcome: Outcome
    done: Done
    row: asyncpg.Record

    @property
    def customer(self) -> CustomerId:
        return self.outcome.work.lease.customer

    @property
    def address(self) -> AddressId:
        return AddressId(self.row["address_id"])

    @property
    def matter(self) -> CaseId | None:
        """The case that it changes, or that people answered about."""
        if self.done.case is not None and self.done.case.id is not None:
            return self.done.case.id
        answered = self.done.replies and self.by_people and self.row["matter_id"] is not None
        return CaseId(self.row["matter_id"]) if answered else None

    @property
    def agent(self) -> str:
        return self.done.act.by.name or self.done.act.by.id

    @property
    def changes_priority(self) -> bool:
        """Else it stays what it is: a hand-off that was adopted meanwhile may have raised it."""
        before = (one for one in self.outcome.work.stretches if one.id == self.done.stretch)
        after = self.done.after
        return after is not None and any(one.priority != after.priority for one in before)

    @property
    def by_people(self) -> bool:
        """Else a time was over, and the words are the bot's."""
        return self.done.act.by.id != _ITSELF


@dataclass(slots=True)
class _Matter:
    """The sides of a case that one customer has, as a batch changes them."""

    sides: list[CaseSide] = field(default_factory=list)
    changed: set[AddressId] = field(default_factory=set)

    def put(self, side: CaseSide) -> None:
        self.sides = [one for one in self.sides if one.address != side.address] + [side]
        self.changed.add(side.address)

    def change(self, change: CaseChange, id_: CaseId, address: AddressId, at: datetime) -> None:
        before = next((side for side in self.sides if side.address == address), None)
        after = side_after(self.sides, change, id_, address, at)
        self.put(replace(after, touched_at=before.touched_at) if before else after)  # it was not they who touched it
        for side in self.sides:
            if side.state is not change.state or side.team != change.team:
                self.put(_followed(side, change, at))

    def helped(self, address: AddressId, agent: str) -> None:
        for side in self.sides:
            if side.address == address and agent not in side.agents:
                self.put(replace(side, agents=(*side.agents, agent)))


class Doing(Connections):
    """What is written of acts."""

    async def _send_again(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        again = [(done.stretch, done.retries) for o in outcomes for done in o.done if done.retries is not None]
        if again:
            await connection.execute(_RETRY, *columns(again, 2))

    async def _write_done(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        wanted = [(o.work.lease.customer, done.stretch) for o in outcomes for done in o.done]
        if not wanted:
            return
        held = {row["id"]: row for row in await connection.fetch(_HOLD, *columns(sorted(set(wanted)), 2))}
        taken = [_Taken(o, d, held[d.stretch]) for o in outcomes for d in o.done if d.stretch in held]
        await self._change(connection, taken)
        await self._enter(connection, taken)
        await self._write_down(connection, taken)
        await self._keep_matters(connection, taken)
        if accepted := [
            (t.address, f"{t.done.merges} {t.done.act.text}", t.agent[:64]) for t in taken if t.done.merges
        ]:
            await connection.execute(_ACCEPT_REVIEWS, *columns(accepted, 3))

    async def _change(self, connection: asyncpg.Connection, taken: Sequence[_Taken]) -> None:
        """The stretches as they are after the last of their acts; what people have taken care of, or have again."""
        last = {t.done.stretch: (t.row, t.done.after) for t in taken if t.done.after is not None}
        raised = {t.done.stretch for t in taken if t.changes_priority}
        rows: list[tuple[Any, ...]] = []
        for id_, (row, after) in last.items():
            priority = after.priority if id_ in raised else None
            owner = self._codec.agent_hash(after.owner.id) if after.owner else None
            body = self._codec.seal(row["address_id"], stretch_body(after))
            rows.append(
                (
                    id_, after.team, priority, after.state.value, owner, body, after.answered_at, after.snoozed_until,
                    not after.state.is_open, after.ended_at,
                )
            )  # fmt: skip
        if not rows:
            return
        await connection.execute(_CHANGE, *columns(rows, 10))
        was_over = {id_: row["ended_at"] is not None for id_, (row, _) in last.items()}
        if over := [id_ for id_, (_, after) in last.items() if not after.state.is_open]:
            await connection.execute(_RESOLVE_HANDOFFS, over)
        if reopened := [id_ for id_, (_, after) in last.items() if after.state.is_open and was_over[id_]]:
            await connection.execute(_REOPEN_HANDOFFS, reopened)

    # --- what leaves, and what the thread shows ---

    async def _enter(self, connection: asyncpg.Connection, taken: Sequence[_Taken]) -> None:
        drafts = [(t, draft) for t in taken for draft in t.done.replies]
        said = [self._message_row(t, draft) for t, draft in drafts]
        ids = [MessageId(row["id"]) for row in await connection.fetch(_SAY, *columns(said, 8))] if said else []
        files = [row for (_, draft), id_ in zip(drafts, ids, strict=True) for row in self._files(draft, id_)]
        if files:
            await connection.execute(_FILE, *columns(files, 9))
        count = sum(len(t.done.replies) + len(t.done.notices) for t in taken)
        numbers = iter([row["id"] for row in await connection.fetch(ENTRY_IDS, count)] if count else ())
        entries: list[tuple[Any, ...]] = []
        left = iter(ids)
        for t in taken:
            messages = [next(left) for _ in t.done.replies]
            if t.by_people:
                entries += self._replies(t, messages, numbers)
            for notice in t.done.notices:
                sealed = self._codec.seal(t.address, notice_payload(notice))
                entries.append((
                    next(numbers), t.done.stretch, t.address, "notice", None, None, "queued", None, None, sealed,
                ))  # fmt: skip
        if entries:
            await connection.execute(_ENTER, *columns(entries, 10))
        if told := {(t.done.stretch, t.address) for t in taken if t.done.after is not None or t.done.replies}:
            await connection.execute(_REFRESH, *columns(sorted(told), 2))

    def _replies(self, t: _Taken, messages: Sequence[MessageId], numbers: Iterator[int]) -> Iterator[tuple[Any, ...]]:
        """What stands in the thread already is not shown again; what has been written elsewhere is."""
        first, stands = None, t.done.act.entry
        for message, draft in zip(messages, t.done.replies, strict=True):
            id_ = next(numbers)
            named = stands and first is None
            yield (
                id_, t.done.stretch, draft.to.id, "reply", message, first if stands else None,
                "shown" if stands else "queued", self._codec.provider_hash(stands) if named else None,
                self._codec.seal(draft.to.id, stands) if named else None, None,
            )  # fmt: skip
            first = first or id_

    def _message_row(self, t: _Taken, draft: Draft) -> tuple[Any, ...]:
        to = draft.to
        body = {**said_body(draft), "by": t.agent} if t.by_people else said_body(draft)
        payload = {"parts": parts_to_json(draft.parts), "subject": draft.subject, "context": to.context}
        return (
            t.done.stretch, Purpose.AGENT if t.by_people else Purpose.REPLY, to.id, to.address.channel, to.account,
            self._codec.seal(to.id, body), self._codec.seal(to.id, payload), len(_kept(draft)),
        )  # fmt: skip

    def _files(self, draft: Draft, message: MessageId) -> Iterator[tuple[Any, ...]]:
        """Whoever sweeps files that belong to no message finds these."""
        to = draft.to
        for file in _kept(draft):
            yield (
                to.id, message, to.address.channel, to.account, "stored", self._codec.seal(to.id, file.name),
                file.media_type, file.size, file.ref.removeprefix(_KEPT),
            )  # fmt: skip

    # --- what stays ---

    async def _write_down(self, connection: asyncpg.Connection, taken: Sequence[_Taken]) -> None:
        rows = []
        for t in taken:
            act = t.done.act
            told = {"by": [act.by.id, act.by.name], "text": act.text, "value": act.value, "refused": t.done.refused,
                    "entry": act.entry, "at": act.at}  # fmt: skip
            payload = self._codec.seal(t.address, {key: value for key, value in told.items() if value})
            by = self._codec.agent_hash(act.by.id)
            rows.append((t.done.stretch, t.address, by, act.kind.value, _outcome(t.done), payload))
        if rows:
            await connection.execute(_WRITE_DOWN, *columns(rows, 6))

    async def _keep_matters(self, connection: asyncpg.Connection, taken: Sequence[_Taken]) -> None:
        about = [(t, t.matter) for t in taken if t.matter is not None]
        if not about:
            return
        wanted = sorted({(t.customer, matter) for t, matter in about})
        matters: dict[tuple[int, int], _Matter] = {key: _Matter() for key in wanted}
        for row in await connection.fetch(_SIDES, *columns(wanted, 2)):
            customer, *stored, sealed = row
            side = side_of(stored, self._codec.open(stored[0], sealed))
            matters[customer, side.id].sides.append(side)
        for t, id_ in about:
            matter = matters[t.customer, id_]
            if t.done.case is not None:
                matter.change(t.done.case, id_, t.address, t.outcome.work.at)
            if t.done.replies and t.by_people:
                matter.helped(t.address, t.agent)
        rows = [self._side_row(s) for m in matters.values() for s in m.sides if s.address in m.changed]
        await connection.execute(_KEEP_SIDES, *columns(rows, 10))

    def _side_row(self, side: CaseSide) -> tuple[Any, ...]:
        return (
            side.address, side.id, side.intent, side.state.value, self._codec.seal(side.address, side_body(side)),
            side.opened_at, side.touched_at, side.resolved_at, side.contacts, side.reopened,
        )  # fmt: skip


def _kept(draft: Draft) -> list[File]:
    """The files of ours that go along; those that the company put beside its articles are not."""
    return [part for part in draft.parts if isinstance(part, File) and part.ref.startswith(_KEPT)]


def _followed(side: CaseSide, change: CaseChange, at: datetime) -> CaseSide:
    """A matter that is solved is solved everywhere, and one that another team has is theirs."""
    over = not change.state.is_open
    reopened = side.reopened + (not side.state.is_open and not over)
    resolved_at = (side.resolved_at or at) if over else None
    return replace(side, state=change.state, resolved_at=resolved_at, reopened=reopened, team=change.team)


def _outcome(done: Done) -> str:
    if done.refused:
        return "refused"
    changes = done.after is not None or done.case is not None or done.replies or done.retries or done.merges
    return "done" if changes else "noted"
