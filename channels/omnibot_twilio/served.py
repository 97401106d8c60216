"""Who is written to and answered: what texting costs is decided by the other end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from omnibot_twilio.telephone import ANYWHERE, country, is_costly, is_number, is_user_id

PREMIUM = "premium"
NAMELESS = "sender"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an address gets nothing; `kind` is a word for the log that tells nobody's number."""

    reason: str
    kind: str
    unreachable: bool = False  # nothing could reach it anyway


@dataclass(frozen=True, slots=True)
class Served:
    """The countries of one account."""

    countries: Collection[str]

    def objection(self, value: str) -> Objection | None:
        """What speaks against writing to an address, if anything."""
        if not (is_number(value) or is_user_id(value)):
            return Objection("a short code or a name: it takes no messages", NAMELESS, unreachable=True)
        if is_costly(value):
            return Objection("a premium-rate number: others earn by what is sent there", PREMIUM)
        where = country(value)
        if ANYWHERE in self.countries or where in self.countries:
            return None
        return Objection(f"a country that is not served ({where or 'unknown'}): see `countries`", where or "unknown")
