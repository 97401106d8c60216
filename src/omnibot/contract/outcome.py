"""What may come of handing something over, besides a receipt; a channel and a desk tell it alike."""

from __future__ import annotations

__all__ = ["NotAccepted", "Refused", "TryLater", "Unsure"]


class Refused(Exception):
    """The provider will never take this; `unreachable` when it takes nothing for that address any more."""

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unreachable = unreachable


class TryLater(Exception):
    """The provider has not taken it and may take it after so many seconds (None: our own back-off).

    `alone`: only what goes to the same place has to wait for that, such as a group with a limit of its own; else it is
    the whole account that the provider wants to be left alone by.
    """

    def __init__(self, reason: str, after: float | None = None, *, alone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        self.alone = alone


class Unsure(Exception):
    """It may have been accepted: a read timeout, a cut connection. It is never blindly repeated."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAccepted(Exception):
    """`accept` could not commit: do not acknowledge; the provider must come again (503)."""
