"""What tests of the desk's tables do again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from omnibot.contract.desk import Place
from omnibot.model import (
    ActKind,
    Address,
    Agent,
    CaseChange,
    CaseState,
    DeskAct,
    Done,
    Draft,
    Entry,
    KnownAddress,
    Paragraph,
    Sender,
    Stretch,
    StretchId,
)
from omnibot.store import Store
from omnibot.store.desk import Attended, Refresh, ToShow
from omnibot.store.message_path import MessagePath
from omnibot.store.work import Arrived, Outcome, Purpose, Reply, ToldAct, Work
from tests.store.test_message_path import arrived
from tests.store.test_message_path import message as written

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SARAH = Address("telegram", "4711")
SARAH_MAIL = Address("email", "sarah@example.org")
MIKE = Address("telegram", "4712")
ANA, BEN = Agent("slack:T1/UANA", "Ana"), Agent("slack:T1/UBEN", "Ben")
PROMISE = "A colleague will answer."

_numbers = count(1)


def about(state: CaseState = CaseState.HANDED_OFF, **fields) -> CaseChange:
    """What a turn or an act makes of a matter."""
    return CaseChange(id=fields.pop("id", None), intent=fields.pop("intent", "refund"), state=state, **fields)


def handed_off(work: Work, reason: str = "asks for a person", *, team: str = "senior", **fields) -> Outcome:
    """A turn that promises people, and says so."""
    promise = Reply(Draft(to=work.addresses[0], parts=(Paragraph(PROMISE),)), Purpose.REPLY)
    messages = [item.message.id for item in work.items if item.message]
    return Outcome(
        work=work,
        address=work.items[-1].address,
        record={"messages": messages, "team": team, "priority": fields.pop("priority", ""), "why": "a test"},
        replies=(promise,),
        handoff=reason,
        **fields,
    )


def answered(work: Work, *texts: str) -> Outcome:
    """A turn of the bot's own."""
    messages = [item.message.id for item in work.items if item.message]
    replies = tuple(Reply(Draft(to=work.addresses[0], parts=(Paragraph(t),)), Purpose.REPLY) for t in texts)
    return Outcome(work=work, address=work.items[-1].address, record={"messages": messages}, replies=replies)


async def write(path: MessagePath, text: str, sender: Address = SARAH, **fields) -> None:
    """A message comes in; its turn is not taken."""
    number = f"{sender}-{next(_numbers)}"
    await path.accept([arrived(written(number, text, sender, **fields))])


async def claimed(path: MessagePath) -> list[Work]:
    """All that may be taken now."""
    works = await path.load(await path.claim(100, lease=30))
    assert all(isinstance(work, Work) for work in works)
    return works


async def hand_off(store: Store, text: str = "I want a person", sender: Address = SARAH, **fields) -> Stretch:
    """Somebody writes, is handed off, and adopted."""
    await write(store.path, text, sender)
    works = await claimed(store.path)  # those of others who have written are answered
    theirs = {work.lease.customer: sender in (address.address for address in work.addresses) for work in works}
    turns = [handed_off(work, **fields) if theirs[work.lease.customer] else answered(work) for work in works]
    await store.path.commit(turns)
    [adopted] = await store.desk.adopt(10)
    return adopted.stretch


async def opened(store: Store, stretch: Stretch, thread: str = "1") -> Place:
    """Its thread is there."""
    await store.desk.claim_opening(10, 30)
    place = Place("slack.main", "C1", thread)
    assert await store.desk.placed(stretch.id, place, 0)
    return place


async def shown(store: Store) -> list[ToShow]:
    """All that waits is shown, each line with an id in its thread: the lines, without the card that follows them."""
    return [one for one in await shown_with_cards(store) if not isinstance(one.what, Refresh)]


async def shown_with_cards(store: Store) -> list[ToShow]:
    """All that waits is shown, the card as well."""
    all_of_it: list[ToShow] = []
    while ready := await store.desk.due(100, 30):
        for one in ready:
            await store.desk.shown(one, f"ts{one.id}" if isinstance(one.what, Entry) else "")
        all_of_it += ready
    return all_of_it


def texts(lines: Sequence[ToShow]) -> list[str]:
    """What the lines among these say."""
    return [one.what.text for one in lines if isinstance(one.what, Entry)]


async def attended(store: Store, id_: StretchId) -> Attended:
    """A stretch as it is now."""
    [one] = await store.desk.attended([id_])
    return one


def act(kind: ActKind, by: Agent = ANA, **fields) -> DeskAct:
    """Something that an agent does."""
    return DeskAct(id=fields.pop("id", f"act-{next(_numbers)}"), at=NOON, by=by, kind=kind, **fields)


def told(stretch: Stretch, one: DeskAct, sender: Address = SARAH) -> Arrived:
    """That act on its way into the lane."""
    item = ToldAct(id=one.id, at=one.at, sender=Sender(sender), stretch=stretch.id, act=one)
    return Arrived(channel="slack", account="main", item=item)


async def taken(store: Store, stretch: Stretch, one: DeskAct, sender: Address = SARAH) -> Work:
    """The lane with that act, claimed."""
    await store.path.accept([told(stretch, one, sender)])
    [work] = await claimed(store.path)
    return work


def done(work: Work, *does: Done) -> Outcome:
    """A turn of acts alone."""
    return Outcome(work=work, address=work.items[-1].address, done=does)


def reply(to: KnownAddress, text: str, *parts) -> Draft:
    """Words of people for a customer."""
    return Draft(to=to, parts=(Paragraph(text), *parts))


async def replies(store: Store, stretch: Stretch, text: str, *, entry: str = "", by: Agent = ANA) -> None:
    """An agent writes to the customer."""
    one = act(ActKind.REPLY, by, text=text, entry=entry)
    work = await taken(store, stretch, one)
    [current] = work.stretches
    await store.path.commit(
        [done(work, Done(stretch=stretch.id, act=one, after=current, replies=(reply(work.addresses[0], text),)))]
    )
