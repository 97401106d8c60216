"""What an error of Telegram's means for the message that was being sent."""

from __future__ import annotations

from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from omnibot.contract import Refused, TryLater, Unsure
from omnibot_telegram.session import NotConnected

# Telegram's words for a chat where nobody can be reached any more
_GONE = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "chat was deactivated",
    "chat was deleted",
)


def outcome(error: TelegramAPIError | ClientDecodeError, *, chat: int = 0) -> Refused | TryLater | Unsure:
    """The contract's outcome for a call that failed, to a chat; never holds more than Telegram's description."""
    match error:
        case TelegramRetryAfter():
            # 20 messages a minute is what a group gets (core.telegram.org/bots/faq): nobody else has to wait for it
            return TryLater("Telegram throttles", error.retry_after, alone=chat < 0)
        case NotConnected():
            return TryLater("Telegram cannot be reached")
        case TelegramEntityTooLarge():
            return Refused(error.message)
        case TelegramForbiddenError():
            return Refused(error.message, unreachable=True)
        case TelegramBadRequest():
            return Refused(error.message, unreachable=any(words in error.message.lower() for words in _GONE))
        case TelegramUnauthorizedError() | TelegramNotFound():
            # The token is wrong, not the message: it waits until somebody has put that right.
            return TryLater("Telegram does not know the bot's token")
        case TelegramServerError() | TelegramConflictError():
            # The Bot API itself answered, in its own form, that it has not done it (ok: false). A 5xx of a proxy
            # before it is no such answer: it cannot be decoded, and falls through to Unsure.
            return TryLater(error.message)
        case TelegramNetworkError() | ClientDecodeError():
            return Unsure(error.message)
        case _:
            return Refused(error.message)
