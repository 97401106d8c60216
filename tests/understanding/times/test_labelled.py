"""The labelled messages of training/labelled: how many of their times are read right, and how often a time is heard
where none is. The test part has a lower floor: nothing was worded after it."""

import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.understanding.times.reading import read

from omnibot.model import NamedTime

ITEMS = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "training" / "labelled" / "deadlines.jsonl")
    .read_text("utf-8")
    .splitlines()
]


def part(language: str, *, test: bool) -> list[dict[str, Any]]:
    return [item for item in ITEMS if item["lang"] == language and (zlib.crc32(item["id"].encode()) % 5 == 0) == test]


def heard(item: dict[str, Any]) -> tuple[NamedTime, ...]:
    return read(item["text"], item["lang"], now=datetime.fromisoformat(item["now"]), zone=ZoneInfo(item["zone"]))


def right(expected: dict[str, Any], times: Sequence[NamedTime]) -> bool:
    """Whether a time with the same moment was read in the same place."""
    near = [named for named in times if named.text in expected["text"] or expected["text"] in named.text]
    return any((named.at and named.at.isoformat()) == expected["at"] for named in near)


def found(items: Sequence[dict[str, Any]]) -> float:
    judged = [right(expected, times) for item in items for times in (heard(item),) for expected in item["times"]]
    return sum(judged) / len(judged)


def alarms(items: Sequence[dict[str, Any]]) -> float:
    judged = [bool(heard(item)) for item in items if not item["times"]]
    return sum(judged) / len(judged)


@pytest.mark.parametrize(
    ("language", "test", "floor"),
    [
        ("en", False, 0.95),
        ("en", True, 0.80),
        ("es", False, 0.95),
        ("es", True, 0.70),
        ("de", False, 0.95),
        ("de", True, 0.70),
        ("fr", False, 0.95),
        ("fr", True, 0.70),
    ],
)
def test_the_times_are_found(language: str, test: bool, floor: float) -> None:
    assert found(part(language, test=test)) >= floor


@pytest.mark.parametrize("language", ["en", "es", "de", "fr"])
@pytest.mark.parametrize("test", [False, True])
def test_hardly_any_time_is_heard_where_none_is(language: str, test: bool) -> None:
    assert alarms(part(language, test=test)) <= 0.1
