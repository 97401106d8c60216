"""What was said before, as understanding needs it: how a message is meant depends on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from omnibot.model import (
    BusinessHours,
    Case,
    Direction,
    EarlierTurn,
    MessageId,
    Situation,
    Snapshot,
    TimelineMessage,
    TurnMessage,
)

__all__ = ["situate", "zone_of"]

_A_CONTACT = timedelta(minutes=30)  # of silence: whoever writes again after that contacts us once more
_ONE_MATTER = timedelta(days=7)  # within which they may still write about the same


def situate(snapshot: Snapshot, turn: Sequence[TurnMessage], zone: tzinfo, hours: BusinessHours) -> Situation:
    """The situation that a turn is said in; `zone` and `hours` are the company's.

    The contacts are those on the matter that they last wrote about: what this turn is about is not understood yet.
    """
    now = turn[-1].at
    reply, words = _last_exchange(snapshot.timeline, {message.id for message in turn})
    return Situation(
        now=now,
        zone=zone_of(snapshot.facts.get("zone", "")) or zone,
        hours=hours,
        last_language=snapshot.facts.get("language"),
        earlier=snapshot.earlier,
        contacts=max(_contacts(snapshot.earlier, now), _contacts_of_case(snapshot.cases, now)),
        unanswered=_unanswered(snapshot.earlier, reply.at if reply else None),
        minutes_since=max(0.0, (now - reply.at).total_seconds() / 60) if reply else None,
        last_reply=reply.text if reply else "",
        last_words=words.text if words else "",
    )


def _last_exchange(
    timeline: Sequence[TimelineMessage], own: Collection[MessageId]
) -> tuple[TimelineMessage | None, TimelineMessage | None]:
    """What we said last, and what they had said before that; the turn's own messages are neither."""
    reply = None
    for message in reversed(timeline):
        if message.direction is Direction.OUT:
            reply = reply or message
        elif reply and message.id not in own:
            return reply, message
    return reply, None


def _contacts(earlier: Sequence[EarlierTurn], now: datetime) -> int:
    contacts, later, matter = 1, now, None
    for turn in reversed(earlier):
        if now - turn.at > _ONE_MATTER or (matter and turn.intent and turn.intent != matter):
            break
        matter = matter or turn.intent
        contacts += later - turn.at >= _A_CONTACT
        later = turn.at
    return contacts


def _contacts_of_case(cases: Sequence[Case], now: datetime) -> int:
    """Those of the case that was touched last, which may be older than the turns that are remembered, or imported."""
    latest = cases[-1] if cases else None
    if latest is None or not latest.state.is_open or now - latest.touched_at > _ONE_MATTER:
        return 1
    return latest.contacts + (now - latest.touched_at >= _A_CONTACT)


def _unanswered(earlier: Sequence[EarlierTurn], last_reply: datetime | None) -> int:
    unanswered = 0
    for turn in reversed(earlier):
        if turn.answered or (last_reply and last_reply >= turn.at):
            break
        unanswered += 1
    return unanswered


@lru_cache(maxsize=500)
def zone_of(name: str) -> tzinfo | None:
    """The zone of an IANA name; none where a provider names one that nobody knows."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None
