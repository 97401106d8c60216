"""The customers' side of an emulated provider: what the demo, the journeys, the bench and `omnibot chat` write with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that a customer sends along."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


class Customers(Protocol):
    """Everybody on one channel. `value` is of an address: a chat id, `T1/U2`, a number, an email address.

    What somebody gets from us is in the ledger, with `to` and `text`.
    """

    channel: str

    def check(self, value: str) -> None:
        """Raises LookupError or ValueError, which tells what to write instead, where nobody can have that address."""
        ...

    def write(
        self,
        value: str,
        text: str,
        *,
        name: str = "",
        subject: str = "",
        answer: bool = False,
        files: tuple[SentFile, ...] = (),
    ) -> None:
        """Somebody writes; it is on its way when this returns. `answer`: quoting the last that they got."""
        ...

    def press(self, value: str, label: str, *, number: str = "") -> None:
        """Somebody presses a choice under the latest message that has it; LookupError where there is none.

        `number` is their telephone's, which a button may ask for.
        """
        ...
