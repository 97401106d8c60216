"""What a channel's answer means for a row of the outbox."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from omnibot.contract import Receipt, Refused, TryLater, Unsure
from omnibot.model import AddressId, DeliveryState, Outbound
from omnibot.settings import Delivery as Settings
from omnibot.storable import storable
from omnibot.store.work import Dispatch, Result

LEAST_WAIT = 1.0  # seconds; a provider that says 0 means "now", again and again
_LONGEST_WAIT = 3600.0  # seconds
_LONGEST_NAMED = 86_400.0  # seconds; what a provider names beyond is a mistake
_MAX_REASON = 200  # characters
_MAX_PROVIDER_ID = 1000  # characters; a Message-ID fills at most a line of 998
_THROTTLED_FOR = timedelta(days=1)  # a provider that names a delay is believed for so long


def accepted(dispatch: Dispatch, receipt: Receipt) -> Result:
    """The provider took it."""
    context = receipt.context
    return _result(
        dispatch,
        DeliveryState.SENT,
        provider_id=_provider_id(receipt),
        context=context and {storable(key): storable(value) for key, value in context.items()},
        units=receipt.units,
    )


def reconciled(address: AddressId, outbound: Outbound, receipt: Receipt | None) -> Result:
    """The provider could say afterwards that it has it; or that it has not, and so may get it again."""
    return Result(
        id=outbound.id,
        address=address,
        attempts=outbound.attempts,
        state=DeliveryState.SENT if receipt else DeliveryState.QUEUED,
        provider_id=_provider_id(receipt) if receipt else "",
        units=max(0, receipt.units - 1) if receipt else 0,  # one was counted when it became unknown
    )


def unrecorded(result: Result) -> Result:
    """What is recorded instead of a result that cannot be."""
    return Result(
        id=result.id,
        address=result.address,
        attempts=result.attempts,
        state=DeliveryState.UNKNOWN,
        reason=f"its result ({result.state.value}) cannot be stored",
    )


def failed(dispatch: Dispatch, error: Refused | TryLater | Unsure, settings: Settings) -> Result:
    """The provider did not, or nobody knows."""
    reason = _reason(error)
    match error:
        case Refused():
            return _result(dispatch, DeliveryState.REFUSED, reason=reason, unreachable=error.unreachable)
        case Unsure():
            return _result(dispatch, DeliveryState.UNKNOWN, reason=reason)
        case TryLater():
            return _later(dispatch, error, settings)


def _provider_id(receipt: Receipt) -> str:
    return storable(receipt.provider_id)[:_MAX_PROVIDER_ID]


def _reason(error: Refused | TryLater | Unsure) -> str:
    """A provider's own words, which can be anything."""
    return storable(str(error.reason))[:_MAX_REASON]


def _later(dispatch: Dispatch, error: TryLater, settings: Settings) -> Result:
    attempts, reason = dispatch.outbound.attempts, _reason(error)
    if error.after is not None:
        if datetime.now(UTC) - dispatch.queued_at > _THROTTLED_FOR:
            return _result(dispatch, DeliveryState.DEAD, reason=f"throttled for a day: {reason}")
        return _result(dispatch, DeliveryState.QUEUED, reason=reason, after=_named(error.after))
    if attempts >= settings.attempts:
        return _result(dispatch, DeliveryState.DEAD, reason=f"given up after {attempts} attempts: {reason}")
    doubled = min(settings.backoff_seconds * 2 ** (attempts - 1), _LONGEST_WAIT)
    return _result(dispatch, DeliveryState.QUEUED, reason=reason, after=doubled * random.uniform(0.75, 1.25))


def _named(after: float) -> float:
    """The delay that a provider named, made one that can be kept (this order turns NaN into the least)."""
    return min(max(LEAST_WAIT, after), _LONGEST_NAMED)


def _result(dispatch: Dispatch, state: DeliveryState, **fields: object) -> Result:
    return Result(
        id=dispatch.outbound.id,
        address=dispatch.address,
        attempts=dispatch.outbound.attempts,
        state=state,
        **fields,  # type: ignore[arg-type]
    )
