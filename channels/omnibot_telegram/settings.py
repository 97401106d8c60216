"""What an account on Telegram needs."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

from omnibot.contract import ChannelSettings

_TOKEN = re.compile(r"[0-9]{1,18}:[A-Za-z0-9_-]{3,256}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # core.telegram.org/bots/api#setwebhook


class TelegramSettings(ChannelSettings):
    """One bot."""

    token: SecretStr = Field(description="What @BotFather gave when the bot was made.")
    mode: Literal["webhook", "polling"] = Field(
        default="polling", description="Telegram calls us (needs a public URL), or we ask Telegram."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="What Telegram must send along; 1 to 256 of A-Z a-z 0-9 _ -."
    )
    api_url: HttpUrl = Field(
        default=HttpUrl("https://api.telegram.org"), description="Another Bot API server, or the sandbox."
    )
    per_second: float = Field(default=30, ge=0, description="Messages a second, all chats together; 0: any.")
    max_file_bytes: int = Field(
        default=20_000_000, gt=0, le=2_000_000_000, description="Larger attachments are not fetched."
    )
    timeout: float = Field(default=15, gt=0, le=300, description="Seconds after which a call is given up.")

    @property
    def api(self) -> str:
        """The Bot API server, without a slash at the end."""
        return str(self.api_url).rstrip("/")

    @field_validator("token")
    @classmethod
    def _is_token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("is no bot token (4711:AbC…): ask @BotFather on Telegram for it with /mybots")
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError("must be 1 to 256 of A-Z a-z 0-9 _ -: make one with `openssl rand -hex 32`")
        return secret

    @model_validator(mode="after")
    def _webhook_has_secret(self) -> Self:
        if self.mode == "webhook" and self.webhook_secret is None:
            raise ValueError(
                'webhook_secret is missing: mode = "webhook" needs one; make it with `openssl rand -hex 32`'
            )
        return self
