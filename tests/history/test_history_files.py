"""Rows of files as companies have them: several encodings, delimiters, quotes that never close."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.history.files import Encodings, FileError, Row, Spoiled, rows


def read(tmp_path: Path, content: bytes, name: str = "a.csv") -> list[Row | Spoiled]:
    (tmp_path / name).write_bytes(content)
    return list(rows(tmp_path / name, Encodings()))


def fields(found: list[Row | Spoiled]) -> list[dict]:
    return [dict(row.fields) for row in found if isinstance(row, Row)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_stand_under_their_columns(tmp_path: Path, delimiter: str) -> None:
    content = f'ID{delimiter}Text{delimiter}case\n1{delimiter}"two\nlines"{delimiter}\n'
    assert fields(read(tmp_path, content.encode())) == [{"id": "1", "text": "two\nlines"}]


@pytest.mark.parametrize(
    ("encoding", "counted"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp1252", "windows-1252")],
)
def test_letters_are_read_in_the_encoding_that_they_have(tmp_path: Path, encoding: str, counted: str) -> None:
    (tmp_path / "a.csv").write_bytes("id,text\n1,Grüße – schön\n".encode(encoding))
    encodings = Encodings()
    assert fields(list(rows(tmp_path / "a.csv", encodings))) == [{"id": "1", "text": "Grüße – schön"}]
    assert encodings.lines[counted] >= 1


def test_wide_letters_that_hold_the_sign_of_a_line_end_do_not_end_it(tmp_path: Path) -> None:
    text = "\u0a0d\u0d0a\u0a00"  # bytes that look like ends of lines
    assert fields(read(tmp_path, f"id,text\n1,{text}\n2,b".encode("utf-16"))) == [
        {"id": "1", "text": text},
        {"id": "2", "text": "b"},
    ]


def test_json_is_known_by_its_name_or_its_beginning(tmp_path: Path) -> None:
    content = b'{"ID": 1, "text": null, "a": ""}\n\n[1]\nno json\n'
    for name in ("a.jsonl", "a.txt"):
        found = read(tmp_path, content, name)
        assert fields(found) == [{"id": 1}]
        assert [(one.line, one.why) for one in found if isinstance(one, Spoiled)] == [(3, "no object"), (4, "no JSON")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"a,b,a\n1,2,3\n", "a names two columns"),
        (b" , \n", "names no columns"),
        (b"\r\0", "line 1"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(FileError, match=told):
        read(tmp_path, content)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        list(rows(tmp_path / "none.csv", Encodings()))


def test_a_row_with_more_cells_than_columns_is_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, b"id,text\n1,a,b\n2\n,\n3,c\n")
    assert fields(found) == [{"id": "2"}, {"id": "3", "text": "c"}]
    assert found[0] == Spoiled(2, "more cells than columns", found[0].told)  # type: ignore[union-attr]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    lines = "".join(f"{n},text {n}\n" for n in range(60_000))
    found = read(tmp_path, f'id,text\n1,"open\n{lines}'.encode())
    assert any(isinstance(one, Spoiled) and one.why == "no CSV" for one in found)
    assert {"id": "59999", "text": "text 59999"} in fields(found)
    assert csv.field_size_limit() == 131_072  # as it was, for everybody else


def test_a_line_without_end_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    long = b'{"text": "' + b"x" * 3_000_000 + b'"}\n'
    found = read(tmp_path, b'{"id": 1}\n' + long + b'{"id": 2}\n', "a.jsonl")
    assert fields(found) == [{"id": 1}, {"id": 2}]
    assert [one.why for one in found if isinstance(one, Spoiled)] == ["too long"]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)


@given(cells=st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_what_is_written_as_csv_is_read(cells: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(["a", "b"])
    writer.writerows(cells)
    found = read(tmp_path_factory.mktemp("rows"), written.getvalue().encode())
    expected = [{"a": a.strip(), "b": b.strip()} for a, b in cells]
    kept = [{key: value for key, value in row.items() if value} for row in expected]
    assert [row for row in fields(found) if row] == [row for row in kept if row]


@given(content=st.binary(max_size=200))
def test_whatever_stands_in_a_file_is_a_row_or_told(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rows")
    for name in ("a.csv", "a.jsonl"):
        try:
            found = read(folder, content, name)
        except FileError:
            continue
        assert all(isinstance(one, Row | Spoiled) for one in found)


@given(rows_=st.lists(st.dictionaries(st.sampled_from(["id", "text"]), TEXT.filter(bool)), min_size=1, max_size=5))
def test_what_is_written_as_json_is_read(rows_: list[dict], tmp_path_factory: pytest.TempPathFactory) -> None:
    content = b"\n".join(orjson.dumps(row) for row in rows_)
    assert fields(read(tmp_path_factory.mktemp("rows"), content, "a.jsonl")) == rows_
