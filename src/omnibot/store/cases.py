"""Cases as they are stored: a side for each address, and what a turn makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from omnibot.model import AddressId, Attempt, CaseChange, CaseId, CaseSide, CaseState, Result
from omnibot.model.values import replaced

_MOST_ATTEMPTS = 100  # of one side that are kept, and
_MOST_CONTACTS = 50  # times of contacts: the latest


def side_body(side: CaseSide) -> dict[str, Any]:
    """What is sealed of a side, without what is absent."""
    told = {
        "topic": side.topic,
        "concern": side.concern,
        "asked": side.asked,
        "attempts": [[one.what, one.by, one.at, one.result, one.source] for one in side.attempts],
        "contacts": side.contacted_at,
        "agents": list(side.agents),
        "team": side.team,
    }
    return {key: value for key, value in told.items() if value}


def side_of(row: Sequence[Any], body: Mapping[str, Any]) -> CaseSide:
    """A side of its columns (address, matter, intent, state, opened, touched, resolved, contacts, reopened) and body.

    Raises KeyError for a state or result that only a newer version knows.
    """
    address, matter, intent, state, opened_at, touched_at, resolved_at, contacts, reopened = row
    return CaseSide(
        id=CaseId(matter),
        address=AddressId(address),
        intent=intent,
        topic=body.get("topic", ""),
        state=_STATES[state],
        opened_at=opened_at,
        touched_at=touched_at,
        resolved_at=resolved_at,
        contacts=contacts,
        reopened=reopened,
        contacted_at=tuple(map(datetime.fromisoformat, body.get("contacts", ()))),
        concern=body.get("concern", ""),
        asked=tuple(body.get("asked", ())),
        attempts=tuple(map(_attempt, body.get("attempts", ()))),
        agents=tuple(body.get("agents", ())),
        team=body.get("team", ""),
    )


def _attempt(stored: Sequence[str]) -> Attempt:
    what, by, at, result, source = stored
    return Attempt(what=what, by=by, at=datetime.fromisoformat(at), result=_RESULTS[result], source=source)


_RESULTS = {result.value: result for result in Result}
_STATES = {state.value: state for state in CaseState}


_TOUCHED_AT = attrgetter("touched_at")


def side_after(
    sides: Sequence[CaseSide], change: CaseChange, id_: CaseId, address: AddressId, at: datetime
) -> CaseSide:
    """The side of an address after a turn at that time; `sides` are those of the case that its customer has.

    What stands in their words at another side stays there: a split must not leave it with somebody else.
    """
    before = next((side for side in sides if side.address == address), None)
    others = [side for side in sides if side is not before]
    asked, concern = change.asked, change.concern
    if others:
        elsewhere = {key for side in others for key in side.asked}
        asked = tuple(key for key in asked if key not in elsewhere)
        concern = "" if concern in {side.concern for side in others} else concern
    latest = max(sides, key=_TOUCHED_AT, default=None)
    side = before or CaseSide(
        id=id_, address=address, intent="", state=change.state, opened_at=at, touched_at=at, contacts=0
    )
    contact = change.contact or not sides
    return replaced(
        side,
        intent=change.intent,
        topic=change.topic,
        state=change.state,
        touched_at=max(side.touched_at, at),
        resolved_at=_resolved(side.resolved_at, change.state, at),
        contacts=side.contacts + contact,
        contacted_at=(*side.contacted_at, at)[-_MOST_CONTACTS:] if contact else side.contacted_at,
        reopened=(latest.reopened if latest else 0) + is_reopened(latest.state if latest else None, change.state),
        concern=concern,
        asked=tuple(dict.fromkeys((*side.asked, *asked))),
        attempts=_judged(side.attempts, change.attempts),
        team=change.team,
    )


def is_reopened(before: CaseState | None, after: CaseState) -> bool:
    """Whether a matter that was over is not."""
    return before is CaseState.RESOLVED and after.is_open


def _resolved(before: datetime | None, state: CaseState, at: datetime) -> datetime | None:
    return (before or at) if state is CaseState.RESOLVED else None


def _judged(earlier: Sequence[Attempt], new: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Those with what is new, and with what became of them; who tried something, and when, stays."""
    attempts = {one.what: one for one in earlier}
    for one in new:
        known = attempts.get(one.what)
        if known is None:
            attempts[one.what] = one
        elif one.result is not Result.UNKNOWN:
            attempts[one.what] = replaced(known, result=one.result)
    return tuple(attempts.values())[-_MOST_ATTEMPTS:]
