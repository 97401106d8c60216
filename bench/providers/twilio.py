"""SMS and WhatsApp on the bench: signed webhooks in, messages.create out, and status callbacks for each message."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from bench.provider import Payload, Posted, Provider, Size
from bench.providers.http import HttpDoor
from omnibot.model import Part, plain
from omnibot.sandbox import Faults, ServerError
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot.sandbox.twilio.phones import Phone
from omnibot.sandbox.twilio.webhooks import Call
from omnibot_twilio.gsm import fold

_FIRST_NUMBER = 12_125_000_000
_RETRY_AFTER = 0.1  # seconds between two tries of a status callback


class TwilioProvider(Provider):
    """One account. It tells a message six times at most, as `#rc=5&rp=all` asks for; its list has all of them."""

    sends = "messages.create"
    largest = 1500
    patience = 3.0
    refusal = ServerError(503)
    doubt = ServerError(500)
    tries = 6

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.sandbox = self._twilio = TwilioSandbox(self.receipts, faults)
        self._account = self._twilio.main
        self._account.call = self._call
        self._door: HttpDoor | None = None

    @staticmethod
    def id_of(payload: Payload) -> str:
        return str(payload.get("Sid", ""))

    def customer(self, number: int) -> str:
        return f"+{_FIRST_NUMBER + number}"

    def write(self, address: str, text: str) -> Posted:
        sid = self.said(self._account.phone(address), text)
        headers, body = self._account.calls[-1].request(self._account.auth_token)
        return Posted(address, sid, body, _lines(headers))

    @abstractmethod
    def said(self, phone: Phone, text: str) -> str:
        """They write; the message's sid."""

    async def _call(self, call: Call) -> int:
        """A webhook is due: the load posts those of messages; those of statuses go out as Twilio sends them."""
        if "Body" in call.parameters or self._door is None:
            return 0
        target = urlsplit(call.target)
        headers, body = call.request(self._account.auth_token)
        for _ in range(self.tries or 1):
            status = await self._door.post_to(f"{target.path}?{target.query}".rstrip("?"), headers, body)
            if 200 <= status < 300:
                return status
            await asyncio.sleep(_RETRY_AFTER)
        return status

    def settings(self, port: int, *, impatient: bool = False) -> str:
        return f"""
[channels.{self.channel}.main]
account_sid = "{self._account.sid}"
auth_token = "{self._account.auth_token}"
api_url = "{self._twilio.url}"
number = "{self.number}"
{"look_every_seconds = 5" if impatient else ""}
"""

    @property
    @abstractmethod
    def number(self) -> str:
        """Ours."""

    def given(self) -> dict[str, Any]:
        prefix = "" if self.channel == "sms" else "whatsapp:"
        return {
            "api": f"{self._twilio.url}/2010-04-01/Accounts/{self._account.sid}/Messages.json",
            "sid": self._account.sid,
            "token": self._account.auth_token,
            "number": prefix + self.number,
        }

    def door(self, port: int, *, bare: bool) -> HttpDoor:
        path = "/webhook" if bare else f"/channels/{self.channel}/main/webhook"
        url = f"http://127.0.0.1:{port}{path}#rc=5&rp=all"
        self._account.deliver_to(sms=url, whatsapp=url)
        self._door = HttpDoor(port, path, {})
        return self._door


class SmsProvider(TwilioProvider):
    """Text messages. One address gets ten replies a minute at most, so that many people write little each."""

    channel = "sms"
    size = Size(customers=2000, messages=5)

    @property
    def number(self) -> str:
        return self._account.sms_number

    def said(self, phone: Phone, text: str) -> str:
        return phone.text(text)

    def seen(self, parts: Sequence[Part]) -> str:
        return fold(plain(parts))


class WhatsAppProvider(TwilioProvider):
    """WhatsApp, within the window."""

    channel = "whatsapp"

    @property
    def number(self) -> str:
        return self._account.whatsapp_number

    def said(self, phone: Phone, text: str) -> str:
        return phone.whatsapp(text)

    def seen(self, parts: Sequence[Part]) -> str:
        return plain(parts)


def _lines(headers: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
