"""STOP and START: what is ordered for an address, and what may be said where STOP was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from omnibot.model import (
    Address,
    AddressId,
    Direction,
    KnownAddress,
    Move,
    MoveKind,
    Plan,
    Recollection,
    Snapshot,
    TurnMessage,
)
from omnibot.model.values import frozen

__all__ = [
    "NETWORK",
    "START",
    "STOP",
    "Order",
    "as_ordered",
    "is_settled",
    "orders_of",
    "reopened",
    "stopped",
    "unsaid",
    "without_answers",
]

STOP, START = "stop", "start"  # flags of messages
NETWORK = "network"  # its network has answered it
_ALREADY = "already"  # the address was as it orders
_ORDERS = frozenset({STOP, START})


@frozen
class Order:
    """What the STOPs and STARTs of a turn come to for one address."""

    stops: bool
    changed: bool  # something, on the way, that nobody has confirmed yet


def without_answers(
    messages: Sequence[TurnMessage], snapshot: Snapshot, recollection: Recollection
) -> Sequence[TurnMessage]:
    """A turn's messages, in which a START that its network has not answered is ours to confirm.

    It answers who has told it STOP. Of what we alone have taken for a STOP ("STOPP") it knows nothing.
    """
    if not any([START in message.flags for message in messages]):
        return messages
    addresses = {known.id: known.address for known in snapshot.addresses}
    stops: dict[Address | None, bool] = {}  # whether the last one at an address was its network's, too
    for said in recollection.recent:
        if said.direction is Direction.IN and STOP in said.flags:
            stops[said.address] = NETWORK in said.flags
    told = []
    for message in messages:
        address = addresses.get(message.address)
        if STOP in message.flags:
            stops[address] = NETWORK in message.flags
        is_ours = START in message.flags and not stops.get(address, True)
        told.append(replace(message, flags=_without(NETWORK, message.flags)) if is_ours else message)
    return told


def _without(flag: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in flags if one != flag)


def orders_of(messages: Sequence[TurnMessage]) -> dict[AddressId, Order]:
    """The last order for each address, in the order in which they were committed: the gate goes by that, too.

    Only the flag of the first one tells how the address was before: those of others may be as old.
    """
    orders: dict[AddressId, Order] = {}
    flagged = [message for message in messages if not _ORDERS.isdisjoint(message.flags)]
    for message in sorted(flagged, key=lambda message: message.id):
        stops, before = STOP in message.flags, orders.pop(message.address, None)
        changed = before.changed or before.stops != stops if before else _ALREADY not in message.flags
        orders[message.address] = Order(stops, changed and NETWORK not in message.flags)
    return orders


def as_ordered(snapshot: Snapshot, orders: Mapping[AddressId, Order]) -> Snapshot:
    """A customer with their addresses opened and closed as a turn says."""
    if not orders:
        return snapshot
    addresses = (replace(a, stopped=orders[a.id].stops) if a.id in orders else a for a in snapshot.addresses)
    return replace(snapshot, addresses=tuple(addresses))


def is_settled(message: TurnMessage, orders: Mapping[AddressId, Order]) -> bool:
    """Whether it is an order that changes nothing, that a later one has overruled, or that its network answers."""
    if STOP in message.flags or NETWORK in message.flags:
        return True
    return START in message.flags and orders[message.address].stops


def reopened(messages: Sequence[TurnMessage], orders: Mapping[AddressId, Order]) -> bool:
    """Whether a START has opened an address again, which nobody has confirmed yet."""
    return any(START in message.flags and orders[message.address].changed for message in messages)


def stopped(silent: Plan, closed: KnownAddress | None, messages: Sequence[TurnMessage]) -> Plan:
    """STOP is confirmed once, and nothing else is said there; what else was written goes to people."""
    besides = any(_ORDERS.isdisjoint(message.flags) and not message.automatic for message in messages)
    handoff = "wrote something else besides STOP" if besides else ""
    if closed is None:
        return replace(silent, handoff=handoff, why="STOP for an address that is not theirs any more")
    confirm = Move(kind=MoveKind.CONFIRM, topic="stopped", why="asked not to be written to here")
    return replace(
        silent, moves=(confirm,), to=closed, confirms_stop=True, handoff=handoff, why="STOP is confirmed once"
    )


def unsaid(plan: Plan) -> Plan:
    """What would go to an address that said STOP is left to people; a goodbye needs nobody."""
    kinds = {move.kind for move in plan.moves}
    if MoveKind.CLOSE in kinds and kinds <= {MoveKind.CLOSE, MoveKind.GREET}:
        handoff = plan.handoff
    else:
        handoff = "; ".join(filter(None, ("wrote after STOP", plan.handoff)))
    return replace(plan, moves=(), asks=(), to=None, pointer=None, handoff=handoff, why=f"wrote after STOP; {plan.why}")
