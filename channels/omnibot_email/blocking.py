"""Calls that block, on threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

T = TypeVar("T")

_PROMPTLY = 2.0  # seconds in which a thread is over that was hung up on


class Interruptible(Protocol):
    """What a blocking call works on."""

    def hang_up(self) -> None:
        """End whatever a thread is waiting for."""
        ...


async def in_thread(call: Callable[[], T], on: Interruptible) -> T:
    """What a blocking call gives, on a thread of its own.

    A caller that is cancelled hangs up, which ends the thread. It is a daemon, and none of the executor's, so that one
    that hangs in a name lookup keeps neither the caller nor the end of the process waiting.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        outcome: tuple[T | None, BaseException | None]
        try:
            outcome = (call(), None)
        except Exception as error:
            outcome = (None, error)
        with suppress(RuntimeError):  # the loop has been closed since
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="omnibot-email", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        on.hang_up()
        done.add_done_callback(asyncio.Future.exception)  # nobody else asks for it any more
        await asyncio.wait({done}, timeout=_PROMPTLY)
        raise
