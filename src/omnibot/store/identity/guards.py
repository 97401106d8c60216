"""What keeps two people from becoming one by mistake: settings, as values."""

from __future__ import annotations

from dataclasses import dataclass

from omnibot.model import Identifier, IdentifierKind

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
