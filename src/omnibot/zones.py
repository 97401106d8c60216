"""Time zones by the names that people write."""

from __future__ import annotations

from zoneinfo import ZoneInfo

__all__ = ["zone_named"]


def zone_named(name: str) -> ZoneInfo:
    """The time zone of an IANA name; raises ValueError, which says what to write."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a folder of the zones is an OSError, and one that there is not a KeyError
        raise ValueError(f"{name!r} is no time zone: write its IANA name, such as Europe/Berlin") from None
