"""The sentence: what happens in a turn, in order."""

from __future__ import annotations

from collections.abc import Generator

from omnibot.dialogue import decide
from omnibot.identity import together
from omnibot.memory import keep, listen, profile, recall, situate
from omnibot.model import EarlierTurn, Snapshot
from omnibot.store.work import Kind, Outcome, Reply, Work
from omnibot.turns.acts import acted
from omnibot.turns.codes import codes_asked
from omnibot.turns.knowing import identified, with_codes
from omnibot.turns.lane import (
    address_of,
    as_edited,
    messages_of,
    of_one_kind,
    reports,
    revisions,
    text_of,
    what_happened,
    with_events,
    without,
)
from omnibot.turns.leaving import opened, purpose, variant_of, writable_now
from omnibot.turns.pauses import Pause, Told, phrased_by_model, remind, reminded
from omnibot.turns.record import record_of
from omnibot.turns.steps import Steps
from omnibot.voice import compose


def turn(work: Work, steps: Steps) -> Generator[Pause, Told, Outcome]:
    """One customer's turn: all that waits in their lane, as one thing that they said.

    What was written from addresses that may not know of each other is not one thing: the later waits for the next turn.

    It pauses behind each larger step, so that the turns of others, taken together with it, come as far: a step that is
    taken again at once finds its caches warm. Where it would be reminded, or have its reply put into words by a model,
    it goes on with what is sent to it, or without.
    """
    work = of_one_kind(work)
    if work.items and work.items[0].kind is Kind.ACT:
        return acted(work, steps)
    work = with_events(work)
    messages = messages_of(work.items)
    if not messages:
        return _unspoken(work)

    snapshot = profile(identified(work, messages[0].address, steps))
    here = together(snapshot, messages[0].address)
    if elsewhere := {message.address for message in messages if message.address not in here}:
        work = without(work, elsewhere)
        messages = messages_of(work.items)
    messages = as_edited(messages, work.items)
    snapshot = with_codes(snapshot, work, messages, steps)
    situation = situate(snapshot, messages, steps.zone, steps.hours)
    reading = yield from steps.understanding.read_in_parts(text_of(messages), situation)
    recalled = reminded((yield remind(work, snapshot, messages, reading, steps)))
    said = listen(messages, reading.language.value)
    yield None
    recollection = recall(snapshot, reading, messages, recalled, steps.matters, said)
    channels = writable_now(snapshot, messages, steps)
    plan = decide(snapshot, reading, recollection, messages, steps.company, channels)
    yield None
    recent = recollection.recent
    variant = variant_of(recent, messages[-1].address)
    drafts = compose(plan, snapshot, steps.limits, steps.speaker, variant, recent, at=work.at)
    phrased = yield from phrased_by_model(plan, snapshot, variant, recent, work, messages, steps)
    if phrased and phrased.drafts:
        drafts = phrased.drafts
    yield None
    happened, told = what_happened(work)
    kept = keep(snapshot, reading, recollection, plan, messages, steps.matters, said)

    return Outcome(
        work=work,
        address=messages[-1].address,
        record=record_of(work, messages, snapshot, reading, recollection, plan, phrased),
        mood=EarlierTurn.of(reading, messages[-1].at, answered=bool(drafts)),
        replies=tuple([Reply(draft, purpose(draft, plan, messages[-1].address)) for draft in drafts]),
        changes=(*told, *plan.changes, *kept.changes),
        handoff=plan.handoff,
        revised=revisions(work.items),
        reported=reports(work.items),
        opened=opened(work, messages, steps),
        asked=tuple(codes_asked(plan, steps, variant)) if plan.asks else (),
        tried=snapshot.tried,
        case=kept.case,
        sides=tuple(snapshot.open) if kept.case else (),
        habits=kept.habits,
        happened=happened,
    )


def _unspoken(work: Work) -> Outcome:
    """The turn of what came in without a word: edits, reports, events."""
    happened, told = what_happened(work)
    return Outcome(
        work=work,
        address=address_of(work),
        changes=told,
        revised=revisions(work.items),
        reported=reports(work.items),
        happened=happened,
    )


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
    work = with_events(work)
    return profile(identified(work, messages_of(work.items)[0].address, steps))
