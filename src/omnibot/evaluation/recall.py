"""How much of what answers a question is found again in a long conversation."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, model_validator

from omnibot.evaluation.files import objects
from omnibot.evaluation.metrics import mean, recall_at
from omnibot.evaluation.report import Report, Table, number
from omnibot.memory.search import Embed, Said, Search

__all__ = ["AT", "Conversation", "measure", "read"]

AT = (5, 10, 20)

Id = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


class Turn(BaseModel):
    """One message."""

    id: Id
    speaker: str = ""
    text: str


class Query(BaseModel):
    """A question, and the turns that answer it; one alone may stand without its list."""

    text: str
    evidence: Annotated[list[Id], BeforeValidator(lambda value: [value] if isinstance(value, str | int) else value)]


class Conversation(BaseModel):
    """One line: a conversation with questions about it."""

    turns: list[Turn]
    queries: list[Query]

    @model_validator(mode="after")
    def _ids_name_one_turn(self) -> Conversation:
        twice = [id for id, count in Counter(turn.id for turn in self.turns).items() if count > 1]
        if twice:
            raise ValueError(f"turns: several have the id {', '.join(twice)}")
        return self


def read(path: Path) -> list[Conversation]:
    """The conversations of a file; raises BrokenInput."""
    return objects(path, Conversation)


def measure(conversations: Sequence[Conversation], language: str, embed: Embed | None) -> Report:
    """Recall at 5, 10 and 20: the mean, over the questions, of the share of their evidence that is found.

    Evidence that is none of the turns is left out, and so are questions that have no other: no search can find it.
    """
    shares: dict[int, list[float]] = {k: [] for k in AT}
    lost = silent = 0
    seconds = 0.0
    for conversation in conversations:
        search = Search([Said(turn.id, turn.speaker, turn.text) for turn in conversation.turns], language, embed)
        turns = {turn.id for turn in conversation.turns}
        for query in conversation.queries:
            evidence = set(query.evidence) & turns
            lost += len(set(query.evidence) - turns)
            silent += not evidence
            if evidence:
                begun = time.process_time()
                found = [hit.id for hit in search.best(query.text, max(AT))]
                seconds += time.process_time() - begun
                for k in AT:
                    shares[k].append(recall_at(k, evidence, found))
    return _report(conversations, shares, lost, silent, seconds)


def _report(
    conversations: Sequence[Conversation], shares: dict[int, list[float]], lost: int, silent: int, seconds: float
) -> Report:
    queries = len(shares[AT[0]])
    figures = {f"recall@{k}": mean(shares[k]) for k in AT}
    notes = []
    if lost:
        notes.append(f"{lost} ids of evidence are none of their conversation's turns: they are left out")
    if silent:
        notes.append(f"{silent} questions have no evidence among the turns: they are left out")
    if not queries:
        notes.append("no question is left, so there is no recall")
    counts = {
        "queries": queries,
        "conversations": len(conversations),
        "turns": sum(len(conversation.turns) for conversation in conversations),
        "ms_a_query": round(1000 * seconds / queries, 3) if queries else None,
    }
    table = Table(("measure", "value"), [(name, number(value)) for name, value in figures.items()])
    sizes = Table(("", ""), [(name, str(value)) for name, value in counts.items()])
    return Report(figures={**figures, **counts}, tables=(table, sizes), notes=notes)
