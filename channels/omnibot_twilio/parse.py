"""What Twilio tells, read into the model's values: the few fields that we need, and nothing further.

After twilio.com/docs/messaging/guides/webhook-request, …/track-outbound-message-status and the Message resource. The
id of an arrival is the account's SID and the message's, whichever way it came: by webhook, or found in the list.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from omnibot.model import (
    Address,
    Attachment,
    ButtonPress,
    DeliveryReport,
    DeliveryState,
    Identifier,
    IdentifierKind,
    IncomingMessage,
    Location,
    Opt,
    Sender,
)
from omnibot_twilio.outcomes import OUTSIDE_WINDOW, is_gone, words
from omnibot_twilio.telephone import WHATSAPP, e164, is_number

MAX_MEDIA = 10  # files of one message
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
_OPT: Mapping[str, Opt] = {"STOP": "stop", "START": "start", "HELP": "help"}
# Twilio's own words, where nobody has configured others: the whole message, in any case.
_NETWORK: Mapping[Opt, str] = {
    "stop": "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT",
    "start": "START UNSTOP",
    "help": "HELP INFO",
}
_NETWORK_WORDS: Mapping[str, Opt] = {word: opt for opt, listed in _NETWORK.items() for word in listed.split()}
# `sent` is what the answer to our call has told already.
_STATES = {
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "undelivered": DeliveryState.REFUSED,
    "failed": DeliveryState.REFUSED,
    "canceled": DeliveryState.REFUSED,
}

Form = Mapping[str, str]


class Malformed(ValueError):
    """This is nothing that Twilio documents; the message names the field."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what concerns one of our numbers on one channel."""

    channel: str  # "sms" or "whatsapp"
    network_keywords: bool = False  # whether Twilio obeys STOP and its like without saying so
    keep_name: bool = False  # whether the context shall tell the name of who wrote

    def is_for_us(self, form: Form) -> bool:
        """Whether it came to a number of this channel, and not to the account's other one."""
        kind, colon, _ = form.get("To", "").partition(":")
        return kind + colon == WHATSAPP if self.channel == "whatsapp" else not colon

    def address(self, written: str) -> Address:
        """An address as Twilio writes it, in our one spelling and without its channel's prefix."""
        value = written.removeprefix(WHATSAPP)
        return Address(self.channel, value if is_number(value) else e164(value) or value)

    def message(self, form: Form, number: str, at: datetime) -> IncomingMessage | ButtonPress:
        """What somebody wrote to one of our numbers; `at`, because a webhook carries no time. Raises Malformed."""
        sid = _sid(form, "MessageSid")
        writer = self._writer(form)
        sender = Sender(writer, form.get("ProfileName", "").strip(), vouched=tuple(_vouched(writer)))
        arrival, answered = arrival_id(_sid(form, "AccountSid"), sid), form.get("OriginalRepliedMessageSid", "")
        context = self._context(form, number, sender.name)
        if value := form.get("ButtonPayload") or form.get("ListId"):
            return ButtonPress(id=arrival, at=at, sender=sender, value=value, message_id=answered, context=context)
        return IncomingMessage(
            id=arrival,
            at=at,
            sender=sender,
            message_id=sid,
            text=form.get("Body", ""),
            attachments=tuple(_attachments(form)),
            location=_location(form),
            answers=(answered,) if answered else (),
            context=context,
            opt=self._opt(form),
        )

    def report(self, form: Form, now: datetime) -> DeliveryReport | None:
        """What a status callback tells; None where it is nothing new. Raises Malformed."""
        sid, status = _sid(form, "MessageSid"), form.get("MessageStatus", "")
        state = _STATES.get(status)
        if state is None:
            return None
        code = _number(form.get("ErrorCode", ""))
        failed = state is DeliveryState.REFUSED
        return DeliveryReport(
            id=f"{arrival_id(_sid(form, 'AccountSid'), sid)}/{status}",
            at=now,
            sender=Sender(self.address(_required(form, "To"))),
            provider_id=sid,
            state=DeliveryState.HELD if code == OUTSIDE_WINDOW else state,
            reason=words(code) if failed else "",
            unreachable=failed and is_gone(code),
        )

    def _writer(self, form: Form) -> Address:
        """Who wrote: their number, or WhatsApp's id of them where it keeps the number to itself."""
        written = form.get("From", "").removeprefix(WHATSAPP) or form.get("ExternalUserId", "")
        if not written:
            raise Malformed("From is missing")
        return self.address(written)

    def _context(self, form: Form, number: str, name: str) -> dict[str, str]:
        """Where they are to be answered from, when it is another number than the account's, and their name."""
        to = form.get("To", "").removeprefix(WHATSAPP)
        context = {"number": to} if to and to != number else {}
        return context | ({"name": name} if self.keep_name and name else {})

    def _opt(self, form: Form) -> Opt:
        told = _OPT.get(form.get("OptOutType", "").upper(), "")
        if told or not self.network_keywords:
            return told
        return _NETWORK_WORDS.get(form.get("Body", "").strip().upper(), "")


def arrival_id(account_sid: str, message_sid: str) -> str:
    """By which a message is taken once."""
    return f"{account_sid}/{message_sid}"


def sid_of(arrival_id: str) -> str:
    """The message's SID in the id of its arrival."""
    return arrival_id.partition("/")[2]


def attachment(url: str, media_type: str, place: int) -> Attachment:
    """A file by its URL; Twilio tells no names."""
    kind = media_type.partition("/")[0]
    name = kind if kind in ("image", "audio", "video") else "file"
    extension = mimetypes.guess_extension(media_type.partition(";")[0]) or ".bin"
    return Attachment(name=f"{name}{place + 1}{extension}", media_type=media_type, ref=url)


def _vouched(writer: Address) -> Iterator[Identifier]:
    """The number that the network delivered from; of an id, a short code or a name Twilio knows no number."""
    if is_number(writer.value):
        yield Identifier(IdentifierKind.PHONE, writer.value)


def _attachments(form: Form) -> Iterator[Attachment]:
    for place in range(min(_number(form.get("NumMedia", "")), MAX_MEDIA)):
        if url := form.get(f"MediaUrl{place}"):
            yield attachment(url, form.get(f"MediaContentType{place}") or "application/octet-stream", place)


def _location(form: Form) -> Location | None:
    if "Latitude" not in form or "Longitude" not in form:
        return None
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except ValueError:
        return None  # the text, if there is one, is worth more than a point that is none
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    label = ", ".join(part for part in (form.get("Label", ""), form.get("Address", "")) if part)
    return Location(latitude, longitude, label)


def _sid(form: Form, name: str) -> str:
    value = form.get(name, "")
    if not _SID.fullmatch(value):
        raise Malformed(f"{name} is no SID")
    return value


def _required(form: Form, name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise Malformed(f"{name} is missing")
    return value


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
