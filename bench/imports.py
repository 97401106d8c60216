"""How much memory the libraries alone take: a bare process that imports them and builds a blank pipeline.

python -m bench.imports CHANNEL        prints bytes
"""

from __future__ import annotations

import sys
from importlib import import_module

import psutil
import spacy

# What the core imports, and what the SDK of a channel is.
_CORE = ("aiohttp.web", "asyncpg", "py3langid", "tortoise", "uvloop", "vaderSentiment.vaderSentiment")
_SDKS = {
    "telegram": ("aiogram",),
    "slack": ("slack_bolt.async_app", "slack_sdk.web.async_client"),
    # what twilio.rest loads with the first call of its API
    "sms": ("twilio.rest.api", "twilio.http.async_http_client", "phonenumbers"),
    "whatsapp": ("twilio.rest.api", "twilio.http.async_http_client", "phonenumbers"),
    "email": ("aiosmtpd.lmtp", "aiosmtplib", "authheaders", "dkim", "selectolax.lexbor"),
}

if __name__ == "__main__":
    for name in (*_CORE, *_SDKS[sys.argv[1]]):
        import_module(name)
    pipeline = spacy.blank("en")
    print(psutil.Process().memory_info().rss)
