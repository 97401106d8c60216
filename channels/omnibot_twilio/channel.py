"""A number at Twilio as a channel: text messages, or WhatsApp."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import web

from omnibot.contract import Accept, Cap, Channel, ChannelSettings, Finding, Limits, Receipt, Refused, Site
from omnibot.model import Address, Attachment, Outbound
from omnibot_twilio import gsm
from omnibot_twilio.account import Account
from omnibot_twilio.arrivals import Arrivals
from omnibot_twilio.health import SmsHealth, WhatsAppHealth
from omnibot_twilio.media import Media
from omnibot_twilio.missed import Missed
from omnibot_twilio.outcomes import OUTSIDE_WINDOW, Failure, Rejected, outcome
from omnibot_twilio.parse import Reader
from omnibot_twilio.reconcile import Reconciliation, Sought
from omnibot_twilio.render import (
    MMS_BYTES,
    MMS_COUNTRIES,
    MMS_TYPES,
    WHATSAPP_BYTES,
    WHATSAPP_TYPES,
    WINDOW,
    Parameters,
    is_open,
    knock,
    spoken,
    text_message,
    whatsapp_message,
)
from omnibot_twilio.served import Served
from omnibot_twilio.settings import NAME, SmsSettings, TwilioSettings, WhatsAppSettings
from omnibot_twilio.telephone import WHATSAPP, country, e164, is_user_id
from omnibot_twilio.tickets import issue
from omnibot_twilio.webhooks import OVERRIDES, Webhooks, report_url

IN_FLIGHT = 32
BODY = 1600  # characters of one message (Twilio 21617)
SHORT_BODY = 1500  # the same with room for signs that count as two
DAY = 86_400.0  # seconds


class TwilioChannel(Channel):
    """What both channels have in common: an account, and one of its numbers."""

    prefix: ClassVar[str] = ""  # of addresses, as Twilio writes them
    settings: TwilioSettings

    def __init__(self, site: Site, settings: TwilioSettings, reader: Reader) -> None:
        super().__init__(site, settings)
        self.settings = settings
        # a few more than messages at once: lists and files need some too
        self._account = Account(settings, connections=IN_FLIGHT + 16)
        self._served = Served(settings.served)
        self._reader = reader
        self._arrivals = Arrivals(site, reader, self._served, settings.number)
        self._media = Media(site, settings, self._account)
        self.missed = Missed(site, settings, self._account, self._arrivals, self._media, self._ours)
        self._reconciliation = Reconciliation(site, self._account, self._sought)

    async def __aenter__(self) -> Self:
        await self._account.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._media.delete_read()
        await self._account.close()

    # --- in ------------------------------------------------------------------------------------------------

    def routes(self, accept: Accept) -> Sequence[web.RouteDef]:
        webhooks = Webhooks(
            self.site, self.settings, self._reader, self._arrivals, accept, self._reconciliation.reported
        )
        return webhooks.routes()

    async def listen(self, accept: Accept) -> None:
        """Look for what did not reach us, at the start and ever again."""
        await self.missed.run(accept)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        async for chunk in self._media.fetch(attachment):
            yield chunk

    # --- out -----------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        if objection := self._served.objection(message.to.value):
            raise Refused(objection.reason, unreachable=objection.unreachable)
        try:
            return await self._send(message)
        except Failure as failure:
            raise outcome(failure) from failure

    async def _send(self, message: Outbound) -> Receipt:
        """Hand it to Twilio; raises Failure, Refused."""
        return await self._create(message, self._request(message))

    async def _create(self, message: Outbound, request: Parameters) -> Receipt:
        created = await self._account.client.messages.create_async(
            to=self.prefix + message.to.value, **self._from(message), **self._callback(message), **request
        )
        self._reconciliation.received(created.sid)
        return Receipt(created.sid, units=self._units(request))

    @abstractmethod
    def _request(self, message: Outbound) -> Parameters:
        """What a message is to Twilio, without from whom to whom."""

    @abstractmethod
    def _units(self, request: Parameters) -> int:
        """What it is billed as."""

    @property
    def _ours(self) -> str:
        """Our number, as Twilio writes it."""
        return self.prefix + self.settings.number

    def _from(self, message: Outbound) -> Parameters:
        """The number that they wrote to, where it is not the account's own; or whichever the service chooses."""
        if number := message.context.get("number"):
            return {"from_": self.prefix + number}
        if service := self.settings.messaging_service_sid:
            return {"messaging_service_sid": service}
        return {"from_": self._ours}

    def _callback(self, message: Outbound) -> Parameters:
        url = report_url(self.site, issue(self.site.key, message.id, message.to.value))
        return {"status_callback": url + OVERRIDES} if url else {}

    def _sought(self, message: Outbound) -> Sought:
        request = self._request(message)
        sender = self._from(message).get("from_", "")
        words, framed = spoken(request)
        return Sought(self.prefix + message.to.value, sender, words, framed, self._units(request))

    async def reconcile(self, unknown: Sequence[Outbound]) -> Mapping[int, Receipt | None]:
        return await self._reconciliation.ask(unknown)

    async def redact(self, to: Address, receipt: Receipt) -> bool:
        """Delete it and its files at Twilio; the customer's telephone keeps it."""
        message = self._account.client.messages(receipt.provider_id)
        try:
            for media in await message.media.list_async():
                await message.media(media.sid).delete_async()
            return bool(await message.delete_async())
        except Failure:
            return False


class Sms(TwilioChannel):
    """Text messages. An address is a number in E.164."""

    name: ClassVar[str] = "sms"
    Settings: ClassVar[type[ChannelSettings]] = SmsSettings
    settings: SmsSettings

    def __init__(self, site: Site, settings: SmsSettings) -> None:
        super().__init__(site, settings, Reader("sms", network_keywords=settings.network_keywords))
        mms = settings.mms and bool(site.public_url)
        self.limits = Limits(
            text=min(gsm.characters(settings.segments), SHORT_BODY),
            in_flight=IN_FLIGHT,
            per_second=settings.per_second or None,
            replies=Cap(10, 60),
            brief=True,
            carrier=True,
            files=10 if mms else 0,
            file_bytes=MMS_BYTES if mms else 0,
            file_types=MMS_TYPES,
            spend=Cap(settings.spend_cap, DAY) if settings.spend_cap else None,
        )

    @classmethod
    def address(cls, text: str) -> Address:
        """A number with its country code: without one it belongs to nobody in particular."""
        return Address(cls.name, _number(text))

    async def invitation(self, text: str) -> str:
        """RFC 5724; the telephone fills in the words."""
        return f"sms:{self.settings.number}?body=/link%20{text}"

    def _request(self, message: Outbound) -> Parameters:
        mms = self.limits.files > 0 and country(message.to.value) in MMS_COUNTRIES
        return text_message(message, self.site.files, mms=mms)

    def _units(self, request: Parameters) -> int:
        """Twilio tells it only once a sender is chosen; the count is the same."""
        return gsm.segments(request.get("body", ""))

    async def health(self) -> Sequence[Finding]:
        return await SmsHealth(self.site, self.settings, self._account).findings()


class WhatsApp(TwilioChannel):
    """WhatsApp. An address is a number in E.164, or WhatsApp's own id of who keeps their number to themselves."""

    name: ClassVar[str] = "whatsapp"
    Settings: ClassVar[type[ChannelSettings]] = WhatsAppSettings
    prefix: ClassVar[str] = WHATSAPP
    settings: WhatsAppSettings

    def __init__(self, site: Site, settings: WhatsAppSettings) -> None:
        names = settings.template is not None and any(NAME in value for value in settings.template.variables)
        super().__init__(site, settings, Reader("whatsapp", keep_name=names))
        self.limits = Limits(
            text=settings.template.max_text if settings.template else SHORT_BODY,
            choices=len(settings.quick_replies),
            choice_bytes=200,
            in_flight=IN_FLIGHT,
            per_second=settings.per_second or None,
            carrier=True,
            files=1 if site.public_url else 0,
            file_bytes=WHATSAPP_BYTES,
            file_types=WHATSAPP_TYPES,
            caption=0,  # a document has no words beside it
            window=WINDOW.total_seconds(),
            knocks=settings.template is not None,
            spend=Cap(settings.spend_cap, DAY) if settings.spend_cap else None,
        )

    @classmethod
    def address(cls, text: str) -> Address:
        """A number with its country code, or WhatsApp's id as it is."""
        written = text.strip().removeprefix(WHATSAPP)
        return Address(cls.name, written if is_user_id(written) else _number(written))

    async def invitation(self, text: str) -> str:
        """WhatsApp's "click to chat"."""
        return f"https://wa.me/{self.settings.number.removeprefix('+')}?text=/link%20{text}"

    async def _send(self, message: Outbound) -> Receipt:
        """Within a day of theirs freely, else by the template, if there is one; Twilio may know better."""
        try:
            return await super()._send(message)
        except Rejected as rejected:
            if rejected.code != OUTSIDE_WINDOW or self.settings.template is None:
                raise
        return await self._create(message, knock(message, self.site.files, self.settings.template))

    def _request(self, message: Outbound) -> Parameters:
        template = self.settings.template
        if template is not None and not is_open(message.heard_at, self.site.now()):
            return knock(message, self.site.files, template)
        return whatsapp_message(message, self.site.files, self.settings.quick_replies)

    def _units(self, request: Parameters) -> int:
        return 1

    async def typing(self, to: Address, context: Mapping[str, str]) -> None:
        """Show that an answer is being written; this tells them that theirs was read, too."""
        if latest := self._arrivals.latest(to):
            with suppress(Failure):  # nobody waits for it
                await self._account.messaging.v2.typing_indicator.create_async(channel="whatsapp", message_id=latest)

    async def health(self) -> Sequence[Finding]:
        return await WhatsAppHealth(self.site, self.settings, self._account).findings()


def _number(text: str) -> str:
    written = text.strip()
    if (number := e164(written)) is None:
        raise ValueError(f"{written!r} is no number with its country code: write it like +14155550123")
    return number
