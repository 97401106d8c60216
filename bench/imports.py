"""How much memory the libraries alone take: a bare process that imports them and builds a blank pipeline.

python -m bench.imports        prints bytes
"""

from __future__ import annotations

import aiogram  # noqa: F401 - imported to be weighed, as the others
import aiohttp  # noqa: F401
import asyncpg  # noqa: F401
import psutil
import py3langid  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
import spacy
import tortoise  # noqa: F401
import uvloop  # noqa: F401
import vaderSentiment.vaderSentiment  # noqa: F401
from aiohttp import web  # noqa: F401

if __name__ == "__main__":
    pipeline = spacy.blank("en")
    print(psutil.Process().memory_info().rss)
