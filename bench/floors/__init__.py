"""What is the provider's in the floor: how it is verified and parsed, and how a reply is posted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from bench.floor import Floor, Given
from bench.floors.email import email
from bench.floors.slack import slack
from bench.floors.telegram import telegram
from bench.floors.twilio import twilio

Front = Callable[[Floor, int, Given], AbstractAsyncContextManager[None]]

FRONTS: Mapping[str, Front] = {
    "telegram": telegram,
    "slack": slack,
    "sms": twilio,
    "whatsapp": twilio,
    "email": email,
}
