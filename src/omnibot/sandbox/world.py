"""A whole Omnibot with emulated providers on loopback: what the demo plays in and what journeys are tested in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import SecretStr

from omnibot.app import ALL_ROLES, Role, Running, open_store, serve
from omnibot.intake.files import download_path, link_key
from omnibot.sandbox.faults import Faults
from omnibot.sandbox.ledger import Ledger
from omnibot.sandbox.mail import MailSandbox
from omnibot.sandbox.people import People
from omnibot.sandbox.providers import Ports, Providers, emulated
from omnibot.sandbox.server import HOST, free_port
from omnibot.sandbox.slack import SlackSandbox
from omnibot.sandbox.telegram import TelegramSandbox
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot.settings import Bot, Database, Server, Settings
from omnibot.store import Store


@dataclass(frozen=True, slots=True)
class World:
    """Emulated providers, and the settings of a server that works with them; the server runs only in `serving`."""

    settings: Settings
    providers: Providers

    @property
    def ledger(self) -> Ledger:
        """What all providers have accepted."""
        return self.providers.ledger

    @property
    def faults(self) -> Faults:
        """What they shall do wrong."""
        return self.providers.faults

    @property
    def people(self) -> People:
        """Who writes."""
        return self.providers.people

    @property
    def telegram(self) -> TelegramSandbox:
        """The emulated Telegram."""
        return self.providers.telegram

    @property
    def slack(self) -> SlackSandbox:
        """The emulated Slack."""
        return self.providers.slack

    @property
    def twilio(self) -> TwilioSandbox:
        """The emulated Twilio."""
        return self.providers.twilio

    @property
    def mail(self) -> MailSandbox:
        """The emulated mail server."""
        return self.providers.mail

    @asynccontextmanager
    async def serving(self, roles: frozenset[Role] = ALL_ROLES) -> AsyncIterator[Running]:
        """Run the server; leaving it drains and stops it. It may be entered again, on the same data."""
        stop = asyncio.Event()
        up: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        server = asyncio.create_task(serve(self._settings_of(roles), stop, roles=roles, started=up.set_result))
        try:
            either: list[asyncio.Future[Any]] = [server, up]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not up.done():
                await server  # raises why it could not start
            yield up.result()
        finally:
            stop.set()
            await server

    def _settings_of(self, roles: frozenset[Role]) -> Settings:
        """The one port is of the server that providers call; any other may have what is free."""
        if Role.WEB in roles:
            return self.settings
        return self.settings.model_copy(update={"server": self.settings.server.model_copy(update={"port": 0})})

    def looking(self) -> AbstractAsyncContextManager[Store]:
        """The database, as whoever looks in from outside sees it: beside the server, in a context of its own."""
        return open_store(self.settings)

    def download_path(self, attachment: int) -> str:
        """Where an attachment can be downloaded for the next hour."""
        return download_path(link_key(self.settings.load_secret()), attachment, int(time.time()) + 3600)


@asynccontextmanager
async def world(
    data_folder: Path,
    *,
    knowledge: Path,
    playbooks: Path | None = None,
    database_url: str = "",
    channels: Collection[str] = ("telegram", "email"),
    telegram_mode: Literal["polling", "webhook"] = "polling",
    slack_mode: Literal["socket", "events"] = "socket",
    sections: Mapping[str, object] = MappingProxyType({}),
) -> AsyncIterator[World]:
    """Start the providers, and configure those `channels`.

    `sections` replace those of the settings, such as `{"turns": Turns(pause_seconds=1)}`.
    """
    http_port = free_port()
    url = f"http://{HOST}:{http_port}"
    async with emulated(Ports(lmtp=free_port()), bot_url=url, mail_retry_after=0.2) as providers:
        if slack_mode == "events":
            providers.slack.main.deliver_to(f"{url}/channels/slack/main/events")
        settings = Settings(
            data_folder=data_folder,
            database=Database(url=SecretStr(database_url)),
            server=Server(port=http_port, public_url=url),
            channels={
                channel: accounts
                for channel, accounts in providers.accounts(telegram_mode=telegram_mode, slack_mode=slack_mode).items()
                if channel in channels
            },
            bot=Bot(knowledge=knowledge, playbooks=playbooks),
        )
        yield World(settings.model_copy(update=sections), providers)
