"""What stands on the bench: a server with its settings and data in a folder of its own, and the way into it."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from bench.load import PATIENCE, Customer
from bench.processes import OMNIBOT, Server, ServerFailed, running
from bench.provider import Arrivals, Provider
from bench.traffic import texts
from omnibot.learning import Lessons, playbooks_of
from omnibot.sandbox.server import free_port
from omnibot.settings import Settings, load

ROOT = Path(__file__).resolve().parent.parent
_STRANGER = 900_000  # the customer who writes first


@dataclass(frozen=True, slots=True)
class Rig:
    """A server that is up, and warm."""

    server: Server
    arrivals: Arrivals
    folder: Path

    @property
    def config(self) -> Path:
        """The settings file of `omnibot`."""
        return _config(self.folder)

    def settings(self) -> Settings:
        """As the server reads them."""
        return load(self.config, {})


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for all that runs, gone at the end."""
    with TemporaryDirectory(prefix="omnibot-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, the bundled PostgreSQL runs as another user
        yield folder


@asynccontextmanager
async def omnibot(
    provider: Provider,
    folder: Path,
    *,
    tuning: str = "",
    program: Sequence[str] = OMNIBOT,
    environment: Mapping[str, str] | None = None,
    impatient: bool = False,
) -> AsyncIterator[Rig]:
    """`omnibot serve` with the bundled PostgreSQL, one account of the provider and `tuning` besides (TOML)."""
    port = free_port()
    _prepare(folder, _settings(provider, port, folder, impatient) + tuning)
    await _teach(load(_config(folder), {}))
    command = [*program, "serve", "--config", str(_config(folder))]
    async with (
        provider.door(port, bare=False) as door,
        _up(command, provider, folder, Arrivals(door, provider.tries), environment or {}) as rig,
    ):
        yield rig


async def _teach(settings: Settings) -> None:
    """Learn the playbooks before, or it is done beside the first messages: once after a change, not day by day."""
    await asyncio.to_thread(Lessons.of(playbooks_of(settings), settings.data_folder).learn)


@asynccontextmanager
async def bare(provider: Provider, folder: Path) -> AsyncIterator[Rig]:
    """The floor."""
    port = free_port()
    _prepare(folder, "")
    given = orjson.dumps(provider.given()).decode()
    command = [sys.executable, "-m", "bench.floors", provider.channel, str(port), str(_data(folder)), given]
    async with (
        provider.door(port, bare=True) as door,
        _up(command, provider, folder, Arrivals(door, provider.tries), {}) as rig,
    ):
        yield rig


@asynccontextmanager
async def _up(
    command: Sequence[str], provider: Provider, folder: Path, arrivals: Arrivals, environment: Mapping[str, str]
) -> AsyncIterator[Rig]:
    server = Server(command, _data(folder), folder / "log", environment)
    async with running(server):
        await _warm(provider, server, arrivals)
        gc.collect()
        gc.freeze()  # or the load's own collector stops for 0.2 s in the midst, and the wait counts as the server's
        yield Rig(server, arrivals, folder)


async def _warm(provider: Provider, server: Server, arrivals: Arrivals) -> None:
    """One exchange, so that what is made once is made."""
    stranger = Customer(provider.customer(_STRANGER), texts(_STRANGER))
    reply = provider.receipts.next_of(stranger.address)
    try:
        async with asyncio.timeout(PATIENCE):
            await arrivals.insist(stranger.write(provider))
            await reply
    except TimeoutError:
        raise ServerFailed(f"it does not answer:\n{server.words()}") from None


def _prepare(folder: Path, settings: str) -> None:
    folder.mkdir(exist_ok=True)
    _config(folder).write_text(settings)


def _data(folder: Path) -> Path:
    return folder / "data"


def _config(folder: Path) -> Path:
    return folder / "omnibot.toml"


def _settings(provider: Provider, port: int, folder: Path, impatient: bool) -> str:
    return f"""
data_folder = "{_data(folder)}"
[server]
port = {port}
public_url = "http://127.0.0.1:{port}"
[bot]
knowledge = "{ROOT / "config" / "knowledge"}"
{provider.settings(port, impatient=impatient)}
"""
