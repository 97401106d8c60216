"""How a command runs: with its settings, with the database open, and with what stops it told in words."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from omnibot.cli.printing import fail

if TYPE_CHECKING:
    from omnibot.settings import Settings
    from omnibot.store import Store

T = TypeVar("T")


def settings_of(config: Path | None) -> Settings:
    from omnibot.settings import SettingsError, load

    try:
        return load(config, os.environ)
    except SettingsError as error:
        fail(str(error))


def configure_logs(settings: Settings) -> None:
    from omnibot.logs import configure

    configure(settings.log)


def with_store(config: Path | None, work: Callable[[Store], Awaitable[None]]) -> None:
    """Open the database of a configuration, do something with it, close it."""
    settings = settings_of(config)

    async def run() -> None:
        from omnibot.app import open_store

        async with open_store(settings) as store:
            await work(store)

    configure_logs(settings)
    execute(run())


def execute(work: Coroutine[Any, Any, T], advice: str = "is database.url right, and is the database up?") -> T:
    """Run on uvloop where there is one; what makes a start impossible is told in words, an OSError with `advice`."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(work)
    except Exception as error:
        cause = _cause(error)
        if isinstance(cause, BrokenPipeError):  # whoever reads has enough: `| head`; Typer ends without a word
            raise cause from None
        told = _in_words(cause, advice)
        if told is None:
            raise
        fail(told)


def _cause(error: Exception) -> Exception:
    """What lies at the bottom of groups that hold one error each: whatever is open while it starts adds a group."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _in_words(error: Exception, advice: str) -> str | None:
    """What whoever runs this must do about it; None for what only a developer can mend."""
    from omnibot.app import CannotListen
    from omnibot.dialogue import KnowledgeError
    from omnibot.playbooks import PlaybookError
    from omnibot.settings import SettingsError
    from omnibot.store import DatabaseError, StoreUnavailable, WrongSecret
    from omnibot.store.bundled import BundledServerError
    from omnibot.store.identity import IdentityError
    from omnibot.understanding import PipelineError
    from omnibot.voice import VoiceError

    if isinstance(
        error, SettingsError | KnowledgeError | PlaybookError | WrongSecret | BundledServerError | CannotListen
    ):
        return str(error)
    if isinstance(error, IdentityError | PipelineError | VoiceError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"another program listens at {_place(error)}, perhaps a demo, a sandbox or a server of ours: {advice}"
    if isinstance(error, OSError | DatabaseError | StoreUnavailable):
        return f"{type(error).__name__}: {error}: {advice}"
    return None


def _place(error: OSError) -> str:
    """Which address is taken: asyncio tells it within a sentence of its own."""
    told = re.search(r"\('([^']+)', (\d+)", str(error))
    return f"{told[1]}:{told[2]}" if told else "that port"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
