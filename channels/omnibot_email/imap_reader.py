"""Reads a mailbox at a provider: what is new is taken, committed, then marked there; then it waits for more."""

from __future__ import annotations

import asyncio
import imaplib
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

import structlog

from omnibot.contract import Accept
from omnibot.model import Incoming
from omnibot_email.access import NoToken, access_token
from omnibot_email.arrival import Delivery
from omnibot_email.authentication import NotNow
from omnibot_email.blocking import in_thread
from omnibot_email.imap_session import Folder, ImapFailed, ImapSession, LoginRefused, Waiting
from omnibot_email.settings import Imap

Arrival = Callable[[Delivery], Awaitable[Incoming | None]]  # None: nothing to hand on; raises NotNow

_AT_ONCE = 25  # mails
_BYTES_AT_ONCE = 4_000_000  # one larger mail comes alone
_ATTEMPTS = 3  # to take a mail
_LOOKS_IN_VAIN = 2
_FORGIVEN_AFTER = timedelta(hours=1)  # then it is tried again
_VERIFIED_WITHIN = timedelta(hours=4)  # then staff get it: the name servers of some senders never answer
_LOOK_BACK = timedelta(days=7)
_LONGEST_WAIT = 60.0  # seconds between two connections that fail
_REFUSED_WAIT, _LONGEST_REFUSED_WAIT = 60.0, 3600.0  # the same after a refused login: servers shut out who insists

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Progress:
    """How far we are in a folder, until its UIDs change."""

    validity: int
    floor: int
    unmarked: set[int] = field(default_factory=set)  # taken, but the server was not told yet
    kept: set[int] = field(default_factory=set)  # of which only the beginning was taken: they stay, whatever is set
    failures: dict[int, int] = field(default_factory=dict)
    alone: set[int] = field(default_factory=set)  # read together they broke the connection: one by one
    unverified: dict[int, datetime] = field(default_factory=dict)  # whose sender cannot be verified, and since when
    forgiven_at: datetime | None = None
    in_vain: int = 0  # looks in a row at which nothing could be committed

    @property
    def suspects_mails(self) -> bool:
        """Whether it may be the foremost mails that cannot be committed, so that others are to be tried, too."""
        return self.in_vain >= _LOOKS_IN_VAIN

    def is_open(self, uid: int) -> bool:
        """Whether a mail is still to be taken."""
        return uid not in self.unmarked and self.failures.get(uid, 0) < _ATTEMPTS

    def forgive(self, now: datetime) -> None:
        """Try once an hour what was given up."""
        if self.forgiven_at is None or now - self.forgiven_at >= _FORGIVEN_AFTER:
            self.forgiven_at = now
            self.failures.clear()

    def failed(self, uid: int) -> None:
        """One more attempt at a mail was in vain."""
        self.failures[uid] = self.failures.get(uid, 0) + 1
        if self.failures[uid] == _ATTEMPTS:
            _log.error("email.left_in_mailbox", attempts=_ATTEMPTS)


class MailboxReader:
    """Takes mail out of one mailbox until cancelled. `trouble` is what is wrong at the moment."""

    def __init__(self, settings: Imap, username: str, arrival: Arrival, now: Callable[[], datetime]) -> None:
        self.trouble: ImapFailed | None = None
        self._settings = settings
        self._username = username
        self._arrival = arrival
        self._now = now
        self._progress: _Progress | None = None
        self._wait = 1.0
        self._refused_wait = _REFUSED_WAIT
        self._pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def left(self) -> int:
        """How many mails could not be taken and are left where they are."""
        failures = self._progress.failures if self._progress else {}
        return sum(count >= _ATTEMPTS for count in failures.values())

    async def run(self, accept: Accept) -> None:
        """Read until cancelled; connections that fail are made anew, each time a little later."""
        while True:
            try:
                await self._visit(accept)
            except ImapFailed as error:
                failure = error
            except (OSError, imaplib.IMAP4.error) as error:
                failure = ImapFailed(f"the connection to the mailbox was lost ({type(error).__name__})", "wait")
            self.trouble = failure
            seconds = self._refused_anew() if isinstance(failure, LoginRefused) else self._longer_wait()
            _log.warning("email.mailbox_lost", reason=failure.reason, seconds=round(seconds, 1))
            await self._pause(seconds)

    async def check(self) -> None:
        """Whether the mailbox can be opened now; raises ImapFailed."""
        session = await self._session()
        try:
            await in_thread(session.open, session)
        except (OSError, imaplib.IMAP4.error) as error:
            raise ImapFailed(
                f"the mailbox's server hung up ({type(error).__name__})", "check imap.host and imap.port"
            ) from None
        finally:
            session.close()

    async def _session(self) -> ImapSession:
        secret = self._settings.password.get_secret_value()
        if self._settings.token_command:
            try:
                secret = await access_token(self._settings.token_command)
            except NoToken as failed:
                raise ImapFailed(str(failed), "run imap.token_command by hand, as the user that runs Omnibot") from None
        return ImapSession(self._settings, self._username, secret)

    # --- one connection ---------------------------------------------------------------------------------------

    async def _visit(self, accept: Accept) -> NoReturn:
        """Connect, and take mail until something fails."""
        session = await self._session()
        try:
            folder = await in_thread(session.open, session)
            self.trouble, self._refused_wait = None, _REFUSED_WAIT
            progress = await self._progress_in(session, folder)
            while True:
                seconds = self._settings.poll_seconds
                if await self._take_all(session, folder, progress, accept):
                    self._wait = 1.0
                else:
                    seconds = min(seconds, self._longer_wait())
                await self._wait_for_more(session, seconds)
        finally:
            session.close()

    async def _progress_in(self, session: ImapSession, folder: Folder) -> _Progress:
        if self._progress is None or self._progress.validity != folder.validity:
            floor = await in_thread(lambda: session.floor(folder), session)
            self._progress = _Progress(folder.validity, floor)
        return self._progress

    async def _wait_for_more(self, session: ImapSession, seconds: float) -> None:
        if session.can_idle:
            await in_thread(lambda: session.idle(seconds), session)
        else:
            await asyncio.sleep(seconds)

    def _longer_wait(self) -> float:
        """Seconds to wait after a failure, about twice as many each time."""
        wait, self._wait = self._wait, min(self._wait * 2, _LONGEST_WAIT)
        return wait * random.uniform(0.75, 1.25)

    def _refused_anew(self) -> float:
        wait, self._refused_wait = self._refused_wait, min(self._refused_wait * 2, _LONGEST_REFUSED_WAIT)
        return wait * random.uniform(0.75, 1.25)

    # --- one look ---------------------------------------------------------------------------------------------

    async def _take_all(self, session: ImapSession, folder: Folder, progress: _Progress, accept: Accept) -> bool:
        """Take what is new, a few mails at a time; tells whether there is nothing that must be tried again soon."""
        await self._mark(session, folder, progress)
        now = self._now()
        progress.forgive(now)
        since = (now - _LOOK_BACK).date()
        found = await in_thread(lambda: session.look(folder, progress.floor, since), session)
        refused: list[int] = []
        any_taken = any_later = False
        in_vain = 0
        progress.kept = {mail.uid for mail in found if self._is_large(mail)}
        progress.unverified = {mail.uid: at for mail in found if (at := progress.unverified.get(mail.uid))}
        still_open = [mail for mail in found if progress.is_open(mail.uid)]
        still_open.sort(key=lambda mail: mail.uid in progress.unverified)  # nobody waits for what waits already
        for group in _groups(still_open, progress.alone | progress.kept):
            result = await self._take(session, group, progress, accept)
            progress.unmarked.update(result.taken)
            await self._mark(session, folder, progress)
            for uid in result.later:
                progress.unverified.setdefault(uid, now)
            refused += result.refused
            any_taken = any_taken or bool(result.taken)
            any_later = any_later or bool(result.later)
            in_vain = 0 if result.taken else in_vain + bool(result.refused)
            if in_vain > progress.suspects_mails:  # it is rather the core than the mails: they keep their order
                progress.in_vain += 1
                return False
        if any_taken:
            progress.in_vain = 0
            for uid in refused:
                progress.failed(uid)
        again = any(mail.uid in progress.failures and progress.is_open(mail.uid) for mail in found)
        return not (refused or any_later or again)

    async def _take(
        self, session: ImapSession, group: Sequence[Waiting], progress: _Progress, accept: Accept
    ) -> _Result:
        """Hand a few mails on."""
        raws = await self._read(session, group, progress)
        there = [mail for mail in group if mail.uid in raws]
        since = self._now() - _VERIFIED_WITHIN
        late = {uid for uid, at in progress.unverified.items() if at <= since}
        read = await asyncio.gather(*(self._understood(mail, raws[mail.uid], mail.uid not in late) for mail in there))
        result = _Result()
        arrivals: list[tuple[int, Incoming]] = []
        for mail, outcome in zip(there, read, strict=True):
            match outcome:
                case Incoming():
                    arrivals.append((mail.uid, outcome))
                case None:
                    result.taken.append(mail.uid)
                case NotNow():
                    result.later.append(mail.uid)
                case _Failed():
                    progress.failed(mail.uid)
        await _hand_over(accept, arrivals, result, to_the_end=progress.suspects_mails)
        return result

    async def _read(self, session: ImapSession, group: Sequence[Waiting], progress: _Progress) -> dict[int, bytes]:
        """The mails of a group; one that the server does not give with the others is asked for alone."""
        uids = [mail.uid for mail in group]
        beginning = self._is_large(group[0])  # it comes alone
        try:
            found = dict(await in_thread(lambda: session.read(uids, beginning=beginning), session))
            for uid in [uid for uid in uids if uid not in found and len(uids) > 1]:
                found |= await in_thread(partial(session.read, [uid]), session)
        except (OSError, imaplib.IMAP4.error):
            progress.alone.update(uids)
            if len(uids) == 1:
                progress.failed(uids[0])
            raise
        for uid in uids:
            if uid not in found:
                progress.failed(uid)
        return found

    async def _understood(self, mail: Waiting, raw: bytes, may_wait: bool) -> Incoming | NotNow | _Failed | None:
        whole = mail.size if self._is_large(mail) else None
        try:
            return await self._arrival(Delivery(raw, None, (), begins_one_of=whole, may_wait=may_wait))
        except NotNow as reason:
            return reason
        except Exception as error:  # one mail that cannot be read must not keep the others out
            _log.error("email.take_failed", error=type(error).__name__)
            return _Failed()

    def _is_large(self, mail: Waiting) -> bool:
        """Whether only its beginning is read."""
        return mail.size > self._settings.max_bytes

    async def _mark(self, session: ImapSession, folder: Folder, progress: _Progress) -> None:
        """Tell the server what was taken; what it does not let us tell is told again at the next look."""
        if not progress.unmarked:
            return
        uids = sorted(progress.unmarked)
        try:
            await in_thread(lambda: session.settle(uids, folder.mark, keep=progress.kept), session)
        except ImapFailed as failure:
            self.trouble = failure
            _log.error("email.not_marked", reason=failure.reason, count=len(uids))
            return
        self.trouble = None
        progress.unmarked.clear()
        if not folder.keeps_keywords:
            progress.floor = max(progress.floor, uids[-1])


class _Failed:
    """A mail on which we fail ourselves."""


@dataclass(slots=True)
class _Result:
    """What became of a few mails."""

    taken: list[int] = field(default_factory=list)  # committed, or nothing to commit
    refused: list[int] = field(default_factory=list)  # not committed
    later: list[int] = field(default_factory=list)  # whose sender cannot be verified now


async def _hand_over(
    accept: Accept, arrivals: Sequence[tuple[int, Incoming]], result: _Result, *, to_the_end: bool
) -> None:
    """Have them committed together; one by one where that fails, for one must not keep the others out.

    Where the first two fail alone, too, the others are tried only if it is to go on `to_the_end`.
    """
    if not arrivals:
        return
    if await _is_taken(accept, [item for _, item in arrivals]):
        result.taken += [uid for uid, _ in arrivals]
        return
    if len(arrivals) == 1:
        result.refused.append(arrivals[0][0])
        return
    for uid, item in arrivals:
        if len(result.refused) > 1 and not (result.taken or to_the_end):
            result.refused.append(uid)
        else:
            (result.taken if await _is_taken(accept, [item]) else result.refused).append(uid)


async def _is_taken(accept: Accept, items: Sequence[Incoming]) -> bool:
    try:
        await accept(items)
    except Exception as error:  # whatever failed, it is not committed; its text may name people
        _log.warning("email.not_taken", reason=type(error).__name__, count=len(items))
        return False
    return True


def _groups(waiting: Sequence[Waiting], alone: set[int]) -> Iterator[list[Waiting]]:
    """Mails that are read together: a bounded number, of a bounded size."""
    group: list[Waiting] = []
    size = 0
    for mail in waiting:
        if group and (mail.uid in alone or len(group) >= _AT_ONCE or size + mail.size > _BYTES_AT_ONCE):
            yield group
            group, size = [], 0
        group.append(mail)
        size += mail.size
        if mail.uid in alone:
            yield group
            group, size = [], 0
    if group:
        yield group
