"""The worker behind the message path that attends to people: hand-offs become threads, and what is said there lines.

A room that takes nothing more is left for the next of its team, with a new thread for all that was not shown; a desk
that cannot be reached is waited for. Nothing is shown twice on purpose: what may stand there already is told as that.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from omnibot.attending.office import DeskOffice
from omnibot.attending.views import Views
from omnibot.channels import Room
from omnibot.contract import Desk, Place, Refused, TryLater, Unsure
from omnibot.desk import DESK, Dues, Reminder, Rules, dues_of, idle_act, idles_at, looks_at, reminders, wake_act
from omnibot.model import ActKind, Card, Entry, EntryKind, StretchState
from omnibot.store import StoreUnavailable
from omnibot.store.desk import Adopted, Attended, DeskStore, Mark, NewEntry, Refresh, ToShow

__all__ = ["Attending"]

_T = TypeVar("_T")

log = structlog.get_logger(__name__)

_BATCH = 50
_MESSAGES = 500  # mirrored at a look
_AT_ONCE = 20  # threads
_CALL_SECONDS = 30.0
_LEASE_SECONDS = 60.0
_LOOK_SECONDS = 600.0  # between two looks at the levels of a stretch, where none of its times comes before
_NO_ROOM_SECONDS = 60.0  # before all rooms are tried again
_LONGEST_WAIT = 300.0  # before a desk is tried again
_PATIENCE = timedelta(minutes=2)  # with the first room of a new hand-off that cannot be reached
_NEVER = datetime.max.replace(tzinfo=UTC)
_UNREACHED = (TryLater, Unsure, TimeoutError)


def _now() -> datetime:
    return datetime.now(UTC)


class Attending:
    """The desks of one process, by name (`slack.main`), and the rooms of each team in their order."""

    def __init__(
        self,
        store: DeskStore,
        office: DeskOffice,
        views: Views,
        rules: Rules,
        desks: Mapping[str, Desk],
        rooms: Mapping[str, Sequence[Room]],
        *,
        poll_seconds: float = 1.0,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._store = store
        self._office = office
        self._views = views
        self._rules = rules
        self._desks = desks
        self._rooms = rooms
        self._poll_seconds = poll_seconds
        self._now = now
        self._due = asyncio.Event()
        self._closing = False

    def wake(self) -> None:
        """Something may be due."""
        self._due.set()

    def close(self) -> None:
        """Finish the calls that are under way; `run` returns when their results are recorded."""
        self._closing = True
        self._due.set()

    async def run(self) -> None:
        """Attend until `close`."""
        while not self._closing:
            self._due.clear()
            try:
                more = await self.attend()
            except StoreUnavailable as error:
                log.warning("desk.store_unavailable", reason=str(error))
                more = False
                await asyncio.sleep(self._poll_seconds)
            except Exception:
                log.exception("desk.failed")
                more = False
                await asyncio.sleep(self._poll_seconds)
            if not more:
                await self._awakened()

    async def _awakened(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds * random.uniform(0.8, 1.2)):
                await self._due.wait()

    async def attend(self) -> bool:
        """One round; tells whether there may be more at once. Raises StoreUnavailable."""
        more = False
        for step in (self._adopt, self._mirror, self._begin, self._look_all, self._show_all):
            more |= await self._guarded(step())  # what one cannot do keeps none of the others from it
        return more

    async def _adopt(self) -> bool:
        adopted = await self._store.adopt(_BATCH, _told)
        for one in adopted:
            log.info("desk.adopted", stretch=one.stretch.id, state="fresh" if one.fresh else "continued")
        return len(adopted) == _BATCH

    async def _mirror(self) -> bool:
        return await self._store.mirror(_MESSAGES) == _MESSAGES

    async def _begin(self) -> bool:
        return await self._each(await self._store.claim_opening(_AT_ONCE, _LEASE_SECONDS), self._open)

    async def _look_all(self) -> bool:
        due = await self._store.due_levels(self._now(), _BATCH)
        await self._each(due, self._look)
        return len(due) == _BATCH

    async def _show_all(self) -> bool:
        return await self._each(await self._store.due(_AT_ONCE, _LEASE_SECONDS), self._show)

    async def _each(self, things: Sequence[_T], do: Callable[[_T], Awaitable[bool]]) -> bool:
        """All at once; what goes wrong with one holds up no other. Whether one went on."""
        return any(await asyncio.gather(*(self._guarded(do(thing)) for thing in things)))

    async def _guarded(self, doing: Awaitable[bool]) -> bool:
        try:
            return await doing
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("desk.failed")
            return False

    # --- threads ---

    async def _open(self, attended: Attended) -> bool:
        """Begin its thread in the room that is its turn; tells whether something came of it."""
        stretch, rooms = attended.stretch, self._rooms_of(attended)
        if attended.room >= len(rooms):
            log.error("desk.no_room_works", stretch=stretch.id, count=len(rooms))
            await self._store.refused_room(stretch.id, 0)
            await self._store.open_later(stretch.id, _NO_ROOM_SECONDS)
            return False
        room = rooms[attended.room]
        desk = self._desks.get(room.desk)
        if desk is None:
            return await self._next_room(attended, room, "has no desk")
        card = await self._views.card(attended, self._now())
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                found = await self._found(desk, room, card) if attended.doubtful else None
                place = found or await desk.open(room.room, card)
        except Refused as error:
            return await self._next_room(attended, room, error.reason)
        except TryLater as error:
            return await self._open_later(attended, len(rooms), error.after, error.reason)
        except Exception as error:
            if not isinstance(error, _UNREACHED):
                log.exception("desk.failed", stretch=stretch.id)
            return await self._open_later(attended, len(rooms), None, type(error).__name__, doubtful=True)
        if await self._store.placed(stretch.id, place, attended.room) and not found:
            await self._store.card_shown(stretch.id, _hash(card))
        elif found:
            await self._store.enqueue(stretch.id, [Refresh()])  # it shows the card as it was
        log.info("desk.opened", stretch=stretch.id, channel=room.channel, account=room.account)
        return True

    async def _found(self, desk: Desk, room: Room, card: Card) -> Place | None:
        """The thread whose answer was lost; None where nobody can tell, since a second card is better than none."""
        with suppress(Refused):
            return await desk.find(room.room, card)
        return None

    async def _next_room(self, attended: Attended, room: Room, reason: str) -> bool:
        log.error(
            "desk.room_refused",
            stretch=attended.stretch.id,
            channel=room.channel,
            account=room.account,
            reason=reason,
        )
        await self._store.refused_room(attended.stretch.id, attended.room + 1)
        return True

    async def _open_later(
        self, attended: Attended, rooms: int, after: float | None, reason: str, *, doubtful: bool = False
    ) -> bool:
        """The same room again, or, where people have waited long enough for it and there is another, that.

        A second card is better than none: what may have begun in the room that is left (`doubtful`) stays there.
        """
        log.warning("desk.not_opened", stretch=attended.stretch.id, reason=reason)
        waited = self._now() - attended.stretch.opened_at
        if waited > _PATIENCE and attended.room + 1 < rooms:
            await self._store.refused_room(attended.stretch.id, attended.room + 1)
            return True
        again = _backoff(attended.openings) if after is None else after
        await self._store.open_later(attended.stretch.id, again, doubtful=doubtful)
        return False

    def _rooms_of(self, attended: Attended) -> Sequence[Room]:
        return self._rooms.get(self._rules.team(attended.stretch.team).key, ())

    # --- lines ---

    async def _show(self, shown: ToShow) -> bool:
        """Show the next line of a thread; tells whether the thread goes on."""
        desk = self._desks.get(shown.place.desk)
        attended = next(iter(await self._store.attended([shown.stretch])), None)
        if attended is None:
            await self._store.failed(shown, "its stretch is gone")
            return True
        if desk is None:
            return await self._leave(shown, attended, "it is configured no more")
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                return await self._shown(desk, shown, attended)
        except Refused as error:
            return await self._refused(desk, shown, attended, error)
        except TryLater as error:
            after = _backoff(shown.attempts) if error.after is None else error.after
            log.info("desk.waits", stretch=shown.stretch, reason=error.reason, after=round(after))
            await self._store.later(shown, after, error.reason)
            return False
        except StoreUnavailable:
            raise
        except Exception as error:
            if not isinstance(error, _UNREACHED):
                log.exception("desk.failed", stretch=shown.stretch)
            return await self._unknown(shown, attended, getattr(error, "reason", "") or type(error).__name__)

    async def _shown(self, desk: Desk, shown: ToShow, attended: Attended) -> bool:
        match shown.what:
            case Entry() if shown.interrupted:
                return await self._unknown(shown, attended, "interrupted")
            case Entry() as entry:
                entry_id = await desk.show(shown.place, entry)
                await self._after(entry, attended)
                await self._store.shown(shown, entry_id)
            case Mark() as mark:
                if mark.entry:
                    await desk.mark(shown.place, mark.entry, mark.state, mark.reason)
                await self._store.shown(shown)
            case Refresh():
                card = await self._views.card(attended, self._now())
                if _hash(card) != attended.card_hash:
                    await desk.refresh(shown.place, card)
                    await self._store.card_shown(shown.stretch, _hash(card))
                await self._store.shown(shown)
        return True

    async def _after(self, entry: Entry, attended: Attended) -> None:
        """Whom the customer writes to sleeps no more; who has gone to another team goes on there.

        Before the line counts as shown: whoever dies in between is followed by somebody who does it again.
        """
        if entry.to or not attended.stretch.state.is_open:
            return
        if entry.kind is EntryKind.HEARD and attended.stretch.state is StretchState.SNOOZED:
            await self._wake(attended)
        if entry.kind is EntryKind.NOTICE and attended.place and not self._is_at_home(attended, attended.place):
            await self._store.refused_room(attended.stretch.id, 0)

    def _is_at_home(self, attended: Attended, place: Place) -> bool:
        return any((room.desk, room.room) == (place.desk, place.room) for room in self._rooms_of(attended))

    async def _unknown(self, shown: ToShow, attended: Attended, reason: str) -> bool:
        """What can be repeated without harm is; of a line it is told that it may be there."""
        if not isinstance(shown.what, Entry):
            await self._store.later(shown, _backoff(shown.attempts), reason)
            return False
        log.warning("desk.unknown", stretch=shown.stretch, reason=reason)
        await self._after(shown.what, attended)
        await self._store.unknown(shown, reason, again=_told_again(shown.what))
        return True

    async def _refused(self, desk: Desk, shown: ToShow, attended: Attended, error: Refused) -> bool:
        """Whether the room takes nothing more, or this one thing alone: it says so, or its card tells."""
        reason = error.reason
        if isinstance(shown.what, Refresh) or error.unreachable:
            return await self._leave(shown, attended, reason)
        card = await self._views.card(attended, self._now())
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await desk.refresh(shown.place, card)
        except Refused:
            return await self._leave(shown, attended, reason)
        except _UNREACHED:
            await self._store.later(shown, _backoff(shown.attempts), reason)
            return False
        log.error("desk.refused", stretch=shown.stretch, reason=reason)
        if isinstance(shown.what, Entry):
            await self._after(shown.what, attended)
        await self._store.failed(shown, reason)
        return True

    async def _leave(self, shown: ToShow, attended: Attended, reason: str) -> bool:
        """Go on in the next room; what is over needs none."""
        log.error("desk.room_refused", stretch=shown.stretch, channel=shown.place.desk, reason=reason)
        if not attended.stretch.state.is_open:
            await self._store.failed(shown, reason)
            return True
        rooms = max(len(self._rooms_of(attended)), 1)
        await self._store.refused_room(shown.stretch, (attended.room + 1) % rooms)  # of one room: a new thread in it
        return True

    # --- by when ---

    async def _look(self, attended: Attended) -> bool:
        """Remind, wake and hand back what is due, and tell when to look again."""
        stretch, now = attended.stretch, self._now()
        for reminder in list(reminders(stretch, attended.asked_at, attended.reminded, now, self._rules)):
            await self._remind(attended, reminder, now)
        if stretch.state is StretchState.SNOOZED and stretch.snoozed_until and stretch.snoozed_until <= now:
            await self._wake(attended)
        if await self._idles(attended, now):
            await self._office.take_in(attended, idle_act(stretch, now), "omnibot")
        if attended.place and attended.place.desk not in self._desks:
            await self._store.refused_room(stretch.id, 0)  # nobody would hear of what they do there
        dues = dues_of(stretch, attended.asked_at, self._rules)
        next_look = looks_at(stretch, attended.asked_at, now, self._rules) or _NEVER
        await self._store.levels(
            stretch.id,
            first_due=dues.first,
            next_due=dues.next,
            resolve_due=dues.resolve,
            look_at=min(next_look, now + timedelta(seconds=_LOOK_SECONDS)),
            seen=attended.look_at,
        )
        if _changed(attended, dues):
            await self._store.enqueue(stretch.id, [Refresh()])
        return True

    async def _idles(self, attended: Attended, now: datetime) -> bool:
        """Whether nobody has taken up what the customer wrote, nor done anything else about it, for long enough."""
        idle = idles_at(attended.stretch, attended.asked_at, self._rules)
        if idle is None or attended.asked_at is None or idle > now:
            return False
        acts = await self._store.acts(attended.stretch.id)
        latest = max((act.at for act in acts if act.outcome != "refused" and act.by != DESK), default=attended.asked_at)
        again = idles_at(attended.stretch, max(latest, attended.asked_at), self._rules)
        return again is not None and again <= now

    async def _remind(self, attended: Attended, reminder: Reminder, now: datetime) -> None:
        """To the team, and by name to whoever has it, unless they want none."""
        stretch = attended.stretch
        about = stretch.owner.id if stretch.owner and not await self._is_muted(attended) else ""
        entry = NewEntry(kind=EntryKind.REMINDER, text=reminder.text, about=about)
        lines: list[NewEntry | Refresh] = [entry, Refresh()]
        if await self._store.reminded(stretch.id, reminder.which, now, lines, since=reminder.since):
            level, _, _ = reminder.which.partition(".")
            log.info("desk.reminded", stretch=stretch.id, kind=level, state="over" if reminder.breached else "early")

    async def _is_muted(self, attended: Attended) -> bool:
        owner = attended.stretch.owner
        acts = await self._store.acts(attended.stretch.id)
        return any(act.kind is ActKind.MUTE and owner is not None and act.by.id == owner.id for act in acts)

    async def _wake(self, attended: Attended) -> None:
        await self._office.take_in(attended, wake_act(attended.stretch, self._now()), "omnibot")


def _told(adopted: Adopted) -> Sequence[NewEntry | Refresh]:
    """What an open thread is told of another hand-off; the card of a new one says it all."""
    if adopted.fresh:
        return ()
    return (NewEntry(kind=EntryKind.NOTICE, text=f"Handed off again: {adopted.reason}"), Refresh())


def _changed(attended: Attended, dues: Dues) -> bool:
    return (attended.first_due, attended.next_due, attended.resolve_due) != (dues.first, dues.next, dues.resolve)


def _told_again(entry: Entry) -> Sequence[NewEntry]:
    """What was said is told as what may stand there; what we tell ourselves is not worth it."""
    if entry.kind not in (EntryKind.HEARD, EntryKind.SAID):
        return ()
    told = f"This may stand above already. {_whose(entry)}: {entry.text}"
    return (NewEntry(kind=EntryKind.NOTICE, text=told, files=entry.files),)


def _whose(entry: Entry) -> str:
    who = entry.name or ("the customer" if entry.kind is EntryKind.HEARD else "the bot")
    return f"{who} wrote by {entry.channel}" if entry.channel else f"{who} wrote"


def _backoff(attempts: int) -> float:
    return float(min(2.0 ** min(attempts, 20), _LONGEST_WAIT))


def _hash(card: Card) -> str:
    """By which it is seen whether a card has changed."""
    return hashlib.blake2b(repr(card).encode(), digest_size=16).hexdigest()
