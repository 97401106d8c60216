"""The other side of a channel, as the contract suite drives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from omnibot.contract import ChannelSettings, Site
from omnibot.model import Address, DeliveryState, Identifier


class Ability(StrEnum):
    """What a provider, or the channel to it, may lack. Its tests are then skipped, saying why."""

    RECEIVE = "receive"  # anything comes in at all
    SIGNATURE = "signature"  # an arrival can be forged, and told from a real one
    BLOCK = "block"  # a customer can shut us out
    THROTTLE = "throttle"  # the provider tells when to come again
    CUT_OFF = "cut off"  # the connection can be cut after a message was accepted
    BUTTONS = "buttons"  # a choice can be pressed
    CREDENTIAL = "credential"  # there is a credential that can be wrong
    FILES = "files"  # a customer can send one
    EDIT = "edit"  # a customer can change what they wrote
    REPORT = "report"  # the provider tells what became of ours
    REDACT = "redact"  # one of ours can be deleted at the provider


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the provider accepted, as the customer sees it: no markup, no escapes."""

    to: str  # the value of the address
    text: str
    choices: tuple[str, ...] = ()  # labels
    files: tuple[bytes, ...] = ()


class Provider(Protocol):
    """A provider under a test's control. What `lacks` names is never called, nor `lapse` without `Limits.window`.

    A provider that answers for who its customers are says so in `vouched`; without it, the channel vouches for nothing.
    `deliver` and `redeliver` do as the provider does: they come again until acknowledged, where it would.
    """

    lacks: Mapping[Ability, str]  # ability → why it is not there

    def settings(self) -> ChannelSettings:
        """Settings with which the channel works against this provider."""
        ...

    def wrong_settings(self) -> ChannelSettings:
        """The same with a credential that the provider does not know."""
        ...

    async def attach(self, site: Site) -> None:
        """The channel lives at `site` and is open now; call it there, if this provider calls."""
        ...

    @property
    def customer(self) -> Address:
        """The customer who writes and is written to; `deliver` has been called before, where it must."""
        ...

    @property
    def vouched(self) -> tuple[Identifier, ...]:
        """What this provider answers for whenever the customer writes; need not be there."""
        ...

    async def deliver(self, text: str) -> None:
        """The customer writes. Returns once that is on its way, acknowledged or not."""
        ...

    async def redeliver(self) -> None:
        """What was delivered last comes again, the same to the byte."""
        ...

    def acknowledged(self) -> int:
        """How many deliveries the channel has acknowledged."""
        ...

    async def forge(self, text: str) -> bool:
        """A stranger imitates a delivery with a wrong signature; whether the channel turned it away."""
        ...

    async def block(self) -> None:
        """The customer shuts us out."""
        ...

    async def throttle(self, after: float) -> None:
        """The next message is turned down: to be tried after so many seconds."""
        ...

    async def cut_off(self) -> None:
        """The next message is accepted, and the connection cut before the answer."""
        ...

    async def press(self, label: str) -> None:
        """The customer presses a choice under the latest message."""
        ...

    async def deliver_file(self, text: str, name: str, media_type: str, content: bytes) -> None:
        """The customer sends a file with a few words; like `deliver`."""
        ...

    async def edit(self, text: str) -> None:
        """The customer changes what they wrote last."""
        ...

    async def report(self) -> DeliveryState:
        """The provider tells how far the latest of ours has come, or that it went no further; which state it tells."""
        ...

    async def lapse(self) -> None:
        """So much time passes that the customer cannot be written to any more before they write again."""
        ...

    def withdrawn(self) -> bool:
        """Whether the latest of ours that was accepted is gone again."""
        ...

    def accepted(self) -> Sequence[Taken]:
        """What was accepted from us for the customer, oldest first."""
        ...
