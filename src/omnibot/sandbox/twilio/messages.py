"""Messages and media as Twilio keeps and describes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import uuid4

from omnibot.sandbox.twilio.errors import NEVER_SENT, REASONS, Json

VERSION = "2010-04-01"
PREFIX = "whatsapp:"
FINAL = frozenset({"delivered", "undelivered", "failed", "read", "received", "canceled"})
PRICE = 0.0079  # US dollars a segment

_RANKS = {"accepted": 0, "queued": 1, "sending": 2, "sent": 3, "failed": 4, "undelivered": 4, "delivered": 4, "read": 5}


def new_sid(kind: str) -> str:
    """An identifier that nothing else has: two letters and 32 hexadecimal digits."""
    return kind + uuid4().hex


def told(at: datetime | None) -> str | None:
    """A time as the REST API writes it (RFC 2822)."""
    return None if at is None else format_datetime(at.astimezone(UTC))


def told_in_iso(at: datetime) -> str:
    """A time as the younger APIs write it (ISO 8601)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Media:
    """A file of one message."""

    media_type: str
    content: bytes = field(repr=False)
    name: str = ""
    sid: str = field(default_factory=lambda: new_sid("ME"))
    key: str = field(default_factory=lambda: uuid4().hex)  # under which the media host hands it out


@dataclass(slots=True)
class Message:
    """One message, in or out, as the account's log has it."""

    account_sid: str
    direction: str  # "inbound", "outbound-api"
    sender: str  # "" as long as a messaging service has not chosen
    to: str
    body: str
    created: datetime
    status: str
    segments: int
    media: list[Media] = field(default_factory=list)
    media_count: int = 0  # as announced; the files of ours are fetched afterwards
    service_sid: str = ""
    callback: str = ""
    sid: str = field(init=False)
    updated: datetime | None = None
    sent: datetime | None = None
    error_code: int = 0
    charged: bool = False
    choices: tuple[tuple[str, str], ...] = ()  # quick replies: label and payload

    def __post_init__(self) -> None:
        self.media_count = self.media_count or len(self.media)
        self.sid = new_sid("MM" if self.media_count else "SM")
        self.updated = self.created

    @property
    def on_whatsapp(self) -> bool:
        return self.to.startswith(PREFIX)

    @property
    def channel(self) -> str:
        """Ours: "sms" or "whatsapp"."""
        return "whatsapp" if self.on_whatsapp else "sms"

    @property
    def customer(self) -> str:
        """The customer's number or WhatsApp id."""
        return (self.sender if self.direction == "inbound" else self.to).removeprefix(PREFIX)

    @property
    def uri(self) -> str:
        """Where it is under the API's host, without an ending."""
        return f"/{VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"

    def advance(self, status: str, at: datetime, error_code: int = 0) -> None:
        """Come to a status; the log never goes back, whatever order callbacks have."""
        if _RANKS[status] < _RANKS.get(self.status, 0):
            return
        self.status, self.updated = status, at
        self.error_code = error_code or self.error_code
        if _RANKS[status] >= _RANKS["sent"] and self.error_code not in NEVER_SENT and self.sent is None:
            self.sent = at
            self.charged = True

    def described(self) -> Json:
        """The resource."""
        return {
            "account_sid": self.account_sid,
            "api_version": VERSION,
            "body": self.body,
            "date_created": told(self.created),
            "date_sent": told(self.sent),
            "date_updated": told(self.updated),
            "direction": self.direction,
            "error_code": self.error_code or None,
            "error_message": REASONS.get(self.error_code) if self.error_code else None,
            "from": self.sender or None,
            "messaging_service_sid": self.service_sid or None,
            "num_media": str(self.media_count),
            "num_segments": str(self.segments if self.sender else 0),
            "price": f"{-PRICE * self.segments:.5f}" if self.charged else None,
            "price_unit": "USD" if self.charged else None,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{self.uri}/Media.json"},
            "to": self.to,
            "uri": f"{self.uri}.json",
        }

    def describe_media(self, media: Media) -> Json:
        """The resource of one of its files."""
        return {
            "sid": media.sid,
            "account_sid": self.account_sid,
            "parent_sid": self.sid,
            "content_type": media.media_type,
            "date_created": told(self.created),
            "date_updated": told(self.created),
            "uri": f"{self.uri}/Media/{media.sid}.json",
        }

    def reported(self, status: str, error_code: int = 0) -> dict[str, str]:
        """The parameters of a status callback."""
        parameters = {
            "SmsSid": self.sid,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": self.to,
            "MessageSid": self.sid,
            "AccountSid": self.account_sid,
            "From": self.sender,
            "ApiVersion": VERSION,
        }
        if self.service_sid:
            parameters["MessagingServiceSid"] = self.service_sid
        if error_code:
            parameters |= {"ErrorCode": str(error_code), "ErrorMessage": REASONS.get(error_code, "")}
        if self.on_whatsapp:
            parameters |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": self.to.removeprefix(PREFIX)}
            if status in ("delivered", "read"):
                parameters["EventType"] = status.upper()
        elif status in ("delivered", "undelivered"):
            parameters["RawDlrDoneDate"] = (self.updated or self.created).strftime("%y%m%d%H%M")
        return parameters
