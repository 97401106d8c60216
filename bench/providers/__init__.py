"""The drivers, one a channel."""

from __future__ import annotations

from collections.abc import Mapping

from bench.provider import Provider
from bench.providers.email import EmailProvider
from bench.providers.slack import SlackProvider
from bench.providers.telegram import TelegramProvider
from bench.providers.twilio import SmsProvider, WhatsAppProvider

PROVIDERS: Mapping[str, type[Provider]] = {
    kind.channel: kind for kind in (TelegramProvider, SlackProvider, SmsProvider, WhatsAppProvider, EmailProvider)
}
