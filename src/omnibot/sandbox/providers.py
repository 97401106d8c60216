"""All emulated providers together, the people who write through them, and the settings of a server behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from omnibot.sandbox.faults import Faults
from omnibot.sandbox.ledger import Ledger
from omnibot.sandbox.mail import MailSandbox
from omnibot.sandbox.people import People
from omnibot.sandbox.server import HOST
from omnibot.sandbox.telegram import TOKEN, TelegramSandbox

MAILBOX = "support@example.com"
AUTHSERV_ID = "mx.example.com"
WEBHOOK_SECRET = "the-sandbox-sends-this-along"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the providers listen; 0 takes any that is free. `lmtp` is where the server listens for mail."""

    telegram: int = 0
    smtp: int = 0
    lmtp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """What is emulated; one ledger and one set of orders for all."""

    ledger: Ledger
    faults: Faults
    people: People
    telegram: TelegramSandbox
    mail: MailSandbox
    ports: Ports

    def accounts(self, *, telegram_mode: str = "polling") -> dict[str, dict[str, dict[str, Any]]]:
        """The tables under `channels` of a server that works with them."""
        return {
            "telegram": {
                "main": {
                    "token": TOKEN,
                    "api_url": self.telegram.url,
                    "mode": telegram_mode,
                    "webhook_secret": WEBHOOK_SECRET,
                },
            },
            "email": {
                "support": {
                    "address": self.mail.address,
                    "from_name": "Example Support",
                    "authserv_id": AUTHSERV_ID,
                    "listen": {"host": HOST, "port": self.ports.lmtp},
                    "smtp": {"host": HOST, "port": self.mail.port, "security": "none"},
                }
            },
        }


@asynccontextmanager
async def emulated(ports: Ports, *, mail_retry_after: float = 1.0) -> AsyncIterator[Providers]:
    """Start them all."""
    ledger, faults = Ledger(), Faults()
    async with (
        TelegramSandbox(ledger, faults, port=ports.telegram) as telegram,
        MailSandbox(
            ledger,
            faults,
            port=ports.smtp,
            address=MAILBOX,
            authserv_id=AUTHSERV_ID,
            deliver_to=(HOST, ports.lmtp),
            retry_after=mail_retry_after,
        ) as mail,
    ):
        people = People([telegram.customers, mail.customers])
        yield Providers(ledger=ledger, faults=faults, people=people, telegram=telegram, mail=mail, ports=ports)
