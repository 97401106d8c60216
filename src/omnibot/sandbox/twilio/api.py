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
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

import orjson
from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from omnibot.model import Address
from omnibot.sandbox.faults import Blocked, Cut, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Ledger, Outcome
from omnibot.sandbox.server import HttpSandbox
from omnibot.sandbox.twilio.account import PROVIDER, Account
from omnibot.sandbox.twilio.customers import SmsCustomers, WhatsAppCustomers
from omnibot.sandbox.twilio.errors import Json, TwilioError, not_found, refusal
from omnibot.sandbox.twilio.lists import listed, wanted
from omnibot.sandbox.twilio.messages import PREFIX, VERSION, Message
from omnibot.sandbox.twilio.phones import Phone
from omnibot.sandbox.twilio.sending import KNOWN, Order, order, seen
from omnibot.sandbox.twilio.webhooks import TOTAL

ACCOUNT_SID = "AC5a2d60b0c0ffee00000000000000d0c5"
AUTH_TOKEN = "5a2d60b0c0ffee0000000000000000f1"  # the sandbox gives it away
SMS_NUMBER = "+12025550100"
WHATSAPP_NUMBER = "+12025550101"

Handler = Callable[[Account, web.Request], Awaitable[web.Response]]


def _now() -> datetime:
    return datetime.now(UTC)


class TwilioSandbox(HttpSandbox):
    """Twilio on loopback: `url` goes where https://api.twilio.com, messaging.twilio.com and content.twilio.com stand.

    It has one account from the start, with a number and a WhatsApp sender. `statuses` "auto": messages are sent and
    delivered by themselves; "manual": they stay queued until `Account.report`.
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
        super().__init__(ledger, faults, port=port)
        self.now = now
        self.automatic = statuses == "auto"
        self._timeout = webhook_timeout
        self.accounts: dict[str, Account] = {}
        self.main = self.account(ACCOUNT_SID, AUTH_TOKEN, SMS_NUMBER, WHATSAPP_NUMBER)
        self.sms = SmsCustomers(self.main)
        self.whatsapp = WhatsAppCustomers(self.main)
        self._tasks: set[asyncio.Task[Any]] = set()

    def account(self, sid: str, auth_token: str, sms_number: str, whatsapp_number: str) -> Account:
        """One more account."""
        made = Account(self, sid, auth_token, sms_number, whatsapp_number, self._timeout)
        return self.accounts.setdefault(sid, made)

    def phone(self, number: str) -> Phone:
        """A customer of the first account."""
        return self.main.phone(number)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run beside everything else until done, or until the sandbox closes."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when no webhook is under way any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def __aenter__(self) -> Self:
        self.client = ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=TOTAL))
        try:
            return await super().__aenter__()
        except BaseException:
            await self.client.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().__aexit__(kind, error, trace)
        await self.client.close()

    def application(self) -> web.Application:
        """The resources of the API."""
        app = web.Application()
        root = f"/{VERSION}/Accounts/{{account}}"
        self._route(app, "POST", f"{root}/Messages.json", "messages.create", self._create)
        self._route(app, "GET", f"{root}/Messages.json", "messages.list", self._list)
        self._route(app, "GET", f"{root}/Messages/{{sid}}.json", "messages.fetch", self._fetch)
        app.router.add_route("*", "/{path:.*}", self._nowhere)
        return app

    def _route(self, app: web.Application, verb: str, path: str, method: str, handler: Handler) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await self._call(request, method, handler)
            except TwilioError as error:
                return _error(error)

        app.router.add_route(verb, path, handle)

    # --- calls ------------------------------------------------------------------------------------------------

    async def _call(self, request: web.Request, method: str, handler: Handler) -> web.Response:
        account = self._authenticate(request)
        if method == "messages.create":
            return await handler(account, request)
        fault = self.faults.take(PROVIDER, method, request.match_info.get("sid", ""))
        if isinstance(fault, Hang | Cut):
            if fault.accepted:
                await handler(account, request)
            return await self._lose(request, fault)
        if fault is not None:
            raise _ordered(fault, "", "")
        return await handler(account, request)

    def _authenticate(self, request: web.Request) -> Account:
        user, password = _credentials(request.headers.get("Authorization", ""))
        sid = request.match_info.get("account")
        for account in self.accounts.values():
            known = {account.sid: account.auth_token, **account.keys}
            if known.get(user) == password and password and sid in (None, account.sid):
                return account
        raise TwilioError(20003, "Authenticate", 401)

    async def _lose(self, request: web.Request, fault: Hang | Cut) -> web.Response:
        if isinstance(fault, Hang):
            await self.hang()
        return self.cut(request)

    async def _nowhere(self, request: web.Request) -> web.Response:
        return _error(not_found(request.path))

    # --- messages ---------------------------------------------------------------------------------------------

    async def _create(self, account: Account, request: web.Request) -> web.Response:
        form = _form(await request.read())
        to = form.get("To", [""])[-1]
        fault = self.faults.take(PROVIDER, "messages.create", to.removeprefix(PREFIX))
        try:
            if fault is not None and not isinstance(fault, Hang | Cut):
                raise _ordered(fault, to, form.get("From", [""])[-1])
            if fault is not None and not fault.accepted:
                return await self._lose(request, fault)
            placed = order(account, form)
        except TwilioError as error:
            reason = f"{error.code} {error.message}"
            self.ledger.append(PROVIDER, account.sid, "messages.create", _payload(form), Outcome.REFUSED, reason)
            raise
        answer = _json(placed.message.described(), 201)
        self._accept(account, placed, form, Outcome.ACCEPTED if fault is None else Outcome.UNANSWERED)
        return answer if fault is None else await self._lose(request, fault)

    def _accept(self, account: Account, placed: Order, form: dict[str, list[str]], outcome: Outcome) -> None:
        message = account.keep(placed.message)
        if not message.sender:
            message.sender = account.services[message.service_sid].sender_for(message.to)
        if not placed.error_code:
            placed.phone.get(seen(placed, message.sender))
        self._write_down(account, placed, form, outcome)
        account.take_course(message, placed.error_code)

    def _write_down(self, account: Account, placed: Order, form: dict[str, list[str]], outcome: Outcome) -> None:
        message = placed.message
        payload = {**_payload(form), "Sid": message.sid}
        unknown = ", ".join(sorted(form.keys() - KNOWN))
        warning = f"warning: ignored {unknown}" if unknown else ""
        if placed.error_code:
            self.ledger.append(PROVIDER, account.sid, "messages.create", payload, outcome, warning)
            return
        channel = "whatsapp" if message.on_whatsapp else "sms"
        self.ledger.append(
            PROVIDER,
            account.sid,
            "messages.create",
            payload,
            outcome,
            warning,
            to=str(Address(channel, message.customer)),
            text=message.body,
            choices=tuple(label for label, _ in message.choices),
        )

    async def _list(self, account: Account, request: web.Request) -> web.Response:
        query = dict(request.query)
        messages = filter(wanted(query), account.latest())
        return _json(listed("messages", request.path, query, messages, lambda m: m.sid, Message.described))

    async def _fetch(self, account: Account, request: web.Request) -> web.Response:
        return _json(_message(account, request).described())


# --- what handlers share --------------------------------------------------------------------------------------------


def _form(body: bytes) -> dict[str, list[str]]:
    """A form's parameters, in their order; what is no form has none."""
    form: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        form.setdefault(name, []).append(value)
    return form


def _payload(form: dict[str, list[str]]) -> Json:
    return {name: values[0] if len(values) == 1 else values for name, values in form.items()}


def _credentials(header: str) -> tuple[str, str]:
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _message(account: Account, request: web.Request) -> Message:
    message = account.messages.get(request.match_info["sid"])
    if message is None:
        raise not_found(request.path)
    return message


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


def _json(value: Json, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _error(error: TwilioError) -> web.Response:
    return web.Response(
        status=error.status, body=orjson.dumps(error.body), content_type="application/json", headers=error.headers
    )
