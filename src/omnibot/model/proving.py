"""How sure we are of whom we speak with, what they are told for it, and the codes that make it surer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Literal

from omnibot.model.addresses import Address, Proof
from omnibot.model.ids import AddressId, MessageId
from omnibot.model.values import frozen

_FOR_EVER: Mapping[str, int] = {}


@frozen(kw_only=True)
class Disclosure:
    """From which proof on an address may be told what came from elsewhere, and how long a proof lasts."""

    name: Proof = Proof.SEEN  # and in which form somebody likes to be spoken to
    history: Proof = Proof.PROVEN  # what was said at other addresses
    account: Proof = Proof.PROVEN  # all else, and that there are other addresses
    proof_days: Mapping[str, int] = field(default_factory=lambda: _FOR_EVER)  # by channel; 0 or none: for ever


class ProofPurpose(StrEnum):
    """What a code is asked for."""

    LINK = "link"  # the address that it goes to becomes theirs, too
    UNLINK = "unlink"  # an address is a person of its own again
    FORGET = "forget"  # as unlink, and nothing is sent there any more


@frozen(kw_only=True)
class ProofRequest:
    """A code that is under way: sent to `target`, to be typed at `by`.

    Those that are over are known for a while, so that whoever types one of their codes is told why it does nothing.
    """

    id: int
    purpose: ProofPurpose
    by: AddressId
    target: AddressId
    to: Address  # the target's, as it was named
    about: AddressId | None  # the address that is to be unlinked or forgotten
    source: MessageId  # the message that asked
    code_hash: bytes
    tries: int
    shared: bool = False  # several people read what comes to the target: its code proves nothing about one of them
    over: Literal["", "expired", "void"] = ""


@frozen
class Tried:
    """A code that was typed for a request, as it stands in the message; `left`: how many more may be wrong."""

    request: ProofRequest
    message: MessageId
    right: bool
    left: int = 0
    text: str = ""


@frozen(kw_only=True)
class Ask:
    """Somebody wants an address linked, unlinked or forgotten: a code goes to `target`, to be typed at `by`."""

    purpose: ProofPurpose
    by: AddressId
    target: Address
    about: AddressId | None = None
    source: MessageId
