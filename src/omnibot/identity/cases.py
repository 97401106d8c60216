"""Cases of what happened at several addresses, as far as it may be told at one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from omnibot.model import AddressId, Attempt, Case, CaseId, CaseSide, CaseState, Result

_MOST_OPEN = 20  # cases that a turn sees, those that were touched last, and
_LATEST = 10  # whatever their state
_ATTEMPTS = 30  # of each

_touched = attrgetter("touched_at")
_at = attrgetter("at")


def cases_of(
    sides: Sequence[CaseSide], open_: Collection[AddressId], channels: Mapping[AddressId, str]
) -> tuple[Case, ...]:
    """The cases that were told at these addresses, the least recently touched first.

    What happened elsewhere is left out, as if it had not: how often somebody came, what was tried, what they asked.
    """
    matters: dict[CaseId, list[CaseSide]] = {}
    for side in sides:
        if side.address in open_:
            matters.setdefault(side.id, []).append(side)
    cases = sorted([_case(sides, channels) for sides in matters.values()], key=_touched)
    if len(cases) <= _LATEST:
        return tuple(cases)
    still_open = [case for case in cases if case.state is not CaseState.RESOLVED][-_MOST_OPEN:]
    shown = {case.id for case in (*still_open, *cases[-_LATEST:])}
    return tuple(case for case in cases if case.id in shown)


def bare(case: Case) -> Case:
    """A case without anything that somebody has told or tried, as if they came for the first time."""
    return replace(case, contacts=0, reopened=0, channels=(), concern="", asked=(), attempts=(), agents=())


def _case(sides: Sequence[CaseSide], channels: Mapping[AddressId, str]) -> Case:
    """One case of its sides. It is in the state that it got where it was touched last."""
    return _of_one(sides[0], channels) if len(sides) == 1 else _of_several(sides, channels)


def _of_one(side: CaseSide, channels: Mapping[AddressId, str]) -> Case:
    """As it is stored: nearly all have been told at one address."""
    return Case(
        id=side.id,
        intent=side.intent,
        topic=side.topic,
        state=side.state,
        opened_at=side.opened_at,
        touched_at=side.touched_at,
        resolved_at=side.resolved_at,
        contacts=side.contacts,
        reopened=side.reopened,
        channels=(channels[side.address],) * len(side.contacted_at),
        concern=side.concern,
        asked=side.asked,
        attempts=side.attempts if len(side.attempts) < 2 else _attempts(side.attempts),
        agents=side.agents,
        team=side.team,
        addresses=(side.address,),
    )


def _of_several(sides: Sequence[CaseSide], channels: Mapping[AddressId, str]) -> Case:
    latest = max(sides, key=_touched)
    contacts = sorted((at, channels[side.address]) for side in sides for at in side.contacted_at)
    return Case(
        id=latest.id,
        intent=latest.intent,
        topic=latest.topic,
        state=latest.state,
        opened_at=min(side.opened_at for side in sides),
        touched_at=latest.touched_at,
        resolved_at=latest.resolved_at,
        contacts=sum(side.contacts for side in sides),
        reopened=max(side.reopened for side in sides),
        channels=tuple(channel for _, channel in contacts),
        concern=_concern(sides, latest),
        asked=tuple(dict.fromkeys(key for side in sides for key in side.asked)),
        attempts=_attempts(attempt for side in sides for attempt in side.attempts),
        agents=tuple(dict.fromkeys(name for side in sides for name in side.agents)),
        team=latest.team,
        addresses=tuple(side.address for side in sides),
    )


def _concern(sides: Iterable[CaseSide], latest: CaseSide) -> str:
    """What is open, which stands where it was said."""
    if latest.concern or latest.state is CaseState.RESOLVED:
        return latest.concern
    return next((side.concern for side in sorted(sides, key=_touched, reverse=True) if side.concern), "")


def _attempts(told: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The latest, oldest first; what became of one may be told at another address than where it was tried."""
    attempts: dict[str, Attempt] = {}
    results: dict[str, Result] = {}
    for one in sorted(told, key=_at):
        attempts.setdefault(one.what, one)
        if one.result is not Result.UNKNOWN:
            results[one.what] = one.result
    judged = (_with(one, results.get(what, Result.UNKNOWN)) for what, one in attempts.items())
    return tuple(judged)[-_ATTEMPTS:]


def _with(attempt: Attempt, result: Result) -> Attempt:
    if attempt.result is result:
        return attempt
    return replace(attempt, result=result)
