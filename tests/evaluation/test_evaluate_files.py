"""Reading a company's own data: every line counts, and all that is wrong is told."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.evaluation import emotions, files, recall, sentiment, times
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
        "4: 'angry' is no label: write -1, 0 or 1, or negative, neutral or positive",
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


# --- JSON that is not written line by line ----------------------------------------------------------------------------

TURN = {"id": "1", "speaker": "Ada", "text": "a \u2028 trumpet"}
TALK = {"turns": [TURN], "queries": [{"text": "What?", "evidence": ["1"]}]}
MAY = {"text": "May I?", "now": "2025-03-12T10:00", "any": False}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(TALK, indent=2),
        json.dumps(TALK, ensure_ascii=False) + "\n",
        "\ufeff\r\n" + json.dumps(TALK, indent=1).replace("\n", "\r\n"),
        '{"turns": [\n' + json.dumps(TURN) + '\n], "queries": [{"text": "What?", "evidence": "1"}]}',
        f"[{json.dumps(TALK)}]",
    ],
    ids=["over several lines", "in one line", "as Windows writes it", "with an object a line", "in a list"],
)
def test_one_conversation_is_read_however_it_is_written(tmp_path: Path, content: str) -> None:
    [conversation] = recall.read(written(tmp_path, content.encode()))
    assert conversation.turns[0].text == "a \u2028 trumpet"
    assert conversation.queries[0].evidence == ["1"]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([MAY, MAY]),
        json.dumps([MAY, MAY], indent=2),
        "[\n" + json.dumps(MAY) + ",\n\n" + json.dumps(MAY) + "\n]\n",
        json.dumps(MAY, indent=2) + "\n" + json.dumps(MAY, indent=2),
        json.dumps(MAY) + "\n" + json.dumps(MAY),
    ],
    ids=["a list in one line", "a list over several", "a list, an item a line", "one behind the other", "line by line"],
)
def test_several_items_are_read_however_they_are_written(tmp_path: Path, content: str) -> None:
    assert [item.text for item in times.read(written(tmp_path, content.encode()))] == ["May I?", "May I?"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b'[\n {"text": "a", "emotions": []},\n {"text": 7, "emotions": []},\n 5\n]',
            ["3: text:", "4: Input should be"],
        ),
        (b'[\n {"text": "a", "emotions": []},\n {"text" 7}\n]', ["3: is no JSON: Expecting ':' delimiter at sign 10"]),
        (b'{\n "text": "a",\n "emotions": [,]\n}', ["3: is no JSON: Expecting value at sign 15"]),
        (b'{"text": 7, "emot\n{"text": 7, "emotions": []}\n', ["1: Invalid JSON", "2: text:"]),
        (b'{"text": "a"', ["1: Invalid JSON"]),
        (b"[" * 100_000, ["1: has lists or objects within each other, too many"]),
        (b'{"a":' * 100_000, ["1: has lists or objects within each other, too many"]),
        (b'[{"text": "\xff", "emotions": []}]', ["1: is not UTF-8"]),
        (b"[]", [" is empty"]),
    ],
    ids=[
        *(
            "items of a list",
            "broken list",
            "broken object",
            "broken first line",
            "broken off",
            "too deep",
            "deep object",
        ),
        *("not UTF-8", "nothing in it"),
    ],
)
def test_what_is_wrong_with_json_is_told_by_its_line(tmp_path: Path, content: bytes, told: list[str]) -> None:
    file = written(tmp_path, content)
    with pytest.raises(BrokenInput) as error:
        emotions.read(file)
    found = faults(error, file)
    assert all(one.startswith(begin) for one, begin in zip(found, told, strict=True)), found


@given(st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text()))), st.data())
def test_every_value_is_found_where_it_begins(values: list[dict], data: st.DataObject) -> None:
    indent = data.draw(st.sampled_from([None, 0, 2]))
    text = json.dumps(values, indent=indent)
    found = [(line, json.loads(one)) for line, one in files.json_values(text)]
    assert [value for _, value in found] == values
    lines = text.split("\n")
    assert all("{" in lines[line - 1] for line, _ in found)


@given(st.text(alphabet='[]{}",:\\1 \na'))
def test_any_text_is_values_or_no_json(text: str) -> None:
    with contextlib.suppress(json.JSONDecodeError):
        list(files.json_values(text))
