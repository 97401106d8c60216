"""What is wrong with an account, its number and its templates, and who must do what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from urllib.parse import urldefrag

from omnibot.contract import Finding, Site
from omnibot_twilio.account import Account
from omnibot_twilio.outcomes import Failure, NotConnected, Rejected
from omnibot_twilio.render import BUTTONS
from omnibot_twilio.settings import SmsSettings, TwilioSettings, WhatsAppSettings
from omnibot_twilio.telephone import WHATSAPP, is_number
from omnibot_twilio.webhooks import OVERRIDES, message_url

WHATSAPP_SANDBOX = "+14155238886"  # Twilio's own, for trying out: it is nobody's sender
_SERVICES = 20  # messaging services that are looked through

Answer = TypeVar("Answer")


class Health(ABC):
    """Looks at one account as Twilio has it; subclasses look at its number."""

    def __init__(self, site: Site, settings: TwilioSettings, account: Account) -> None:
        self.site = site
        self.settings = settings
        self.account = account
        self.url = message_url(site)

    async def findings(self) -> Sequence[Finding]:
        """Everything that can be known now."""
        try:
            await self.account.client.incoming_phone_numbers.list_async(limit=1, page_size=1)
        except Rejected as rejected:
            if rejected.status == 401:
                return [self._wrong_credentials()]
        except Failure as failure:
            unreached = isinstance(failure, NotConnected)
            what = f"{self.settings.api} {'cannot be reached' if unreached else 'did not answer as it should'}"
            return [Finding(what, "see that this machine reaches it; messages wait meanwhile")]
        return [
            *[finding async for finding in self._account()],
            *[finding async for finding in self._balance()],
            *[finding async for finding in self._number()],
            *self._public_url(),
        ]

    def _wrong_credentials(self) -> Finding:
        if self.settings.api_key:
            action = "make a standard key under Account, API keys & tokens, and correct `api_key` and `api_key_secret`"
        else:
            action = "copy `account_sid` and `auth_token` from Account info on the Console's first page"
        return Finding("Twilio does not know the account's credentials", action, fatal=True)

    async def _account(self) -> AsyncIterator[Finding]:
        account = await _asked(self.account.client.api.accounts(self.settings.account_sid).fetch_async())
        if account is None:
            return  # a standard API key may not look at the account
        if account.status != "active":
            yield Finding(f"the account is {account.status}", "see its notices in Twilio's Console", fatal=True)
        if account.type == "Trial":
            yield Finding(
                "it is a trial account: it writes to verified numbers only, and puts a sentence before every message",
                "verify the numbers that you try it with (Phone Numbers, Verified caller IDs), or upgrade the account",
            )
        token = self.settings.auth_token.get_secret_value()
        if self.settings.api_key and account.auth_token not in (None, "", token):
            yield Finding(
                "auth_token is not the account's primary one: what Twilio sends to us is turned away",
                "copy the Auth Token from Account info on the Console's first page",
                fatal=True,
            )

    async def _balance(self) -> AsyncIterator[Finding]:
        told = await _asked(self.account.client.balance.fetch_async())
        try:
            balance = Decimal(told.balance) if told else None
        except (InvalidOperation, TypeError):
            balance = None
        if told and balance is not None and balance < Decimal(str(self.settings.low_balance)):
            yield Finding(
                f"the account has {balance:.2f} {told.currency} left; without any, Twilio suspends it",
                "add money, or switch on auto recharge under Billing",
            )

    @abstractmethod
    def _number(self) -> AsyncIterator[Finding]:
        """What is wrong with our number, and with what belongs to it."""

    def _public_url(self) -> Sequence[Finding]:
        if self.url:
            return ()
        every = f"{self.settings.look_every_seconds:g} s"
        return [
            Finding(
                f"no public URL is configured: messages are only looked for every {every}, and nothing is known of"
                " what becomes of ours",
                "set `server.public_url`; or, for trying out, a small `look_every_seconds`",
            )
        ]

    # --- webhooks --------------------------------------------------------------------------------------------

    def _webhook(self, url: str | None, method: str | None, place: str) -> Sequence[Finding]:
        """What is wrong with where Twilio tells of messages; `place` is where it is set."""
        if not self.url:
            return ()
        right = f"set it to {self.url}{OVERRIDES} with HTTP POST ({place})"
        if not url:
            return [Finding("Twilio tells nobody of messages to our number", right)]
        bare, overrides = urldefrag(url)
        if bare != self.url:
            return [Finding(f"Twilio tells {bare.partition('?')[0]} of messages to our number, and not us", right)]
        if (method or "POST").upper() != "POST":
            return [Finding(f"Twilio tells us of messages by {method}", right)]
        if "rc=" not in overrides or "rp=" not in overrides:
            return [Finding("Twilio does not try again when it could not tell us of a message", right)]
        return ()


class SmsHealth(Health):
    """Looks at a number for text messages."""

    settings: SmsSettings

    async def _number(self) -> AsyncIterator[Finding]:
        ours = self.settings.number
        if not is_number(ours):
            return  # short codes are set up by Twilio's people
        numbers = await _asked(self.account.client.incoming_phone_numbers.list_async(phone_number=ours))
        number = next((each for each in numbers or () if each.phone_number == ours), None)
        if number is None:
            if numbers is not None:
                action = "see Phone Numbers, Active numbers in the Console, and correct `number` or `account_sid`"
                yield Finding("the number is not one of this account", action, fatal=True)
            return
        for finding in self._capabilities(number.capabilities):
            yield finding
        async for finding in self._way_in(number):
            yield finding

    def _capabilities(self, capabilities: Any) -> Sequence[Finding]:  # noqa: ANN401 - the SDK's
        can = capabilities if isinstance(capabilities, dict) else {}
        if can.get("sms") is False:
            return [Finding("the number cannot send or receive text messages", "buy one that can", fatal=True)]
        if self.settings.mms and can.get("mms") is False:
            return [Finding("the number cannot send files", "set `mms` to false, or buy one that can")]
        return ()

    async def _way_in(self, number: Any) -> AsyncIterator[Finding]:  # noqa: ANN401 - the SDK's
        service = await self._service_in_charge()
        if isinstance(service, Finding):
            yield service
        elif service is not None:
            place = f"Messaging, Services, {service.friendly_name}, Integration"
            for finding in self._webhook(service.inbound_request_url, service.inbound_method, place):
                yield finding
        elif number.sms_application_sid:
            action = "take it out: Phone Numbers, Active numbers, our number, Messaging, Configure with: Webhook"
            yield Finding("a TwiML app takes the messages to our number", action)
        else:
            place = "Phone Numbers, Active numbers, our number, Messaging, A message comes in: Webhook"
            for finding in self._webhook(number.sms_url, number.sms_method, place):
                yield finding

    async def _service_in_charge(self) -> Any | Finding | None:  # noqa: ANN401 - the SDK's
        """The messaging service that overrides the number's own webhook, or what is wrong with ours."""
        services = self.account.messaging.v1.services
        if not (sid := self.settings.messaging_service_sid):
            for service in await _asked(services.list_async(limit=_SERVICES)) or ():
                if service.use_inbound_webhook_on_number is False and await self._is_in(service.sid):
                    return service
            return None
        try:
            service = await services(sid).fetch_async()
        except Rejected as rejected:
            if rejected.status != 404:
                return None
            action = "correct `messaging_service_sid`, or leave it empty"
            return Finding("the messaging service is not one of this account", action, fatal=True)
        except Failure:
            return None
        if await self._is_in(sid) is False:
            action = f"add it under Messaging, Services, {service.friendly_name}, Sender pool"
            return Finding("the number is not in the messaging service: replies come from another one", action)
        return service if service.use_inbound_webhook_on_number is False else None

    async def _is_in(self, service_sid: str) -> bool | None:
        services = self.account.messaging.v1.services
        numbers = await _asked(services(service_sid).phone_numbers.list_async())
        return None if numbers is None else any(each.phone_number == self.settings.number for each in numbers)


class WhatsAppHealth(Health):
    """Looks at a WhatsApp sender and its templates."""

    settings: WhatsAppSettings

    async def _number(self) -> AsyncIterator[Finding]:
        async for finding in self._sender():
            yield finding
        async for finding in self._template():
            yield finding
        async for finding in self._quick_replies():
            yield finding

    async def _sender(self) -> AsyncIterator[Finding]:
        ours = WHATSAPP + self.settings.number
        if self.settings.number == WHATSAPP_SANDBOX:
            yield Finding(
                "this is Twilio's WhatsApp sandbox: it writes only to who has joined it, for three days each",
                f"fine for trying out, if {self.url or 'our URL'} stands under Messaging, Try it out, Sandbox settings",
            )
            return
        senders = await _asked(self.account.messaging.v2.channels_senders.list_async(channel="whatsapp"))
        if senders is None:
            return
        sender = next((each for each in senders if each.sender_id == ours), None)
        if sender is None:
            action = "register it under Messaging, Senders, WhatsApp senders, or correct `number`"
            yield Finding("the number is no WhatsApp sender of this account", action, fatal=True)
            return
        if not str(sender.status).startswith("ONLINE"):
            action = "see Messaging, Senders, WhatsApp senders for what Meta wants"
            yield Finding(f"the WhatsApp sender is {str(sender.status).lower()}", action, fatal=True)
        webhook = sender.webhook if isinstance(sender.webhook, dict) else {}
        place = "Messaging, Senders, WhatsApp senders, our number, Webhook URL for incoming messages"
        for finding in self._webhook(webhook.get("callback_url"), webhook.get("callback_method"), place):
            yield finding

    async def _template(self) -> AsyncIterator[Finding]:
        if self.settings.template is None:
            return
        contents = self.account.content.contents
        place = "Messaging, Content Template Builder"
        try:
            approval = await contents(self.settings.template.sid).approval_fetch().fetch_async()
        except Rejected as rejected:
            if rejected.status == 404:
                action = f"correct `template.sid`: it is shown under {place}"
                yield Finding("the template is not one of this account", action, fatal=True)
            return
        except Failure:
            return
        status = (approval.whatsapp or {}).get("status", "unsubmitted")
        if status != "approved":
            action = f"submit it, or wait for Meta ({place}); until then nothing leaves after a day of silence"
            yield Finding(f"WhatsApp has not approved the template: it is {status}", action)

    async def _quick_replies(self) -> AsyncIterator[Finding]:
        for count, sid in enumerate(self.settings.quick_replies, 1):
            content = await _asked(self.account.content.contents(sid).fetch_async())
            kinds = content.types if content and isinstance(content.types, dict) else {}
            kind, entries = ("quick-reply", "actions") if count <= BUTTONS else ("list-picker", "items")
            found = len((kinds.get(f"twilio/{kind}") or {}).get(entries) or ())
            if found != count:
                action = f"make it a twilio/{kind} with {count} {entries}: docs/channels/whatsapp.md shows one"
                yield Finding(f"the quick reply template for {count} has {found} choices, or is not there", action)


async def _asked(call: Awaitable[Answer]) -> Answer | None:
    """An answer; None where there is none: what cannot be known is no fault."""
    try:
        return await call
    except Failure:
        return None
