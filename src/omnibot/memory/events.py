"""What an event of the company's product or books tells: facts, and what it is counted as."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from omnibot.model import Change, Event, Property

__all__ = ["USE", "counted_as", "facts_of", "tells"]

_SURE = 0.9  # the company's word: above what a provider says, below what the customer says

# By event the facts that its properties tell, each by the property's name.
_PROFILE = ("name", "language", "zone", "company", "product", "plan")
_TOLD_BY: Mapping[str, tuple[str, ...]] = {
    "signed_up": _PROFILE,
    "profile_changed": _PROFILE,
    "plan_changed": ("plan", "product"),
}
_PAYMENT = {"payment_failed": "failed", "payment_succeeded": "paid", "invoice_paid": "paid"}
_TAKES_BACK = {"plan_cancelled": ("plan",)}

USE = frozenset(
    ["feature_used", "page_viewed", "screen_viewed", "session_started", "session_ended", "logged_in", "logged_out"]
)
_TELLING = frozenset(
    [*_TOLD_BY, *_PAYMENT, *_TAKES_BACK, "invoice", "milestone", "referral", "onboarding_step", "trial_ending"]
)
_OFTEN = 50  # times that something else happened, after which it tells no more than that it is done

_LONGEST_FEATURE = 96  # characters
_LONGEST_FACT = 200  # what is longer is no name of anything
_NO_PART = re.compile(r"[^\w.]+")


def facts_of(event: Event) -> Iterator[Change]:
    """What holds since an event; what its properties leave open is not taken back."""
    if event.name == "signed_up":
        yield _change(event, "customer_since", event.at.isoformat())
    for key in _TOLD_BY.get(event.name, ()):
        value = " ".join(_written(event.properties.get(key, "")).split())  # a name has one line, wherever it is told
        if 0 < len(value) <= _LONGEST_FACT:
            yield _change(event, key, value)
    if payment := _PAYMENT.get(event.name):
        yield _change(event, "payment", payment)
    for key in _TAKES_BACK.get(event.name, ()):
        yield _change(event, key, "")


def counted_as(event: Event) -> str:
    """The name that an event counts under: its own, or for `feature_used` with the feature's behind it."""
    feature = _written(event.properties.get("feature", "")) if event.name == "feature_used" else ""
    part = _NO_PART.sub("-", feature.lower()).strip("-")[:_LONGEST_FEATURE]
    return f"{event.name}:{part}" if part else event.name


def tells(event: Event, seen: int) -> bool:
    """Whether an event tells a turn more than that something is used; `seen` is how often one like it was before."""
    return event.name in _TELLING or (event.name not in USE and seen < _OFTEN)


def _change(event: Event, key: str, value: str) -> Change:
    return Change(key=key, value=value, event=event.id, at=event.at, confidence=_SURE)


def _written(value: Property) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip()
