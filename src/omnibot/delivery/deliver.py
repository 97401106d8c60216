"""The delivery workers of one process: calls start when they are marked `sending`, results are recorded in batches."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from omnibot.contract import Channel, Refused, TryLater, Unsure
from omnibot.delivery.outcome import accepted, failed, reconciled, unrecorded
from omnibot.delivery.pace import Pace
from omnibot.model import AddressId, Cap, DeliveryState, Limits, Outbound
from omnibot.settings import Delivery as Settings
from omnibot.store import StoreUnavailable
from omnibot.store.message_path import MessagePath
from omnibot.store.work import Dispatch, Dispatched, Offer, Quota, Result

log = structlog.get_logger(__name__)

AccountKey = tuple[str, str]  # channel, account

_LEASE_MARGIN = 15.0  # seconds beyond a call's deadline until its row counts as abandoned
_SWEEP_SECONDS = 5.0
_RECONCILE_SECONDS = 3600.0  # between two reconciliations
_RECONCILING_SECONDS = 60.0  # for what one provider has to look up
_RECORDING_SECONDS = 5.0  # for results that are not recorded yet when delivery is cut short
_LONGEST_HOLD = 60.0  # seconds; what throttles one address for longer need not hold for the others
_OVERSPENT_SECONDS = 3600.0  # between two lines about one account that has used up what it may spend


@dataclass(slots=True)
class _Account:
    channel: Channel
    pace: Pace
    in_flight: int = 0
    more: bool = False  # may wait in the outbox: the last look had no place for all
    alerted: float = float("-inf")  # when its overspending was last told of

    @property
    def slots(self) -> int:
        return self.channel.limits.in_flight - self.in_flight

    def keep(self, places: int) -> None:
        """For so many calls; fewer than none gives some back."""
        self.in_flight += places
        self.pace.take(places)

    def free(self) -> int:
        available = self.pace.available()
        return self.slots if available is None else min(self.slots, available)


@dataclass(slots=True)
class _Finished:
    """Results on their way to be recorded; after `last` no more come."""

    results: list[Result] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    last: bool = False

    def add(self, result: Result) -> None:
        self.results.append(result)
        self.ready.set()

    def end(self) -> None:
        self.last = True
        self.ready.set()


class Delivery:
    """Sends what the outbox holds for the accounts of this process."""

    def __init__(self, path: MessagePath, channels: Mapping[AccountKey, Channel], settings: Settings) -> None:
        clock = asyncio.get_running_loop().time
        self._path = path
        self._settings = settings
        self._accounts = {
            key: _Account(channel, Pace(channel.limits.per_second, clock)) for key, channel in channels.items()
        }
        self._due = asyncio.Event()
        self._finished = _Finished()
        self._closing = False
        self._starts: Callable[[Dispatch], object] | None = None  # while calls may start
        self._offers = 0  # that are not answered yet
        self._answered = asyncio.Event()

    def wake(self) -> None:
        """Something may be ready to leave."""
        self._due.set()

    def close(self) -> None:
        """Start no more calls; `run` returns when those under way are recorded."""
        self._closing = True
        self._due.set()

    async def run(self) -> None:
        """Dispatch, call and record until `close`.

        Cancelled, it cuts calls short (nobody knows then what became of them) and still records what is finished.
        """
        async with asyncio.TaskGroup() as tasks:
            recorder = tasks.create_task(self._record(), name="delivery results")
            sweeper = tasks.create_task(self._sweep(), name="delivery sweeper")
            try:
                async with asyncio.TaskGroup() as calls:
                    await self._calling(lambda dispatch: calls.create_task(self._call(dispatch)))
                self._finished.end()
                await asyncio.wait([recorder])
            except asyncio.CancelledError:
                self._finished.end()
                await asyncio.wait([recorder], timeout=_RECORDING_SECONDS)
                raise
            finally:
                sweeper.cancel()
                recorder.cancel()

    async def _calling(self, start: Callable[[Dispatch], object]) -> None:
        """Start calls until `close`, and then those that are still on offer."""
        self._starts = start
        try:
            await self._dispatch(start)
            while self._offers:
                self._answered.clear()
                await self._answered.wait()
        finally:
            self._starts = None

    # --- what leaves with the commit of its turn ---

    def offer(self, wanted: Mapping[AccountKey, int]) -> Offer:
        """Keep as many places for calls as each account wants and has, until `start`.

        None where something may have to be held, or where calls do not start: the outbox's dispatch judges that.
        """
        quotas: dict[AccountKey, Quota] = {}
        for key, count in wanted.items() if self._starts and not self._closing else ():
            account = self._accounts.get(key)
            quota = _quota(key, account) if account else None
            if account and quota and not quota.holds:
                quotas[key] = replace(quota, free=min(quota.free, count))
                account.keep(quotas[key].free)
        self._offers += 1
        return Offer(quotas=quotas, lease=self._lease, unknown_wait=self._settings.unknown_wait_seconds)

    def start(self, offer: Offer, starting: Sequence[Dispatch]) -> None:
        """Start these calls, and let go of the other places.

        Where calls have ended meanwhile what is marked as `sending` becomes `unknown`, as after any call cut short.
        """
        self._offers -= 1
        self._answered.set()
        for key, quota in offer.quotas.items():
            self._accounts[key].keep(-quota.free)
        if self._starts:
            self._start_all(starting, self._starts)
        if sum(quota.free for quota in offer.quotas.values()) > len(starting):
            self._due.set()  # others may have waited for these places

    # --- dispatch ---

    async def _dispatch(self, start: Callable[[Dispatch], object]) -> None:
        while not self._closing:
            self._due.clear()
            again = False
            try:
                again = await self._look(start)
            except StoreUnavailable as error:
                log.warning("delivery.store_unavailable", reason=str(error))
            except Exception:
                log.exception("delivery.dispatch_failed")
                await asyncio.sleep(self._settings.poll_seconds)
            if not again:
                await self._pause()

    async def _look(self, start: Callable[[Dispatch], object]) -> bool:
        """Start what may start now; tells whether to look again at once.

        So it is behind a message that was kept back, and where places got free during a look that had too few.
        """
        quotas = {key: quota for key, account in self._accounts.items() if (quota := _quota(key, account))}
        dispatched = await self._claim(list(quotas.values())) if quotas else Dispatched((), 0, frozenset())
        self._start(dispatched, start)
        started = Counter((dispatch.channel, dispatch.account) for dispatch in dispatched.starting)
        for key, account in self._accounts.items():
            account.more = key not in quotas or started[key] >= quotas[key].free
        freed = any(account.more and account.free() > 0 for account in self._accounts.values())
        return freed or dispatched.kept_back > 0

    async def _claim(self, quotas: list[Quota]) -> Dispatched:
        return await self._path.dispatch(
            quotas,
            lease=self._lease,
            unknown_wait=self._settings.unknown_wait_seconds,
        )

    @property
    def _lease(self) -> float:
        return self._settings.call_seconds + _LEASE_MARGIN

    def _start_all(self, starting: Sequence[Dispatch], start: Callable[[Dispatch], object]) -> None:
        for dispatch in starting:
            self._accounts[dispatch.channel, dispatch.account].keep(1)
            start(dispatch)

    def _start(self, dispatched: Dispatched, start: Callable[[Dispatch], object]) -> None:
        self._start_all(dispatched.starting, start)
        for channel, name in dispatched.overspent:
            self._alert(channel, name)

    def _alert(self, channel: str, name: str) -> None:
        """Messages wait for a cap that whoever runs the server has set: they should know, but not each time."""
        account, now = self._accounts[channel, name], asyncio.get_running_loop().time()
        if now - account.alerted >= _OVERSPENT_SECONDS:
            account.alerted = now
            log.warning("delivery.overspent", channel=channel, account=name, reason="spend cap")

    async def _pause(self) -> None:
        waits = [wait for account in self._accounts.values() if (wait := account.pace.wait())]
        try:
            async with asyncio.timeout(min([*waits, self._settings.poll_seconds])):
                await self._due.wait()
        except TimeoutError:
            pass

    # --- call ---

    async def _call(self, dispatch: Dispatch) -> None:
        account = self._accounts[dispatch.channel, dispatch.account]
        try:
            async with asyncio.timeout(self._settings.call_seconds):
                result = accepted(dispatch, await account.channel.send(dispatch.outbound))
        except (Refused, TryLater, Unsure) as error:
            result = failed(dispatch, error, self._settings)
            if isinstance(error, TryLater) and error.after is not None and not error.alone:
                account.pace.hold(min(result.after, _LONGEST_HOLD))
        except TimeoutError:
            result = failed(dispatch, Unsure(f"no answer within {self._settings.call_seconds:g} s"), self._settings)
        except asyncio.CancelledError:
            self._finish(account, dispatch, failed(dispatch, Unsure("its call was cut short"), self._settings))
            raise
        except Exception as error:
            log.exception("delivery.channel_failed", channel=dispatch.channel, account=dispatch.account)
            result = failed(dispatch, Unsure(f"the channel failed: {type(error).__name__}"), self._settings)
        self._finish(account, dispatch, result)

    def _finish(self, account: _Account, dispatch: Dispatch, result: Result) -> None:
        account.in_flight -= 1
        result = _billed(account.channel.limits, result)
        if result.state is not DeliveryState.SENT:
            log.info(
                "delivery.not_sent",
                channel=dispatch.channel,
                account=dispatch.account,
                message=dispatch.outbound.id,
                state=result.state.value,
                reason=result.reason,
            )
        self._finished.add(result)

    # --- record ---

    async def _record(self) -> None:
        while self._finished.results or not self._finished.last:
            await self._finished.ready.wait()
            self._finished.ready.clear()
            await self._record_batch()

    async def _record_batch(self) -> None:
        while self._finished.results:
            batch = list(self._finished.results)
            try:
                more = await self._record_all(batch)
            except StoreUnavailable as error:
                log.warning("delivery.store_unavailable", reason=str(error), count=len(batch))
                await asyncio.sleep(self._settings.poll_seconds)
                continue
            del self._finished.results[: len(batch)]
            if more or any(account.more for account in self._accounts.values()):
                self._due.set()

    async def _record_all(self, batch: Sequence[Result]) -> bool:
        """Record results, together if possible; tells whether more may wait behind them."""
        try:
            return await self._path.finish(batch)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("delivery.batch_failed", count=len(batch))
            for result in batch:
                await self._record_singly(result)
            return True

    async def _record_singly(self, result: Result) -> None:
        """One result that cannot be stored must not keep the others from being recorded."""
        for recorded in (result, unrecorded(result)):
            try:
                await self._path.finish([recorded])
                return
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("delivery.not_recorded", message=result.id, state=recorded.state.value)

    # --- what nobody knows ---

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        next_reconciliation = loop.time()
        looked = False
        while True:
            try:
                if not looked:
                    await self._path.look_again(self._accounts.keys())
                    looked = True
                    self._due.set()
                abandoned = await self._path.abandon(
                    [key for key, account in self._accounts.items() if account.channel.limits.spend]
                )
                if abandoned:
                    log.warning("delivery.abandoned", count=abandoned, reason="interrupted while sending")
                if abandoned or loop.time() >= next_reconciliation:
                    next_reconciliation = loop.time() + _RECONCILE_SECONDS
                    await self.reconcile()
            except StoreUnavailable as error:
                log.warning("delivery.store_unavailable", reason=str(error))
            except Exception:
                log.exception("delivery.sweep_failed")
            await asyncio.sleep(_SWEEP_SECONDS)

    async def reconcile(self) -> None:
        """Ask the providers what became of what is `unknown`."""
        for (channel, account), holder in self._accounts.items():
            unknown = await self._path.unknown(channel, account)
            if not unknown:
                continue
            try:
                results = await _asked(holder.channel, unknown)
            except Exception:
                log.exception("delivery.reconcile_failed", channel=channel, account=account)
                continue
            taken = await self._path.taken(results)  # what another process was told, the channel cannot know
            if results := [result for result in results if result.id not in taken]:
                await self._record_all([_billed(holder.channel.limits, result) for result in results])


async def _asked(channel: Channel, unknown: Sequence[tuple[AddressId, Outbound]]) -> list[Result]:
    async with asyncio.timeout(_RECONCILING_SECONDS):
        answers = await channel.reconcile([outbound for _, outbound in unknown])
    return [
        reconciled(address, outbound, answers[outbound.id]) for address, outbound in unknown if outbound.id in answers
    ]


def _billed(limits: Limits, result: Result) -> Result:
    """Units count where there is a cap; what may have been accepted costs one at least."""
    if limits.spend is None:
        return replace(result, units=0) if result.units else result
    return replace(result, units=1) if result.state is DeliveryState.UNKNOWN else result


def _quota(key: AccountKey, account: _Account) -> Quota | None:
    free = account.free()
    if free <= 0:
        return None
    limits = account.channel.limits
    unsolicited = limits.unsolicited or Cap(limits.replies.count, limits.replies.seconds)
    return Quota(
        channel=key[0],
        account=key[1],
        free=free,
        replies=limits.replies.count,
        replies_seconds=limits.replies.seconds,
        unsolicited=unsolicited.count,
        unsolicited_seconds=unsolicited.seconds,
        window=limits.window,
        knocks=limits.knocks,
        spend=limits.spend.count if limits.spend else None,
        spend_seconds=limits.spend.seconds if limits.spend else 0.0,
    )
