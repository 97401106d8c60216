"""What is opened first and closed last: the database, the files, the channels."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from omnibot.channels import Account, Room
from omnibot.contract import Channel, NoOffice, Office, Site
from omnibot.intake.download import Downloads
from omnibot.intake.files import DiskFiles
from omnibot.intake.shared import SharedFiles
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.store.bundled import BundledServer, is_made
from omnibot.store.identity import Guards

Channels = Mapping[tuple[str, str], Channel]  # by channel and account
Closing = Callable[[str, Channel], AbstractAsyncContextManager[Channel]]  # a name, and what it is the name of
Rooms = Mapping[str, Sequence[Room]]  # by team, in the order in which they are tried
NOBODY = NoOffice()
_NO_ROOMS: Rooms = {}


@asynccontextmanager
async def open_database(settings: Settings, stopping: Callable[[], None] = lambda: None) -> AsyncIterator[str]:
    """Where the database is: as configured, or the bundled server's; `stopping` is called before that stops."""
    if url := settings.database.url.get_secret_value():
        yield url
        return
    async with BundledServer(settings.data_folder) as dsn:
        yield dsn
        stopping()


def opened_store(settings: Settings, dsn: str) -> AbstractAsyncContextManager[Store]:
    """The store on that database, as the settings have it."""
    return Store.open(
        dsn,
        settings.load_secret(),
        pool_size=settings.database.pool_size,
        prepared_statements=settings.database.prepared_statements,
        guards=Guards.of(settings.identity),
    )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The database alone, for commands that look into it while a server may be running on it."""
    async with open_database(settings) as dsn, opened_store(settings, dsn) as store:
        yield store


@asynccontextmanager
async def look_into(settings: Settings) -> AsyncIterator[Store | None]:
    """The database, only to be read, beside a server or without one; None where there is none of this version yet."""
    if not settings.database.url.get_secret_value() and not is_made(settings.data_folder):
        yield None
        return
    async with open_database(settings) as dsn, Store.look(dsn, settings.load_secret()) as store:
        yield store


@asynccontextmanager
async def open_channels(
    accounts: Sequence[Account],
    settings: Settings,
    closing: Closing = lambda _, channel: channel,
    office: Office = NOBODY,
    rooms: Rooms = _NO_ROOMS,
) -> AsyncIterator[Channels]:
    """Each account as an open channel; closed in the opposite order, each as `closing` has it.

    `office` takes in what agents do in the `rooms` of the teams.
    """
    secret, files = settings.load_secret(), shared_files(settings)
    async with AsyncExitStack() as stack:
        downloads = await stack.enter_async_context(Downloads())
        channels = {}
        for account in accounts:
            site = replace(
                site_of(account, settings, secret, files, downloads), office=office, rooms=_rooms_at(account, rooms)
            )
            channel = account.channel_class(site, account.settings)
            opened = await stack.enter_async_context(closing(f"{account.channel}.{account.name}", channel))
            channels[account.channel, account.name] = opened
        yield channels


def _rooms_at(account: Account, rooms: Rooms) -> frozenset[str]:
    """Where teams work by this account."""
    here = (account.channel, account.name)
    return frozenset(room.room for each in rooms.values() for room in each if (room.channel, room.account) == here)


def shared_files(settings: Settings) -> SharedFiles:
    """The files that go out: those that were kept, and those that lie beside the articles."""
    return SharedFiles(
        kept_files(settings),
        settings.bot.knowledge,
        settings.load_secret(),
        settings.server.public_url,
        settings.files.link_seconds,
    )


def kept_files(settings: Settings) -> DiskFiles:
    """The files that came in."""
    return DiskFiles(settings.data_folder / "files")


def site_of(account: Account, settings: Settings, secret: bytes, files: SharedFiles, downloads: Downloads) -> Site:
    """What a channel is told of where it runs."""
    path = f"/channels/{account.channel}/{account.name}"
    public = settings.server.public_url
    context = f"channel {account.channel} {account.name}".encode()
    return Site(
        account=account.name,
        path=path,
        public_url=public + path if public else "",
        key=hashlib.blake2b(context, key=hashlib.sha256(secret).digest(), digest_size=32).digest(),
        now=lambda: datetime.now(UTC),
        files=files,
        download=downloads,
    )


def first_accounts(channels: Channels) -> Mapping[str, Channel]:
    """By channel, in the order in which they are configured."""
    first: dict[str, Channel] = {}
    for (name, _), channel in channels.items():
        first.setdefault(name, channel)
    return first
