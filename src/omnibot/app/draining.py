"""Stopping: one deadline for all, of which each stage has its share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

Loop = Callable[[], Coroutine[Any, Any, None]]
T = TypeVar("T")
# By when each has to be over, as shares of `server.shutdown_seconds`; what is quicker leaves its time to the next.
LISTENERS, HANDLERS, INTAKE, WORK, RECORDS, ALL = 0.2, 0.35, 0.5, 0.8, 0.95, 1.0
_LEAST_SECONDS = 0.2  # that even the last one gets when the others have used up all


@dataclass(frozen=True, slots=True)
class Work:
    """Core loops that return some time after `close`."""

    name: str
    loops: Sequence[Loop]
    close: Callable[[], None]


class Drain:
    """Gives everything that stops one deadline together, counted from the first that does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began: float | None = None

    def _left(self, share: float) -> float:
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        return max(_LEAST_SECONDS, self._began + self.seconds * share - now)

    @asynccontextmanager
    async def looping(self, share: float, *works: Work) -> AsyncIterator[None]:
        """Run core loops; at the end close all at once and wait for them together.

        A loop that fails ends everything that was started after it, and then the server.
        """
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(loop(), name=work.name) for work in works for loop in work.loops]
            yield
            for work in works:
                work.close()
            if late := await self._late(running, share):
                await self.cancel(late, RECORDS)

    @asynccontextmanager
    async def background(self, name: str, loop: Loop) -> AsyncIterator[None]:
        """Run a loop that can be cut short at any time."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(loop(), name=name)
            try:
                yield
            finally:
                await self.cancel([task], LISTENERS)

    async def cancel(self, running: Sequence[asyncio.Task[None]], share: float) -> None:
        """Cut short, and what is not over by then is cut short in cleaning up."""
        for task in running:
            task.cancel()
        for task in await self._late(running, share):
            task.cancel()

    async def _late(self, running: Sequence[asyncio.Task[None]], share: float) -> list[asyncio.Task[None]]:
        if not running:
            return []
        _, late = await asyncio.wait(running, timeout=self._left(share))
        for name in sorted({task.get_name() for task in late}):
            log.warning("server.cut_short", reason=name, count=sum(task.get_name() == name for task in late))
        return list(late)

    def closing(self, name: str, resource: AbstractAsyncContextManager[T]) -> AbstractAsyncContextManager[T]:
        """A resource whose closing is cut short at the deadline."""
        return _Closing(resource, name, lambda: self._left(ALL))


@dataclass(frozen=True, slots=True)
class _Closing(AbstractAsyncContextManager[T]):
    resource: AbstractAsyncContextManager[T]
    name: str
    seconds: Callable[[], float]  # that its closing may take

    async def __aenter__(self) -> T:
        return await self.resource.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        deadline = asyncio.timeout(self.seconds())
        try:
            async with deadline:
                return await self.resource.__aexit__(kind, error, trace)
        except TimeoutError:
            if not deadline.expired():
                raise
            log.warning("server.cut_short", reason=self.name, count=1)
            return None
