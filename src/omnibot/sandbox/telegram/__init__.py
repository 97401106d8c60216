"""Telegram, emulated: the Bot API, and the people who write to its bots."""

from omnibot.sandbox.telegram.api import TOKEN, TelegramSandbox
from omnibot.sandbox.telegram.people import Bot, Chat, Update, User

__all__ = ["TOKEN", "Bot", "Chat", "TelegramSandbox", "Update", "User"]
