"""What a turn leaves in memory: facts, what becomes of its case, how they write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from omnibot.memory.cases import change_of
from omnibot.memory.facts import told
from omnibot.memory.habits import FORGOTTEN, Habits, alive, days, observed
from omnibot.memory.matters import Matters
from omnibot.memory.profile import decide_anew
from omnibot.memory.said import Said, listen
from omnibot.memory.situation import zone_of
from omnibot.model import (
    AddressId,
    CaseChange,
    Change,
    KnownAddress,
    Plan,
    Reading,
    Recollection,
    Snapshot,
    TurnMessage,
)
from omnibot.model.values import frozen

__all__ = ["HABITS", "Kept", "keep"]

HABITS = "habits"  # the key of the change by which somebody wants it forgotten how they write

_ORDERS = frozenset({"stop", "start", "help", "staff_only"})  # flags of what is said to the server, or to staff alone
_USUAL = Matters()


@frozen(kw_only=True)
class Kept:
    """What is to be remembered of a turn, besides what the plan has changed."""

    changes: tuple[Change, ...] = ()
    case: CaseChange | None = None
    habits: Mapping[str, float] | None = None  # of the address that the turn came from, as they are now


_NOTHING = Kept()


def keep(
    snapshot: Snapshot,
    reading: Reading,
    recollection: Recollection,
    plan: Plan,
    messages: Sequence[TurnMessage],
    matters: Matters = _USUAL,
    said: Said | None = None,
) -> Kept:
    """Keep what a turn tells; of what is said to the server, to staff or by machines nothing.

    `said` is what `listen` heard of the same messages, where that is known already.

    Of an address that several people share no more than the case is kept: nobody knows who tells it.
    """
    spoken = [m for m in messages if not m.automatic and _ORDERS.isdisjoint(m.flags)]
    wrote = _address(snapshot, messages[-1].address)
    if not spoken or wrote is None:
        return Kept(case=plan.case)
    if said is None or len(spoken) < len(messages):
        said = listen(spoken, reading.language.value)
    case = change_of(snapshot, reading, recollection, plan, spoken, said, matters)
    if wrote.shared:
        return Kept(changes=tuple(_language(snapshot, reading, spoken)), case=case)
    changes = (
        *_language(snapshot, reading, spoken),
        *_register(snapshot, reading, spoken),
        *told(snapshot, reading, spoken, said),
    )
    if plan.changes:
        changed = {change.key for change in plan.changes}
        changes = tuple(change for change in changes if change.key not in changed)
    return Kept(
        changes=changes,
        case=case,
        habits=_habits(snapshot, reading, plan, [m for m in spoken if m.address == wrote.id], said),
    )


def _address(snapshot: Snapshot, id_: AddressId) -> KnownAddress | None:
    for known in snapshot.addresses:
        if known.id == id_:
            return known
    return None


def _language(snapshot: Snapshot, reading: Reading, messages: Sequence[TurnMessage]) -> Iterator[Change]:
    """The language last written in, by which the next few words are understood."""
    if reading.language.known and snapshot.facts.get("language") != reading.language.value:
        yield Change(key="language", value=reading.language.value, source=messages[-1].id)


def _register(snapshot: Snapshot, reading: Reading, messages: Sequence[TurnMessage]) -> Iterator[Change]:
    """How they last addressed us: whoever says du is not called Sie when their next words address nobody."""
    if reading.register.known and snapshot.facts.get("register") != reading.register.value:
        yield Change(key="register", value=str(reading.register.value), source=messages[-1].id)


def _habits(
    snapshot: Snapshot, reading: Reading, plan: Plan, messages: Sequence[TurnMessage], said: Said
) -> Mapping[str, float] | None:
    """Those of the address, with this turn; anew where they were to be forgotten."""
    if not messages:
        return None
    address = messages[-1].address
    if plan.changes and any(change.key == HABITS and not change.value for change in plan.changes):
        return {FORGOTTEN: days(messages[-1].at)}
    kept = alive(snapshot.habits)
    own: Habits = kept.get(address) or _forgotten(snapshot.habits.get(address, {}))
    seen = observed(own, snapshot, reading, messages, said, _zone(snapshot))
    decide_anew(seen, [habits for id_, habits in kept.items() if id_ != address])
    return seen


def _forgotten(habits: Habits) -> Habits:
    """Of what was to be forgotten only that it was."""
    return {FORGOTTEN: habits[FORGOTTEN]} if FORGOTTEN in habits else {}


def _zone(snapshot: Snapshot) -> tzinfo | None:
    return zone_of(snapshot.preferences.zone or "")
