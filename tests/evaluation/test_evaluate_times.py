"""When a named time counts as found, and what is a false alarm."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from omnibot.evaluation import times
from omnibot.evaluation.files import BrokenInput
from omnibot.evaluation.times import Item
from omnibot.model import NamedTime, TimeKind

ZONE = "America/New_York"
NOW = "2025-03-12T10:15"


def item(*values: str, now: str = NOW, zone: str | None = ZONE, any: bool = True) -> Item:
    return Item.model_validate({"text": "…", "now": now, "zone": zone, "any": any, "values": list(values)})


def heard(at: str | None) -> NamedTime:
    return NamedTime(datetime.fromisoformat(at) if at else None, "…", TimeKind.DEADLINE, 0, 1)


def found(expected: Item, *at: str | None) -> float:
    figures = times.measure([expected], lambda text, now: [heard(one) for one in at]).figures
    return figures["found"]


@pytest.mark.parametrize(
    ("value", "at", "is_found"),
    [
        # a day, however it is written, is that day in the writer's zone
        ("2025-03-14", "2025-03-14T23:59:59-04:00", True),
        ("2025-03-14", "2025-03-15T03:59:59+00:00", True),
        ("2025-03-14", "2025-03-15T04:30:00+00:00", False),
        ("2025-03-14T00:00", "2025-03-14T18:00:00-04:00", True),
        ("2025-03-14T23:59:59", "2025-03-14T00:00:00-04:00", True),
        ("2025-03-14T23:59", "2025-03-14T09:00:00-04:00", True),
        ("2025-03-14T10:15:00", "2025-03-14T00:00:00-04:00", True),  # counted from now
        ("2025-03-14T00:00", "2025-03-13T23:59:59-04:00", True),  # the midnight that ends Thursday
        ("2025-03-14", "2025-03-13T12:00:00-04:00", False),
        # a time of day is that hour
        ("2025-03-14T17:00", "2025-03-14T18:00:00-04:00", True),
        ("2025-03-14T17:00", "2025-03-14T18:01:00-04:00", False),
        ("2025-03-14T17:00", "2025-03-14T23:59:59-04:00", False),
        ("2025-03-14T17:00:00-04:00", "2025-03-14T21:00:00+00:00", True),
        ("2025-03-14T21:00:00Z", "2025-03-14T17:30:00-04:00", True),
        # longer stretches are any day of theirs
        ("2025-03", "2025-03-31T23:59:59-04:00", True),
        ("2025-03", "2025-04-01T00:00:00-04:00", False),
        ("2025-12", "2025-12-31T12:00:00-05:00", True),
        ("2025", "2025-12-31T23:00:00-05:00", True),
        ("2025", "2026-01-01T00:00:00-05:00", False),
        ("2025-W11", "2025-03-16T23:59:59-04:00", True),
        ("2025W11", "2025-03-17T00:00:00-04:00", False),
    ],
)
def test_an_expected_time_is_found(value: str, at: str, is_found: bool) -> None:
    assert found(item(value), at) == is_found


def test_one_of_several_times_is_enough_and_each_expected_one_counts() -> None:
    assert found(item("2025-03-14", "2025-03-20"), None, "2025-03-20T09:00:00-04:00") == 0.5


def test_a_naive_now_is_read_in_the_writers_zone() -> None:
    assert item().now.isoformat() == "2025-03-12T10:15:00-04:00"
    assert item(now="2025-03-12T14:15:00Z").now.isoformat() == "2025-03-12T10:15:00-04:00"
    assert item(now="2025-03-12T10:15:00+01:00", zone=None).now.isoformat() == "2025-03-12T10:15:00+01:00"
    assert item(zone=None).now.isoformat() == "2025-03-12T10:15:00+00:00"


def test_a_moment_heard_where_none_is_named_is_a_false_alarm() -> None:
    said = {"May I?": [heard("2025-05-01T00:00:00-04:00")], "It took hours.": [heard(None)], "Hi": []}
    items = [Item.model_validate({"text": text, "now": NOW, "any": False, "values": []}) for text in said]
    report = times.measure(items, lambda text, now: said[text])
    assert report.figures["false_alarms"] == pytest.approx(1 / 3)
    assert report.figures["found"] is None
    assert report.notes == ["no item has values, so nothing can be found"]


def test_without_texts_that_name_no_time_there_are_no_false_alarms() -> None:
    report = times.measure([item("2025-03-14")], lambda text, now: [])
    assert report.figures["false_alarms"] is None
    assert report.figures["detected"] == 0
    assert report.notes == ["every item names a time, so there can be no false alarm"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"text": "", "now": "2025-03-12", "zone": "Mars/Base", "any": false, "values": []}', "'Mars/Base' is none"),
        ('{"text": "", "now": "2025-03-12", "any": true, "values": ["soon"]}', "'soon' is no ISO 8601 time"),
        ('{"text": "", "now": "2025-03-12", "any": true, "values": ["2025-13"]}', "'2025-13' is no ISO 8601 time"),
        ('{"text": "", "now": "2025-03-12", "any": true, "values": ["P"]}', "'P' is no ISO 8601 time"),
        ('{"text": "", "now": "2025-03-12", "any": true, "values": ["P1DT"]}', "'P1DT' is no ISO 8601 time"),
    ],
)
def test_what_cannot_be_right_is_told(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "data").write_text(line + "\n")
    with pytest.raises(BrokenInput) as error:
        times.read(tmp_path / "data")
    assert told in str(error.value)


def test_of_a_text_that_names_no_time_values_are_left_out_and_told() -> None:
    items = [item("2025-03-14", any=False), item("none", any=False), item("2025-03-14")]
    report = times.measure(items, lambda text, now: [heard("2025-03-14T12:00:00-04:00")])
    assert (report.figures["found"], report.figures["false_alarms"]) == (1, 1)
    assert report.notes == ["2 texts name no time (any: false) and yet have values: these are left out"]


@pytest.mark.parametrize("length", ["P3D", "PT2H30M", "P1W", "-P1DT12H", "P1Y2M", "PT0.5S"])
def test_a_length_of_time_is_no_moment_that_could_be_found(length: str) -> None:
    items = [item(length, "2025-03-14"), item(length), item(length, any=False)]
    report = times.measure(items, lambda text, now: [heard(None)])
    assert (report.figures["found"], report.figures["false_alarms"], report.figures["detected"]) == (0, 0, 1)
    assert report.notes == ["2 values are lengths of time, which are no moments: they are left out"]


def test_one_value_may_stand_without_its_list() -> None:
    one = Item.model_validate({"text": "…", "now": NOW, "any": True, "values": "2025-03-14"})
    assert found(one, "2025-03-14T12:00:00+00:00") == 1
    assert Item.model_validate({"text": "…", "now": NOW, "any": True, "values": [None, "2025-03-14"]}) is not None
