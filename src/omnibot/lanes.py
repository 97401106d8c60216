"""Workers that take turns: claim customers, take each one's turn, commit those that are ready together."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress

import structlog

from omnibot.model import CustomerId, Recalled
from omnibot.settings import Turns
from omnibot.store import StoreUnavailable
from omnibot.store.message_path import MessagePath
from omnibot.store.work import Lease, Outcome, Unreadable, Work
from omnibot.turn import Remind, Steps, turn

log = structlog.get_logger(__name__)

# Seconds of reading, after which what was read is answered and the loop gets its own turn: some 5 ms in all. Short
# stretches find their caches cold (two turns at a time cost a tenth more than six or seven); in long ones floods from
# many customers would hold up all others.
_STRETCH = 0.003
_RETRY_SECONDS = 2.0  # before a failed turn is tried again; doubled with each failure


Reminding = Callable[[Sequence[Remind]], Awaitable[Sequence[Sequence[Recalled]]]]  # what was said, for each turn


async def _nothing(asking: Sequence[Remind]) -> Sequence[Sequence[Recalled]]:
    return [()] * len(asking)


class UnderWay:
    """A turn, taken step by step."""

    def __init__(self, work: Work, steps: Steps) -> None:
        self.work = work
        self.result: Outcome | Exception | None = None
        self.asks: Remind | None = None  # it waits to be reminded
        self._turn = turn(work, steps)

    def advance(self, told: Sequence[Recalled] | None = None) -> bool:
        """Take the next step; tells whether there is more to be done at once."""
        if self.result is not None:
            return False
        try:
            self.asks = self._turn.send(told)
        except StopIteration as end:
            self.result = end.value
        except Exception as error:
            log.exception("turn.failed", customer=self.work.lease.customer)
            self.result = error
        return self.result is None and self.asks is None


def _reminded(asking: Sequence[UnderWay], told: Sequence[Sequence[Recalled]]) -> Iterator[UnderWay]:
    for one, recalled in zip(asking, told, strict=True):
        one.advance(recalled)
        yield one


async def _in_stretches(turns: Iterator[UnderWay]) -> list[UnderWay]:
    """Take turns, each of which comes a step further, to their end or until they ask; others get the loop between."""
    taken: list[UnderWay] = []
    while stretch := _stretch(turns):
        taken += stretch
        await asyncio.sleep(0)
    return taken


def _stretch(turns: Iterator[UnderWay]) -> list[UnderWay]:
    """As many turns as come in a stretch, and what is left of them step by step together."""
    until = time.monotonic() + _STRETCH
    stretch: list[UnderWay] = []
    for one in turns:
        stretch.append(one)
        if time.monotonic() >= until:
            break
    under_way = [one for one in stretch if one.asks is None]
    while under_way:
        under_way = [one for one in under_way if one.advance()]
    return stretch


class Lanes:
    """The turn workers of one process.

    `committed` is called when replies may wait in the outbox; `remind` tells turns what was said long ago.
    """

    def __init__(
        self,
        path: MessagePath,
        steps: Steps,
        settings: Turns,
        committed: Callable[[], None],
        remind: Reminding | None = None,
    ) -> None:
        self._path = path
        self._remind = remind or _nothing
        self._steps = steps
        self._settings = settings
        self._committed = committed
        self._due = asyncio.Event()
        self._closing = False

    def wake(self) -> None:
        """Something may be due."""
        self._due.set()

    def close(self) -> None:
        """Finish the turns that are under way; `run` returns when they are committed."""
        self._closing = True
        self._due.set()

    async def run(self) -> None:
        """One worker: take turns until `close`."""
        more = True
        while not self._closing:
            if not more:
                await self._awakened(self._settings.poll_seconds)
            try:
                more = await self.take_batch()
            except StoreUnavailable as error:
                log.warning("turns.store_unavailable", reason=str(error))
                await asyncio.sleep(self._settings.poll_seconds)

    async def _awakened(self, seconds: float) -> None:
        """Until something may be due: one worker a wake, for whoever claims takes all that there is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(0.8, 1.2)):
                while not (self._due.is_set() or self._closing):
                    await self._due.wait()
        self._due.clear()

    async def take_batch(self) -> bool:
        """Take the turns of one batch of customers; tells whether more is due at once."""
        claims = await self._path.claim(self._settings.batch, self._settings.lease_seconds)
        if not claims:
            return False
        loaded = await self._path.load([claimed for claimed in claims if not self._is_lost(claimed.lease)])
        for each in loaded:
            if isinstance(each, Unreadable):
                await self._unreadable(each)
        due_again = await self._commit(await self._take_all([work for work in loaded if isinstance(work, Work)]))
        for claimed in claims:
            if self._is_lost(claimed.lease):
                await self._park(claimed.lease)
        # whoever was taken alone left others waiting
        return due_again or len(claims) == self._settings.batch or any(claimed.lease.lost for claimed in claims)

    def _is_lost(self, lease: Lease) -> bool:
        return lease.lost >= self._settings.attempts

    async def _park(self, lease: Lease) -> None:
        """Whoever was claimed alone again and again without an end brings their process down: people must look."""
        log.error("turn.parked", customer=lease.customer, reason="its worker was lost each time")
        await self._path.park(lease, "its worker was lost each time")

    async def _unreadable(self, work: Unreadable) -> None:
        """What this version cannot read is tried again, perhaps by a newer one, and then left to people."""
        log.error("turn.unreadable", customer=work.lease.customer, error=work.reason)
        attempts = self._settings.attempts
        await self._path.retry(
            work.lease, work.items, after=_RETRY_SECONDS, attempts=attempts, reason=f"cannot be read: {work.reason}"
        )

    async def _take_all(self, works: Sequence[Work]) -> list[Outcome]:
        taken = await _in_stretches(self._begun(works))
        if asking := [one for one in taken if one.asks]:
            told = await self._remind([one.asks for one in asking if one.asks])  # all by one look
            await _in_stretches(_reminded(asking, told))
        for one in taken:
            if isinstance(one.result, Exception):
                await self._give_back(one.work, type(one.result).__name__)
        return [one.result for one in taken if isinstance(one.result, Outcome)]

    def _begun(self, works: Sequence[Work]) -> Iterator[UnderWay]:
        for work in works:
            one = UnderWay(work, self._steps)
            one.advance()
            yield one

    async def _commit(self, outcomes: Sequence[Outcome]) -> bool:
        """Commit, together if possible; tells whether more is due for one of these customers."""
        if not outcomes:
            return False
        try:
            held = await self._path.commit(outcomes, self._settings.pause_seconds)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("turns.batch_failed", count=len(outcomes))
            held = await self._commit_singly(outcomes)
        self._committed()
        if stale := len(outcomes) - len(held):
            log.info("turns.stale", count=stale)
        return any(held.values())

    async def _commit_singly(self, outcomes: Sequence[Outcome]) -> dict[CustomerId, bool]:
        """One turn that cannot be committed must not take the others with it."""
        held: dict[CustomerId, bool] = {}
        for outcome in outcomes:
            try:
                held |= await self._path.commit([outcome], self._settings.pause_seconds)
            except StoreUnavailable:
                raise
            except Exception as error:
                log.exception("turn.failed", customer=outcome.work.lease.customer)
                await self._give_back(outcome.work, type(error).__name__)
        return held

    async def _give_back(self, work: Work, reason: str) -> None:
        tried = max((item.attempts for item in work.items), default=0)
        await self._path.retry(
            work.lease,
            [item.id for item in work.items],
            after=_RETRY_SECONDS * 2**tried,
            attempts=self._settings.attempts,
            reason=f"its turn failed: {reason}",
        )
