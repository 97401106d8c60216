"""The inbox's door: arrivals of all channels, committed together, each acknowledged after its commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from omnibot.contract import Accept, NotAccepted
from omnibot.intake.clean import clean
from omnibot.intake.files import Files, worth_keeping
from omnibot.intake.keywords import Opt, opt
from omnibot.intake.lookalikes import Lookalikes
from omnibot.intake.presented import presented
from omnibot.model import Attachment, Incoming, IncomingEdit, IncomingMessage, Sender
from omnibot.store import StoreUnavailable
from omnibot.store.message_path import MessagePath
from omnibot.store.work import TOKEN_VOID, Arrived, StoredFile
from omnibot.tokens import NOBODY, BadToken, SignedToken, Verifier

log = structlog.get_logger(__name__)

_BATCH = 256  # arrivals in one transaction
_COMMIT_SECONDS = 10.0
_ACCEPT_SECONDS = 10.0  # from the door to the answer: a provider that waits longer gives up and holds a connection
_MOST_FILES = 20  # of one message that are kept
_MOST_WAITING = 10_000  # arrivals; beyond that there is no hope for one more within its time
_ALERT_SECONDS = 30.0  # between two lines about the same trouble
_TRIES = 3  # of an arrival that cannot be stored, while others can
_MOST_FAILED = 1000  # arrivals that are remembered to have failed
_NO_NAMES = Lookalikes()


@dataclass(slots=True)
class _Waiting:
    arrived: list[Arrived]
    committed: asyncio.Future[None]


@dataclass(slots=True)
class _Failing:
    """An arrival that could not be stored: how often, and how many commits had been done before."""

    commits: int
    tries: int = 0


class Intake:
    """Takes arrivals and commits whatever waits in one transaction.

    `tokens` tells which of those that people show are believed, `names` which names nobody else should seem to have;
    `committed` is called after each commit, `heard` for each arrival that was new.
    """

    def __init__(
        self,
        path: MessagePath,
        files: Files,
        *,
        max_file: int,
        pause: float,
        committed: Callable[[], None],
        heard: Callable[[Arrived], None] = lambda _: None,
        tokens: Verifier = NOBODY,
        names: Lookalikes = _NO_NAMES,
    ) -> None:
        self._path = path
        self._files = files
        self._max_file = max_file
        self._pause = pause
        self._committed = committed
        self._heard = heard
        self._tokens = tokens
        self._names = names
        self._waiting: list[_Waiting] = []
        self._held = 0  # arrivals that somebody waits for
        self._work = asyncio.Event()
        self._closing = False
        self._commits = 0
        self._failing: dict[tuple[str, str, str], _Failing] = {}
        self._alerted = float("-inf")

    def door(self, channel: str, account: str, *, carrier: bool) -> Accept:
        """The `accept` of one account; `carrier` when its network has STOP words of its own."""

        async def accept(arrivals: Sequence[Incoming]) -> None:
            if arrivals:
                await self._submit([await self._prepare(channel, account, carrier, item) for item in arrivals])

        return accept

    async def run(self) -> None:
        """Commit what comes in, until `close`; what has come in by then is committed first."""
        while self._waiting or not self._closing:
            if not self._waiting:
                self._work.clear()
                await self._work.wait()
            batch, self._waiting = self._waiting, []
            await self._commit_all(batch)

    def close(self) -> None:
        """Take nothing more; `run` returns when everything taken is committed."""
        self._closing = True
        self._work.set()

    async def _submit(self, arrived: list[Arrived]) -> None:
        if self._closing:
            raise NotAccepted("Omnibot is stopping")
        if self._held >= _MOST_WAITING:
            self._alert("too much waits", self._held)
            raise NotAccepted("too much waits already")
        waiting = _Waiting(arrived, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._work.set()
        self._held += len(arrived)
        try:
            async with asyncio.timeout(_ACCEPT_SECONDS):
                await waiting.committed
        except TimeoutError:
            self._alert("the database is too slow", len(arrived))
            raise NotAccepted("the database cannot take it in time") from None
        finally:
            self._held -= len(arrived)

    async def _commit_all(self, batch: list[_Waiting]) -> None:
        while batch := [waiting for waiting in batch if not waiting.committed.done()]:  # done: given up
            group, batch = _up_to(batch, _BATCH)
            try:
                await self._commit(group)
            except StoreUnavailable as error:
                self._refuse(group, error)
            except Exception:
                log.exception("intake.batch_failed", count=len(group))
                await self._commit_singly(group)
            self._committed()

    async def _commit_singly(self, group: list[_Waiting]) -> None:
        """One arrival that cannot be stored must not keep the others out, not even those handed over with it."""
        for waiting in group:
            refused: Exception | None = None
            for item in waiting.arrived:
                try:
                    await self._commit_alone(item)
                except Exception as error:
                    refused = error
            if refused is not None:
                self._refuse([waiting], refused)
            elif not waiting.committed.done():
                waiting.committed.set_result(None)

    async def _commit_alone(self, arrived: Arrived) -> None:
        """As itself; else, where it has come again and again while others could be stored, aside, for staff."""
        key = arrived.channel, arrived.account, arrived.item.id
        try:
            await self._commit_one(arrived)
        except StoreUnavailable:
            raise
        except Exception as error:
            failing = self._failing.setdefault(key, _Failing(self._commits))
            failing.tries += 1
            if len(self._failing) > _MOST_FAILED:
                del self._failing[next(iter(self._failing))]
            if failing.tries < _TRIES or failing.commits == self._commits:
                raise
            log.exception("intake.set_aside", channel=arrived.channel, account=arrived.account)
            await self._commit_one(_aside(arrived, error))
        self._failing.pop(key, None)

    async def _commit_one(self, arrived: Arrived) -> None:
        await self._commit([_Waiting([arrived], asyncio.get_running_loop().create_future())])

    async def _commit(self, group: list[_Waiting]) -> None:
        arrived = [item for waiting in group for item in waiting.arrived]
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                new = await self._path.accept(arrived, self._pause)
        except TimeoutError as error:
            raise StoreUnavailable("the commit took too long") from error
        self._commits += 1
        for waiting in group:
            if not waiting.committed.done():
                waiting.committed.set_result(None)
        for item, is_new in zip(arrived, new, strict=True):
            if is_new:
                self._heard(item)
            else:
                await self._drop_files(item)

    def _refuse(self, group: list[_Waiting], error: Exception) -> None:
        self._alert(str(error) or type(error).__name__, len(group))
        for waiting in group:
            if not waiting.committed.done():
                waiting.committed.set_exception(NotAccepted("the database cannot take it now"))

    def _alert(self, reason: str, count: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._alerted >= _ALERT_SECONDS:
            self._alerted = now
            log.error("intake.not_accepted", reason=reason, count=count)

    # --- one arrival ---

    async def _prepare(self, channel: str, account: str, carrier: bool, item: Incoming) -> Arrived:
        odd = self._names.flags(item.sender.name)  # of the name as it came: what is hidden in it is not kept
        item, token = self._without_token(channel, account, clean(item))
        if not isinstance(item, IncomingMessage):
            return Arrived(channel=channel, account=account, item=item)
        wanted = _wanted(item, carrier)
        files = tuple([await self._keep(n, attachment) for n, attachment in enumerate(worth_keeping(item))])
        return Arrived(
            channel=channel,
            account=account,
            item=_flagged(item, wanted, carrier, files, odd),
            stop={Opt.OUT: True, Opt.IN: False}.get(wanted) if wanted else None,
            files=files,
            token=token,
        )

    def _without_token(self, channel: str, account: str, item: Incoming) -> tuple[Incoming, SignedToken | str]:
        """An arrival as it may be kept, and the token that it shows, where somebody who is believed shows one."""
        if not isinstance(item, IncomingMessage | IncomingEdit):
            return item, ""
        found = presented(item.text)
        if found.text == item.text:
            return item, ""
        item = replace(item, text=found.text)
        if not found.token or isinstance(item, IncomingEdit) or item.automatic or item.quarantine:
            return item, ""
        try:
            return item, self._tokens.read(found.token)
        except BadToken as error:
            log.warning("token.refused", channel=channel, account=account, reason=error.reason)
            return replace(item, flags=(*item.flags, TOKEN_VOID)), ""

    async def _keep(self, number: int, attachment: Attachment) -> StoredFile:
        """Bytes that came with the message are on disk before it is acknowledged; what is only named comes later."""
        content, size = attachment.content, attachment.size if attachment.content is None else len(attachment.content)
        file = StoredFile(name=attachment.name, media_type=attachment.media_type, size=size, ref=attachment.ref)
        if number >= _MOST_FILES:
            return replace(file, refused=f"more than {_MOST_FILES} files in one message")
        if size is not None and size > self._max_file:
            return replace(file, refused="larger than files.max_bytes")
        if content is None:
            return file
        try:
            return replace(file, key=await self._files.put(_once(content), self._max_file))
        except OSError as error:
            raise NotAccepted("the data folder cannot take the attachment") from error

    async def _drop_files(self, arrived: Arrived) -> None:
        for file in arrived.files:
            if file.key:
                with suppress(OSError):
                    await self._files.delete(file.key)


def _wanted(item: IncomingMessage, carrier: bool) -> Opt | None:
    """What its network has understood and done, else what we understand; who is not believed can order nothing."""
    if item.quarantine:
        return None
    if item.opt:
        return _BY_NETWORK.get(item.opt)
    return None if item.automatic else opt(item.text, carrier=carrier)


def _aside(arrived: Arrived, error: Exception) -> Arrived:
    """What staff can be shown of an arrival that cannot be stored as what it is; whoever sent it gets no answer."""
    item = arrived.item
    shown = IncomingMessage(
        id=item.id,
        at=item.at,
        sender=Sender(item.sender.address),
        message_id=item.id,
        text=item.text if isinstance(item, IncomingMessage | IncomingEdit) else "",
        quarantine=f"it cannot be stored ({type(error).__name__})",
    )
    return Arrived(channel=arrived.channel, account=arrived.account, item=shown)


_BY_NETWORK = {"stop": Opt.OUT, "start": Opt.IN, "help": Opt.HELP}


def _flagged(
    item: IncomingMessage, wanted: Opt | None, carrier: bool, files: Sequence[StoredFile], odd: Sequence[str]
) -> IncomingMessage:
    """Tells whoever decides, and staff, what the text alone does not."""
    flags = list(odd)
    if wanted and item.opt:
        flags.append("network")  # it has answered already
    elif wanted is Opt.HELP and carrier:
        flags.append("help")  # its word for it, to be answered as it demands
    if any(file.refused for file in files):
        flags.append("file_refused")
    return replace(item, flags=(*item.flags, *flags)) if flags else item


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _up_to(batch: list[_Waiting], limit: int) -> tuple[list[_Waiting], list[_Waiting]]:
    """The first of a batch with about so many arrivals, and the rest; what was handed over together stays so."""
    taken = 0
    for index, waiting in enumerate(batch):
        taken += len(waiting.arrived)
        if taken >= limit:
            return batch[: index + 1], batch[index + 1 :]
    return batch, []
