"""From what was said to a plan: what one reply does, where it goes, what was learned, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from omnibot.dialogue.around import Around, around
from omnibot.dialogue.cases import case_change
from omnibot.dialogue.company import Company
from omnibot.dialogue.following import Followed, play_of
from omnibot.dialogue.heard import Heard
from omnibot.dialogue.linking import asked, proven, shows_token
from omnibot.dialogue.listening import hear
from omnibot.dialogue.manner import manner_of, manner_unheard
from omnibot.dialogue.orders import (
    NETWORK,
    STOP,
    Order,
    as_ordered,
    is_settled,
    orders_of,
    reopened,
    stopped,
    unsaid,
    without_answers,
)
from omnibot.dialogue.silence import closed, with_people
from omnibot.dialogue.small_talk import beginning, small_talk
from omnibot.dialogue.substance import Substance, substance
from omnibot.dialogue.turn import Turn, address_of
from omnibot.dialogue.wishes import changed, wishes
from omnibot.dialogue.world import World, zone_of
from omnibot.model import (
    AddressId,
    Ask,
    Change,
    KnownAddress,
    Move,
    Plan,
    Preferences,
    Reading,
    Recollection,
    Snapshot,
    TurnMessage,
)

__all__ = ["decide"]

_STAFF_ONLY = "staff_only"  # flag of a message


def decide(
    snapshot: Snapshot,
    reading: Reading,
    recollection: Recollection,
    messages: Sequence[TurnMessage],
    company: Company,
    channels: Collection[str],
) -> Plan:
    """Decide about a whole turn: several messages that arrived together are one.

    `channels` are those that replies can leave by. The same arguments give the same plan.
    """
    orders: Mapping[AddressId, Order] = {}
    if any([message.flags for message in messages]):  # few have any
        messages = without_answers(messages, snapshot, recollection)
        orders = orders_of(messages)
        snapshot = as_ordered(snapshot, orders)
    if orders and (closed := [address for address, order in orders.items() if order.stops and order.changed]):
        return stopped(_silent(snapshot, reading), address_of(snapshot, closed[-1]), messages)
    flags = frozenset().union(*[message.flags for message in messages])
    handoff = "a message that only staff may see" if _STAFF_ONLY in flags else ""
    for_us = [
        m for m in messages if not (m.automatic or (m.flags and (_STAFF_ONLY in m.flags or is_settled(m, orders))))
    ]
    if not for_us:
        return replace(_silent(snapshot, reading), handoff=handoff, why=_why_silent(messages) or handoff)
    written_on = address_of(snapshot, for_us[-1].address)
    if written_on is None:
        handoff = "written from an address that is not theirs any more"
        return replace(_silent(snapshot, reading), handoff=handoff, why="no address of theirs to answer on")
    zone = zone_of(snapshot, company.zone)
    turn = Turn(
        snapshot=snapshot,
        reading=reading,
        recollection=recollection,
        messages=for_us,
        company=company,
        channels=channels,
        written_on=written_on,
        world=World(snapshot, reading, recollection, for_us, written_on, zone),
        flags=flags and frozenset().union(*[message.flags for message in for_us]),
        reopened=bool(orders) and reopened(for_us, orders),
    )
    plan = _plan(turn, handoff)
    return unsaid(plan) if plan.to is not None and plan.to.stopped else plan


def _silent(snapshot: Snapshot, reading: Reading) -> Plan:
    preferences, language = manner_unheard(snapshot, reading)
    return Plan(name=snapshot.name, preferences=preferences, language=language)


def _why_silent(messages: Sequence[TurnMessage]) -> str:
    for message in messages:
        if message.automatic:
            return f"not to be answered: {message.automatic}"
        if NETWORK in message.flags:
            return "its network has answered this word"
        if STOP in message.flags:
            return "STOP again: it was confirmed before"
    return ""


def _plan(turn: Turn, handoff: str) -> Plan:
    """A reply to a turn; `handoff` is why people are to see it whatever it says."""
    heard = hear(turn)
    confirms, asks, changes = _confirmed(turn, heard)
    manner = manner_of(turn, changed(turn.snapshot.preferences, changes), heard)
    play = play_of(turn, heard, manner)
    confirmed = bool(confirms or asks)
    theirs = with_people(turn, play)
    if theirs is not None:
        said = Substance(() if confirmed else closed(turn, theirs, manner.language), Followed())
    else:
        said = substance(turn, heard, changes, manner, play, confirmed=confirmed)
    quiet = not heard.talk or theirs or said.moves or confirmed
    talk = () if quiet else tuple(small_talk(turn, heard, manner.language))
    known = Around() if theirs else around(turn, said, talk, manner, play)
    to, pointer = _destination(turn, manner.preferences, substantial=bool(said.moves) and theirs is None)
    moves = (*confirms, *known.before, *said.moves, *known.behind, *talk)
    if moves:
        moves = (*beginning(turn, heard, to, moves), *moves)
    if said.handoff:
        told = said.handoff.told or said.handoff.why
        handoff = f"{handoff}; {told}" if handoff else told
    kept = () if turn.is_shared else changes
    names = [change.value for change in kept if change.key == "name"]
    return Plan(
        moves=moves,
        to=to if moves else None,
        pointer=pointer if moves else None,
        preferences=manner.preferences,
        name=names[0] if names else turn.snapshot.name,
        language=manner.language,
        changes=kept,
        handoff=handoff,
        confirms_stop="forgotten_here" in [move.topic for move in moves],
        unsolicited=_is_unsolicited(turn),
        asks=asks,
        team=said.rule.team if said.rule else "",
        priority=said.rule.priority if said.rule else "",
        case=case_change(turn, heard, said, play, handed_off=bool(handoff)) if theirs is None else None,
        level=manner.level,
        zone=turn.world.zone,
        why=_reason(heard, moves) if theirs is None else f"people have it ({theirs.intent})",
    )


def _confirmed(turn: Turn, heard: Heard) -> tuple[tuple[Move, ...], tuple[Ask, ...], tuple[Change, ...]]:
    """What is confirmed of addresses and wishes, the codes to be sent, and what is learned."""
    proofs = proven(turn.snapshot, turn.written_on, heard, turn.messages)
    links, asks = asked(heard, turn.written_on, turn.snapshot, turn.channels, turn.company.linking)
    wished, changes = wishes(turn, heard)
    return (*proofs, *links, *wished), asks, changes


def _destination(
    turn: Turn, preferences: Preferences, *, substantial: bool
) -> tuple[KnownAddress, KnownAddress | None]:
    """The preferred address, and the one written from when a pointer must stand there.

    Small talk and confirmations stay where they were begun: nobody wants "You're welcome" by email.
    """
    here = turn.written_on
    preferred = turn.usable(preferences.channel) if preferences.channel and substantial else None
    if preferred is None or preferred.address.channel == here.address.channel:
        return here, None
    return preferred, None if here.stopped or here.unreachable else here


def _is_unsolicited(turn: Turn) -> bool:
    """Whether they answer nothing of ours: a tighter reply cap holds."""
    if turn.snapshot.tried or any([message.answers is not None for message in turn.messages]):
        return False
    return not any(map(shows_token, turn.messages))


def _reason(heard: Heard, moves: Sequence[Move]) -> str:
    if not moves:
        return "nothing in it wants an answer"
    asides = f"; not answered as an aside: {len(heard.asides)}" if heard.asides else ""
    return "; ".join(dict.fromkeys([move.why for move in moves])) + asides
