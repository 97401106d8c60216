"""All emulated providers together, the people who write through them, and the settings of a server behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from omnibot.sandbox.faults import Faults
from omnibot.sandbox.ledger import Ledger
from omnibot.sandbox.mail import ImapSandbox, MailSandbox
from omnibot.sandbox.people import People
from omnibot.sandbox.server import HOST
from omnibot.sandbox.slack import SlackSandbox
from omnibot.sandbox.team import AGENTS
from omnibot.sandbox.telegram import TOKEN, TelegramSandbox
from omnibot.sandbox.twilio import TwilioSandbox

MAILBOX = "support@example.com"
AUTHSERV_ID = "mx.example.com"
WEBHOOK_SECRET = "the-sandbox-sends-this-along"
_PASSWORD = "the-sandbox-lets-in-by-this"
_TRY_AGAIN = "#rc=5&rp=all"  # what Twilio is to do when the bot does not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the providers listen; 0 takes any that is free.

    `lmtp` is where the server listens for mail; with `imap` it fetches its mail from a mailbox instead.
    """

    telegram: int = 0
    slack: int = 0
    twilio: int = 0
    smtp: int = 0
    lmtp: int
    imap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """What is emulated; one ledger and one set of orders for all."""

    ledger: Ledger
    faults: Faults
    people: People
    telegram: TelegramSandbox
    slack: SlackSandbox
    twilio: TwilioSandbox
    mail: MailSandbox
    imap: ImapSandbox | None
    ports: Ports

    def accounts(
        self,
        *,
        telegram_mode: Literal["polling", "webhook"] = "polling",
        slack_mode: Literal["socket", "events"] = "socket",
    ) -> dict[str, dict[str, dict[str, Any]]]:
        """The tables under `channels` of a server that works with them."""
        workspace, account = self.slack.main, self.twilio.main
        twilio = {
            "account_sid": account.sid,
            "auth_token": account.auth_token,
            "api_url": self.twilio.url,
            "media_hosts": [self.twilio.media.url],
        }
        return {
            "telegram": {
                "main": {
                    "token": TOKEN,
                    "api_url": self.telegram.url,
                    "mode": telegram_mode,
                    "webhook_secret": WEBHOOK_SECRET,
                },
            },
            "slack": {
                "main": {
                    "token": workspace.bot_token,
                    "mode": slack_mode,
                    "app_token": workspace.app_token,
                    "signing_secret": workspace.signing_secret,
                    "api_url": f"{self.slack.url}/api/",
                    "staff": [*AGENTS],
                },
            },
            "sms": {"main": twilio | {"number": account.sms_number, "countries": ["*"]}},
            "whatsapp": {"main": twilio | {"number": account.whatsapp_number}},
            "email": {
                "support": {
                    "address": self.mail.address,
                    "from_name": "Example Support",
                    "authserv_id": AUTHSERV_ID,
                    **self._mail_in(),
                    "smtp": {"host": HOST, "port": self.mail.port, "security": "none"},
                }
            },
        }

    def _mail_in(self) -> dict[str, dict[str, Any]]:
        if self.imap is None:
            return {"listen": {"host": HOST, "port": self.ports.lmtp}}
        return {"imap": {"host": HOST, "port": self.imap.port, "security": "none", "password": _PASSWORD}}


@asynccontextmanager
async def _mailbox(port: int | None, ledger: Ledger, faults: Faults) -> AsyncIterator[ImapSandbox | None]:
    if port is None:
        yield None
        return
    async with ImapSandbox(ledger, faults, port=port) as imap:
        yield imap


@asynccontextmanager
async def emulated(ports: Ports, *, bot_url: str, mail_retry_after: float = 1.0) -> AsyncIterator[Providers]:
    """Start them all; `bot_url` is where the server is, for those that call it without being told by it."""
    ledger, faults = Ledger(), Faults()
    async with (
        TelegramSandbox(ledger, faults, port=ports.telegram) as telegram,
        SlackSandbox(ledger, faults, port=ports.slack) as slack,
        TwilioSandbox(ledger, faults, port=ports.twilio) as twilio,
        _mailbox(ports.imap, ledger, faults) as imap,
        MailSandbox(
            ledger,
            faults,
            port=ports.smtp,
            address=MAILBOX,
            authserv_id=AUTHSERV_ID,
            deliver_to=imap.account(MAILBOX, _PASSWORD) if imap else (HOST, ports.lmtp),
            retry_after=mail_retry_after,
        ) as mail,
    ):
        twilio.main.deliver_to(
            sms=f"{bot_url}/channels/sms/main/webhook{_TRY_AGAIN}",
            whatsapp=f"{bot_url}/channels/whatsapp/main/webhook{_TRY_AGAIN}",
        )
        yield Providers(
            ledger=ledger,
            faults=faults,
            people=People([telegram.customers, slack.customers, twilio.sms, twilio.whatsapp, mail.customers]),
            telegram=telegram,
            slack=slack,
            twilio=twilio,
            mail=mail,
            imap=imap,
            ports=ports,
        )
