"""Reading a company's own data: every line counts, and all that is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from omnibot.evaluation import files, recall, sentiment, times
from omnibot.evaluation.files import BrokenInput, labelled


def written(folder: Path, content: bytes) -> Path:
    file = folder / "data"
    file.write_bytes(content)
    return file


def faults(error: pytest.ExceptionInfo[BrokenInput], file: Path) -> list[str]:
    return [line.removeprefix(f"{file}:") for line in str(error.value).splitlines()]


def test_every_line_is_an_item_even_one_with_an_empty_text(tmp_path: Path) -> None:
    file = written(tmp_path, b"Hello\ta\n\tb\r\n \t c \nlast\td")
    assert labelled(file, str) == [("Hello", "a"), ("", "b"), (" ", "c"), ("last", "d")]


def test_only_a_line_feed_ends_a_line_and_only_the_last_tab_a_text(tmp_path: Path) -> None:
    file = written(tmp_path, "one\u2028two\x85three\vfour\tfive\ta\n".encode())
    assert labelled(file, str) == [("one\u2028two\x85three\vfour\tfive", "a")]


def test_lines_without_a_sign_are_no_items(tmp_path: Path) -> None:
    assert labelled(written(tmp_path, b"Hello\ta\n\nBye\tb\r\n\r\n\n"), str) == [("Hello", "a"), ("Bye", "b")]


@pytest.mark.parametrize("values", [b"", b', "values": null', b', "values": []'])
def test_a_text_that_names_no_time_need_not_say_so_twice(tmp_path: Path, values: bytes) -> None:
    file = written(tmp_path, b'{"text": "May I?", "now": "2025-03-12T10:00", "any": false' + values + b"}\n")
    [item] = times.read(file)
    assert item.expected == ()


def test_a_turn_of_nobody_is_a_turn(tmp_path: Path) -> None:
    [conversation] = recall.read(written(tmp_path, b'{"turns": [{"id": 1, "text": "hello"}], "queries": []}'))
    assert [turn.speaker for turn in conversation.turns] == [""]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert labelled(written(tmp_path, b"\xef\xbb\xbfHello\ta\n"), str) == [("Hello", "a")]


def test_all_faults_are_told_each_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, b"fine\t1\nno tab\n \nbad\tangry\n\xff\t0\n")
    with pytest.raises(BrokenInput) as error:
        sentiment.read(file)
    assert faults(error, file) == [
        "2: has no tab: a line is a text, a tab and its label",
        "3: has no tab: a line is a text, a tab and its label",
        "4: 'angry' is no label: write -1, 0 or 1",
        "5: is not UTF-8: byte 1 is 0xff",
    ]


def test_a_file_that_is_all_wrong_is_not_told_line_by_line_for_ever(tmp_path: Path) -> None:
    file = written(tmp_path, b"x\n" * 250)
    with pytest.raises(BrokenInput) as error:
        labelled(file, str)
    assert len(faults(error, file)) == 101
    assert str(error.value).endswith("… and 150 more faults")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_measures_nothing(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BrokenInput, match="is empty, so there is nothing to measure"):
        labelled(written(tmp_path, content), str)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenInput, match="cannot be read: No such file"):
        labelled(tmp_path / "away", str)


def test_objects_are_told_by_the_field_that_is_wrong(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        b'{"text": "x", "now": "2025-03-12T10:00", "any": false, "values": [], "more": 1}\n'
        b'{"text": 7, "any": "perhaps"}\n'
        b"{\n"
        b" \n"
        b'["text"]\n',
    )
    with pytest.raises(BrokenInput) as error:
        files.objects(file, times.Item)
    told = faults(error, file)
    assert [line.split(": ")[:2] for line in told[:3]] == [["2", "text"], ["2", "now"], ["2", "any"]]
    assert told[3].startswith("3: Invalid JSON")
    assert told[4] == "4: has spaces alone: a line is a JSON object"
    assert told[5].startswith("5: Input should be an object")


def test_turns_of_one_conversation_have_an_id_each(tmp_path: Path) -> None:
    turns = b'[{"id": 1, "speaker": "A", "text": ""}, {"id": "1", "speaker": "B", "text": ""}]'
    file = written(tmp_path, b'{"queries": [], "turns": ' + turns + b"}\n")
    with pytest.raises(BrokenInput) as error:
        recall.read(file)
    assert faults(error, file) == ["1: turns: several have the id 1"]
