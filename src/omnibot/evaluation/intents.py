"""How well it is heard what somebody wants, after some examples of each intent."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omnibot.evaluation.files import Broken, BrokenInput, Labelled, labelled
from omnibot.evaluation.metrics import share
from omnibot.evaluation.report import Report, Table, number
from omnibot.model import OUT_OF_SCOPE

__all__ = ["Examples", "Guess", "Learn", "measure", "read", "shots"]

Examples = Sequence[Labelled[str]]  # a text and its intent


@dataclass(frozen=True, slots=True)
class Guess:
    """What is said of a text, an intent or OUT_OF_SCOPE, and which intent it is likeliest to have."""

    said: str
    likeliest: str


Learn = Callable[[Examples], Callable[[str], Guess]]  # from examples to what reads a text

_MISTAKEN = 10  # pairs of intents that are shown


def read(path: Path) -> list[Labelled[str]]:
    """Texts with their intents; raises BrokenInput."""
    return labelled(path, _label)


def _label(written: str) -> str:
    if not written:
        raise Broken("has no label behind its tab")
    return written


def shots(examples: Examples, most: int, seed: int) -> Examples:
    """At most so many examples of each label, drawn at random; the same for the same seed, in the file's order.

    What is drawn of a label does not depend on the others.
    """
    places: dict[str, list[int]] = {}
    for place, (_, label) in enumerate(examples):
        places.setdefault(label, []).append(place)
    drawn = [
        place
        for label, those in places.items()
        for place in random.Random(f"{seed} {label}").sample(those, min(most, len(those)))
    ]
    return [examples[place] for place in sorted(drawn)]


def measure(train: Examples, test: Examples, learn: Learn) -> Report:
    """Accuracy over what is in scope, and the share of what is out of scope that is said to be so.

    Where nothing of the test is out of scope, the likeliest intent counts although it may not be likely enough to
    act on: every text has one of them. Raises BrokenInput where there is nothing to learn from.
    """
    intents = {label for _, label in train if label != OUT_OF_SCOPE}
    if len(intents) < 2:
        raise BrokenInput("the training examples are of fewer than two intents: there is nothing to tell apart")
    begun = time.perf_counter()
    read = learn(train)
    learnt = time.perf_counter()
    said = [read(text) for text, _ in test]
    ended = time.perf_counter()
    is_open = any(label == OUT_OF_SCOPE for _, label in test)
    values = [guess.said if is_open else guess.likeliest for guess in said]
    pairs = [(label, value) for (_, label), value in zip(test, values, strict=True)]
    shares = {"accuracy": share([label == value for label, value in pairs if label != OUT_OF_SCOPE])}
    if is_open:
        shares["oos_recall"] = share([value == label for label, value in pairs if label == OUT_OF_SCOPE])
    counts = {
        "intents": len(intents),
        "train": len(train),
        "test": len(test),
        "seconds_to_learn": round(learnt - begun, 2),
        "ms_a_text": round(1000 * (ended - learnt) / len(test), 3),
    }
    return Report(figures={**shares, **counts}, tables=_tables(shares, counts, pairs), notes=_notes(intents, test))


def _tables(
    shares: Mapping[str, float | None], counts: Mapping[str, float], pairs: Sequence[tuple[str, str]]
) -> list[Table]:
    called = {"accuracy": "accuracy in scope", "oos_recall": "recall out of scope"}
    tables = [
        Table(("measure", "share"), [(called[name], number(value)) for name, value in shares.items()]),
        Table(("", ""), [(name.replace("_", " "), str(value)) for name, value in counts.items()]),
    ]
    if mistaken := Counter(pair for pair in pairs if pair[0] != pair[1]).most_common(_MISTAKEN):
        rows = [(label, value, str(count)) for (label, value), count in mistaken]
        tables.append(Table(("is", "was taken for", "times"), rows))
    return tables


def _notes(intents: set[str], test: Examples) -> list[str]:
    notes = []
    labels = Counter(label for _, label in test if label != OUT_OF_SCOPE)
    if unknown := [label for label in labels if label not in intents]:
        lines = sum(labels[label] for label in unknown)
        notes.append(
            f"{lines} of the texts have intents without an example, which count as wrong: {', '.join(sorted(unknown))}"
        )
    if not labels:
        notes.append("every text is out of scope, so there is no accuracy")
    return notes
