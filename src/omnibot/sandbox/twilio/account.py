"""An account of the emulated Twilio: its numbers, senders, services, templates, customers and messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from aiohttp import ClientSession

from omnibot.sandbox.faults import ARRIVAL, Delay, Duplicate, Faults
from omnibot.sandbox.ledger import Ledger
from omnibot.sandbox.twilio.errors import NEVER_SENT
from omnibot.sandbox.twilio.messages import PREFIX, Media, Message, new_sid
from omnibot.sandbox.twilio.phones import Phone
from omnibot.sandbox.twilio.templates import Approval, Template
from omnibot.sandbox.twilio.webhooks import Call, Webhooks

PROVIDER = "twilio"
KEPT_MESSAGES = 200_000  # an account; the oldest go first
WINDOW = timedelta(hours=24)  # after a customer's last message on WhatsApp

OptOut = Literal["default", "advanced", "off"]
Refusal = Literal["later", "at once"]


@dataclass(slots=True)
class Number:
    """A phone number of the account."""

    phone_number: str
    sms_url: str = ""
    sms_fallback_url: str = ""
    status_callback: str = ""
    sid: str = field(default_factory=lambda: new_sid("PN"))
    sms: bool = True
    mms: bool = True
    method: str = "POST"  # by which Twilio would call sms_url; here it always posts
    application_sid: str = ""  # of a TwiML app, which would be called instead


@dataclass(slots=True)
class Sender:
    """A WhatsApp sender of the account."""

    number: str
    callback_url: str = ""
    fallback_url: str = ""
    status_callback_url: str = ""
    status: str = "ONLINE"
    offline_reason: str = ""
    sid: str = field(default_factory=lambda: new_sid("XE"))

    @property
    def address(self) -> str:
        return PREFIX + self.number


@dataclass(slots=True)
class Service:
    """A messaging service: numbers that are chosen from, and settings for all of them."""

    senders: list[str]  # numbers, and WhatsApp senders with their prefix
    name: str = "Sandbox service"
    smart_encoding: bool = False
    inbound_url: str = ""
    fallback_url: str = ""
    status_callback: str = ""
    use_number_webhook: bool = True
    sid: str = field(default_factory=lambda: new_sid("MG"))

    def sender_for(self, to: str) -> str:
        """The first sender of the same channel; "" where there is none."""
        on_whatsapp = to.startswith(PREFIX)
        return next((sender for sender in self.senders if sender.startswith(PREFIX) == on_whatsapp), "")


class Surroundings(Protocol):
    """What an account needs of the sandbox it lives in."""

    ledger: Ledger
    faults: Faults
    client: ClientSession
    now: Callable[[], datetime]
    automatic: bool

    @property
    def url(self) -> str:
        """Where the API is."""
        ...

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run beside everything else until done, or until the sandbox closes."""
        ...


class Account:
    """One account. What can be switched is an attribute, and may be changed at any time."""

    def __init__(
        self, sandbox: Surroundings, sid: str, auth_token: str, sms_number: str, whatsapp_number: str, timeout: float
    ) -> None:
        self.sid = sid
        self.auth_token = auth_token
        self.sms_number = sms_number
        self.whatsapp_number = whatsapp_number
        self.keys: dict[str, str] = {}  # API key → its secret
        self.numbers = {sms_number: Number(sms_number)}
        self.senders = {whatsapp_number: Sender(whatsapp_number)}
        self.services: dict[str, Service] = {}
        self.templates: dict[str, Template] = {}
        self.phones: dict[str, Phone] = {}
        self.messages: dict[str, Message] = {}  # by sid, oldest first
        self.hosted: dict[str, Media] = {}  # by the key under which the media host hands it out
        self.webhooks = Webhooks(auth_token, timeout)
        self.stopped: set[tuple[str, str]] = set()  # (our number, or the service that it is in; customer's number)
        self.calls: list[Call] = []  # webhooks of customers' messages, as they were first sent

        self.created = sandbox.now()
        self.friendly_name = "Sandbox"
        self.status = "active"
        self.trial = False
        self.verified: set[str] = set()  # whom a trial account may write to
        self.balance = "20.00"
        self.countries: frozenset[str] | None = None  # ISO codes that may be written to; None: all
        self.alpha_senders: set[str] = set()
        self.course: tuple[str, ...] = ("sent", "delivered")  # of what nothing goes wrong with, when automatic
        self.opt_out: OptOut = "default"
        self.window_refusal: Refusal = "later"  # how what is outside the window is refused
        self.names_users = True  # ExternalUserId goes along with WhatsApp webhooks
        self.writes_to_users = True  # a WhatsApp user without a number can be written to
        self.media_auth = True  # media asks for credentials
        self.media_redirect = True  # and is at another host
        self.call: Callable[[Call], Awaitable[int]] = self._call  # how webhooks are called; returns the last status
        self._sandbox = sandbox
        self._delayed: list[tuple[int, Call]] = []

    # --- what there is ----------------------------------------------------------------------------------------

    def deliver_to(self, *, sms: str | None = None, whatsapp: str | None = None) -> None:
        """Call these URLs for what comes in on all numbers and senders; "" none, None as before."""
        if sms is not None:
            for number in self.numbers.values():
                number.sms_url = sms
        if whatsapp is not None:
            for sender in self.senders.values():
                sender.callback_url = whatsapp

    def number(self, phone_number: str) -> Number:
        """One more number of the account."""
        return self.numbers.setdefault(phone_number, Number(phone_number))

    def incoming(self, phone_number: str = "") -> Number:
        """A number's settings; of the first without one. LookupError where the account does not have it."""
        return self.numbers[phone_number or self.sms_number]

    def service(self, *senders: str, smart_encoding: bool = False) -> Service:
        """A messaging service with these senders; with none, all that the account has."""
        everything = [*self.numbers, *(sender.address for sender in self.senders.values())]
        service = Service(list(senders) or everything, smart_encoding=smart_encoding)
        self.services[service.sid] = service
        return service

    def template(
        self,
        body: str,
        *,
        quick_replies: tuple[tuple[str, str], ...] = (),
        approval: Approval = "approved",
        name: str = "sandbox_template",
        language: str = "en",
    ) -> Template:
        """A template with {{1}}, {{2}} … in its body; `quick_replies` are labels with their payloads."""
        template = Template(
            self.sid,
            body,
            self._sandbox.now(),
            name=name,
            language=language,
            approval=approval,
            quick_replies=quick_replies,
        )
        self.templates[template.sid] = template
        return template

    def phone(self, number: str) -> Phone:
        """A customer, by their number, or on WhatsApp alone by a business-scoped user id."""
        found = self.phones.get(number)
        if found is None:
            found = self.phones[number] = Phone(self, number)
        return found

    @property
    def posted(self) -> list[int]:
        """HTTP status of every try of a webhook; 0: no answer."""
        return self.webhooks.posted

    @property
    def acknowledged(self) -> int:
        """Webhooks that were answered with success, repetitions and status callbacks too."""
        return self.webhooks.acknowledged

    @property
    def now(self) -> datetime:
        """The time, as the sandbox has it."""
        return self._sandbox.now()

    @property
    def ledger(self) -> Ledger:
        """What was accepted."""
        return self._sandbox.ledger

    @property
    def url(self) -> str:
        """Where the API is."""
        return self._sandbox.url

    # --- messages ---------------------------------------------------------------------------------------------

    def keep(self, message: Message) -> Message:
        """Remember a message, and forget the oldest of too many."""
        self.messages[message.sid] = message
        for media in message.media:
            self.hosted[media.key] = media
        if len(self.messages) > KEPT_MESSAGES:
            self.forget(self.messages[next(iter(self.messages))])
        return message

    def attach(self, message: Message, media: Media) -> None:
        """Keep one more file of a message."""
        message.media.append(media)
        self.hosted[media.key] = media

    def forget(self, message: Message) -> None:
        """Delete a message with its files."""
        del self.messages[message.sid]
        for media in list(message.media):
            self.forget_media(message, media)

    def forget_media(self, message: Message, media: Media) -> None:
        """Delete one file."""
        message.media.remove(media)
        self.hosted.pop(media.key, None)

    def latest(self) -> Iterable[Message]:
        """Messages, youngest first."""
        return reversed(self.messages.values())

    def pool(self, sender: str) -> str:
        """What a STOP to one of our numbers is meant for: its messaging service, or the number alone."""
        return next((service.sid for service in self.services.values() if sender in service.senders), sender)

    def report(self, message: Message | str, status: str, error_code: int = 0) -> None:
        """A message of ours comes to this status, and its callback says so; in any order."""
        found = self.messages[message] if isinstance(message, str) else message
        found.advance(status, self.now, error_code)
        if call := self._reporting(found, status, error_code):
            self._sandbox.spawn(self._told(call))

    def take_course(self, message: Message, error_code: int) -> None:
        """Let a message of ours go its way, as automatic as the sandbox is."""
        if self._sandbox.automatic:
            self._sandbox.spawn(self._go(message, error_code))

    async def _go(self, message: Message, error_code: int) -> None:
        if not error_code:
            course: tuple[str, ...] = self.course
        else:
            course = ("failed",) if error_code in NEVER_SENT else ("sent", "undelivered")
        for status in course:
            code = error_code if status in ("failed", "undelivered") else 0
            message.advance(status, self.now, code)
            if call := self._reporting(message, status, code):
                await self.call(call)

    async def _told(self, call: Call) -> None:
        await self.call(call)

    async def _call(self, call: Call) -> int:
        return await self.webhooks.call(self._sandbox.client, call)

    def _reporting(self, message: Message, status: str, error_code: int) -> Call | None:
        url = message.callback or self._default_callback(message)
        return Call(url, message.reported(status, error_code)) if url else None

    def _default_callback(self, message: Message) -> str:
        if message.service_sid in self.services:
            return self.services[message.service_sid].status_callback
        if message.on_whatsapp:
            sender = self.senders.get(message.sender.removeprefix(PREFIX))
            return sender.status_callback_url if sender else ""
        number = self.numbers.get(message.sender)
        return number.status_callback if number else ""

    # --- what comes in ----------------------------------------------------------------------------------------

    def arrive(self, message: Message, parameters: dict[str, str]) -> Call | None:
        """A customer's message has come: keep it and call who is to be told, as often and as late as ordered."""
        self.keep(message)
        call = self._telling(message, parameters)
        if call is None:
            return None
        self.calls.append(call)
        del self.calls[:-1000]
        fault = self._sandbox.faults.take(PROVIDER, ARRIVAL, message.customer)
        if isinstance(fault, Delay):
            self._delayed.append((fault.behind, call))
            return call
        self.again(call)
        if isinstance(fault, Duplicate):
            for _ in range(fault.times):
                self.again(call)
        self._release()
        return call

    def again(self, call: Call | None = None) -> None:
        """Make a call once more, the same to the byte; by default the last."""
        self._sandbox.spawn(self._told(call or self.calls[-1]))

    async def forge(self, text: str, call: Call | None = None) -> int:
        """Somebody without the auth token imitates a call with other words; the status that they get, 0 for none."""
        genuine = call or self.calls[-1]
        forged = Call(genuine.url, {**genuine.parameters, "Body": text, "MessageSid": new_sid("SM")})
        return await Webhooks("guessed").call(self._sandbox.client, forged)

    def _telling(self, message: Message, parameters: dict[str, str]) -> Call | None:
        service = next((s for s in self.services.values() if message.to in s.senders), None)
        if service:
            message.service_sid = parameters["MessagingServiceSid"] = service.sid
        url, fallback = self._inbound_urls(message, service)
        return Call(url, parameters, fallback) if url else None

    def _inbound_urls(self, message: Message, service: Service | None) -> tuple[str, str]:
        if service and not service.use_number_webhook:
            return service.inbound_url, service.fallback_url
        if message.on_whatsapp:
            sender = self.senders[message.to.removeprefix(PREFIX)]
            return sender.callback_url, sender.fallback_url
        number = self.numbers[message.to]
        return number.sms_url, number.sms_fallback_url

    def _release(self) -> None:
        waiting, self._delayed = self._delayed, []
        for behind, call in waiting:
            if behind > 1:
                self._delayed.append((behind - 1, call))
            else:
                self.again(call)
