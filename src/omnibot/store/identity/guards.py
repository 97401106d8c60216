"""What keeps two people from becoming one by mistake: settings, as values, and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from omnibot.identifiers import spelled
from omnibot.model import Identifier, IdentifierKind
from omnibot.settings import Identity as Settings
from omnibot.store.identity.values import CUSTOMER, NOT_STAFF, RULE, Verdict

if TYPE_CHECKING:
    from omnibot.store.identity.standing import Apart, Side

PARTED = "they were parted for good"  # so no rule merges them, or asks about them
_RULES = (IdentifierKind.USER_ID, IdentifierKind.PHONE, IdentifierKind.EMAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """By which identifiers people are recognised, and how much one person can have before staff has to look."""

    rules: tuple[IdentifierKind, ...] = _RULES  # in order
    blocked: frozenset[Identifier] = frozenset()  # they name nobody
    most_phones: int = 5
    most_emails: int = 5
    most_addresses: int = 20
    most_merges: int = 10  # without staff
    proof_days: Mapping[str, int] = field(default_factory=dict)  # how long a proof lasts, by channel; none: for ever

    def is_over(self, proven_at: datetime | None, channel: str) -> bool:
        """Whether nobody has shown for so long that an address is theirs that it may be somebody else's by now."""
        days = self.proof_days.get(channel, 0)
        return bool(days) and proven_at is not None and datetime.now(UTC) - proven_at >= timedelta(days=days)

    @classmethod
    def of(cls, settings: Settings) -> Guards:
        """As the settings have them."""
        return cls(
            rules=tuple(IdentifierKind(rule) for rule in settings.rules),
            blocked=frozenset(_identifier(written) for written in settings.blocked),
            most_phones=settings.most_phones,
            most_emails=settings.most_emails,
            most_addresses=settings.most_addresses,
            most_merges=settings.most_merges,
            proof_days=settings.proof_days,
        )


def _identifier(written: str) -> Identifier:
    kind, _, value = written.partition(":")
    identifier = Identifier(IdentifierKind(kind), value)
    return spelled(identifier) or identifier  # what names nobody by its spelling alone is blocked anyway


def judge(left: Side, right: Side, apart: Iterable[Apart], by: str, guards: Guards) -> tuple[Verdict, str]:
    """Whether two sides may become one, by whoever says so; staff may whatever is not shared."""
    if by not in NOT_STAFF:
        return Verdict.MERGED, ""
    between = parted(left, right, apart)
    if between and by == RULE:
        return Verdict.REFUSED, PARTED
    if any(one.by not in (CUSTOMER, RULE) for one in between):
        return Verdict.PARKED, "staff has parted them for good"
    reason = next(_faults(left, right, guards), "")
    return (Verdict.PARKED, reason) if reason else (Verdict.MERGED, "")


def parted(left: Side, right: Side, apart: Iterable[Apart]) -> list[Apart]:
    """By what somebody has parted these two for good."""
    return [one for one in apart if _between(one, left, right) or _between(one, right, left)]


def _between(apart: Apart, left: Side, right: Side) -> bool:
    return apart.left in left.homes and apart.right in right.homes


def _faults(left: Side, right: Side, guards: Guards) -> Iterator[str]:
    ids = left.identifiers(IdentifierKind.USER_ID), right.identifiers(IdentifierKind.USER_ID)
    if all(ids) and len(ids[0] | ids[1]) > 1:
        yield "both have a user id, and they differ"
    phones, emails = (
        len(left.identifiers(kind) | right.identifiers(kind)) for kind in (IdentifierKind.PHONE, IdentifierKind.EMAIL)
    )
    counts = [
        (phones, guards.most_phones, "phone numbers"),
        (emails, guards.most_emails, "e-mail addresses"),
        (len(left.links) + len(right.links), guards.most_addresses, "addresses"),
        (len(left.edges) + len(right.edges) + 1, guards.most_merges, "merges"),
    ]
    for count, most, what in counts:
        if count > most:
            yield f"one person would have {count} {what}, and at most {most} are believed"
