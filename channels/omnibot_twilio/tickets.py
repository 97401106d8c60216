"""What our URLs for delivery reports carry, so that only reports about messages of ours are read.

Twilio signs every report, but anything in its account may name our URL. The ticket is ours: it binds the message to
the address that it went to.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

from omnibot.model import MessageId

_LENGTH = 12  # bytes


def issue(key: bytes, message: MessageId, to: str) -> str:
    """The query of the URL for reports about a message to an address."""
    return urlencode({"message": message, "ticket": _mac(key, str(message), to)})


def redeem(key: bytes, message: str, ticket: str, to: str) -> MessageId | None:
    """Which message of ours a report is about; None where it is about none."""
    right = _mac(key, message, to).encode()
    if not hmac.compare_digest(ticket.encode(errors="surrogateescape"), right):
        return None
    return MessageId(int(message))


def _mac(key: bytes, message: str, to: str) -> str:
    text = f"delivery report\0{message}\0{to}".encode(errors="surrogateescape")
    return hashlib.blake2b(text, key=key[:64], digest_size=_LENGTH).hexdigest()
