"""How well the grammar of times reads the labelled messages. There is nothing to train: it was written by hand.

`python -m training.times` prints the figures of each language and part as JSON.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from omnibot.model import NamedTime, Situation
from omnibot.understanding.times import Times
from omnibot.understanding.utterance import Utterance, legible

LABELLED = Path(__file__).parent / "labelled" / "deadlines.jsonl"
LANGUAGES = ("en", "es", "de", "fr")
_ROUNDS = 5  # of the clock, of which the shortest counts

Item = Mapping[str, Any]
Judge = Callable[[Mapping[str, Any], NamedTime], bool]


def figures() -> dict[str, dict[str, dict[str, float]]]:
    """By language and part (train, test) the shares found, and the false alarms."""
    reader = Times(LANGUAGES)
    items = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()]
    return {
        language: {
            name: _measure(reader, [item for item in items if item["lang"] == language and _is_test(item) == test])
            for name, test in (("train", False), ("test", True))
        }
        for language in LANGUAGES
    }


def _is_test(item: Item) -> bool:
    return zlib.crc32(item["id"].encode()) % 5 == 0


def _measure(reader: Times, items: Sequence[Item]) -> dict[str, float]:
    read = [(item, reader.read(_utterance(item))) for item in items]
    judges: dict[str, Judge] = {"found": _same_moment, "day": _same_day, "all": _same}
    shares = {name: _share(_judged(read, judge)) for name, judge in judges.items()}
    alarms = _share(bool(times) for item, times in read if not item["times"])
    return {
        "items": len(items),
        "times": sum(len(item["times"]) for item in items),
        **shares,
        "false_alarms": alarms,
        "us_with_times": _cost(reader, [item for item in items if item["times"]]),
        "us_without": _cost(reader, [item for item in items if not item["times"]]),
    }


def _utterance(item: Item) -> Utterance:
    situation = Situation(now=datetime.fromisoformat(item["now"]), zone=ZoneInfo(item["zone"]))
    return Utterance(legible(item["text"]), situation, item["lang"])


def _judged(read: Iterable[tuple[Item, Sequence[NamedTime]]], judge: Judge) -> Iterable[bool]:
    for item, times in read:
        for expected in item["times"]:
            near = [named for named in times if named.text in expected["text"] or expected["text"] in named.text]
            yield any(judge(expected, named) for named in near)


def _same_moment(expected: Mapping[str, Any], named: NamedTime) -> bool:
    return (named.at and named.at.isoformat()) == expected["at"]


def _same_day(expected: Mapping[str, Any], named: NamedTime) -> bool:
    if named.at is None or expected["at"] is None:
        return named.at is expected["at"]
    return named.at.date() == datetime.fromisoformat(expected["at"]).date()


def _same(expected: Mapping[str, Any], named: NamedTime) -> bool:
    right = named.text == expected["text"] and named.kind == expected["kind"]
    return right and _same_moment(expected, named)


def _share(judged: Iterable[bool]) -> float:
    hits = list(judged)
    return round(sum(hits) / len(hits), 3)


def _cost(reader: Times, items: Sequence[Item]) -> float:
    """The median of microseconds of CPU that a text takes, its words not counted."""
    costs = []
    for item in items:
        utterance = _utterance(item)
        _ = utterance.words
        spent = []
        for _ in range(_ROUNDS):
            begin = time.process_time_ns()
            reader.read(utterance)
            spent.append(time.process_time_ns() - begin)
        costs.append(min(spent) / 1000)
    return round(median(costs), 1)


if __name__ == "__main__":
    json.dump(figures(), sys.stdout, indent=1)
    print()
