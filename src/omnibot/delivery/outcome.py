"""What a channel's answer means for a row of the outbox."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from omnibot.contract import Receipt, Refused, TryLater, Unsure
from omnibot.model import DeliveryState
from omnibot.settings import Delivery as Settings
from omnibot.store.work import Dispatch, Result

_LONGEST_WAIT = 3600.0  # seconds
_THROTTLED_FOR = timedelta(days=1)  # a provider that names a delay is believed for so long


def accepted(dispatch: Dispatch, receipt: Receipt) -> Result:
    """The provider took it."""
    return _result(dispatch, DeliveryState.SENT, provider_id=receipt.provider_id, context=receipt.context)


def failed(dispatch: Dispatch, error: Refused | TryLater | Unsure, settings: Settings) -> Result:
    """The provider did not, or nobody knows."""
    match error:
        case Refused():
            return _result(dispatch, DeliveryState.REFUSED, reason=error.reason, unreachable=error.unreachable)
        case Unsure():
            return _result(dispatch, DeliveryState.UNKNOWN, reason=error.reason)
        case TryLater():
            return _later(dispatch, error, settings)


def _later(dispatch: Dispatch, error: TryLater, settings: Settings) -> Result:
    attempts = dispatch.outbound.attempts
    if error.after is not None:
        if datetime.now(UTC) - dispatch.queued_at > _THROTTLED_FOR:
            return _result(dispatch, DeliveryState.DEAD, reason=f"throttled for a day: {error.reason}")
        return _result(dispatch, DeliveryState.QUEUED, reason=error.reason, after=error.after)
    if attempts >= settings.attempts:
        return _result(dispatch, DeliveryState.DEAD, reason=f"given up after {attempts} attempts: {error.reason}")
    doubled = min(settings.backoff_seconds * 2 ** (attempts - 1), _LONGEST_WAIT)
    return _result(dispatch, DeliveryState.QUEUED, reason=error.reason, after=doubled * random.uniform(0.75, 1.25))


def _result(dispatch: Dispatch, state: DeliveryState, **fields: object) -> Result:
    return Result(
        id=dispatch.outbound.id,
        address=dispatch.address,
        attempts=dispatch.outbound.attempts,
        state=state,
        **fields,  # type: ignore[arg-type]
    )
