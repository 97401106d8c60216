"""What stands on the bench: a server with its settings and data in a folder of its own, and the way to its webhook."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import floor
from bench.load import Customer, converse
from bench.processes import OMNIBOT, Server, ServerFailed, free_port, running
from bench.provider import SECRET, Provider, Webhook
from bench.traffic import texts
from bench.wire import Wire
from omnibot.settings import Settings, load

ROOT = Path(__file__).resolve().parent.parent
_WEBHOOK = "/channels/telegram/main/webhook"
_STRANGER = 900_000  # the customer who writes first, so that what is made once is made


@dataclass(frozen=True, slots=True)
class Rig:
    """A server that is up, and warm."""

    server: Server
    webhook: Webhook
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
) -> AsyncIterator[Rig]:
    """`omnibot serve` with the bundled PostgreSQL, one Telegram account and `tuning` besides (TOML)."""
    port = free_port()
    _prepare(folder, _settings(provider, port, folder) + tuning)
    command = [*program, "serve", "--config", str(_config(folder))]
    async with _up(command, provider, folder, port, _WEBHOOK, environment or {}) as rig:
        yield rig


@asynccontextmanager
async def bare(provider: Provider, folder: Path) -> AsyncIterator[Rig]:
    """The floor."""
    port = free_port()
    _prepare(folder, "")
    command = [sys.executable, "-m", "bench.floor", str(port), str(_data(folder)), provider.bot_url, SECRET]
    async with _up(command, provider, folder, port, floor.PATH, {}) as rig:
        yield rig


@asynccontextmanager
async def _up(
    command: Sequence[str], provider: Provider, folder: Path, port: int, path: str, environment: Mapping[str, str]
) -> AsyncIterator[Rig]:
    server = Server(command, _data(folder), folder / "log", environment)
    async with running(server), Wire("127.0.0.1", port) as wire:
        webhook = Webhook(wire, port, path)
        stranger = Customer(provider.chat(_STRANGER), texts(_STRANGER))
        if not (await converse(provider, webhook, [stranger], 1, 1)).latencies:
            raise ServerFailed(f"it does not answer:\n{server.words()}")
        yield Rig(server, webhook, folder)


def _prepare(folder: Path, settings: str) -> None:
    folder.mkdir()
    _config(folder).write_text(settings)


def _data(folder: Path) -> Path:
    return folder / "data"


def _config(folder: Path) -> Path:
    return folder / "omnibot.toml"


def _settings(provider: Provider, port: int, folder: Path) -> str:
    return f"""
data_folder = "{_data(folder)}"
[server]
port = {port}
public_url = "http://127.0.0.1:{port}"
[bot]
knowledge = "{ROOT / "config" / "knowledge"}"
{provider.account()}
"""
