"""Telegram as a channel of Omnibot, by webhook or long polling."""

from omnibot_telegram.channel import Telegram
from omnibot_telegram.settings import TelegramSettings

__all__ = ["Telegram", "TelegramSettings"]
