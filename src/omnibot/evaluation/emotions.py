"""How well it is heard what somebody feels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from omnibot.evaluation.files import objects
from omnibot.evaluation.metrics import auc, f1, mean
from omnibot.evaluation.report import Report, Table, number

__all__ = ["FOUR", "Item", "is_of_the_four", "measure", "read"]

FOUR = ("frustration", "confusion", "satisfaction", "excitement")
_DECIDED = 0.5

Scores = Mapping[str, float]  # 0…1 by emotion, decided at .5


class Item(BaseModel):
    """One line: a text and the emotions that are in it, none or several."""

    text: str
    emotions: list[str]


def read(path: Path) -> list[Item]:
    """The items of a file; raises BrokenInput."""
    return objects(path, Item)


def is_of_the_four(items: Sequence[Item]) -> bool:
    """Whether a file's confusion and excitement are ours, which GoEmotions' labels of that name are not.

    They are GoEmotions' where the file has labels that only GoEmotions has, and neither of those that only we have.
    """
    named = {name for item in items for name in item.emotions}
    return not named.isdisjoint({"frustration", "satisfaction"}) or named <= set(FOUR)


def measure(items: Sequence[Item], feel: Callable[[str], Scores]) -> Report:
    """AUC and F1, decided at .5, of each emotion that the items name and that `feel` knows, and their means."""
    counts = Counter(name for item in items for name in dict.fromkeys(item.emotions))
    scores = [feel(item.text) for item in items]
    known = set(scores[0])
    gold = {name: [name in item.emotions for item in items] for name in sorted(counts) if name in known}
    said = {name: [one[name] for one in scores] for name in gold}
    aucs = {name: auc(gold[name], said[name]) for name in gold}
    f1s = {name: f1(gold[name], [score >= _DECIDED for score in said[name]]) for name in gold}
    macro_auc, macro_f1 = _mean(aucs), _mean(f1s)
    rows = [(name, str(counts[name]), number(aucs[name]), number(f1s[name])) for name in gold]
    rows.append(("macro", str(len(items)), number(macro_auc), number(macro_f1)))
    return Report(
        figures={"auc": aucs, "f1": f1s, "macro_auc": macro_auc, "macro_f1": macro_f1, "items": len(items)},
        tables=(Table(("emotion", "items", "AUC", "F1"), rows),),
        notes=_notes(counts, known, aucs),
    )


def _mean(each: Mapping[str, float | None]) -> float | None:
    return mean([one for one in each.values() if one is not None])


def _notes(counts: Counter[str], known: set[str], aucs: Mapping[str, float | None]) -> list[str]:
    notes = []
    if unknown := sorted(counts.keys() - known):
        notes.append(f"not computed: {', '.join(unknown)}. Known are {', '.join(FOUR)}, and the labels of GoEmotions")
    if one_class := [name for name, value in aucs.items() if value is None]:
        notes.append(f"every item has {', '.join(one_class)}: an AUC needs items with and without")
    if not counts:
        notes.append("no item names an emotion, so nothing can be computed")
    return notes
