"""What becomes of a call of messages.create: refused at once, or accepted, and what happens then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import orjson
import phonenumbers

from omnibot.sandbox.twilio.account import WINDOW, Account, Service
from omnibot.sandbox.twilio.errors import REASONS, TwilioError, refusal
from omnibot.sandbox.twilio.messages import PREFIX, Message
from omnibot.sandbox.twilio.parameters import Form, one
from omnibot.sandbox.twilio.phones import USER, Phone, Seen, country_of, take
from omnibot.sandbox.twilio.segments import count_segments, smart
from omnibot.sandbox.twilio.templates import REFUSED, Template

BODY = 1600  # characters
MEDIA = 10  # files of one message; on WhatsApp one

KNOWN = frozenset(
    {
        "To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "ContentVariables", "StatusCallback",
        "ProvideFeedback", "Attempt", "ValidityPeriod", "ForceDelivery", "ContentRetention", "AddressRetention",
        "SmartEncoded", "PersistentAction", "TrafficType", "ShortenUrls", "SendAsMms", "RiskCheck", "ApplicationSid",
        "MaxPrice",
    }
)  # fmt: skip
NOT_EMULATED = frozenset({"ScheduleType", "SendAt"})

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SHORT_CODE = re.compile(r"\d{3,8}")
_ALPHA = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
TRIAL = "Sent from your Twilio trial account - "


@dataclass(frozen=True, slots=True)
class Order:
    """A message that the account may send, and what will become of it."""

    message: Message
    phone: Phone
    media_urls: tuple[str, ...]
    error_code: int  # which its callback will tell; 0: it arrives


def order(account: Account, form: Form) -> Order:
    """Judge a call, in Twilio's order; raises TwilioError."""
    for name in NOT_EMULATED:
        if one(form, name):
            raise TwilioError(20001, f"{name} is not emulated by this sandbox")
    to = one(form, "To")
    if not to:
        raise TwilioError(21604, "A 'To' phone number is required.")
    service = _service(account, one(form, "MessagingServiceSid"))
    sender = one(form, "From")
    if not sender and service is None:
        raise TwilioError(21603, "A 'From' phone number is required.")
    template = _template(account, one(form, "ContentSid"))
    media_urls = _media_urls(form, to.startswith(PREFIX))
    body = _body(account, form, template, media_urls, service)
    _check_recipient(account, to)
    if sender:
        _check_sender(account, sender, to)
    elif service is not None and not service.sender_for(to):
        raise TwilioError(21703, "The Messaging Service does not have a phone number available to send a message")
    return _judged(
        account, _draft(account, form, to, sender, service, template, body, media_urls), template, media_urls
    )


def _judged(account: Account, message: Message, template: Template | None, media_urls: tuple[str, ...]) -> Order:
    sender = message.sender or account.services[message.service_sid].sender_for(message.to)
    phone = account.phone(message.customer)
    _check_pair(account, message, phone, sender)
    error_code = _window(account, phone, message, sender, template) or take(phone.failures)
    return Order(message, phone, media_urls, error_code)


# --- parameters ---------------------------------------------------------------------------------------------------


def _service(account: Account, sid: str) -> Service | None:
    if not sid:
        return None
    if sid not in account.services:
        raise TwilioError(21701, f"The Messaging Service {sid} does not exist", 404)
    return account.services[sid]


def _template(account: Account, sid: str) -> Template | None:
    if not sid:
        return None
    if sid not in account.templates:
        raise TwilioError(21655, f"The ContentSid {sid} is Invalid")
    return account.templates[sid]


def _media_urls(form: Form, on_whatsapp: bool) -> tuple[str, ...]:
    urls = tuple(url for url in form.get("MediaUrl", ()) if url)
    if len(urls) > (1 if on_whatsapp else MEDIA):
        raise TwilioError(21623, "Number of media files exceeds allowed limit")
    for url in urls:
        if not _is_url(url):
            raise TwilioError(21620, f"Invalid media URL(s): {url}")
    return urls


def _body(
    account: Account, form: Form, template: Template | None, media_urls: tuple[str, ...], service: Service | None
) -> str:
    if template is not None:
        return template.filled(_variables(one(form, "ContentVariables")))
    body = one(form, "Body")
    if not body and not media_urls:
        raise TwilioError(21619, "A text message body or media urls must be specified")
    if account.trial:
        body = TRIAL + body
    if (service is not None and service.smart_encoding) or one(form, "SmartEncoded") == "true":
        body = smart(body)
    if len(body.encode("utf-16-le")) // 2 > BODY:
        raise refusal(21617, "", "")
    return body


def _variables(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise TwilioError(21656, "The ContentVariables Parameter is invalid")
    return value


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _draft(
    account: Account,
    form: Form,
    to: str,
    sender: str,
    service: Service | None,
    template: Template | None,
    body: str,
    media_urls: tuple[str, ...],
) -> Message:
    callback = one(form, "StatusCallback")
    if callback and not _is_url(callback):
        raise TwilioError(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
    on_whatsapp = to.startswith(PREFIX)
    return Message(
        account_sid=account.sid,
        direction="outbound-api",
        sender=sender,
        to=to,
        body=body,
        created=account.now,
        status="accepted" if service and not sender else "queued",
        segments=1 if on_whatsapp else count_segments(body),
        service_sid=service.sid if service else "",
        callback=callback,
        media_count=len(media_urls),
        choices=template.buttons(_variables(one(form, "ContentVariables"))) if template and on_whatsapp else (),
    )


# --- who to whom --------------------------------------------------------------------------------------------------


def _check_recipient(account: Account, to: str) -> None:
    value = to.removeprefix(PREFIX)
    if to.startswith(PREFIX) and USER.fullmatch(value):
        if not account.writes_to_users:  # as Twilio did before it knew them
            raise refusal(21211, "+" + value.partition(".")[2], "")
        return
    if not is_number(value):
        raise refusal(21211, to, "")
    if account.countries is not None and country_of(value) not in account.countries:
        raise refusal(21408, to, "")


@lru_cache(maxsize=50_000)
def is_number(text: str) -> bool:
    """Whether this is a number in E.164 that could be somebody's."""
    if not _E164.fullmatch(text):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        return False


def _check_sender(account: Account, sender: str, to: str) -> None:
    if to.startswith(PREFIX) != sender.startswith(PREFIX):
        raise TwilioError(21910, f"Invalid From and To pair. From and To should be of the same channel: {sender}")
    if sender == to:
        raise refusal(21266, to, sender)
    if sender.startswith(PREFIX):
        if sender.removeprefix(PREFIX) not in account.senders:
            raise TwilioError(63007, "Twilio could not find a Channel with the specified From address")
        return
    if sender in account.numbers:
        return
    if sender in account.alpha_senders:
        if to.startswith("+1"):
            raise refusal(21612, to, sender)
        return
    if _E164.fullmatch(sender) or _SHORT_CODE.fullmatch(sender) or _ALPHA.fullmatch(sender):
        raise TwilioError(21659, f"'From' {sender} is not a Twilio phone number or Short Code country mismatch")
    raise TwilioError(
        21212, f"The 'From' number {sender} is not a valid phone number, shortcode, or alphanumeric sender ID."
    )


def _check_pair(account: Account, message: Message, phone: Phone, sender: str) -> None:
    if code := take(phone.refusals):
        raise refusal(code, message.to, sender)
    if account.trial and phone.number not in account.verified:
        raise refusal(21608, message.to, sender)
    if (account.pool(sender), phone.number) in account.stopped:
        raise refusal(21610, message.to, sender)
    if phone.landline and not message.on_whatsapp:
        raise refusal(21614, message.to, sender)


def _window(account: Account, phone: Phone, message: Message, sender: str, template: Template | None) -> int:
    """The error of what WhatsApp does not let through; raises it where the account has it answered at once."""
    if not message.on_whatsapp:
        return 0
    if account.senders[sender.removeprefix(PREFIX)].status != "ONLINE":
        raise TwilioError(63007, "Twilio could not find a Channel with the specified From address")
    heard = phone.heard.get(sender)
    if heard is not None and account.now - heard <= WINDOW:
        return 0
    if template is None or template.approval not in ("approved", *REFUSED):
        if account.window_refusal == "at once":
            raise TwilioError(63016, REASONS[63016])
        return 63016
    return REFUSED.get(template.approval, 0)


def seen(placed: Order) -> Seen:
    """What the customer gets."""
    message = placed.message
    return Seen(
        message.sid,
        message.channel,
        message.sender,
        message.body,
        message.created,
        tuple(label for label, _ in message.choices),
        tuple(message.media),
    )
