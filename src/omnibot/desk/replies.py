"""What people say to a customer, and where it goes."""

from __future__ import annotations

from collections.abc import Collection

from omnibot.model import ActKind, Direction, Done, File, KnownAddress, Snapshot
from omnibot.model.values import frozen

__all__ = ["Words", "destination", "words_of"]

_KEPT = "kept:"


@frozen
class Words:
    """What an act says to the customer, for the voice to put into a channel's form."""

    text: str
    files: tuple[File, ...] = ()
    consents: bool = False  # it asks whether they agree, so that yes and no are offered
    returned: bool = False  # the bot tells that it goes on; there are no words of people


def words_of(done: Done) -> Words | None:
    """What an act that was taken says to the customer; None where it says nothing."""
    act = done.act
    if done.refused:
        return None
    match act.kind:
        case ActKind.REPLY:
            files = tuple(
                File(one.name, one.media_type, one.size or 0, one.ref) for one in act.files if one.ref.startswith(_KEPT)
            )
            return Words(act.text, files)
        case ActKind.CONSENT:
            return Words(act.text, consents=True)
        case ActKind.HAND_BACK if act.value == "idle":
            return Words("", returned=True)
    return None


def destination(snapshot: Snapshot, channels: Collection[str]) -> KnownAddress | None:
    """Where words of people go: to the channel they prefer, else where they last wrote, else where it began.

    The snapshot is that of the address that a stretch is about: what may not be told there goes nowhere else, either.
    `channels` are those that can be written on now. None: there is no address that may be written to.
    """
    usable = [
        address
        for address in snapshot.addresses
        if address.address.channel in channels and not (address.stopped or address.unreachable)
    ]
    preferred = snapshot.preferences.channel and snapshot.on(snapshot.preferences.channel)
    if preferred and preferred in usable:
        return preferred
    heard = [message.address for message in snapshot.timeline if message.direction is Direction.IN]
    by_address = {address.address: address for address in usable}
    latest = next((by_address[where] for where in reversed(heard) if where in by_address), None)
    return latest or next(iter(usable), None)
