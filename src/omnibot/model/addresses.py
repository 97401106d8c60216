"""Who somebody is, and where they can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from omnibot.model.ids import AddressId
from omnibot.model.values import frozen

NOTHING: Mapping[str, str] = {}  # one for all: most have none


@frozen
class Address:
    """Where somebody can be reached: `telegram:4711`, `email:sarah@example.org`."""

    channel: str
    value: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.value}"

    @property
    def masked(self) -> str:
        """As whoever has it recognises it, and nobody else learns it: `s…@example.org`, `…67`; '' if it cannot be."""
        name, at, domain = self.value.rpartition("@")
        if at:
            return f"{name[:1]}…@{domain}"
        return f"…{self.value[-2:]}" if self.value.startswith("+") else ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `channel:value`; raises ValueError when either half is missing."""
        channel, colon, value = text.strip().partition(":")
        if not (channel and colon and value):
            raise ValueError(f"{text!r} is not an address: write it as channel:value, such as telegram:4711")
        return cls(channel, value)


USER = "user"  # the channel of whom we know by the company's own user id: nothing is ever sent there


class Proof(StrEnum):
    """How sure we are that an address belongs to a customer."""

    CLAIMED = "claimed"  # somebody said so
    SEEN = "seen"  # the provider delivered a message from there
    PROVEN = "proven"  # a round trip, or the company's own word


class IdentifierKind(StrEnum):
    """What names one person wherever they write."""

    PHONE = "phone"  # E.164
    EMAIL = "email"
    USER_ID = "user_id"  # of the company's own systems


@frozen
class Identifier:
    """A phone, an e-mail address or a user id, in the spelling in which it is compared."""

    kind: IdentifierKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


@frozen
class Sender:
    """Who a provider says has written.

    `vouched` is what the provider itself answers for: the number that a network delivered from, a signed mail's From,
    the contact that is the sender's own, the profile's e-mail address of a workspace that is trusted with it. All
    else is somebody's word.
    """

    address: Address
    name: str = ""
    language: str = ""  # ISO 639-1, as the provider knows it
    email: str = ""  # of the profile that the provider keeps
    zone: str = ""  # IANA, such as Europe/Berlin
    vouched: tuple[Identifier, ...] = ()


@frozen(kw_only=True)
class KnownAddress:
    """An address of a customer, with what decides whether and how it can be written to."""

    id: AddressId
    address: Address
    proof: Proof
    account: str  # through which it last wrote, or the channel's first account
    context: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    stopped: bool = False
    unreachable: bool = False
    proven_at: datetime | None = None  # when it was last proven; proof ages
    shared: bool = False  # several people write from there: it never links and gets nothing personal
    since: datetime | None = None  # when it was first heard of
