"""Twilio's REST API on this machine: messages by SMS and WhatsApp.

Written after twilio.com/docs/messaging, /whatsapp, /content and /usage. Laxer than Twilio in these points: a webhook
may be plain HTTP and on loopback; a number need only be possible, not in use; nothing is throttled or queued unless
told to be (`Faults`); the TwiML that a webhook answers is looked at, but not carried out. XML resources, scheduled
messages (`ScheduleType`), subaccounts and delivery to short codes are not emulated.

Of WhatsApp users without a number (business-scoped user ids) Twilio says little. What is known, and done here: webhooks
carry ExternalUserId, such as `whatsapp:US.13491208655302741918`, beside From; From itself is that where the number is
not shown; and To may be that. WaId is then left out.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Literal, Self

import orjson
from aiohttp import web

from omnibot.model import Address
from omnibot.sandbox.faults import Blocked, Cut, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Ledger, Outcome
from omnibot.sandbox.server import CallingSandbox
from omnibot.sandbox.twilio.account import PROVIDER, Account
from omnibot.sandbox.twilio.customers import SmsCustomers, WhatsAppCustomers
from omnibot.sandbox.twilio.errors import REASONS, TwilioError, not_found, refusal
from omnibot.sandbox.twilio.media import MediaHost, Unfetched, fetch, handed_out
from omnibot.sandbox.twilio.messages import PREFIX, VERSION, Media
from omnibot.sandbox.twilio.parameters import Form, one, read_form, shown
from omnibot.sandbox.twilio.phones import Phone
from omnibot.sandbox.twilio.resources import RESOURCES, Resource, answered, find_media
from omnibot.sandbox.twilio.sending import KNOWN, Order, order, seen
from omnibot.sandbox.twilio.webhooks import TOTAL

ACCOUNT_SID = "AC5a2d60b0c0ffee00000000000000d0c5"
AUTH_TOKEN = "5a2d60b0c0ffee0000000000000000f1"  # the sandbox gives it away
SMS_NUMBER = "+12025550100"
WHATSAPP_NUMBER = "+12025550101"

_LARGEST = 1024**2  # bytes of a call


def _now() -> datetime:
    return datetime.now(UTC)


class TwilioSandbox(CallingSandbox):
    """Twilio on loopback: `url` goes where https://api.twilio.com, messaging.twilio.com and content.twilio.com stand.

    It has one account from the start, with a number and a WhatsApp sender. Its files are at a second host, `media.url`.
    `statuses` "auto": messages are sent and delivered by themselves; "manual": they stay queued until `Account.report`.
    """

    provider = PROVIDER

    def __init__(
        self,
        ledger: Ledger | None = None,
        faults: Faults | None = None,
        *,
        port: int = 0,
        now: Callable[[], datetime] = _now,
        statuses: Literal["auto", "manual"] = "auto",
        webhook_timeout: float = TOTAL,
    ) -> None:
        super().__init__(ledger, faults, port=port, timeout=TOTAL)
        self.now = now
        self.automatic = statuses == "auto"
        self.media = MediaHost(self._hosted)
        self.accounts: dict[str, Account] = {}
        self._timeout = webhook_timeout
        self.main = self.account(ACCOUNT_SID, AUTH_TOKEN, SMS_NUMBER, WHATSAPP_NUMBER)
        self.sms = SmsCustomers(self.main)
        self.whatsapp = WhatsAppCustomers(self.main)

    def account(self, sid: str, auth_token: str, sms_number: str, whatsapp_number: str) -> Account:
        """One more account."""
        return self.accounts.setdefault(sid, Account(self, sid, auth_token, sms_number, whatsapp_number, self._timeout))

    def phone(self, number: str) -> Phone:
        """Somebody who writes to the first account."""
        return self.main.phone(number)

    async def settled(self) -> None:
        """Return when no webhook and no status is under way any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def __aenter__(self) -> Self:
        await self.media.__aenter__()
        try:
            return await super().__aenter__()
        except BaseException:
            await self.media.__aexit__(None, None, None)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self.media.__aexit__(kind, error, trace)

    def application(self) -> web.Application:
        """The API of api.twilio.com, messaging.twilio.com and content.twilio.com, whose paths do not meet."""
        app = web.Application(client_max_size=_LARGEST)
        root = f"/{VERSION}/Accounts/{{account}}"
        app.router.add_post(f"{root}/Messages.json", self._create)
        for verb, path, method, resource in RESOURCES:
            app.router.add_route(verb, path, self._answering(method, resource))
        app.router.add_get(f"{root}/Messages/{{sid}}/Media/{{media}}", self._hand_out)
        app.router.add_route("*", "/{path:.*}", self._nowhere)
        return app

    # --- calls ------------------------------------------------------------------------------------------------

    def _answering(self, method: str, resource: Resource) -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                account = self._authenticate(request)
                fault = self.faults.take(PROVIDER, method, request.match_info.get("sid", ""))
                if fault is None:
                    return await resource(account, request)
                if not isinstance(fault, Hang | Cut):
                    raise _ordered(fault, "", "")
                if fault.accepted:
                    await resource(account, request)
                return await self._lose(request, fault)
            except TwilioError as error:
                return _error(error)

        return answer

    def _authenticate(self, request: web.Request) -> Account:
        user, password = _credentials(request.headers.get("Authorization", ""))
        sid = request.match_info.get("account")
        for account in self.accounts.values():
            secret = account.auth_token if user == account.sid else account.keys.get(user)
            if secret is not None and secret == password and sid in (None, account.sid):
                return account
        raise TwilioError(20003, "Authenticate", 401)

    async def _lose(self, request: web.Request, fault: Hang | Cut) -> web.Response:
        """Answer never, or by hanging up."""
        if isinstance(fault, Hang):
            await self.hang()
        return self.cut(request)

    async def _nowhere(self, request: web.Request) -> web.Response:
        return _error(not_found(request.path))

    # --- sending ----------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        try:
            account = self._authenticate(request)
            form = await read_form(request)
            fault = self.faults.take(PROVIDER, "messages.create", one(form, "To").removeprefix(PREFIX))
            if isinstance(fault, Hang | Cut):
                if fault.accepted:
                    self._place(account, form, Outcome.UNANSWERED)
                return await self._lose(request, fault)
            if fault is not None:
                raise self._refused(account, form, _ordered(fault, one(form, "To"), one(form, "From")))
            return self._place(account, form, Outcome.ACCEPTED)
        except TwilioError as error:
            return _error(error)

    def _refused(self, account: Account, form: Form, error: TwilioError) -> TwilioError:
        """Write down that a message was refused."""
        reason = f"{error.code} {error.message}"
        self.ledger.append(PROVIDER, account.sid, "messages.create", shown(form), Outcome.REFUSED, reason)
        return error

    def _place(self, account: Account, form: Form, outcome: Outcome) -> web.Response:
        """Accept a message, and let it go its way."""
        try:
            placed = order(account, form)
        except TwilioError as error:
            raise self._refused(account, form, error) from None
        message = account.keep(placed.message)
        answer = answered(message.described(), 201)
        if not message.sender:
            message.sender = account.services[message.service_sid].sender_for(message.to)
        self._write_down(account, placed, form, outcome)
        if placed.media_urls:
            self.spawn(self._send_with_media(account, placed))
        else:
            self._send(account, placed, placed.error_code)
        return answer

    def _write_down(self, account: Account, placed: Order, form: Form, outcome: Outcome) -> None:
        message = placed.message
        unknown = ", ".join(sorted(form.keys() - KNOWN))
        reaches = not placed.error_code
        self.ledger.append(
            PROVIDER,
            account.sid,
            "messages.create",
            {**shown(form), "Sid": message.sid},
            outcome,
            f"warning: ignored {unknown}" if unknown else "",
            to=str(Address(message.channel, message.customer)) if reaches else "",
            text=message.body if reaches else "",
            choices=tuple(label for label, _ in message.choices) if reaches else (),
        )

    def _send(self, account: Account, placed: Order, error_code: int) -> None:
        if not error_code:
            placed.phone.get(seen(placed))
        account.take_course(placed.message, error_code)

    async def _send_with_media(self, account: Account, placed: Order) -> None:
        """Fetch the files; without one of them the message does not leave."""
        message, error_code = placed.message, placed.error_code
        try:
            for url in placed.media_urls:
                media = await fetch(self.client, url, on_whatsapp=message.on_whatsapp)
                account.attach(message, media)
        except Unfetched as error:
            error_code = error.code
            payload = {"Sid": message.sid, "MediaUrl": list(placed.media_urls)}
            reason = f"{error.code} {REASONS[error.code]}"
            self.ledger.append(PROVIDER, account.sid, "media.create", payload, Outcome.REFUSED, reason)
        self._send(account, placed, error_code)

    # --- files ------------------------------------------------------------------------------------------------

    async def _hand_out(self, request: web.Request) -> web.Response:
        """A file itself: by a redirect to another host, where nobody wants credentials."""
        try:
            account = self._media_owner(request)
            message, media = find_media(account, request)
            fault = self.faults.take(PROVIDER, "media.content", message.customer)
            if isinstance(fault, Hang | Cut):
                return await self._lose(request, fault)
            if fault is not None:
                raise _ordered(fault, "", "")
        except TwilioError as error:
            return _error(error)
        if not account.media_redirect:
            return handed_out(media)
        place = self.media.place(account.sid, media)
        return web.Response(status=307, headers={"Location": place})

    def _media_owner(self, request: web.Request) -> Account:
        account = self.accounts.get(request.match_info["account"])
        if account is None:
            raise not_found(request.path)
        return self._authenticate(request) if account.media_auth else account

    def _hosted(self, account_sid: str, key: str) -> Media | None:
        account = self.accounts.get(account_sid)
        return account.hosted.get(key) if account else None


# --- what calls share -----------------------------------------------------------------------------------------------


def _credentials(header: str) -> tuple[str, str]:
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _ordered(fault: Fault, to: str, sender: str) -> TwilioError:
    """A fault as Twilio words it."""
    match fault:
        case Throttle(after):
            return TwilioError(20429, "Too Many Requests", 429, retry_after=math.ceil(after))
        case Blocked():
            return refusal(21610, to, sender)
        case ServerError(status):
            return TwilioError(20000 + status, HTTPStatus(status).phrase, status)
        case _:
            raise ValueError(f"{fault} is nothing that a call can meet")


def _error(error: TwilioError) -> web.Response:
    return web.Response(
        status=error.status, body=orjson.dumps(error.body), content_type="application/json", headers=error.headers
    )
