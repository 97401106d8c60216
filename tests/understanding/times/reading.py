"""One message read in a known moment: what the tests of times share."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from omnibot.model import BusinessHours, NamedTime, Situation
from omnibot.understanding.times import Times
from omnibot.understanding.utterance import Utterance, legible

NEW_YORK = ZoneInfo("America/New_York")
WEDNESDAY = datetime(2025, 3, 12, 10, 15, tzinfo=NEW_YORK)  # days after the change to summer time
TIMES = Times(["en", "es", "de", "fr"])


def utterance(
    text: str,
    language: str = "en",
    *,
    now: datetime = WEDNESDAY,
    zone: tzinfo | None = None,
    hours: BusinessHours | None = None,
) -> Utterance:
    """A text as understanding would hand it on; `zone` is that of now where none is given."""
    there = zone or now.tzinfo
    assert there is not None
    situation = Situation(now=now, zone=there, hours=hours or BusinessHours())
    return Utterance(legible(text), situation, language)


def read(
    text: str,
    language: str = "en",
    *,
    now: datetime = WEDNESDAY,
    zone: tzinfo | None = None,
    hours: BusinessHours | None = None,
) -> tuple[NamedTime, ...]:
    """The times of a text."""
    return TIMES.read(utterance(text, language, now=now, zone=zone, hours=hours))


def told(times: Sequence[NamedTime]) -> list[str]:
    """Each time as `kind yyyy-mm-dd hh:mm:ss`, or `kind ?` where no moment is fixed."""
    return [f"{named.kind} {named.at:%Y-%m-%d %H:%M:%S}" if named.at else f"{named.kind} ?" for named in times]
