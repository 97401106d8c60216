"""What one act of one agent comes to: pure, so that acts that arrive together are taken one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from omnibot.desk.levels import when
from omnibot.desk.rules import PRIORITIES, Rules
from omnibot.model import (
    ActKind,
    Agent,
    Attempt,
    Case,
    CaseChange,
    CaseState,
    DeskAct,
    Done,
    KnownAddress,
    MessageId,
    Notice,
    Result,
    Stretch,
    StretchState,
)
from omnibot.model.values import frozen

__all__ = ["DESK", "Ground", "idle_act", "take", "wake_act"]

DESK = Agent("omnibot", "Omnibot")  # whoever acts when a time is over
_LONGEST_SNOOZE = timedelta(days=366)
_KEPT = "kept:"  # begins the reference of a file that we have
_MOST_FILES = 10


@frozen(kw_only=True)
class Ground:
    """What an act stands on: all open stretches of the customer, the matter, and where words would go."""

    rules: Rules
    stretches: Sequence[Stretch] = ()  # of the same customer, this one among them
    case: Case | None = None  # the matter of this one
    to: KnownAddress | None = None
    unreachable: str = ""  # why there is no `to`
    failed: MessageId | None = None  # what the act's entry has brought, where it did not arrive


def take(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    """Take an act, or refuse it and tell whoever did it why; what is refused changes nothing.

    `Done.replies` are left to the voice.
    """
    doing = _ACTS[act.kind]
    if act.kind not in _ANY_TIME and (why := _over(act, stretch)):
        return _refused(act, stretch, why)
    if act.kind in _OWNERS and (why := _others(act, stretch)):
        return _refused(act, stretch, why)
    return doing(act, stretch, ground)


def idle_act(stretch: Stretch, now: datetime) -> DeskAct:
    """That nobody took up what a customer wrote, so that the bot goes on; `text` tells who had it by then."""
    owner = stretch.owner.id if stretch.owner else ""
    return DeskAct(id=_once("idle", stretch, now), at=now, by=DESK, kind=ActKind.HAND_BACK, value="idle", text=owner)


def wake_act(stretch: Stretch, now: datetime) -> DeskAct:
    """That a snoozed stretch is to be looked at again."""
    return DeskAct(id=_once("wake", stretch, now), at=now, by=DESK, kind=ActKind.SNOOZE)


def _once(what: str, stretch: Stretch, now: datetime) -> str:
    """The same in all processes that see it within a minute; another where it comes about again, as it may."""
    return f"{what} {stretch.id} {now.astimezone(UTC):%Y-%m-%dT%H:%M}"


# --- who may do what now ---


def _over(act: DeskAct, stretch: Stretch) -> str:
    """What is over is over, until somebody opens it again on purpose: the bot may be talking to the customer by now."""
    if stretch.state.is_open:
        return "" if act.kind is not ActKind.REOPEN else "It is open: nothing to reopen."
    if act.kind is ActKind.REOPEN:
        return ""
    ended = "was resolved" if stretch.state is StretchState.RESOLVED else "was handed back to the bot"
    return f"Not done: this {ended}. Reopen it first."


def _others(act: DeskAct, stretch: Stretch) -> str:
    """What one has, another leaves alone: two answers to one question are worse than a late one."""
    if stretch.owner is None or act.by in (DESK, stretch.owner) or act.by.id == stretch.owner.id:
        return ""
    return f"Not done: {_named(stretch.owner)} has it. Assign it to yourself to take it over."


def _refused(act: DeskAct, stretch: Stretch, why: str) -> Done:
    notices = (_to_them(act, why),) if act.by.id != DESK.id else ()
    return Done(stretch=stretch.id, act=act, refused=why, notices=notices)


def _to_them(act: DeskAct, text: str) -> Notice:
    return Notice(text, to=act.by.id, entry=act.entry)


def _done(act: DeskAct, after: Stretch, told: str, **more: CaseChange | None) -> Done:
    notices = (Notice(told),) if told else ()
    return Done(stretch=after.id, act=act, after=after, notices=notices, case=more.get("case"))


def _named(agent: Agent) -> str:
    return agent.name or agent.id


# --- who has it ---


def _take(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    if stretch.owner is not None and stretch.owner.id == act.by.id and stretch.state is StretchState.TAKEN:
        return _refused(act, stretch, "You have it already.")
    after = replace(stretch, owner=act.by, state=StretchState.TAKEN, snoozed_until=None)
    return _done(act, after, f"{_named(act.by)} has it now.")


def _assign(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    if not act.value:
        return _refused(act, stretch, "Not done: name whom it is for.")
    owner = Agent(act.value, act.text)
    if stretch.owner is not None and stretch.owner.id == owner.id:
        return _refused(act, stretch, f"{_named(stretch.owner)} has it already.")
    after = replace(stretch, owner=owner, state=StretchState.TAKEN, snoozed_until=None)
    if owner.id == act.by.id:
        before = f" It was {_named(stretch.owner)}'s." if stretch.owner else ""
        return _done(act, after, f"{_named(owner)} has taken it over.{before}")
    return _done(act, after, f"{_named(act.by)} has given it to {_named(owner)}.")


def _team(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    team = ground.rules.teams.get(act.value)
    if team is None:
        known = ", ".join(sorted(ground.rules.teams))
        return _refused(act, stretch, f"Not done: there is no team {act.value!r}; there are {known}.")
    if stretch.team == act.value:
        return _refused(act, stretch, f"{team.name or team.key} has it already.")
    after = replace(stretch, team=act.value, owner=None, state=StretchState.WAITING, snoozed_until=None)
    told = f"{_named(act.by)} has given it to {team.name or team.key}."
    case = replace(ground.case, team=act.value) if ground.case else None
    change = _changed(case, case.state, "given to another team") if case else None
    return _done(act, after, told, case=change)


def _priority(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    if act.value not in PRIORITIES:
        return _refused(act, stretch, f"Not done: a priority is one of {', '.join(PRIORITIES)}.")
    if act.value == stretch.priority:
        return _refused(act, stretch, f"Its priority is {act.value} already.")
    after = replace(stretch, priority=act.value)
    return _done(act, after, f"{_named(act.by)} has made its priority {act.value}.")


def _snooze(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    """Without a time it ends: somebody looks at it again, or the customer has written."""
    if not act.value:
        if stretch.state is not StretchState.SNOOZED:
            return Done(stretch=stretch.id, act=act, refused="It sleeps no more.")
        state = StretchState.TAKEN if stretch.owner else StretchState.WAITING
        owner = f" {_named(stretch.owner)} has it." if stretch.owner else " Nobody has it yet."
        return _done(act, replace(stretch, state=state, snoozed_until=None), f"It is due again.{owner}")
    until = _moment(act.value)
    if until is None:
        return _refused(act, stretch, "Not done: tell until when, as 2026-12-24T09:00+01:00.")
    if not act.at < until <= act.at + _LONGEST_SNOOZE:
        return _refused(act, stretch, "Not done: choose a time within the next year.")
    after = replace(stretch, owner=stretch.owner or act.by, state=StretchState.SNOOZED, snoozed_until=until)
    told = f"{_named(act.by)} comes back to it {_when(until, stretch, ground)}, or when the customer writes."
    return _done(act, after, told)


def _when(moment: datetime, stretch: Stretch, ground: Ground) -> str:
    return when(moment, ground.rules.team(stretch.team).zone)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.utcoffset() is not None else None


# --- what the customer gets ---


def _reply(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    if why := _unfit(act, ground):
        return _refused(act, stretch, why)
    after = replace(
        stretch,
        owner=stretch.owner or act.by,
        state=StretchState.TAKEN,
        snoozed_until=None,
        answered_at=stretch.answered_at or act.at,
        asked_at=None,
    )
    told = f"{_named(act.by)} has it now." if stretch.owner is None else ""
    return _done(act, after, told)


def _consent(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    done = _reply(act, stretch, ground)
    if done.refused:
        return done
    return replace(done, notices=(*done.notices, Notice(f"{_named(act.by)} has asked the customer: {act.text}")))


def _unfit(act: DeskAct, ground: Ground) -> str:
    """Why words cannot go to the customer."""
    if not act.text.strip() and not act.files:
        return "Not sent: there is nothing in it."
    if ground.to is None:
        return f"Not sent: {ground.unreachable or 'there is no address that may be written to'}."
    if len(act.files) > _MOST_FILES:
        return f"Not sent: at most {_MOST_FILES} files go with one reply."
    rules = ground.rules
    for file in act.files:
        if (file.size or 0) > rules.max_file_bytes:
            return f"Not sent: {file.name} is larger than {_megabytes(rules.max_file_bytes)}."
        if not file.media_type.startswith(rules.file_types):
            return f"Not sent: {file.name} is of a type ({file.media_type}) that is not sent to customers."
        if not file.ref.startswith(_KEPT):
            return f"Not sent: {file.name} could not be fetched. Attach it again."
    return ""


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB"


def _retry(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    if ground.failed is None:
        return _refused(act, stretch, "Not done: there is nothing here that could be sent again.")
    if ground.to is None:
        return _refused(
            act, stretch, f"Not sent: {ground.unreachable or 'there is no address that may be written to'}."
        )
    told = f"{_named(act.by)} sends it again."
    return Done(stretch=stretch.id, act=act, retries=ground.failed, notices=(Notice(told, entry=act.entry),))


# --- its end ---


def _resolve(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    reason, worked = act.value.strip(), act.text.strip()
    outcome = "; ".join(filter(None, (reason, worked)))
    after = replace(stretch, state=StretchState.RESOLVED, ended_at=act.at, snoozed_until=None, outcome=outcome)
    after = replace(after, owner=stretch.owner or act.by)
    told = f"{_named(act.by)} has resolved it{f': {reason}' if reason else ''}."
    if worked:
        told += f" What worked: {worked}"
    tried = Attempt(what=worked, by=_named(act.by), at=act.at, result=Result.WORKED, source=f"stretch:{stretch.id}")
    case = _changed(ground.case, CaseState.RESOLVED, reason or "resolved by people", (tried,) if worked else ())
    return _done(act, after, told, case=case)


def _reopen(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    """It is the agent's who opens it again, unless people have the matter in another thread by now."""
    same = (
        one
        for one in ground.stretches
        if one.state.is_open and one.id != stretch.id and stretch.matter is not None and one.matter == stretch.matter
    )
    if other := next(same, None):
        has = f": {_named(other.owner)} has it" if other.owner else ""
        return _refused(act, stretch, f"Not done: it was handed off anew in another thread{has}.")
    after = replace(stretch, state=StretchState.TAKEN, owner=act.by, ended_at=None, outcome="", snoozed_until=None)
    after = replace(after, reopened_at=act.at)
    case = _changed(ground.case, CaseState.HANDED_OFF, "reopened by people")
    return _done(
        act, after, f"{_named(act.by)} has reopened it, and has it now. The bot is silent about it.", case=case
    )


def _hand_back(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    idle = act.value == "idle"
    if idle and _was_taken_up(act, stretch):
        return Done(stretch=stretch.id, act=act, refused="It was taken up meanwhile.")
    why = "nobody took it up" if idle else act.text.strip() or act.value.strip()
    after = replace(stretch, state=StretchState.RETURNED, ended_at=act.at, snoozed_until=None, outcome=why)
    told = (
        "Nobody took up what the customer wrote: the bot goes on with it, and has told them so."
        if idle and ground.to is not None
        else "Nobody took up what the customer wrote: the bot goes on with it."
        if idle
        else f"{_named(act.by)} has handed it back: the bot goes on."
    )
    case = _changed(ground.case, CaseState.OPEN, f"handed back to the bot{f': {why}' if why else ''}")
    return _done(act, after, told, case=case)


def _was_taken_up(act: DeskAct, stretch: Stretch) -> bool:
    """Whether people were quicker than the word that nobody took it up."""
    return stretch.asked_at is None or (stretch.owner.id if stretch.owner else "") != act.text


def _changed(case: Case | None, state: CaseState, why: str, attempts: tuple[Attempt, ...] = ()) -> CaseChange | None:
    """The matter as it is afterwards; what is resolved is no concern any more."""
    if case is None:
        return None
    return CaseChange(
        id=case.id,
        intent=case.intent,
        topic=case.topic,
        state=state,
        concern="" if state is CaseState.RESOLVED else case.concern,
        asked=case.asked,
        attempts=attempts,
        team=case.team,
        why=why,
    )


# --- what is only written down, or done elsewhere ---


def _noted(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    return Done(stretch=stretch.id, act=act)


def _late(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    what = "changed" if act.kind is ActKind.EDITED else "deleted"
    told = f"You {what} it here alone: the customer has what was sent. Send a correction if they should know."
    return Done(stretch=stretch.id, act=act, notices=(_to_them(act, told),))


def _denied(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    return Done(stretch=stretch.id, act=act, refused=act.value or "may not act here")


def _muted(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    return Done(stretch=stretch.id, act=act, notices=(_to_them(act, "You are reminded of it no more."),))


def _merge(act: DeskAct, stretch: Stretch, ground: Ground) -> Done:
    if not act.value.isdecimal():
        return _refused(act, stretch, "Not done: there is no such review.")
    told = f"{_named(act.by)} has confirmed that both are one person{f': {act.text}' if act.text else ''}."
    return Done(stretch=stretch.id, act=act, merges=int(act.value), notices=(Notice(told),))


_Doing = Callable[[DeskAct, Stretch, Ground], Done]

_ACTS: Mapping[ActKind, _Doing] = {
    ActKind.TAKE: _take,
    ActKind.ASSIGN: _assign,
    ActKind.TEAM: _team,
    ActKind.PRIORITY: _priority,
    ActKind.SNOOZE: _snooze,
    ActKind.CONSENT: _consent,
    ActKind.REPLY: _reply,
    ActKind.NOTE: _noted,
    ActKind.RESOLVE: _resolve,
    ActKind.REOPEN: _reopen,
    ActKind.HAND_BACK: _hand_back,
    ActKind.RETRY: _retry,
    ActKind.MERGE: _merge,
    ActKind.MUTE: _muted,
    ActKind.EDITED: _late,
    ActKind.DELETED: _late,
    ActKind.REFUSED: _denied,
}
_ANY_TIME = frozenset({ActKind.NOTE, ActKind.MUTE, ActKind.EDITED, ActKind.DELETED, ActKind.REFUSED, ActKind.MERGE})
_OWNERS = frozenset(  # of what another has
    {ActKind.TAKE, ActKind.SNOOZE, ActKind.CONSENT, ActKind.REPLY, ActKind.RESOLVE, ActKind.HAND_BACK, ActKind.RETRY}
)
