"""The tokens in our plus addresses: of which of our messages a mail is the answer, or the report.

Both are bound to the address that the message went to: an answer counts from there, a report that names it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import UTC, datetime, timedelta
from typing import Literal

from omnibot.model import MessageId

Purpose = Literal[b"reply", b"bounce", b"desk"]

TOKEN_TAG = "+r"  # of a reply address
BOUNCE_TAG = "+b"  # of an envelope sender, where reports of undelivered mail go
DESK_TAG = "+d"  # of where a team answers letters about a matter that people own
TOKEN_LENGTH = 32  # characters of base32: 8 bytes of id, 2 of last day, 10 of signature
_HEAD = struct.Struct(">QH")
_SIGNATURE = 10  # bytes: a guess costs one mail, 2**80 of them are out of reach
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def issue(key: bytes, message: MessageId, recipient: str, expires: datetime, purpose: Purpose = b"reply") -> str:
    """A token for one message to one normalised address; valid to the end of the day (UTC) of `expires`."""
    head = _HEAD.pack(message, (expires - _EPOCH).days)
    return base64.b32encode(head + _sign(key, purpose, head, recipient)).decode("ascii").casefold()


def verify(key: bytes, token: str, address: str, now: datetime, purpose: Purpose = b"reply") -> MessageId | None:
    """The message that a token stands for; None where it is altered, expired or not of one to `address`."""
    try:
        raw = base64.b32decode(token.upper())
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _HEAD.size + _SIGNATURE:
        return None
    head, signature = raw[: _HEAD.size], raw[_HEAD.size :]
    if not hmac.compare_digest(signature, _sign(key, purpose, head, address)):
        return None
    message, last_day = _HEAD.unpack(head)
    if now - _EPOCH >= timedelta(days=last_day + 1):
        return None
    return MessageId(message)


def message_id(key: bytes, message: MessageId, domain: str) -> str:
    """Our Message-ID for one of our messages: the same at every attempt, and not to be guessed."""
    digest = hmac.digest(key, b"message-id\0" + message.to_bytes(8, "big"), hashlib.sha256)
    return f"<{message}.{digest[:10].hex()}@{domain}>"


def desk_id(key: bytes, stretch: int, part: str, domain: str) -> str:
    """Our Message-ID for a letter to a team; `part` tells one of a thread from the others, and the thread itself."""
    digest = hmac.digest(key, f"desk\0{stretch}\0{part}".encode(), hashlib.sha256)
    return f"<desk.{stretch}.{digest[:10].hex()}@{domain}>"


def _sign(key: bytes, purpose: Purpose, head: bytes, address: str) -> bytes:
    return hmac.digest(key, purpose + b"\0" + head + address.encode(), hashlib.sha256)[:_SIGNATURE]
