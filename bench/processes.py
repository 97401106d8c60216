"""Servers in processes of their own: started, stopped, killed, and what they and their PostgreSQL cost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

OMNIBOT = (str(Path(sys.executable).with_name("omnibot")),)
_START_SECONDS, _STOP_SECONDS = 90.0, 40.0
_ANNOUNCEMENT = "serving "


class ServerFailed(Exception):
    """A server did not start or did not stop; tells where its own words are."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of user and system time."""

    server: float
    database: float

    def since(self, before: Cpu) -> Cpu:
        return Cpu(self.server - before.server, self.database - before.database)


class Server:
    """A process that announces itself with `serving URL` on its output; `log` gets all its words."""

    def __init__(self, command: Sequence[str], data: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._command = tuple(command)
        self._environment = _environment() | dict(environment)
        self._data = data
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        if self._process is None:
            raise ServerFailed("it is not running")
        return self._process.pid

    async def start(self) -> None:
        """Run until it announces itself."""
        with self._log.open("ab") as log:
            offset = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while _ANNOUNCEMENT.encode() not in self._words(offset):
                    if self._process.returncode is not None:
                        raise ServerFailed(f"it ended at once:\n{self._words(offset).decode(errors='replace')[-2000:]}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.kill()
            raise ServerFailed(f"it did not start within {_START_SECONDS:g} s; see {self._log}") from None

    def words(self) -> str:
        """The last of what it said."""
        return self._words(0).decode(errors="replace")[-2000:]

    def _words(self, offset: int) -> bytes:
        with self._log.open("rb") as log:
            log.seek(offset)
            return log.read(100_000)

    async def stop(self) -> None:
        """SIGTERM, and wait for a clean end."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                status = await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ServerFailed(f"it did not stop within {_STOP_SECONDS:g} s; see {self._log}") from None
        if status:
            raise ServerFailed(f"it ended with status {status}; see {self._log}")

    async def kill(self) -> None:
        """SIGKILL: it gets no time for anything."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            process.kill()
        await process.wait()

    def cpu(self) -> Cpu:
        """What it and its PostgreSQL have used since they were started."""
        own = psutil.Process(self.pid).cpu_times()
        return Cpu(own.user + own.system, _database_seconds(self._data))

    def memory(self) -> int:
        """Bytes of its own that are resident now."""
        return int(psutil.Process(self.pid).memory_info().rss)


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """A started server, stopped at the end: cleanly, or its PostgreSQL would be left behind."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def load_seconds() -> float:
    """CPU that this process, the sandbox and the load, has used."""
    own = os.times()
    return own.user + own.system


def _database_seconds(data: Path) -> float:
    """The postmaster, its processes, and those that have ended."""
    pid_file = data / "postgres" / "cluster" / "postmaster.pid"
    postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
    times = postmaster.cpu_times()
    seconds = times.user + times.system + times.children_user + times.children_system
    for child in postmaster.children():
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it is in the postmaster's account by now
        seconds += own.user + own.system
    return float(seconds)


def _environment() -> dict[str, str]:
    """Ours, without what would change the settings of the server that is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OMNIBOT_")}
