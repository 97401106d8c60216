"""While people have a matter the bot keeps silent about it: nothing is worse than two who answer."""

from __future__ import annotations

from omnibot.dialogue.company import SUPPORT, Team
from omnibot.dialogue.playing import Play
from omnibot.dialogue.turn import Turn
from omnibot.model import OUT_OF_SCOPE, Case, CaseState, Direction, Move, MoveKind, Value
from omnibot.worktime import closed_since, opens

__all__ = ["closed", "with_people"]


def with_people(turn: Turn, play: Play | None) -> Case | None:
    """The matter that people have and that this is about, where there is a desk at which they work; else None.

    Whoever clearly wants something else is answered as usual; what may be about it is left to people.
    """
    if not turn.company.desk:
        return None
    theirs = [case for case in turn.snapshot.cases if case.state is CaseState.HANDED_OFF]
    if not theirs:
        return None
    about, wanted = turn.recollection.case, _of_its_own(turn, play.playbook.intent if play else _wanted(turn))
    if about is not None and about.state is not CaseState.HANDED_OFF:
        return None
    if about is not None and wanted in ("", about.intent):
        return about
    return next((case for case in reversed(theirs) if wanted in ("", case.intent)), None)


def _wanted(turn: Turn) -> str:
    intent = turn.reading.intent
    return intent.value if intent.known and intent.value != OUT_OF_SCOPE else ""


def _of_its_own(turn: Turn, wanted: str) -> str:
    """What is wanted, where it is a matter of its own: news of one, or a person for it, is that matter."""
    playbook = turn.company.playbooks.of(wanted) if wanted else None
    return "" if playbook is not None and playbook.case == "earlier" else wanted


def closed(turn: Turn, case: Case, language: str) -> tuple[Move, ...]:
    """That it has come in, and when they are back: once while they are closed, and nothing while they work."""
    team = _team_of(turn, case)
    if team is None:
        return ()
    now = turn.messages[-1].at
    since, back = closed_since(team.hours, team.zone, now), opens(team.hours, team.zone, now)
    if since is None or back is None:
        return ()
    if any(one.direction is Direction.OUT and not one.by and one.at >= since for one in turn.recollection.recent):
        return ()
    facts: dict[str, Value] = {"team": team.name(language), "opens": back}
    why = f"people have it ({case.intent}), and {team.key} is closed"
    return (Move(kind=MoveKind.PROMISE, topic="closed", facts=facts, sources=(f"team:{team.key}",), why=why),)


def _team_of(turn: Turn, case: Case) -> Team | None:
    """Who has it: what was given to no team, or to one that there is no more, is support's."""
    return turn.company.teams.get(case.team) or turn.company.teams.get(SUPPORT)
