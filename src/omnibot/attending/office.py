"""The core as desks know it: what agents do goes into the customer's lane, and what they look at comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from omnibot.attending.views import Views
from omnibot.contract import Channel, Look, NotAccepted, Page, Place, Refused, TryLater
from omnibot.desk import Rules
from omnibot.intake.files import Files, FileTooLarge
from omnibot.model import ActKind, Agent, Attachment, Card, DeskAct, Sender
from omnibot.store import Store, StoreUnavailable
from omnibot.store.desk import Attended
from omnibot.store.work import Arrived, ToldAct

__all__ = ["DeskOffice"]

log = structlog.get_logger(__name__)

_FETCH_SECONDS = 20.0
_MOST_CARDS = 50
_KEPT = "kept:"
_WITH_FILES = frozenset({ActKind.REPLY, ActKind.CONSENT})


def _now() -> datetime:
    return datetime.now(UTC)


class DeskOffice:
    """The office of one server; `committed` is called when a lane may be due.

    Channels are opened after it, since they are told of it: `staff` names them once they are.
    """

    def __init__(
        self,
        store: Store,
        views: Views,
        rules: Rules,
        files: Files,
        committed: Callable[[], None],
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._store = store
        self._views = views
        self._rules = rules
        self._files = files
        self._committed = committed
        self._now = now
        self._channels: Mapping[tuple[str, str], Channel] = {}

    def staff(self, channels: Mapping[tuple[str, str], Channel]) -> None:
        """The accounts, by whose means files of agents are fetched."""
        self._channels = channels

    # --- what agents do ---

    async def act(self, place: Place, act: DeskAct) -> bool:
        """Take in what an agent does; returns after the commit, False where no matter has that thread.

        Raises NotAccepted: do not acknowledge, the provider must come again.
        """
        try:
            attended = await self._store.desk.of_place(place)
            if attended is None:
                return False
            kept = await self._with_files(place, act) if act.kind in _WITH_FILES and act.files else act
            if not await self.take_in(attended, kept, place.desk) and kept is not act:
                await self._drop(kept)
        except StoreUnavailable as error:
            raise NotAccepted("the database cannot take it now") from error
        return True

    async def take_in(self, attended: Attended, act: DeskAct, desk: str) -> bool:
        """Commit an act into the lane of whose address it is; False where it was before. Raises StoreUnavailable."""
        channel, _, account = desk.partition(".")
        sender = Sender(attended.address.address)
        item = ToldAct(id=act.id, at=act.at, sender=sender, stretch=attended.stretch.id, act=act)
        [new] = await self._store.path.accept([Arrived(channel=channel, account=account, item=item)])
        self._committed()
        return new

    async def _with_files(self, place: Place, act: DeskAct) -> DeskAct:
        """Files are here before the act is: what is sent does not wait for them, and they cannot change any more."""
        return replace(act, files=tuple([await self._kept(place, file) for file in act.files]))

    async def _kept(self, place: Place, file: Attachment) -> Attachment:
        """With our reference; without any where it could not be had, so that the agent is told."""
        most = self._rules.max_file_bytes
        size = len(file.content) if file.content is not None else file.size
        bare = replace(file, content=None, ref="", size=size)
        if size is not None and size > most:
            return bare
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                counted = _Counted(self._chunks(place, file))
                key = await self._files.put(counted.chunks(), most)
        except FileTooLarge:
            return replace(bare, size=most + 1)
        except (Refused, TryLater, TimeoutError) as error:
            log.warning("desk.file_not_fetched", reason=getattr(error, "reason", "") or type(error).__name__)
            return bare
        except OSError as error:
            raise NotAccepted("the data folder cannot take the file") from error
        return replace(bare, ref=f"{_KEPT}{key}", size=counted.size)

    def _chunks(self, place: Place, file: Attachment) -> AsyncIterator[bytes]:
        if file.content is not None:
            return _once(file.content)
        name, _, account = place.desk.partition(".")
        channel = self._channels.get((name, account))
        return channel.fetch(file) if channel and file.ref else _nothing()

    async def _drop(self, act: DeskAct) -> None:
        """The same act came before, with the same files."""
        for file in act.files:
            if file.ref:
                with suppress(OSError):
                    await self._files.delete(file.ref.removeprefix(_KEPT))

    # --- what they look at ---

    async def card(self, place: Place) -> Card | None:
        """What a thread is about, as it is now."""
        attended = await self._store.desk.of_place(place)
        return await self._views.card(attended, self._now()) if attended else None

    async def cards(self, look: Look, agent: Agent, *, team: str = "", text: str = "") -> Sequence[tuple[Place, Card]]:
        """Open matters that have a thread, the most urgent first; 50 at most."""
        found = await self._found(look, agent, team, text)
        return [(one.place, await self._views.card(one, self._now())) for one in found if one.place][:_MOST_CARDS]

    async def _found(self, look: Look, agent: Agent, team: str, text: str) -> Sequence[Attended]:
        desk, now = self._store.desk, self._now()
        if text.strip():
            found: Sequence[Attended] = await desk.search(text, _MOST_CARDS)
        else:
            found = await desk.queue(
                owner=agent.id if look is Look.MINE else None,
                team=team or None,
                overdue_at=now if look is Look.OVERDUE else None,
                limit=_MOST_CARDS,
                besides=self._rules.teams if team and self._rules.team("").key == team else None,
            )
        match look:
            case Look.MINE:
                return [one for one in found if one.stretch.owner and one.stretch.owner.id == agent.id]
            case Look.TEAM:
                found = [one for one in found if not (one.stretch.owner and one.stretch.owner.id == agent.id)]
        return [one for one in found if not team or self._rules.team(one.stretch.team).key == team]

    async def timeline(self, place: Place, page: int = 0) -> Page:
        """What was said with a thread's customer on all channels."""
        attended = await self._store.desk.of_place(place)
        return await self._views.timeline(attended, max(page, 0)) if attended else Page((), 0)

    async def teams(self) -> Mapping[str, str]:
        """The teams there are, by key, as people call them."""
        return {key: team.name or key for key, team in self._rules.teams.items()}


class _Counted:
    """Chunks as they come, and how much it was."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            yield chunk


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _nothing() -> AsyncIterator[bytes]:
    raise Refused("there is no such file any more")
    yield b""
