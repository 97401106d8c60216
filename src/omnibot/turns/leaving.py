"""Where replies may go, in which variant, and as what they leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from omnibot.model import AddressId, Direction, Draft, MoveKind, Plan, Snapshot, TimelineMessage, TurnMessage
from omnibot.store.work import Purpose, Work
from omnibot.turns.steps import Steps

_GREETS = frozenset({MoveKind.GREET, MoveKind.DISCLOSE})


def writable_now(snapshot: Snapshot, messages: Sequence[TurnMessage], steps: Steps) -> Collection[str]:
    """The channels that replies can leave by: not those where this customer would have to write first."""
    if not steps.windows:
        return steps.limits.keys()
    now = messages[-1].at
    channels = {address.id: address.address.channel for address in snapshot.addresses}
    return writable(snapshot, {channels[m.address]: now for m in messages if m.address in channels}, now, steps)


def writable(snapshot: Snapshot, writing: Mapping[str, datetime], now: datetime, steps: Steps) -> Collection[str]:
    """As `writable_now`; `writing` are the channels that they write on just now."""
    windows = steps.windows
    heard = {m.address.channel: m.at for m in snapshot.timeline if m.direction is Direction.IN} | {**writing}
    return {
        channel
        for channel in steps.limits
        if channel not in windows or (channel in heard and (now - heard[channel]).total_seconds() < windows[channel])
    }


def opened(work: Work, messages: Sequence[TurnMessage], steps: Steps) -> tuple[AddressId, ...]:
    """Where they wrote that can be written to for a while from now on: what was held for that may leave."""
    closing = {channel for channel, limits in steps.limits.items() if limits.window}
    if not closing:
        return ()
    wrote = {message.address for message in messages}
    return tuple(address.id for address in work.addresses if address.address.channel in closing and address.id in wrote)


def variant_of(recent: Sequence[TimelineMessage], address: AddressId) -> int:
    """Another one for each reply to a customer: ids of messages are no measure, since replies take every other one."""
    return address + [message.direction for message in recent].count(Direction.OUT)


def purpose(draft: Draft, plan: Plan, written_from: AddressId) -> Purpose:
    """Loops arise where a reply goes back to where the message came from: there alone the tighter cap holds."""
    if plan.confirms_stop:
        return Purpose.CONFIRMATION
    if plan.pointer is not None and draft.to.id == plan.pointer.id:
        return Purpose.POINTER
    if not plan.unsolicited or draft.to.id != written_from:
        return Purpose.REPLY
    return Purpose.GREETING if all([move.kind in _GREETS for move in plan.moves]) else Purpose.UNSOLICITED
