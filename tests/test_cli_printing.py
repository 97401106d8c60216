"""Tables for people, however narrow their terminal is."""

import pytest

from omnibot.cli.printing import print_table

COLUMNS = ("stretch", "team", "priority", "state", "owner", "name", "due", "why")
WHY = "asks for their money back, and was told why not"
ROW = ("1", "support", "high", "waiting", "", "Sandra Box", "2026-03-01 12:00:00", WHY)


def printed(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(COLUMNS, [ROW])
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_what_has_room_stands_in_its_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head, row = printed(140, monkeypatch, capsys)
    assert head.index("why") == row.index(WHY)


def test_what_would_be_folded_to_a_letter_a_line_stands_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head, row, below = printed(80, monkeypatch, capsys)
    assert (head.split(), below) == (list(COLUMNS[:-1]), f"    why: {WHY}")
    assert row.endswith("2026-03-01 12:00:00")


def test_nothing_is_cut_off_where_not_even_the_short_columns_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "".join("".join(line.split()) for line in printed(60, monkeypatch, capsys))
    assert all("".join(cell.split()) in told or cell in ROW[1:7] for cell in ROW)
    assert "12:00" in told
