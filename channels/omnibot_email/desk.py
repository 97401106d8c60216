"""A team's mailbox as a desk: a letter a hand-off, and all that follows in the same mail thread.

Letters cannot be changed. Their foot tells how a matter stands when they are written, and `#card` brings the whole
card. A thread is held together by a Message-ID that no letter has: letters of it refer to that, in whichever order they
arrive, and one that is sent once more has the Message-ID that it had, so that mailboxes show it once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar

import structlog

from omnibot.contract import Desk, NotAccepted, Place, Refused, Site, TryLater, Unsure
from omnibot.model import ActKind, Agent, Attachment, Card, DeliveryState, DeskAct, Entry, File, Incoming, MessageId
from omnibot.model.values import frozen
from omnibot_email.addresses import Mailbox, OwnAddress, normalised
from omnibot_email.arrival import CHANNEL
from omnibot_email.desk_acts import Around, Asked, Unclear, Wanted, steps_of
from omnibot_email.desk_letters import (
    Block,
    Own,
    body_of,
    card_blocks,
    entry_blocks,
    failure_blocks,
    help_blocks,
    is_failure,
    status_blocks,
    subject_of,
    timeline_blocks,
)
from omnibot_email.render import Enclosure, Envelope, assembled, threading
from omnibot_email.settings import EmailSettings
from omnibot_email.submission import Submission
from omnibot_email.tokens import DESK_TAG, TOKEN_LENGTH, desk_id, issue, verify

_AGENT = f"{CHANNEL}:"
_AROUND = 2_000_000  # bytes of a letter that are not files
_BASE64 = 1.37
_REMEMBERED = 1000  # refusals, rooms
_SHUT_FOR = timedelta(hours=1)  # in which a mailbox whose letters came back, or were refused, is taken for shut

_log = structlog.get_logger(__name__)
_V = TypeVar("_V")

_GONE = "there is no such matter any more."
_STRAY = (
    "Nothing was done with your letter: you are of a team, so you are no customer here, and it answers no letter about"
    " a matter. To act, answer the letter about that matter."
)


@frozen(kw_only=True)
class StrayLetter(Incoming):
    """What somebody of a team wrote to nobody's matter."""

    by: Agent
    message_id: str


@frozen(kw_only=True)
class DeskLetter(StrayLetter):
    """A letter to the desk. `doubt`: why its writer may not act, '' where they may; `unclear`: why it says nothing."""

    place: Place
    references: tuple[str, ...]  # the nearest first
    said: str
    files: tuple[Attachment, ...]
    local: datetime  # when it was written, by the writer's clock
    doubt: str = ""
    answerable: bool = True  # whether they are told: not who may be somebody else
    unclear: str = ""


class MailDesk(Desk):
    """The letters of one account to its teams."""

    channel = CHANNEL

    def __init__(self, site: Site, settings: EmailSettings, submission: Submission, domain: str) -> None:
        self._site = site
        self._settings = settings
        self._submission = submission
        self._domain = domain
        self._own = OwnAddress(settings.address)
        self._name = f"{CHANNEL}.{site.account}"
        rooms = {address for room in site.rooms if (address := normalised(room))}
        self._people = {**dict.fromkeys(sorted(rooms), ""), **settings.people}
        self._rooms = rooms
        self._told: dict[str, None] = {}  # who may not act, and knows
        self._returned: dict[str, datetime] = {}  # mailboxes whose letters came back, and when
        self._refused: dict[str, tuple[datetime, str]] = {}  # that did not take the last one: when, and why

    # --- out --------------------------------------------------------------------------------------------------

    async def open(self, room: str, card: Card) -> Place:
        """Write to a team's address; what is sent again after a lost answer is the same letter."""
        place = Place(self._name, self._address(room), str(card.stretch.id))
        body = chain(card_blocks(card), help_blocks())
        known = hashlib.sha256(repr(card).encode("utf-8", "backslashreplace")).hexdigest()
        await self._send(place, place.room, f"card:{known}", body, subject=subject_of(card, card.stretch.id), card=card)
        return place

    async def refresh(self, place: Place, card: Card) -> None:
        """Nothing: what is mailed stays as it is, and the next letter tells how the matter stands.

        Raises Refused where the team's mailbox takes nothing, so that it is known to be that, and not one letter.
        """
        if why := self._shut(place.room):
            raise Refused(why)

    async def show(self, place: Place, entry: Entry) -> str:
        """Write to the team, or to one agent alone."""
        recipient = place.room
        if entry.to:
            recipient = self._address(entry.to.removeprefix(_AGENT)) if entry.to.startswith(_AGENT) else ""
        if not recipient:
            raise Refused("this agent has no address at this desk")
        enclosed, missing = await self._enclosed(entry.files)
        blocks = [*entry_blocks(entry), *missing]
        about = (entry.about,) if entry.about else ()
        part = f"entry:{entry.id}"
        if not enclosed:
            return await self._send(place, recipient, part, blocks, about=about)
        try:
            return await self._send(place, recipient, part, blocks, about=about, enclosed=enclosed)
        except Refused as refused:  # perhaps for its files: what was said must not be lost for them
            missing = [_left_out(one.file, refused.reason) for one in enclosed]
            return await self._send(place, recipient, part, [*blocks, *missing], about=about)

    async def mark(self, place: Place, entry: str, state: DeliveryState, reason: str = "") -> None:
        """Write where what an agent sent has not come to the customer; the other steps are worth no letter."""
        if is_failure(state):
            blocks = failure_blocks(state, reason)
            await self._send(place, place.room, f"{state.value}:{entry}", blocks, about=(entry,) if entry else ())

    async def find(self, room: str, card: Card) -> Place | None:
        """None: the letter is to be sent once more. Where it had arrived, it is the same one, in the same thread."""
        return None

    async def _send(
        self,
        place: Place,
        recipient: str,
        part: str,
        blocks: Iterable[Block],
        *,
        subject: str = "",
        card: Card | None = None,
        about: Sequence[str] = (),
        enclosed: Sequence[Enclosure] = (),
    ) -> str:
        """A letter of the thread; its Message-ID. Raises Refused, TryLater, Unsure."""
        now = self._site.now()
        if recipient in self._returned and (why := self._shut(recipient)):
            raise Refused(why)
        known = card or await self._site.office.card(place)
        stretch = _stretch(place)
        body = body_of(*blocks, *(() if card or known is None else status_blocks(known)), *_footer(card))
        token = issue(
            self._site.key, MessageId(stretch), place.room, now + timedelta(days=self._settings.token_days), b"desk"
        )
        envelope = Envelope(
            sender=self._settings.address,
            name=self._settings.from_name,
            recipient=recipient,
            reply_to=self._own.tagged(DESK_TAG + token),
            message_id=self._id(place, f"{part}\0{recipient}"),
            at=now,
        )
        more = threading([self._id(place, "thread"), *about])
        if known is not None and known.stretch.priority == "urgent":
            more.append(("Importance", "high"))
        said = subject or f"Re: {subject_of(known, stretch)}"
        mail = await asyncio.to_thread(
            assembled, envelope, said, more, "auto-generated", body.text, body.html, enclosed
        )
        try:
            await self._submission.send(envelope.sender, recipient, mail, report_to=self._reports_to(envelope))
        except Refused as refused:
            _keep(self._refused, recipient, (now, refused.reason))
            raise
        self._refused.pop(recipient, None)
        return envelope.message_id

    def _shut(self, room: str) -> str:
        """Why a mailbox takes nothing, as far as that is known of the last hour; '' where it does."""
        now = self._site.now()
        if (at := self._returned.get(room)) and now - at < _SHUT_FOR:
            return "letters to this address come back"
        at, reason = self._refused.get(room, (now - _SHUT_FOR, ""))
        return reason if now - at < _SHUT_FOR else ""

    def _reports_to(self, envelope: Envelope) -> str:
        """Where servers tell that a letter was not delivered; '' where we may not send as a plus address."""
        return "" if self._settings.bounces == "off" else envelope.reply_to

    def _id(self, place: Place, part: str) -> str:
        return desk_id(self._site.key, _stretch(place), f"{place.room}\0{part}", self._domain)

    def _address(self, room: str) -> str:
        address = normalised(room)
        if address is None:
            raise Refused("is not an email address")
        if self._own.receives(address):
            raise Refused("is the mailbox for customers, not a team")
        return address

    async def _enclosed(self, files: Sequence[File]) -> tuple[list[Enclosure], list[Block]]:
        """The files that go along, and a word about those that cannot."""
        room = (self._settings.smtp.max_bytes - _AROUND) / _BASE64
        enclosed: list[Enclosure] = []
        missing: list[Block] = []
        for file in files:
            try:
                if file.size > room:
                    raise Refused("too large for a letter")
                content = b"".join([chunk async for chunk in self._site.files.open(file)])
            except Refused as refused:
                missing.append(_left_out(file, refused.reason))
                continue
            room -= len(content)
            enclosed.append(Enclosure(file, content))
        return enclosed, missing

    # --- in ---------------------------------------------------------------------------------------------------

    def place_of(self, recipients: Iterable[str]) -> Place | None:
        """The matter that a letter is about, by its token."""
        for recipient in recipients:
            token = self._own.token_in(recipient, DESK_TAG)
            for room in self._rooms if len(token) == TOKEN_LENGTH else ():
                stretch = verify(self._site.key, token, room, self._site.now(), b"desk")
                if stretch is not None:
                    return Place(self._name, room, str(stretch))
        return None

    def is_at_desk(self, recipients: Iterable[str]) -> bool:
        """Whether it was sent to where teams answer, its token right or not: no customer writes there."""
        return any(len(self._own.token_in(one, DESK_TAG)) == TOKEN_LENGTH for one in recipients)

    def is_staff(self, writer: Mailbox | None) -> bool:
        """Whether they are of a team, and never a customer."""
        return bool(self._rooms) and writer is not None and writer.address in self._people

    def agent(self, writer: Mailbox) -> Agent:
        """Who acts: by the name that the settings give, else by their own."""
        name = self._people.get(writer.address) or writer.name or writer.local
        return Agent(f"{_AGENT}{writer.address}", name)

    def came_back(self, place: Place) -> None:
        """A letter was not delivered."""
        _log.error("email.desk_returned", stretch=int(place.thread))
        _keep(self._returned, place.room, self._site.now())

    @property
    def returned(self) -> Sequence[str]:
        """Rooms whose letters came back within the hour."""
        return [room for room, at in self._returned.items() if self._site.now() - at < _SHUT_FOR]

    async def hand_in(self, letter: StrayLetter) -> None:
        """Do what a letter says, in order; raises NotAccepted, and may be called again then: each act counts once."""
        if not isinstance(letter, DeskLetter):
            await self._tell(letter, _STRAY)
        elif letter.doubt:
            await self._turn_away(letter)
        else:
            await self._do(letter)

    async def _do(self, letter: DeskLetter) -> None:
        try:
            steps = await self._steps(letter)
            acts = _acts(letter, [step for step in steps if isinstance(step, Wanted)])
        except Unclear as unclear:
            await self._answer(letter, [Own(f"Nothing was done with your letter. {unclear}"), *help_blocks()])
            return
        for act in acts:
            if not await self._site.office.act(letter.place, act):
                await self._answer(letter, [Own(f"Nothing was done with your letter: {_GONE}")])
                return
        for number, asked in enumerate(step for step in steps if isinstance(step, Asked)):
            await self._answer(letter, await self._asked(letter.place, asked), number)

    async def _steps(self, letter: DeskLetter) -> Sequence[Wanted | Asked]:
        if letter.unclear:
            raise Unclear(letter.unclear)
        around = Around(
            at=letter.local,
            me=letter.by.id.removeprefix(_AGENT),
            people=self._people,
            teams=await self._site.office.teams(),
        )
        steps = steps_of(letter.said, around)
        if not steps and letter.files:
            raise Unclear("Files go to the customer with #reply on the first line, and nowhere else.")
        return steps

    async def _turn_away(self, letter: DeskLetter) -> None:
        """Write down what was tried, and tell them once."""
        _log.warning("email.desk_refused", stretch=int(letter.place.thread), reason=letter.doubt)
        act = DeskAct(
            id=letter.id, at=letter.at, by=letter.by, kind=ActKind.REFUSED, text=letter.said, value=letter.doubt
        )
        await self._site.office.act(letter.place, act)
        if letter.answerable and letter.by.id not in self._told:
            await self._tell(letter, f"Nothing was done with your letter: {letter.doubt}.")
            _keep(self._told, letter.by.id, None)

    async def _asked(self, place: Place, asked: Asked) -> list[Block]:
        match asked.what:
            case "card":
                card = await self._site.office.card(place)
                return [*card_blocks(card)] if card else [Own(_GONE)]
            case "timeline":
                return [*timeline_blocks(await self._site.office.timeline(place, asked.page))]
        return [*help_blocks()]

    async def _answer(self, letter: DeskLetter, blocks: Sequence[Block], number: int = 0) -> None:
        """To who wrote it, and nobody else; raises NotAccepted where that must be tried again."""
        recipient = letter.by.id.removeprefix(_AGENT)
        with _once_more():
            await self._send(
                letter.place, recipient, f"answer:{letter.id}:{number}", blocks, about=(letter.message_id,)
            )

    async def _tell(self, letter: StrayLetter, text: str) -> None:
        """A letter that says nothing of any matter; raises NotAccepted where that must be tried again."""
        body = body_of(Own(text))
        recipient = letter.by.id.removeprefix(_AGENT)
        envelope = Envelope(
            sender=self._settings.address,
            name=self._settings.from_name,
            recipient=recipient,
            reply_to=self._settings.address,
            message_id=desk_id(self._site.key, 0, f"answer:{letter.id}", self._domain),
            at=self._site.now(),
        )
        more = threading([letter.message_id])
        mail = assembled(envelope, "Nothing was done with your letter", more, "auto-replied", body.text, body.html)
        with _once_more():
            await self._submission.send(envelope.sender, recipient, mail)


@contextmanager
def _once_more() -> Iterator[None]:
    """An answer that cannot be sent now is tried when the letter comes again; one that never can be is left."""
    try:
        yield
    except TryLater as later:
        raise NotAccepted(later.reason) from None
    except (Refused, Unsure) as failed:
        _log.warning("email.desk_untold", reason=failed.reason)


def _left_out(file: File, reason: str) -> Block:
    return Own(f"With a file that is not here ({reason}): {file.name[:200]}")


def _footer(card: Card | None) -> Sequence[Block]:
    return (
        () if card else (Own("Notes stay among you; #reply on the first line goes to the customer. #help tells more."),)
    )


def _stretch(place: Place) -> int:
    if not (place.thread.isascii() and place.thread.isdecimal()):
        raise Refused("is no thread of this desk")
    return int(place.thread)


def _acts(letter: DeskLetter, wanted: Sequence[Wanted]) -> list[DeskAct]:
    """What is handed in of a letter; raises Unclear where its files have nowhere to go, or nothing was written."""
    if not wanted:
        return []
    acts = [
        DeskAct(
            id=f"{letter.id}:{number}",
            at=letter.at,
            by=letter.by,
            kind=step.kind,
            text=step.text,
            value=step.value,
            entry=letter.message_id,
        )
        for number, step in enumerate(wanted)
    ]
    return [_completed(act, letter) for act in acts]


def _completed(act: DeskAct, letter: DeskLetter) -> DeskAct:
    """With the files that go to the customer, and with what is to be sent again."""
    match act.kind:
        case ActKind.REPLY if not (act.text or letter.files):
            raise Unclear("#reply sends what stands below it, and nothing does.")
        case ActKind.REPLY:
            return replace(act, files=letter.files)
        case ActKind.RETRY:
            earlier = (one for one in letter.references if not one.startswith(f"<desk.{letter.place.thread}."))
            about = next(earlier, "")
            if not about:
                raise Unclear("#retry answers the letter that tells what did not arrive.")
            return replace(act, entry=about)
    return act


def _keep(known: dict[str, _V], key: str, value: _V) -> None:
    """Remember, and forget the oldest of too many."""
    known[key] = value
    while len(known) > _REMEMBERED:
        del known[next(iter(known))]
