"""What is kept of a turn: why it said what it said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omnibot.model import Plan, Reading, Recollection, Snapshot, TurnMessage, Urgency
from omnibot.store.work import Work
from omnibot.voice.phrasing import Phrased as Phrased


def record_of(
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
        "used": dict(rested_on(work, snapshot, plan)),
        "level": plan.level,
        "team": plan.team,
        "priority": _priority(plan, reading),
        "to": plan.to.id if plan.to else None,
        "pointer": plan.pointer.id if plan.pointer else None,
        "asks": [{"purpose": ask.purpose, "channel": ask.target.channel} for ask in plan.asks] if plan.asks else [],
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


def rested_on(work: Work, snapshot: Snapshot, plan: Plan) -> Iterator[tuple[str, dict[str, object]]]:
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
