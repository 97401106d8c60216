"""What is wrong with a bot's account, and who must do what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from aiogram.exceptions import AiogramError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import GetMe, GetWebhookInfo
from aiogram.types import WebhookInfo

from omnibot.contract import Finding, Site
from omnibot_telegram.account import Account
from omnibot_telegram.receive import webhook_url
from omnibot_telegram.settings import TelegramSettings

STALE = timedelta(hours=1)  # an error of the webhook that is older is history
BACKLOG = 100  # updates that wait


async def findings(site: Site, settings: TelegramSettings, account: Account) -> Sequence[Finding]:
    """Ask Telegram about the bot and its webhook."""
    setting = f"channels.telegram.{site.account}"
    try:
        await account.call(GetMe())
        info = await account.call(GetWebhookInfo())
    except (TelegramUnauthorizedError, TelegramNotFound):
        return [
            Finding(
                f"Telegram does not know the bot token of {setting}",
                f"Ask @BotFather for it with /mybots → API Token, put it into {setting}.token and start again",
                fatal=True,
            )
        ]
    except AiogramError as error:
        return [
            Finding(
                f"{settings.api} did not answer as it should ({type(error).__name__})",
                f"Check that this machine reaches {settings.api}; messages wait meanwhile",
            )
        ]
    if settings.mode == "polling":
        return list(_polling(info, setting))
    return list(_webhook(info, setting, site))


def _polling(info: WebhookInfo, setting: str) -> Iterator[Finding]:
    if info.url:
        yield Finding(
            f"Another server takes the updates of {setting} by a webhook",
            "Stop that server, or give this one a bot of its own; then start again",
        )


def _webhook(info: WebhookInfo, setting: str, site: Site) -> Iterator[Finding]:
    if not site.public_url:
        yield Finding(
            f'{setting} has mode = "webhook", but no public URL is configured',
            f'Set the public URL of this server, or {setting}.mode = "polling"',
        )
    elif info.url != webhook_url(site):
        yield Finding(
            f"Telegram does not call {setting} where it lives",
            "Wait a minute after the start; if it stays, stop the other server that uses this bot's token",
        )
    if info.last_error_date is not None and site.now() - info.last_error_date < STALE:
        yield Finding(
            f"Telegram could not deliver to {setting}: {info.last_error_message}",
            "Check that the public URL reaches this server from the internet, with a valid certificate",
        )
    if info.pending_update_count > BACKLOG:
        yield Finding(
            f"{info.pending_update_count} updates of {setting} wait at Telegram",
            "Look at this server's log for why it does not take them",
        )
