"""The turn of those who work at a desk: what agents do, one act after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from omnibot.desk import Ground, destination, words_of
from omnibot.desk import take as take_act
from omnibot.memory import profile
from omnibot.model import (
    Case,
    CaseChange,
    CaseId,
    DeliveryState,
    DeskAct,
    Done,
    Draft,
    KnownAddress,
    MessageId,
    Move,
    MoveKind,
    Notice,
    Plan,
    Snapshot,
    Stretch,
)
from omnibot.places import Template
from omnibot.store.work import InboxItem, Outcome, Work
from omnibot.turns.knowing import identified
from omnibot.turns.lane import address_of
from omnibot.turns.leaving import variant_of, writable
from omnibot.turns.steps import Steps
from omnibot.voice import compose, compose_words


def acted(work: Work, steps: Steps) -> Outcome:
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
    return Outcome(work=work, address=address_of(work), done=tuple(done))


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
    snapshot = profile(identified(work, stretch.address, steps))
    to = destination(snapshot, writable(snapshot, {}, work.at, steps))
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
    return replace(case, state=change.state, concern=change.concern, team=change.team) if case and change else case


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
    return compose(plan, snapshot, steps.limits, steps.speaker, variant_of(recent, to.id), recent, at=work.at)
