"""The sentence: what happens in a turn, in order. The one module that calls the steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from typing import TypeVar

from omnibot.desk import Ground, Rules, Staff, destination, words_of
from omnibot.desk import take as take_act
from omnibot.dialogue import Company, decide
from omnibot.identity import Remembered, identify, together
from omnibot.identity.codes import Codes, shown
from omnibot.identity.prove import prove
from omnibot.memory import Matters, keep, listen, profile, recall, situate
from omnibot.memory.events import counted_as, facts_of, tells
from omnibot.memory.past import Seek, seek
from omnibot.memory.ranking import Embed
from omnibot.model import (
    Address,
    AddressId,
    Ask,
    BusinessHours,
    Case,
    CaseChange,
    CaseId,
    Change,
    CustomerId,
    DeliveryState,
    DeskAct,
    Direction,
    Disclosure,
    Done,
    Draft,
    EarlierTurn,
    Event,
    Fact,
    KnownAddress,
    Limits,
    MessageId,
    Move,
    MoveKind,
    Notice,
    Plan,
    Proof,
    Reading,
    Recalled,
    Recollection,
    Signal,
    Situation,
    Snapshot,
    Stretch,
    TimelineMessage,
    TurnMessage,
    Urgency,
)
from omnibot.places import Template
from omnibot.store.work import (
    EVENTS,
    TIMELINE,
    Asked,
    CodeLimits,
    Happened,
    InboxItem,
    Kind,
    Lease,
    Outcome,
    Purpose,
    Reply,
    Reported,
    Revised,
    Work,
)
from omnibot.understanding import Understanding
from omnibot.voice import Letter, Speaker, compose, compose_code, compose_words
from omnibot.voice.phrasing import Phrased as Phrased  # a turn pauses and goes on with them
from omnibot.voice.phrasing import Wording as Wording
from omnibot.voice.phrasing import can_be_phrased, wording

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What it takes to have an address proven by a code."""

    codes: Codes
    limits: CodeLimits
    link: Callable[[MessageId, bytes], str] = lambda *_: ""  # the address that does what typing a code does, if any
    accounts: Mapping[str, str]  # by channel: that writes to who has never written


@dataclass(slots=True, kw_only=True)
class Steps:
    """What the steps need besides their values. A turn takes its company as it is when it decides."""

    understanding: Understanding
    company: Company
    limits: Mapping[str, Limits]  # by channel
    speaker: Speaker
    disclosure: Disclosure
    zone: tzinfo = UTC  # the company's, and that of whoever is not known to live in another
    hours: BusinessHours = field(default_factory=BusinessHours)
    proofs: Proofs | None = None  # without them nothing is linked in conversation
    embed: Embed | None = None  # without it nobody is reminded of what was said long ago
    matters: Matters = field(default_factory=Matters)  # how one matter is told from another
    desk: Rules = field(default_factory=lambda: Rules(teams={"support": Staff(key="support")}))
    phrasing: Callable[[], str] | None = None  # why no language model can be asked now, or ''; None: there is none

    @property
    def windows(self) -> Mapping[str, float]:
        """The channels on which nobody can be written to but who wrote, for so many seconds."""
        return {name: limits.window for name, limits in self.limits.items() if limits.window and not limits.knocks}


_JUST_NOW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Remind:
    """A turn would be reminded of what was said at these addresses before what it sees anyway."""

    customer: CustomerId
    addresses: tuple[AddressId, ...]
    seek: Seek
    seen: frozenset[MessageId]


Pause = Remind | Wording | None  # what a turn waits for
Told = Sequence[Recalled] | Phrased | None  # what it goes on with


def turn(work: Work, steps: Steps) -> Generator[Pause, Told, Outcome]:
    """One customer's turn: all that waits in their lane, as one thing that they said.

    What was written from addresses that may not know of each other is not one thing: the later waits for the next turn.

    It pauses where the turns of others, taken together with it, should come as far: a step that is taken again at once
    finds its caches warm. Where it would be reminded, or have its reply put into words by a model, it goes on with what
    is sent to it, or without.
    """
    work = _of_one_kind(work)
    if work.items and work.items[0].kind is Kind.ACT:
        return _acted(work, steps)
    work = _with_events(work)
    messages = _messages(work.items)
    if not messages:
        happened, told = _happened(work)
        return Outcome(
            work=work,
            address=_about(work),
            changes=told,
            revised=_edits(work.items),
            reported=_reports(work.items),
            happened=happened,
        )

    snapshot = profile(_identified(work, messages[0].address, steps))
    here = together(snapshot, messages[0].address)
    if elsewhere := {message.address for message in messages if message.address not in here}:
        work = _without(work, elsewhere)
        messages = _messages(work.items)
    messages = _as_edited(messages, work.items)
    snapshot = _with_codes(snapshot, work, messages, steps)
    reading = steps.understanding.read(_text(messages), situate(snapshot, messages, steps.zone, steps.hours))
    recalled = _recalled((yield _remind(work, snapshot, messages, reading, steps)))
    said = listen(messages, reading.language.value)
    recollection = recall(snapshot, reading, messages, recalled, steps.matters, said)
    channels = _open(snapshot, messages, steps)
    plan = decide(snapshot, reading, recollection, messages, steps.company, channels)
    yield None
    recent = recollection.recent
    variant = _variant(recent, messages[-1].address)
    drafts = compose(plan, snapshot, steps.limits, steps.speaker, variant, recent, at=work.at)
    phrased = yield from _phrased(plan, snapshot, variant, recent, work, messages, steps)
    if phrased and phrased.drafts:
        drafts = phrased.drafts
    happened, told = _happened(work)
    kept = keep(snapshot, reading, recollection, plan, messages, steps.matters, said)

    return Outcome(
        work=work,
        address=messages[-1].address,
        record=_record(work, messages, snapshot, reading, recollection, plan, phrased),
        mood=mood_of(reading, messages[-1].at, answered=bool(drafts)),
        replies=tuple(Reply(draft, _purpose(draft, plan, messages[-1].address)) for draft in drafts),
        changes=(*told, *plan.changes, *kept.changes),
        handoff=plan.handoff,
        revised=_edits(work.items),
        reported=_reports(work.items),
        opened=_opened(work, messages, steps),
        asked=tuple(_asked(plan, steps, variant)),
        tried=snapshot.tried,
        case=kept.case,
        sides=tuple(snapshot.open) if kept.case else (),
        habits=kept.habits,
        happened=happened,
    )


# --- what agents do ---


def _of_one_kind(work: Work) -> Work:
    """What waits in a lane as far as it is all of agents, or none: the rest stays there, so that the order holds."""
    if not any(item.kind is Kind.ACT for item in work.items):
        return work
    items = sorted(work.items, key=lambda item: item.id)
    acts = items[0].kind is Kind.ACT
    return replace(work, items=tuple(takewhile(lambda item: (item.kind is Kind.ACT) is acts, items)))


def _acted(work: Work, steps: Steps) -> Outcome:
    """What agents have done, one act after the other, each on what those before have left."""
    stretches = {stretch.id: stretch for stretch in work.stretches}
    changed: dict[CaseId, CaseChange] = {}
    done: list[Done] = []
    for item in work.items:
        assert item.act is not None
        stretch = stretches.get(item.stretch) if item.stretch is not None else None
        if stretch is None:
            done.append(_lost(item))
            continue
        one = _act(item.act, stretch, tuple(stretches.values()), changed, work, steps)
        stretches[stretch.id] = one.after or stretch
        if one.case and one.case.id is not None:
            changed[one.case.id] = one.case
        done.append(one)
    return Outcome(work=work, address=_about(work), done=tuple(done))


def _lost(item: InboxItem) -> Done:
    """Whose matter it is was found out to be another while the act was on its way."""
    assert item.act is not None
    assert item.stretch is not None
    why = "Not done: whose matter it is has just changed. Try again."
    notice = Notice(why, to=item.act.by.id, entry=item.act.entry)
    return Done(stretch=item.stretch, act=item.act, refused=why, notices=(notice,))


def _act(
    act: DeskAct,
    stretch: Stretch,
    stretches: Sequence[Stretch],
    changed: Mapping[CaseId, CaseChange],
    work: Work,
    steps: Steps,
) -> Done:
    snapshot = profile(_identified(work, stretch.address, steps))
    to = destination(snapshot, _writable(snapshot, {}, work.at, steps))
    ground = Ground(
        rules=steps.desk,
        stretches=stretches,
        case=_case_of(stretch, snapshot, changed),
        to=to,
        unreachable=_unreachable(snapshot),
        failed=_failed(act, stretch, work),
    )
    done = take_act(act, stretch, ground)
    words = words_of(done)
    if words is None or to is None:
        return done
    if words.returned:
        return replace(done, replies=_returned(to, snapshot, work, steps))
    drafts = compose_words(
        words.text,
        words.files,
        to,
        snapshot,
        steps.limits[to.address.channel],
        steps.speaker,
        language=_language(snapshot, steps),
        signature=_signature(act, stretch, snapshot, steps),
        asks=f"consent:{stretch.id}:" if words.consents else "",
    )
    return replace(done, replies=drafts)


def _case_of(stretch: Stretch, snapshot: Snapshot, changed: Mapping[CaseId, CaseChange]) -> Case | None:
    """The matter, as the acts before have left it."""
    case = next((one for one in snapshot.cases if one.id == stretch.matter), None)
    change = changed.get(case.id) if case else None
    return replace(case, state=change.state, concern=change.concern) if case and change else case


def _unreachable(snapshot: Snapshot) -> str:
    if all(address.stopped for address in snapshot.addresses):
        return "they have written STOP"
    if all(address.stopped or address.unreachable for address in snapshot.addresses):
        return "they cannot be reached at any address any more"
    return "they have to write first: their channel lets nobody write to them now"


def _failed(act: DeskAct, stretch: Stretch, work: Work) -> MessageId | None:
    """What the entry that an act is about has brought, where it did not arrive."""
    about = [one for one in work.sent if one.stretch == stretch.id and one.entry == act.entry]
    return next((one.message for one in reversed(about) if one.state in _NOT_ARRIVED), None)


_NOT_ARRIVED = frozenset({DeliveryState.REFUSED, DeliveryState.DEAD, DeliveryState.UNKNOWN, DeliveryState.SUPPRESSED})


def _language(snapshot: Snapshot, steps: Steps) -> str:
    """That they like or last wrote in, where there is a pack for it; else the company's."""
    known = (snapshot.preferences.language, snapshot.facts.get("language"))
    packs = steps.speaker.voices.packs
    return next((language for language in known if language and language in packs), next(iter(packs)))


def _signature(act: DeskAct, stretch: Stretch, snapshot: Snapshot, steps: Steps) -> str:
    """As the team signs; what an agent is called besides their first name is nobody's business."""
    team = steps.company.teams.get(steps.desk.team(stretch.team).key)
    values = {
        "agent": next(iter(act.by.name.split()), ""),
        "team": team.name(_language(snapshot, steps)) if team else "",
        "company": steps.speaker.company,
    }
    text = Template.of(steps.desk.team(stretch.team).signature).fill(lambda place: values[place.name])
    return text.strip(" ,;-–—")


def _returned(to: KnownAddress, snapshot: Snapshot, work: Work, steps: Steps) -> tuple[Draft, ...]:
    """That the bot goes on, in its own words."""
    move = Move(kind=MoveKind.HANDOFF, topic="returned", why="nobody took up what they wrote")
    plan = Plan(
        moves=(move,), to=to, preferences=snapshot.preferences, name=snapshot.name, language=_language(snapshot, steps)
    )
    recent = snapshot.timeline
    return compose(plan, snapshot, steps.limits, steps.speaker, _variant(recent, to.id), recent, at=work.at)


# --- what was said long ago, and words of a model ---


def _recalled(told: Told) -> Sequence[Recalled]:
    return told if told and not isinstance(told, Phrased) else ()


def _phrased(
    plan: Plan,
    snapshot: Snapshot,
    variant: int,
    recent: Sequence[TimelineMessage],
    work: Work,
    messages: Sequence[TurnMessage],
    steps: Steps,
) -> Generator[Pause, Told, Phrased | None]:
    """What a model makes of the reply, where there is one that could; None where it was never to be asked."""
    if steps.phrasing is None or not can_be_phrased(plan):
        return None
    if why := steps.phrasing():
        return Phrased(why=why)
    now = messages[-1].at

    def read(text: str) -> Reading:
        return steps.understanding.read(text, Situation(now=now, zone=steps.zone, hours=steps.hours))

    asked = wording(
        plan,
        snapshot,
        steps.limits,
        steps.speaker,
        variant,
        recent,
        at=work.at,
        said=_text(messages),
        read=read,
    )
    if asked is None:
        return None
    told = yield asked
    return told if isinstance(told, Phrased) else Phrased(why="nobody")


def _remind(
    work: Work, snapshot: Snapshot, messages: Sequence[TurnMessage], reading: Reading, steps: Steps
) -> Remind | None:
    """Most have said no more than the turn sees, and of what was said just now nothing is indexed yet."""
    if len(work.timeline) < TIMELINE or steps.embed is None:
        return None
    said = Counter(message.address for message in work.timeline)
    more = (a for a in work.addresses if a.id in snapshot.open and said[a.address] >= TIMELINE)
    addresses = tuple(a.id for a in more if a.since is None or work.at - a.since > _JUST_NOW)
    sought = seek(_text(messages), reading.language.value, steps.embed) if addresses else None
    if sought is None:
        return None
    seen = frozenset(message.id for message in work.timeline)  # the turn's own are among them
    return Remind(snapshot.customer, addresses, sought, seen)


def take(work: Work, steps: Steps) -> Outcome:
    """Take one customer's turn alone."""
    taken = turn(work, steps)
    while True:
        try:
            next(taken)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def seen(work: Work, steps: Steps) -> Snapshot:
    """What the turn that waits in this work knows of its customer: no more than the address that wrote may be told."""
    work = _with_events(work)
    return profile(_identified(work, _messages(work.items)[0].address, steps))


_REHEARSED = (
    "Hi there, I am very angry: how do I get my invoice? It is urgent!",
    "Hola, ¿cómo puedo cambiar mi contraseña?",
    "invoice export crashed",
    "thank you",
)


def rehearse(steps: Steps) -> None:
    """Take turns of nobody, so that whoever writes first does not wait for what is built when it is first needed.

    That takes 0.1 s: expressions are compiled, wordings are read.
    """
    for channel in steps.limits:
        for text in _REHEARSED:
            take(_nobodys(channel, text), steps)


def _nobodys(channel: str, text: str) -> Work:
    address = KnownAddress(id=AddressId(0), address=Address(channel, "nobody"), proof=Proof.SEEN, account="")
    message = TurnMessage(id=MessageId(0), address=address.id, at=datetime.min.replace(tzinfo=UTC), text=text)
    return Work(
        lease=Lease(CustomerId(0), fence=0, arrivals=0, lost=0),
        items=(InboxItem(id=0, kind=Kind.MESSAGE, address=address.id, attempts=0, message=message),),
        addresses=(address,),
        facts=(),
        timeline=(),
        at=message.at,
    )


def _identified(work: Work, wrote: AddressId, steps: Steps) -> Snapshot:
    return identify(
        work.lease.customer,
        work.addresses,
        work.facts,
        work.timeline,
        wrote=wrote,
        at=work.at,
        disclosure=steps.disclosure,
        earlier=work.earlier,
        remembered=Remembered(events=work.events, usage=work.usage, cases=work.cases, habits=work.habits),
    )


def _with_codes(snapshot: Snapshot, work: Work, messages: Sequence[TurnMessage], steps: Steps) -> Snapshot:
    if not (work.requests and steps.proofs):
        return snapshot
    return replace(snapshot, tried=prove(work.requests, messages, steps.proofs.codes))


def _with_events(work: Work) -> Work:
    """What waits to be told is known to the turn already."""
    events = _events(work.items)
    if not events:
        return work
    facts = list(work.facts)
    for event in events:
        assert event.address is not None
        for change in facts_of(event):
            before = next((f for f in reversed(facts) if (f.key, f.address) == (change.key, event.address)), None)
            if before is None or (before.confidence <= change.confidence and (before.since or event.at) <= event.at):
                facts = [fact for fact in facts if fact is not before]
                if change.value:
                    facts.append(_fact(change, event.address))
    known = sorted(facts, key=lambda fact: (fact.confidence, fact.since or work.at))
    told = [one.event for one in _taken_in(events, work) if one.told_of]
    return replace(
        work, facts=tuple(known), events=tuple(sorted((*work.events, *told), key=lambda event: event.at)[-EVENTS:])
    )


def _fact(change: Change, address: AddressId) -> Fact:
    return Fact(
        key=change.key,
        value=change.value,
        address=address,
        confidence=change.confidence,
        source="event",
        since=change.at,
    )


def _happened(work: Work) -> tuple[tuple[Happened, ...], tuple[Change, ...]]:
    """What the company has told, and what follows from it."""
    events = _events(work.items)
    return _taken_in(events, work), tuple(change for event in events for change in facts_of(event))


def _taken_in(events: Sequence[Event], work: Work) -> tuple[Happened, ...]:
    if not events:
        return ()
    seen = {(address, used.name): used.count for address, used in work.usage}
    happened = []
    for event in events:
        assert event.address is not None
        usage = counted_as(event)
        before = seen.get((event.address, usage), 0)
        seen[event.address, usage] = before + 1
        happened.append(Happened(event=event, usage=usage, told_of=tells(event, before)))
    return tuple(happened)


def _events(items: Sequence[InboxItem]) -> list[Event]:
    """In the order in which they happened."""
    events = [
        Event(
            id=item.payload["id"],
            name=item.payload["name"],
            at=datetime.fromisoformat(item.payload["at"]),
            properties=item.payload["properties"],
            address=item.address,
        )
        for item in items
        if item.kind is Kind.EVENT
    ]
    return sorted(events, key=lambda event: event.at)


_DOTS = "••• ••••"  # for a code, where it is not to be read


def _asked(plan: Plan, steps: Steps, variant: int) -> Iterator[Asked]:
    """The codes that the plan asks for, each with the message that brings it."""
    for ask in plan.asks:
        assert steps.proofs is not None  # without them nothing asks
        code_hash = steps.proofs.codes.hash(ask)
        link = steps.proofs.link(ask.source, code_hash)
        letter = _code_letter(shown(steps.proofs.codes.code(ask)), ask, plan, steps, variant, link)
        kept = _code_letter(_DOTS, ask, plan, steps, variant)
        yield Asked(
            ask=ask,
            code_hash=code_hash,
            account=steps.proofs.accounts[ask.target.channel],
            parts=letter.parts,
            kept=kept.parts,
            limits=steps.proofs.limits,
            subject=letter.subject,
        )


def _code_letter(code: str, ask: Ask, plan: Plan, steps: Steps, variant: int, link: str = "") -> Letter:
    assert steps.proofs is not None
    limits, minutes = steps.limits[ask.target.channel], steps.company.linking.minutes
    return compose_code(code, ask, plan, limits, steps.speaker, minutes=minutes, variant=variant, link=link)


def _without(work: Work, addresses: Collection[AddressId]) -> Work:
    """What came from there stays in the lane, which is due again for that."""
    return replace(work, items=tuple(item for item in work.items if item.address not in addresses))


def _open(snapshot: Snapshot, messages: Sequence[TurnMessage], steps: Steps) -> Collection[str]:
    """The channels that replies can leave by: not those where this customer would have to write first."""
    if not steps.windows:
        return steps.limits.keys()
    now = messages[-1].at
    channels = {address.id: address.address.channel for address in snapshot.addresses}
    return _writable(snapshot, {channels[m.address]: now for m in messages if m.address in channels}, now, steps)


def _writable(snapshot: Snapshot, writing: Mapping[str, datetime], now: datetime, steps: Steps) -> Collection[str]:
    """As `_open`; `writing` are the channels that they write on just now."""
    windows = steps.windows
    heard = {m.address.channel: m.at for m in snapshot.timeline if m.direction is Direction.IN} | {**writing}
    return {
        channel
        for channel in steps.limits
        if channel not in windows or (channel in heard and (now - heard[channel]).total_seconds() < windows[channel])
    }


def _opened(work: Work, messages: Sequence[TurnMessage], steps: Steps) -> tuple[AddressId, ...]:
    """Where they wrote that can be written to for a while from now on: what was held for that may leave."""
    closing = {channel for channel, limits in steps.limits.items() if limits.window}
    if not closing:
        return ()
    wrote = {message.address for message in messages}
    return tuple(address.id for address in work.addresses if address.address.channel in closing and address.id in wrote)


def _about(work: Work) -> AddressId:
    """Nobody, where all that waited has moved to somebody else's lane meanwhile: its commit then changes nothing."""
    return work.items[-1].address if work.items else next((address.id for address in work.addresses), AddressId(0))


def _messages(items: Sequence[InboxItem]) -> list[TurnMessage]:
    """In the order in which they were written; providers may deliver them in another."""
    return sorted((item.message for item in items if item.message), key=lambda m: (m.at, m.id))


def _as_edited(messages: Sequence[TurnMessage], items: Sequence[InboxItem]) -> list[TurnMessage]:
    """What was changed before we answered is answered as it was changed."""
    edits = {
        (item.address, item.payload["message_id"]): item.payload["text"] for item in items if item.kind is Kind.EDIT
    }
    if not edits:
        return list(messages)
    return [replace(m, text=edits.get((m.address, m.provider_id), m.text)) for m in messages]


def _edits(items: Sequence[InboxItem]) -> tuple[Revised, ...]:
    return tuple(
        Revised(
            address=item.address,
            message_id=item.payload["message_id"],
            at=datetime.fromisoformat(item.payload["at"]),
            text=item.payload["text"],
        )
        for item in items
        if item.kind is Kind.EDIT
    )


def _reports(items: Sequence[InboxItem]) -> tuple[Reported, ...]:
    return tuple(
        Reported(
            address=item.address,
            provider_id=item.payload["provider_id"],
            state=DeliveryState(item.payload["state"]),
            reason=item.payload["reason"],
            unreachable=item.payload["unreachable"],
            attempts=item.attempts,
        )
        for item in items
        if item.kind is Kind.REPORT
    )


def _text(messages: Sequence[TurnMessage]) -> str:
    return "\n".join(message.text for message in messages)


def _variant(recent: Sequence[TimelineMessage], address: AddressId) -> int:
    """Another one for each reply to a customer: ids of messages are no measure, since replies take every other one."""
    return address + sum(message.direction is Direction.OUT for message in recent)


def _purpose(draft: Draft, plan: Plan, written_from: AddressId) -> Purpose:
    """Loops arise where a reply goes back to where the message came from: there alone the tighter cap holds."""
    if plan.confirms_stop:
        return Purpose.CONFIRMATION
    if plan.pointer is not None and draft.to.id == plan.pointer.id:
        return Purpose.POINTER
    return Purpose.UNSOLICITED if plan.unsolicited and draft.to.id == written_from else Purpose.REPLY


def mood_of(reading: Reading, at: datetime, *, answered: bool) -> EarlierTurn:
    """What later turns need of this reading: no more than what is known."""
    return EarlierTurn(
        at=at,
        sentiment=_if_known(reading.sentiment),
        frustration=_if_known(reading.emotions.frustration),
        urgency=_if_known(reading.urgency),
        expertise=_if_known(reading.expertise),
        intent=_if_known(reading.intent),
        answered=answered,
    )


def _if_known(signal: Signal[_T]) -> _T | None:
    return signal.value if signal.known else None


def _record(
    work: Work,
    messages: Sequence[TurnMessage],
    snapshot: Snapshot,
    reading: Reading,
    recollection: Recollection,
    plan: Plan,
    phrased: Phrased | None,
) -> dict[str, object]:
    """The answer to "why did you say that": ids and reasons, without the texts that stand elsewhere."""
    return {
        "messages": [message.id for message in messages],
        "reading": reading,
        "recollection": _recollected(recollection),
        "moves": [
            {"kind": m.kind, "topic": m.topic, "facts": sorted(m.facts), "sources": m.sources, "why": m.why}
            for m in plan.moves
        ],
        "used": dict(_used(work, snapshot, plan)),
        "level": plan.level,
        "team": plan.team,
        "priority": _priority(plan, reading),
        "to": plan.to.id if plan.to else None,
        "pointer": plan.pointer.id if plan.pointer else None,
        "asks": [{"purpose": ask.purpose, "channel": ask.target.channel} for ask in plan.asks],
        "handoff": plan.handoff,
        "why": plan.why,
        **({"wording": _worded(phrased)} if phrased else {}),
    }


def _priority(plan: Plan, reading: Reading) -> str:
    """As its playbook says; else as urgent as they put it."""
    return plan.priority or (_PRIORITIES.get(reading.urgency.value, "") if reading.urgency.known else "")


_PRIORITIES = {Urgency.HIGH: "high", Urgency.CRITICAL: "urgent"}


def _worded(phrased: Phrased) -> dict[str, object]:
    """Who put the reply into words; and where it was the voice pack, why, and what spoke against the model's."""
    by = "model" if phrased.drafts else "pack"
    told = {"by": by, "model": phrased.model, "why": phrased.why, "restarts": phrased.restarts}
    doubts = [f"{doubt.kind}: {doubt.text}" if doubt.text else doubt.kind for doubt in phrased.doubts]
    return {key: value for key, value in {**told, "doubts": doubts}.items() if value}


def _recollected(recollection: Recollection) -> dict[str, object]:
    """What memory said of the matter, and what it reminded of."""
    return {
        "case": recollection.case.id if recollection.case else None,
        "contacts": recollection.contacts,
        "solved": recollection.solved,
        "agents": recollection.agents,
        "recalled": [recalled.message.id for recalled in recollection.recalled],
    }


def _used(work: Work, snapshot: Snapshot, plan: Plan) -> Iterator[tuple[str, dict[str, object]]]:
    """What the facts and events were that moves rest on: as what is known later may be something else."""
    for source in {source for move in plan.moves for source in move.sources}:
        kind, _, name = source.partition(":")
        if kind == "event" and (event := next((one for one in snapshot.events if one.id == name), None)):
            yield source, {"name": event.name, "at": event.at}
        elif kind == "fact" and name in snapshot.facts:
            value = snapshot.facts[name]
            fact = next((f for f in reversed(work.facts) if (f.key, f.value) == (name, value)), None)
            if fact is not None:
                yield source, {"id": fact.id, "from": fact.source, "since": fact.since}
