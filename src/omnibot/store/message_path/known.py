"""Who wrote lately, and from where: so that one statement can take in what they write next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from omnibot.model import AddressId, ButtonPress, DeliveryReport, Incoming, IncomingMessage
from omnibot.store.work import Arrived, ToldAct, ToldEvent

_MOST = 10_000  # addresses of one process; whoever has not written for longest is looked up again


@dataclass(frozen=True, slots=True)
class Way:
    """How an address is answered: by which account, in which group or thread, and in which spelling.

    Whoever writes from `sarah+shop@example.org` is answered there, and is the one who wrote from `sarah@example.org`.
    """

    account: str
    context: Mapping[str, str]
    value: str

    def after(self, arrived: Arrived) -> Way:
        """As it is once somebody has written: an empty context leads out of a group again. A report is not theirs."""
        item = arrived.item
        if not is_theirs(item):
            return self
        context = item.context if isinstance(item, IncomingMessage | ButtonPress) else self.context
        return Way(arrived.account, context, item.sender.address.value)


@dataclass(frozen=True, slots=True)
class Known:
    """An address as the database had it. Its id is its own for ever; how it is answered may have changed since."""

    address: AddressId
    way: Way
    context_sealed: bytes | None
    value_sealed: bytes
    claimed: bool = False  # nobody has written from there yet
    identifiers: frozenset[UUID] = frozenset()  # that it has proven
    proven_at: datetime | None = None


class KnownAddresses:
    """The addresses that this process has met, by their hashes; bounded.

    Whose they are is not here: a link may change at any time, and only the database says where it leads now.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: dict[UUID, Known] = {}

    def get(self, hash_: UUID) -> Known | None:
        """What is known of an address; it then counts as the latest."""
        known = self._known.pop(hash_, None)
        if known is not None:
            self._known[hash_] = known
        return known

    def remember(self, known: Mapping[UUID, Known]) -> None:
        """Keep these, and forget the oldest beyond the bound."""
        for hash_, one in known.items():
            self._known.pop(hash_, None)
            self._known[hash_] = one
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]


def is_theirs(item: Incoming) -> bool:
    """Whether it comes from the address itself, and not from a provider or the company about it."""
    return not isinstance(item, DeliveryReport | ToldEvent | ToldAct)


def by_hand(item: Incoming) -> bool:
    """Whether somebody wrote it themselves: whoever does can be written to."""
    return isinstance(item, ButtonPress) or (isinstance(item, IncomingMessage) and not item.automatic)
