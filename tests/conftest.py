"""What many tests need: a real PostgreSQL, and a database of their own in it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings
from typer.testing import CliRunner, Result

from omnibot.cli import app
from omnibot.store import Store
from omnibot.store.bundled import BundledServer
from tests.databases import Databases

ROOT = Path(__file__).parents[1]
SECRET = b"a secret of the tests, long enough"

# The same examples on every machine: what fails for one fails for all. Others are looked for by
# `pytest --hypothesis-profile explore`, and what is found is kept as an example.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile("same")


def log_plainly() -> None:
    """As structlog does by itself, but for the locals of each frame: to print them of one error takes seconds."""
    structlog.reset_defaults()
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


log_plainly()


@pytest_asyncio.fixture(scope="session")
async def databases() -> AsyncIterator[Databases]:
    """The bundled server, which makes databases."""
    with _folder() as folder:
        async with BundledServer(folder) as server:
            databases = Databases(server)
            await asyncio.create_task(databases.prepare(SECRET))  # Tortoise keeps its state in the task's context
            yield databases


@pytest.fixture(scope="session")
def postgres(databases: Databases) -> str:
    """The bundled server itself."""
    return databases.server


@contextmanager
def _folder() -> Iterator[Path]:
    """Not pytest's own: root's PostgreSQL runs as somebody else, who must be let through."""
    with tempfile.TemporaryDirectory(prefix="omnibot-tests-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest_asyncio.fixture
async def dsn(databases: Databases) -> AsyncIterator[str]:
    """A new, migrated database."""
    async with databases.one() as dsn:
        yield dsn


@pytest_asyncio.fixture
async def store(dsn: str) -> AsyncIterator[Store]:
    """An open store on a new database."""
    async with Store.open(dsn, SECRET) as store:
        yield store


@pytest.fixture
def environment(dsn: str, tmp_path: Path) -> dict[str, str]:
    """Settings for a command on this test's database."""
    return {
        "OMNIBOT_CONFIG": os.devnull,
        "OMNIBOT_DATABASE__URL": dsn,
        "OMNIBOT_SECRET": SECRET.decode(),
        "OMNIBOT_DATA_FOLDER": str(tmp_path),
        "OMNIBOT_BOT__KNOWLEDGE": str(ROOT / "config" / "knowledge"),
        "OMNIBOT_BOT__VOICE": str(ROOT / "config" / "voice"),
        "OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN": "4242:AAE_the_sandbox_gives_this_token_away_00",
    }


@pytest.fixture
def omnibot(environment: dict[str, str]) -> Iterator[Callable[..., Result]]:
    """Run a command; `omnibot("outbox", "list")`."""

    root, hook = logging.getLogger(), sys.excepthook
    level, handlers = root.level, list(root.handlers)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environment)

    yield run
    # commands configure the logs of their process, which is ours here
    root.setLevel(level)
    root.handlers[:] = handlers
    sys.excepthook = hook
    log_plainly()


def lines(result: Result) -> list[dict]:
    """What a command has printed for programs."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]
