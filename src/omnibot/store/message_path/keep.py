"""Keep: what a turn leaves of its case and of how somebody writes. Pieces of the commit's statement; see commit.py.

A case has a row for each address that it was told at. A turn writes that of its own address whole; of the others it
changes the state, for a matter that is solved is solved everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from omnibot.model import CaseId
from omnibot.store.cases import side_after, side_body
from omnibot.store.codec import Codec
from omnibot.store.message_path.connections import columns
from omnibot.store.work import Outcome

_TOLD = """, told AS (
    INSERT INTO cases (address_id, matter_id, intent, state, body_sealed, opened_at, touched_at, resolved_at,
                       contacts, reopened)
    SELECT c.address_id, c.matter_id, c.intent, c.state, c.body, c.opened_at, c.touched_at, c.resolved_at, c.contacts,
        c.reopened
    FROM unnest((SELECT $+1::bigint[]), $+2::bigint[], $+3::bigint[], $+4::text[], $+5::text[], $+6::bytea[],
                $+7::timestamptz[], $+8::timestamptz[], $+9::timestamptz[], $+10::int[], $+11::int[])
        AS c(customer_id, address_id, matter_id, intent, state, body, opened_at, touched_at, resolved_at, contacts,
             reopened)
    JOIN held USING (customer_id)
    ON CONFLICT (address_id, matter_id) DO UPDATE SET intent = EXCLUDED.intent, state = EXCLUDED.state,
        body_sealed = EXCLUDED.body_sealed, touched_at = EXCLUDED.touched_at, resolved_at = EXCLUDED.resolved_at,
        contacts = EXCLUDED.contacts, reopened = EXCLUDED.reopened
)"""

_FOLLOWED = """, followed AS (
    UPDATE cases c SET state = f.state,
        resolved_at = CASE WHEN f.state = 'resolved' THEN coalesce(c.resolved_at, f.at) END,
        reopened = c.reopened + CASE WHEN c.state = 'resolved' AND f.state <> 'resolved' THEN 1 ELSE 0 END
    FROM unnest((SELECT $+1::bigint[]), $+2::bigint[], $+3::bigint[], $+4::text[], $+5::timestamptz[])
        AS f(customer_id, address_id, matter_id, state, at)
    JOIN held USING (customer_id)
    WHERE c.address_id = f.address_id AND c.matter_id = f.matter_id
)"""

_GROWN = """, grown AS (
    INSERT INTO habits (address_id, body_sealed, changed_at)
    SELECT h.address_id, h.body, now()
    FROM unnest((SELECT $+1::bigint[]), $+2::bigint[], $+3::bytea[]) AS h(customer_id, address_id, body)
    JOIN held USING (customer_id)
    ON CONFLICT (address_id) DO UPDATE SET body_sealed = EXCLUDED.body_sealed, changed_at = EXCLUDED.changed_at
)"""


_MESSAGE, _AT = attrgetter("message"), attrgetter("at")


def matter(outcome: Outcome) -> CaseId | None:
    """The case that a turn was about; a new one is named after the first message of its turn."""
    if outcome.case is None:
        return None
    if outcome.case.id is not None:
        return outcome.case.id
    return CaseId(next(filter(None, map(_MESSAGE, outcome.work.items))).id)


def kept(codec: Codec, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Sequence[object]]]:
    """The pieces with their parameters: sides as they are now, the states of others, habits."""
    told: list[tuple[Any, ...]] = []
    followed: list[tuple[Any, ...]] = []
    grown: list[tuple[Any, ...]] = []
    for outcome in outcomes:
        customer, address = outcome.work.lease.customer, outcome.address
        if (id_ := matter(outcome)) is not None:
            told.append((customer, *_side(codec, outcome, id_)))
            followed += ((customer, *row) for row in _others(outcome, id_))
        if outcome.habits is not None:
            grown.append((customer, address, codec.seal(address, outcome.habits)))
    for piece, rows in ((_TOLD, told), (_FOLLOWED, followed), (_GROWN, grown)):
        if rows:
            yield piece, columns(rows, len(rows[0]))


def _side(codec: Codec, outcome: Outcome, id_: CaseId) -> tuple[Any, ...]:
    assert outcome.case is not None
    known = {outcome.address, *outcome.sides}
    sides = [side for side in outcome.work.cases if side.id == id_ and side.address in known]
    at = max(map(_AT, filter(None, map(_MESSAGE, outcome.work.items))), default=outcome.work.at)
    side = side_after(sides, outcome.case, id_, outcome.address, at)
    return (
        side.address, id_, side.intent, side.state, codec.seal(side.address, side_body(side)), side.opened_at,
        side.touched_at, side.resolved_at, side.contacts, side.reopened,
    )  # fmt: skip


def _others(outcome: Outcome, id_: CaseId) -> Iterator[tuple[Any, ...]]:
    """Sides at other addresses that are in another state than the case is now."""
    assert outcome.case is not None
    state, elsewhere = outcome.case.state, frozenset(outcome.sides) - {outcome.address}
    for side in outcome.work.cases:
        if side.id == id_ and side.address in elsewhere and side.state is not state:
            yield side.address, id_, state, outcome.work.at
