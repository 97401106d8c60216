"""Workers that take turns: claim customers, take each one's turn, commit those that are ready together."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import structlog

from omnibot.model import CustomerId, Recalled
from omnibot.settings import Turns
from omnibot.store import StoreUnavailable
from omnibot.store.message_path import MessagePath
from omnibot.store.message_path.load import Claimed
from omnibot.store.work import Dispatch, Lease, Offer, Outcome, Reply, Unreadable, Work
from omnibot.turn import turn
from omnibot.turns.pauses import Phrased, Remind, Told, Wording
from omnibot.turns.steps import Steps

log = structlog.get_logger(__name__)

# Seconds of first steps, after which no more turns are begun until these are ended and the loop has had its own: some
# 20 ms in all. Short stretches find their caches cold (a quarter of that costs an eighth more a message); in long ones
# floods from many customers would hold up all others. A call needs the loop several times, until it is answered.
_STRETCH = 0.005
_LOOP_ROUNDS = 3  # between two stretches
_RETRY_SECONDS = 2.0  # before a failed turn is tried again; doubled with each failure
_LOOK_SECONDS = 0.5  # between two looks whether a customer for whom a model writes has written more
_RESTARTS = 2  # of a turn, for what they have written meanwhile
_MORE = "more"  # why a reply is not sent: they have written on

Reminding = Callable[[Sequence[Remind]], Awaitable[Sequence[Sequence[Recalled]]]]  # what was said, for each turn


async def _nothing(asking: Sequence[Remind]) -> Sequence[Sequence[Recalled]]:
    return [()] * len(asking)


class Phrases(Protocol):
    """A language model, as turns need it."""

    def begin(self) -> str:
        """Take a place to wait in, which `write` gives back; tells why there is none, or ''."""

    async def write(self, wording: Wording) -> Phrased:
        """What it makes of a reply; it may be cancelled."""

    def count(self, by: str) -> None:
        """A reply has left that it wrote (`model`), or that it might have written, and why it did not."""


class Calls(Protocol):
    """Delivery, as turns know it."""

    def offer(self, wanted: Mapping[tuple[str, str], int]) -> Offer:
        """Keep as many places for calls as each account (channel, name) wants and has, until `start`."""

    def start(self, offer: Offer, starting: Sequence[Dispatch]) -> None:
        """Start these calls, and let go of the other places."""

    def wake(self) -> None:
        """Something may be ready to leave."""


class UnderWay:
    """A turn, taken step by step."""

    def __init__(self, work: Work, steps: Steps) -> None:
        self.work = work
        self.result: Outcome | Exception | None = None
        self.asks: Remind | None = None  # it waits to be reminded
        self.wants: Wording | None = None  # it waits for its reply to be put into words
        self._turn = turn(work, steps)

    def advance(self, told: Told = None) -> bool:
        """Take the next step; tells whether there is more to be done at once."""
        if self.result is not None:
            return False
        try:
            pause = self._turn.send(told)
            self.asks = pause if isinstance(pause, Remind) else None
            self.wants = pause if isinstance(pause, Wording) else None
        except StopIteration as end:
            self.result = end.value
        except Exception as error:
            log.exception("turn.failed", customer=self.work.lease.customer)
            self.result = error
        return self.result is None and self.asks is None and self.wants is None

    def go_on(self, told: Told = None) -> None:
        """Take steps until it ends or waits."""
        more = self.advance(told)
        while more:
            more = self.advance()

    @property
    def last(self) -> int:
        """The last inbox item that it has seen."""
        return max((item.id for item in self.work.items), default=0)


def _account(reply: Reply) -> tuple[str, str]:
    return reply.draft.to.address.channel, reply.draft.to.account


def _reminded(asking: Sequence[UnderWay], told: Sequence[Sequence[Recalled]]) -> Iterator[UnderWay]:
    for one, recalled in zip(asking, told, strict=True):
        one.advance(recalled)
        yield one


async def _in_stretches(turns: Iterator[UnderWay]) -> list[UnderWay]:
    """Take turns, each of which comes a step further, to their end or until they ask; others get the loop between."""
    taken: list[UnderWay] = []
    while stretch := _stretch(turns):
        taken += stretch
        for _ in range(_LOOP_ROUNDS):
            await asyncio.sleep(0)
    return taken


def _stretch(turns: Iterator[UnderWay]) -> list[UnderWay]:
    """As many turns as are begun in a stretch, and what is left of them step by step together."""
    until = time.monotonic() + _STRETCH
    stretch: list[UnderWay] = []
    for one in turns:
        stretch.append(one)
        if time.monotonic() >= until:
            break
    under_way = [one for one in stretch if one.asks is None and one.wants is None]
    while under_way:
        under_way = [one for one in under_way if one.advance()]
    return stretch


class Lanes:
    """The turn workers of one process.

    `committed` is called after each commit; `remind` tells turns what was said long ago; `phrases` puts replies into
    words, and turns that wait for that leave their batch: `run_slow` ends them one by one. By `calls` replies leave.
    """

    def __init__(
        self,
        path: MessagePath,
        steps: Steps,
        settings: Turns,
        committed: Callable[[], None],
        remind: Reminding | None = None,
        phrases: Phrases | None = None,
        calls: Calls | None = None,
    ) -> None:
        self._path = path
        self._phrases = phrases
        self._calls = calls
        self._slow: asyncio.Queue[UnderWay | None] = asyncio.Queue()
        self._stopping = asyncio.Event()
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
        """Finish the turns that are under way, without waiting for a model; `run` returns when they are committed."""
        self._closing = True
        self._due.set()
        self._stopping.set()
        self._slow.put_nowait(None)

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
            if one.wants is not None:
                self._leave(one)
        for one in taken:
            if isinstance(one.result, Exception):
                await self._give_back(one.work, type(one.result).__name__)
        return [one.result for one in taken if isinstance(one.result, Outcome)]

    def _leave(self, one: UnderWay) -> None:
        """Out of the batch, with a place to wait in; at once to its end where there is none."""
        why = "stopping" if self._closing else self._phrases.begin() if self._phrases else "nobody"
        if why:
            one.go_on(Phrased(why=why))
        else:
            self._slow.put_nowait(one)

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
            held = await self._commit_together(outcomes)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("turns.batch_failed", count=len(outcomes))
            held = await self._commit_singly(outcomes)
            if self._calls:
                self._calls.wake()
        self._committed()
        self._count(outcomes, held)
        if stale := len(outcomes) - len(held):
            log.info("turns.stale", count=stale)
        return any(held.values())

    async def _commit_together(self, outcomes: Sequence[Outcome]) -> Mapping[CustomerId, bool]:
        """And start the calls of what leaves at once."""
        if self._calls is None:
            return await self._path.commit(outcomes, self._settings.pause_seconds)
        offer = self._calls.offer(Counter(_account(reply) for outcome in outcomes for reply in outcome.replies))
        starting: Sequence[Dispatch] = ()
        try:
            committed = await self._path.commit_and_start(outcomes, self._settings.pause_seconds, offer)
            starting = committed.starting
        finally:
            self._calls.start(offer, starting)
        if committed.waiting:
            self._calls.wake()
        return committed.held

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

    def _count(self, outcomes: Sequence[Outcome], held: Mapping[CustomerId, bool]) -> None:
        """Who put what was committed into words, where a model might have."""
        if self._phrases is None:
            return
        for outcome in outcomes:
            worded = outcome.record and outcome.record.get("wording")
            if worded and outcome.work.lease.customer in held:
                self._phrases.count("model" if worded["by"] == "model" else worded["why"])

    # --- turns that wait for a model ---

    async def run_slow(self) -> None:
        """End the turns for which a model writes, each on its own; until `close`."""
        async with asyncio.TaskGroup() as tasks:
            while (one := await self._slow.get()) is not None:
                tasks.create_task(self._end(one))
            while not self._slow.empty():  # that came while it closed
                if (one := self._slow.get_nowait()) is not None:
                    tasks.create_task(self._end(one))

    async def _end(self, one: UnderWay) -> None:
        try:
            await self._end_slowly(one)
        except* StoreUnavailable as errors:  # its lease runs out, and it is taken again
            log.warning("turns.store_unavailable", reason=str(errors.exceptions[0]))
        except* Exception as errors:
            log.exception("turn.failed", customer=one.work.lease.customer)
            with suppress(StoreUnavailable):
                await self._give_back(one.work, type(errors.exceptions[0]).__name__)

    async def _end_slowly(self, one: UnderWay) -> None:
        """To its commit, or to where its lease is lost; taken anew for what the customer writes meanwhile."""
        restarts = 0
        while one.wants is not None:
            phrased = await self._written(one, one.wants, heeds=restarts < _RESTARTS)
            if phrased is None:
                log.info("turns.stale", count=1)
                return
            if phrased.why != _MORE:
                one.go_on(replace(phrased, restarts=restarts))
                break
            restarts += 1
            if (anew := await self._anew(one)) is None:
                return
            one = anew
        if isinstance(one.result, Exception):
            await self._give_back(one.work, type(one.result).__name__)
        elif one.result is not None and await self._commit([one.result]):
            self.wake()

    async def _written(self, one: UnderWay, wanted: Wording, *, heeds: bool) -> Phrased | None:
        """What the model writes; _MORE where it is heeded that they write meanwhile; None where the lease is lost."""
        assert self._phrases is not None
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._phrases.write(wanted))
            stopping = tasks.create_task(self._stopping.wait())
            try:
                while True:
                    await asyncio.wait({writing, stopping}, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                    held = await self._path.renew([(one.work.lease, one.last)], self._settings.lease_seconds)
                    if (more := held.get(one.work.lease.customer)) is None:
                        return None
                    if more and heeds:
                        return Phrased(why=_MORE)
                    if writing.done():
                        return writing.result()
                    if stopping.done():
                        return Phrased(why="stopping")
            finally:
                writing.cancel()
                stopping.cancel()

    async def _anew(self, one: UnderWay) -> UnderWay | None:
        """The turn with all that waits by now, as far as it comes without a model; None where it cannot be read."""
        [work] = await self._path.load([Claimed(one.work.lease, None)])
        if isinstance(work, Unreadable):
            await self._unreadable(work)
            return None
        anew = UnderWay(work, self._steps)
        anew.go_on()
        if anew.asks is not None:
            [told] = await self._remind([anew.asks])
            anew.go_on(told)
        if anew.wants is not None and self._phrases is not None and (why := self._phrases.begin()):
            anew.go_on(Phrased(why=why))
        return anew
