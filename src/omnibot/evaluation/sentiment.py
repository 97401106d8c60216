"""How well it is heard whether somebody speaks well or ill of what they have met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from omnibot.evaluation.files import Broken, Labelled, labelled
from omnibot.evaluation.metrics import f1, macro_f1
from omnibot.evaluation.report import Report, Table, number
from omnibot.model import Sentiment

__all__ = ["measure", "read"]

_NEUTRAL = 0.05  # VADER's own threshold: what is nearer to 0 is neither
_TWO = 2  # labels: a complaint or none
_CALLED = {-1: "negative", 0: "neutral", 1: "positive"}
_LABELS = {"-1": -1, "−1": -1, "0": 0, "1": 1, "+1": 1, **{name: label for label, name in _CALLED.items()}}


def read(path: Path) -> list[Labelled[int]]:
    """Texts with -1, 0 or 1, or negative, neutral or positive; raises BrokenInput."""
    return labelled(path, _label)


def _label(written: str) -> int:
    label = _LABELS.get(written.casefold().removesuffix(".0"))
    if label is None:
        raise Broken(f"{written!r} is no label: write -1, 0 or 1, or negative, neutral or positive")
    return label


def measure(items: Sequence[Labelled[int]], mood: Callable[[str], Sentiment]) -> Report:
    """Macro-F1 over the labels that are present, of ours and of VADER's compound, cut at ±0.05.

    Where two labels are present, what is neither of them counts as the nearer one: thanks are no complaint. A value
    that is not known counts as it stands: it is what is shown.
    """
    gold = [label for _, label in items]
    read = [mood(text) for text, _ in items]
    present = sorted(set(gold))
    ours = [_cut(one.value, present) for one in read]
    vader = [_cut(one.vader, present) for one in read]
    moved = sum(_is_neither(one.value, present) for one in read) if len(present) == _TWO else 0
    figures = {
        "macro_f1": macro_f1(gold, ours),
        "macro_f1_vader": macro_f1(gold, vader),
        "f1": {str(label): _f1(gold, ours, label) for label in present},
        "f1_vader": {str(label): _f1(gold, vader, label) for label in present},
        "items": len(items),
    }
    counts = Counter(gold)
    rows = [
        (_CALLED[label], str(counts[label]), number(_f1(gold, ours, label)), number(_f1(gold, vader, label)))
        for label in present
    ]
    macro = ("macro-F1", str(len(items)), number(macro_f1(gold, ours)), number(macro_f1(gold, vader)))
    notes = []
    if absent := [_CALLED[label] for label in _CALLED if label not in counts]:
        notes.append(f"no item is {' or '.join(absent)}: the macro-F1 is over the other labels")
    if moved:
        notes.append(f"{moved} texts are cut to the label that no item has: each counts as the nearer of the others")
    return Report(figures=figures, tables=(Table(("F1", "items", "ours", "VADER"), [*rows, macro]),), notes=notes)


def _cut(value: float, present: Sequence[int]) -> int:
    if len(present) != _TWO or not _is_neither(value, present):
        return _label_of(value)
    return min(present, key=lambda one: (abs(one - value), -one))


def _is_neither(value: float, present: Sequence[int]) -> bool:
    return _label_of(value) not in present


def _label_of(value: float) -> int:
    return (value >= _NEUTRAL) - (value <= -_NEUTRAL)


def _f1(gold: Sequence[int], said: Sequence[int], label: int) -> float | None:
    return f1([one == label for one in gold], [one == label for one in said])
