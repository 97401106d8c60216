"""Facts in time: where a value goes that holds from a moment in the past.

Of one key at one address no two values hold at once. A new one holds from its moment until the next one begins, or
until what held then was taken back; what held at its moment ends there, even if it is the same: in whatever order they
come, the history is one. One that is less sure than what held at its moment never holds: it ends where it begins, and
can be seen. That a value was taken back is kept as an empty one: what is told later of before ends there at the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Span:
    """A value and when it held; `id` is none until it is written."""

    value: str
    confidence: float
    since: datetime
    until: datetime | None = None
    id: int | None = None

    @property
    def held(self) -> bool:
        """Whether it ever did."""
        return self.until is None or self.until > self.since

    @property
    def is_end(self) -> bool:
        """Whether it only tells that from there nothing held."""
        return not self.value

    def holds(self, at: datetime) -> bool:
        """Whether it did at a moment."""
        return self.since <= at and (self.until is None or self.until > at)


def weave(spans: Sequence[Span], value: str, confidence: float, at: datetime) -> Span | None:
    """Bring a value into the spans of a key, which are changed; gives the new span. An empty value takes one back."""
    then = next((span for span in spans if span.holds(at)), None)
    if then is not None and (value, at) == (then.value, then.since) and confidence <= then.confidence:
        return None
    if not value:
        if then is not None:
            then.until = at
        return None if any(span.is_end and span.since == at for span in spans) else Span("", confidence, at, at)
    if then is not None and then.confidence > confidence:
        return Span(value, confidence, at, at)
    later = min((span.since for span in spans if (span.held or span.is_end) and span.since > at), default=None)
    new = Span(value, confidence, at, then.until if then is not None else later)
    if then is not None:
        then.until = at
    return new
