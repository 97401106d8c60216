"""What a story is made of: who is known, what they write where, and what must come back."""

from __future__ import annotations

from dataclasses import dataclass

from omnibot.model import Address


@dataclass(frozen=True, slots=True)
class Expect:
    """A message that the customer must get at `to`, with all of these words (in any case) and none of those."""

    to: Address
    words: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def missing(self, text: str) -> list[str]:
        """What is wrong with a text, in words."""
        lower = text.casefold()
        return [
            *(f"{word!r} is missing" for word in self.words if word.casefold() not in lower),
            *(f"{word!r} must not be there" for word in self.never if word.casefold() in lower),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Somebody writes; `answers` quotes the last mail as a mail program does. Then what is expected must come.

    `{code}` in the text stands for the code that the last message to `code_from` brought. `people` are the customers
    that the story's addresses must belong to afterwards. `forged`: somebody else writes a mail in their name.
    """

    sender: Address
    text: str
    subject: str = ""
    answers: bool = False
    code_from: Address | None = None
    forged: bool = False
    expects: tuple[Expect, ...] = ()
    people: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is written at `addresses`, by one person or by several.

    `customers` is the CSV that the company imports first, if any; `shared` are addresses in it that it knows several
    people to write from.
    """

    title: str
    names: dict[Address, str]
    steps: tuple[Step, ...]
    customers: str = ""
    shared: tuple[Address, ...] = ()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Everywhere that the story's people write from."""
        return tuple(self.names)
