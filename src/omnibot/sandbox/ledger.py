"""What the emulated providers accepted, in order: what tests, the demo and the bench compare with."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

KEPT = 500_000  # entries; the oldest go first, so that a sandbox can run for weeks


class Outcome(StrEnum):
    """What became of a call."""

    ACCEPTED = "accepted"  # done, and the caller was told
    UNANSWERED = "unanswered"  # done, but the caller never got the answer
    REFUSED = "refused"  # not done


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One call that reached a provider. `account` is the bot, mailbox or number that called.

    `to` and `text` are set where a customer gets something to read: their address, such as `telegram:4711`, and the
    words as they see them, without markup and escapes; `choices` are the labels that can be pressed below, and `links`
    the words that lead somewhere, in their order, each with the address that is not seen.
    """

    number: int  # 1, 2, 3 … over all providers of one ledger
    at: datetime
    provider: str
    account: str
    method: str  # as the provider calls it: `sendMessage`, `DATA`
    payload: Mapping[str, Any]
    outcome: Outcome
    reason: str = ""  # why it was refused, in the provider's words
    to: str = ""
    text: str = ""
    choices: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the customer has it, told to the caller or not."""
        return self.outcome is not Outcome.REFUSED


Predicate = Callable[[Entry], bool]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Waiter:
    predicate: Predicate
    count: int
    found: list[Entry]
    done: asyncio.Future[None]

    def offer(self, entry: Entry) -> None:
        if self.done.done() or not self.predicate(entry):
            return
        self.found.append(entry)
        if len(self.found) >= self.count:
            self.done.set_result(None)


@dataclass(slots=True)
class Ledger:
    """The calls that several emulated providers got, in one order. For one event loop."""

    now: Callable[[], datetime] = _now
    _entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    _waiters: list[_Waiter] = field(default_factory=list)
    _number: int = 0

    def append(
        self,
        provider: str,
        account: str,
        method: str,
        payload: Mapping[str, Any],
        outcome: Outcome = Outcome.ACCEPTED,
        reason: str = "",
        *,
        to: str = "",
        text: str = "",
        choices: tuple[str, ...] = (),
        links: tuple[tuple[str, str], ...] = (),
    ) -> Entry:
        """Write down one call and wake whoever waits for it."""
        self._number += 1
        entry = Entry(
            number=self._number,
            at=self.now(),
            provider=provider,
            account=account,
            method=method,
            payload=payload,
            outcome=outcome,
            reason=reason,
            to=to,
            text=text,
            choices=choices,
            links=links,
        )
        self._entries.append(entry)
        for waiter in self._waiters:
            waiter.offer(entry)
        return entry

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def since(self, number: int) -> list[Entry]:
        """The entries younger than number `number`, oldest first; costs nothing for those before."""
        younger = list(itertools.takewhile(lambda entry: entry.number > number, reversed(self._entries)))
        return younger[::-1]

    @property
    def last(self) -> int:
        """The number of the latest entry; 0 before the first."""
        return self._number

    def entries(self, provider: str = "", method: str = "", *, after: int = 0) -> list[Entry]:
        """The accepted calls, oldest first, of one provider and method, younger than number `after`."""
        return [
            entry
            for entry in self.since(after)
            if entry.accepted and provider in ("", entry.provider) and method in ("", entry.method)
        ]

    async def wait_for(self, predicate: Predicate, deadline: float, *, count: int = 1, after: int = 0) -> list[Entry]:
        """The first `count` entries (accepted or not) that match, younger than number `after`.

        `deadline` is in seconds from now; raises TimeoutError that tells how many there were.
        """
        waiter = _Waiter(predicate, count, [], asyncio.get_running_loop().create_future())
        for entry in self.since(after):
            waiter.offer(entry)
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(deadline):
                await waiter.done
        except TimeoutError:
            raise TimeoutError(f"{len(waiter.found)} of {count} expected calls within {deadline} s") from None
        finally:
            self._waiters.remove(waiter)
        return waiter.found
