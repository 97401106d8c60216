"""The people of a sandbox: each with a name, and with addresses on several channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnibot.model import Address
from omnibot.sandbox.customers import Customers, SentFile

_BY_NUMBER = ("sms", "whatsapp")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, and everywhere they can be reached. What a bot knows of that is another matter."""

    name: str
    addresses: tuple[Address, ...]


class People:
    """Who writes through the emulated providers; whoever is not known has the one address they write from."""

    def __init__(self, customers: Sequence[Customers]) -> None:
        self._customers: Mapping[str, Customers] = {one.channel: one for one in customers}
        self._known: dict[Address, Person] = {}

    def know(self, name: str, addresses: Sequence[Address]) -> Person:
        """These are one person's, with all that they had before; an empty name leaves theirs.

        Raises LookupError and ValueError as `write` does.
        """
        for address in addresses:
            self._on(address).check(address.value)
        before = [person for address in addresses if (person := self._known.get(address))]
        told = [*(address for person in before for address in person.addresses), *addresses]
        names = [name, *(person.name for person in before)]
        person = Person(next(filter(None, names), ""), tuple(dict.fromkeys(told)))
        self._known |= dict.fromkeys(person.addresses, person)
        return person

    def of(self, address: Address) -> Person:
        """Whose an address is."""
        return self._known.get(address) or Person("", (address,))

    def write(
        self,
        address: Address,
        text: str,
        *,
        subject: str = "",
        answer: bool = False,
        files: tuple[SentFile, ...] = (),
    ) -> None:
        """Somebody writes; LookupError where there is no such channel, ValueError for a value that it cannot have."""
        name = self.of(address).name
        self._on(address).check(address.value)
        self._on(address).write(address.value, text, name=name, subject=subject, answer=answer, files=files)

    def press(self, address: Address, label: str) -> None:
        """Somebody presses a choice; LookupError where there is none, or no such channel."""
        numbers = (each.value for each in self.of(address).addresses if each.channel in _BY_NUMBER)
        self._on(address).press(address.value, label, number=next(numbers, ""))

    def _on(self, address: Address) -> Customers:
        if address.channel not in self._customers:
            raise LookupError(
                f"the sandbox does not emulate a channel {address.channel!r}: use one of {', '.join(self._customers)};"
                " what is written on a channel of your own comes from its own service"
            )
        return self._customers[address.channel]
