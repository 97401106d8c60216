"""The people who write to an account's numbers by SMS or WhatsApp, and what they get to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers

from omnibot.model import Address
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.twilio.messages import PREFIX, VERSION, Media, Message
from omnibot.sandbox.twilio.segments import count_segments
from omnibot.sandbox.twilio.templates import BUTTONS

if TYPE_CHECKING:
    from omnibot.sandbox.twilio.account import Account

STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "UNSTOP", "YES"})
HELP = frozenset({"HELP", "INFO"})

STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)
STARTED = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELPED = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."

USER = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")  # a business-scoped user id
_KEPT = 1000  # messages that somebody remembers
_KINDS = {"image": "image", "audio": "audio", "video": "video"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as the customer has it; `choices` are the labels of its buttons."""

    sid: str  # "" when it is Twilio's own
    channel: str  # "sms" or "whatsapp"
    sender: str
    text: str
    at: datetime
    choices: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()


class Phone:
    """Somebody with a phone. Each act returns the message's sid; by then its webhook is on its way."""

    def __init__(self, account: Account, number: str) -> None:
        self.account = account
        self.number = number  # E.164, or a business-scoped user id where the number is not shown
        self.user = number if USER.fullmatch(number) else _user_of(number)
        self.name = "Sandra Box"
        self.messages: list[Seen] = []
        self.landline = False
        self.heard: dict[str, datetime] = {}  # WhatsApp sender → when they last wrote to it
        self.refusals: list[_Order] = []
        self.failures: list[_Order] = []

    # --- what they do -----------------------------------------------------------------------------------------

    def text(self, body: str, media: Sequence[SentFile] = (), *, to: str = "") -> str:
        """Write an SMS (with files: an MMS), by default to the account's first number."""
        to = to or self.account.sms_number
        message = self._message(self.number, to, body, media, count_segments(body))
        parameters = self._common(message) | _places(self.number, to)
        keyword = self._obey(message)
        if keyword and self.account.opt_out == "advanced":
            parameters["OptOutType"] = keyword
        self.account.arrive(message, parameters)
        return message.sid

    def whatsapp(
        self,
        body: str,
        media: Sequence[SentFile] = (),
        *,
        to: str = "",
        profile_name: str = "",
        wa_id: str | None = None,
        bsuid: str | None = None,
        replies_to: str = "",
    ) -> str:
        """Write on WhatsApp; `replies_to` quotes a message. `wa_id` and `bsuid` are made up where not given."""
        parameters: dict[str, str] = {"MessageType": _kind(media)}
        if replies_to:
            parameters |= self._quoting(replies_to)
        return self._whatsapp(body, media, to, parameters, profile_name, wa_id, bsuid)

    def locate(self, latitude: float, longitude: float, label: str = "", address: str = "", *, to: str = "") -> str:
        """Share a place on WhatsApp."""
        given = {"Label": label, "Address": address}
        parameters = {"MessageType": "location", "Latitude": str(latitude), "Longitude": str(longitude)}
        return self._whatsapp("", (), to, parameters | {name: value for name, value in given.items() if value})

    def press(self, label: str, sid: str = "") -> str:
        """Press a quick reply on WhatsApp: under this message, or the latest that offers it; LookupError for none."""
        for seen in reversed(self.messages):
            if label in seen.choices and sid in ("", seen.sid):
                message = self.account.messages[seen.sid]
                payload = dict(message.choices)[label]
                if len(message.choices) > BUTTONS:
                    parameters = {"MessageType": "interactive", "ListTitle": label, "ListId": payload}
                else:
                    parameters = {"MessageType": "button", "ButtonText": label, "ButtonPayload": payload}
                return self._whatsapp(label, (), message.sender, parameters | self._quoting(seen.sid))
        raise LookupError(f"no message offers {label!r}")

    def read(self) -> None:
        """Read everything that came by WhatsApp; its callbacks say so."""
        for seen in self.messages:
            message = self.account.messages.get(seen.sid)
            if message is not None and seen.channel == "whatsapp" and message.status != "read":
                self.account.report(message, "read")

    def stop(self) -> str:
        """Write STOP by SMS."""
        return self.text("STOP")

    # --- what they do not take --------------------------------------------------------------------------------

    def refuse_with(self, code: int, *, count: int | None = None) -> None:
        """Let the API answer messages to them with this error: so many, or (None) all."""
        self.refusals.append(_Order(code, count))

    def fail_with(self, code: int, *, count: int | None = None) -> None:
        """Let the API accept messages to them, and callbacks tell of this error: so many, or (None) all."""
        self.failures.append(_Order(code, count))

    def behave(self) -> None:
        """Take messages again."""
        self.refusals.clear()
        self.failures.clear()

    # --- what they get ----------------------------------------------------------------------------------------

    def get(self, seen: Seen) -> None:
        """A message has reached them."""
        self.messages.append(seen)
        del self.messages[:-_KEPT]

    # --- inside -----------------------------------------------------------------------------------------------

    def _whatsapp(
        self,
        body: str,
        media: Sequence[SentFile],
        to: str,
        parameters: dict[str, str],
        profile_name: str = "",
        wa_id: str | None = None,
        bsuid: str | None = None,
    ) -> str:
        account = self.account
        to = PREFIX + (to or account.whatsapp_number).removeprefix(PREFIX)
        if bsuid is not None:
            self.user = bsuid
        message = self._message(PREFIX + self.number, to, body, media, 1)
        self.heard[to] = account.now
        hidden = self.number == self.user
        parameters = {
            **self._common(message),
            **parameters,
            "ProfileName": profile_name or self.name,
            "WaId": (self.number.removeprefix("+") if not hidden else "") if wa_id is None else wa_id,
            "ReferralNumMedia": "0",
        }
        if account.names_users:
            parameters["ExternalUserId"] = PREFIX + self.user
        account.arrive(message, {name: value for name, value in parameters.items() if name != "WaId" or value})
        return message.sid

    def _message(self, sender: str, to: str, body: str, files: Sequence[SentFile], segments: int) -> Message:
        account = self.account
        media = [Media(file.media_type, file.content, file.name) for file in files]
        now = account.now
        message = Message(account.sid, "inbound", sender, to, body, now, "received", segments, media)
        message.sent, message.charged = now, True
        return message

    def _common(self, message: Message) -> dict[str, str]:
        parameters = {
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageSid": message.sid,
            "SmsStatus": "received",
            "AccountSid": message.account_sid,
            "From": message.sender,
            "To": message.to,
            "Body": message.body,
            "NumMedia": str(len(message.media)),
            "NumSegments": str(message.segments),
            "ApiVersion": VERSION,
        }
        for number, media in enumerate(message.media):
            parameters[f"MediaUrl{number}"] = f"{self.account.url}{message.uri}/Media/{media.sid}"
            parameters[f"MediaContentType{number}"] = media.media_type
        return parameters

    def _quoting(self, sid: str) -> dict[str, str]:
        quoted = self.account.messages.get(sid)
        sender = {"OriginalRepliedMessageSender": quoted.sender} if quoted else {}
        return sender | {"OriginalRepliedMessageSid": sid}

    def _obey(self, message: Message) -> str:
        """Do what a keyword says, as Twilio does for long codes; returns which it was."""
        account = self.account
        word = message.body.strip().upper()
        if account.opt_out == "off":
            return ""
        pair = (account.pool(message.to), self.number)
        if word in STOP:
            if pair not in account.stopped:
                self._told(message, STOPPED)
            account.stopped.add(pair)
            return "STOP"
        if word in START and (pair in account.stopped or word != "YES"):
            if pair in account.stopped:
                self._told(message, STARTED)
            account.stopped.discard(pair)
            return "START"
        if word in HELP:
            self._told(message, HELPED)
            return "HELP"
        return ""

    def _told(self, message: Message, text: str) -> None:
        """Twilio itself answers a keyword; that is in nobody's log, but the customer reads it."""
        self.get(Seen("", "sms", message.to, text, self.account.now))
        payload = {"From": message.to, "To": self.number, "Body": text}
        to = str(Address("sms", self.number))
        self.account.ledger.append("twilio", self.account.sid, "keyword", payload, to=to, text=text)


@dataclass(slots=True)
class _Order:
    code: int
    left: int | None


def take(orders: list[_Order]) -> int:
    """The error that is due now; 0 for none."""
    if not orders:
        return 0
    order = orders[0]
    if order.left is not None:
        order.left -= 1
        if order.left == 0:
            orders.pop(0)
    return order.code


def _user_of(number: str) -> str:
    """A user id for somebody who has a number: always the same, and nothing like it."""
    country = country_of(number) or "US"
    return f"{country}.{sum(ord(digit) * 7919**place for place, digit in enumerate(number)) % 10**16:016}"


@lru_cache(maxsize=50_000)
def country_of(number: str) -> str:
    """ISO code of a number's country; "" when it cannot be told."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


def _places(sender: str, to: str) -> dict[str, str]:
    """Where Twilio thinks that both numbers are; cities it knows in North America alone."""
    places = {"FromCountry": country_of(sender), "ToCountry": country_of(to)}
    return places | {f"{side}{part}": "" for side in ("From", "To") for part in ("City", "State", "Zip")}


def _kind(media: Sequence[SentFile]) -> str:
    if not media:
        return "text"
    return _KINDS.get(media[0].media_type.partition("/")[0], "document")
