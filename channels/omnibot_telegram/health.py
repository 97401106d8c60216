"""What is wrong with a bot's account, and who must do what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from aiogram.exceptions import AiogramError, TelegramNetworkError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import GetMe, GetWebhookInfo
from aiogram.types import WebhookInfo

from omnibot.contract import Finding, Site
from omnibot_telegram.account import Account
from omnibot_telegram.receive import webhook_url
from omnibot_telegram.session import NotConnected
from omnibot_telegram.settings import TelegramSettings

STALE = timedelta(hours=1)  # an error of the webhook that is older is history
BACKLOG = 100  # updates that wait
TELEGRAM = "https://api.telegram.org"
PORTS = (443, 80, 88, 8443)


async def findings(site: Site, settings: TelegramSettings, account: Account) -> Sequence[Finding]:
    """Ask Telegram about the bot and its webhook."""
    if settings.mode == "webhook" and settings.api == TELEGRAM and (why := not_called(site.public_url)):
        return [Finding(why, 'correct server.public_url, or set mode = "polling"', fatal=True)]
    try:
        await account.call(GetMe())
        info = await account.call(GetWebhookInfo())
    except (TelegramUnauthorizedError, TelegramNotFound):
        action = "ask @BotFather for the bot's token with /mybots → API Token, correct `token`, and start again"
        return [Finding("Telegram does not know the token", action, fatal=True)]
    except AiogramError as error:
        what = f"{settings.api} {_unanswered(error)}"
        return [Finding(what, "see that this machine reaches it; messages wait meanwhile")]
    return list(_polling(info) if settings.mode == "polling" else _webhook(info, site))


def _unanswered(error: AiogramError) -> str:
    match error:
        case NotConnected():
            return "cannot be reached"
        case TelegramNetworkError():
            return "did not answer, or not in time"
        case _:
            return f"did not answer as it should ({error})"


def not_called(url: str) -> str:
    """Why Telegram calls no webhook at such a URL; '' where it does (core.telegram.org/bots/webhooks)."""
    parts = urlsplit(url)
    if url and parts.scheme != "https":
        return "Telegram calls only https, and server.public_url is not"
    if url and (parts.port or 443) not in PORTS:
        return f"Telegram calls only the ports {', '.join(map(str, PORTS))}, and server.public_url has {parts.port}"
    return ""


def _polling(info: WebhookInfo) -> Iterator[Finding]:
    if info.url:
        yield Finding(
            "another server takes this bot's updates by a webhook",
            "stop that server, or get this one a bot of its own from @BotFather; then start again",
        )


def _webhook(info: WebhookInfo, site: Site) -> Iterator[Finding]:
    if not site.public_url:
        yield Finding(
            'mode = "webhook", but no public URL is configured',
            'set `server.public_url`, or mode = "polling"',
        )
    elif info.url and info.url != webhook_url(site):
        yield Finding(
            "Telegram calls another server, not this one",
            "start this server, which tells Telegram; if that does not last, stop the other one",
        )
    if info.last_error_date is not None and site.now() - info.last_error_date < STALE:
        yield Finding(
            f"Telegram could not deliver updates: {info.last_error_message}",
            "see that the public URL reaches this server from the internet, with a valid certificate",
        )
    if info.pending_update_count > BACKLOG:
        yield Finding(
            f"{info.pending_update_count} updates wait at Telegram",
            "look into this server's log for why it does not take them",
        )
