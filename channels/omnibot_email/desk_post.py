"""Letters to the desk: which there are among the mail, and what of them is handed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from email.utils import parsedate_to_datetime

import structlog

from omnibot.contract import Accept, Place
from omnibot.model import DeliveryState, Incoming, IncomingMessage, Sender
from omnibot_email.addresses import Mailbox
from omnibot_email.arrival import Delivery
from omnibot_email.desk import DeskLetter, MailDesk, StrayLetter
from omnibot_email.letter import Letter
from omnibot_email.reports import read_report

# people's own programs say this of what people write, too
_BY_PEOPLE = ("", "wants no automatic answer", "another service's code")
_TOO_LARGE = "It is too large to be read: send it with smaller files."

_log = structlog.get_logger(__name__)


def handing_in(desk: MailDesk, accept: Accept) -> Accept:
    """An `accept` that takes letters to the desk, too, everything in its order."""

    async def take(arrivals: Sequence[Incoming]) -> None:
        waiting: list[Incoming] = []
        for arrival in arrivals:
            if not isinstance(arrival, StrayLetter):
                waiting.append(arrival)
                continue
            if waiting:
                await accept(waiting)
                waiting = []
            await desk.hand_in(arrival)
        if waiting:
            await accept(waiting)

    return take


def to_desk(
    desk: MailDesk,
    place: Place | None,
    message: IncomingMessage,
    writer: Mailbox | None,
    delivery: Delivery,
    letter: Letter,
) -> StrayLetter | None:
    """What was sent to where teams answer; None where it is nothing.

    `message` is the same mail as a customer's would be read, with its quarantine.
    """
    if message.automatic not in _BY_PEOPLE:
        if place is not None:
            _reported(desk, place, delivery, letter)
        return None
    if writer is None or (place is None and (message.quarantine or not desk.is_staff(writer))):
        _log.warning("email.desk_left", reason=message.quarantine or "the token is not valid")
        return None
    if place is None:
        return stray(desk, message, writer)
    return DeskLetter(
        id=message.id,
        at=message.at,
        sender=Sender(message.sender.address),
        place=place,
        by=desk.agent(writer),
        message_id=message.message_id,
        references=message.answers,
        said=letter.text,
        files=tuple(file for file in letter.attachments if file not in letter.ornaments),
        local=message.at.astimezone(_zone(letter.headers.get("date"))),
        doubt=_doubt(desk, message, writer),
        answerable=desk.is_staff(writer) or not message.quarantine,
        unclear=_TOO_LARGE if delivery.begins_one_of is not None else "",
    )


def stray(desk: MailDesk, message: IncomingMessage, writer: Mailbox) -> StrayLetter:
    """What somebody of a team wrote as a customer would."""
    sender = Sender(message.sender.address)
    return StrayLetter(
        id=message.id, at=message.at, sender=sender, by=desk.agent(writer), message_id=message.message_id
    )


def is_by_people(message: IncomingMessage) -> bool:
    """Whether a person wrote it, as far as its headers tell."""
    return message.automatic in _BY_PEOPLE


def _doubt(desk: MailDesk, message: IncomingMessage, writer: Mailbox) -> str:
    if not desk.is_staff(writer):
        return "only the people of this team may act here"
    if message.quarantine:
        return f"it may be somebody else's ({message.quarantine}): write it anew, or ask who runs your mail server"
    return ""


def _reported(desk: MailDesk, place: Place, delivery: Delivery, letter: Letter) -> None:
    """Servers tell where our letters go that one was not delivered; who is away tells nothing that matters."""
    report = read_report(delivery.raw, letter)
    if report is not None and report.state is DeliveryState.REFUSED:
        desk.came_back(place)


def _zone(date: str) -> tzinfo:
    """Of the writer's clock, by its offset."""
    try:
        return parsedate_to_datetime(date[:100]).tzinfo or UTC
    except (ValueError, TypeError, OverflowError):
        return UTC


__all__ = ["handing_in", "is_by_people", "stray", "to_desk"]
