"""Turns of nobody, taken before the first of somebody."""

from __future__ import annotations

from datetime import UTC, datetime

from omnibot.model import Address, AddressId, CustomerId, KnownAddress, MessageId, Proof, TurnMessage
from omnibot.store.work import InboxItem, Kind, Lease, Work
from omnibot.turn import take
from omnibot.turns.steps import Steps

_REHEARSED = (
    "Hi there, I am very angry: how do I get my invoice? It is urgent!",
    "Hola, ¿cómo puedo cambiar mi contraseña?",
    "invoice export crashed",
    "thank you",
)


def rehearse(steps: Steps) -> None:
    """Take turns of nobody, so that whoever writes first does not wait for what is built when it is first needed.

    That takes 0.1 s: expressions are compiled, wordings are read.
    """
    for channel in steps.limits:
        for text in _REHEARSED:
            take(_nobodys(channel, text), steps)


def _nobodys(channel: str, text: str) -> Work:
    address = KnownAddress(id=AddressId(0), address=Address(channel, "nobody"), proof=Proof.SEEN, account="")
    message = TurnMessage(id=MessageId(0), address=address.id, at=datetime.min.replace(tzinfo=UTC), text=text)
    return Work(
        lease=Lease(CustomerId(0), fence=0, arrivals=0, lost=0),
        items=(InboxItem(id=0, kind=Kind.MESSAGE, address=address.id, attempts=0, message=message),),
        addresses=(address,),
        facts=(),
        timeline=(),
        at=message.at,
    )
