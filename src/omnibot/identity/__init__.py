"""Who is writing: one snapshot of a customer for all later steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from omnibot.model import CustomerId, KnownAddress, Length, Preferences, Proof, Register, Snapshot

__all__ = ["identify"]

_Choice = TypeVar("_Choice", bound=StrEnum)


def identify(customer: CustomerId, addresses: Sequence[KnownAddress], facts: Mapping[str, str]) -> Snapshot:
    """See a customer with the addresses that are theirs and the preferences that they stated.

    An address that is only claimed is left out: whoever claims somebody else's must not get their replies.
    Facts with unknown keys or values are ignored, so that an older server can read what a newer one learned.
    """
    return Snapshot(
        customer=customer,
        addresses=tuple(address for address in addresses if address.proof is not Proof.CLAIMED),
        name=facts.get("name", "").strip(),
        preferences=Preferences(
            channel=facts.get("preference.channel") or None,
            register=_one_of(Register, facts.get("preference.register", "")),
            length=_one_of(Length, facts.get("preference.length", "")),
            language=facts.get("preference.language") or None,
        ),
    )


def _one_of(kind: type[_Choice], value: str) -> _Choice | None:
    if not value:
        return None
    try:
        return kind(value)
    except ValueError:
        return None
