"""When files that people edit count as changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from omnibot.watch import Watch


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    """As many editors save."""
    write(path.with_name("new~"), text)
    path.with_name("new~").replace(path)


def swap(path: Path, text: str) -> None:
    """As volumes are swapped as a whole: by a link in the folder, which files lead through."""
    place = path.parent / f"..{text}"
    write(place / path.name, text)
    (path.parent / "..new").symlink_to(place.name)
    (path.parent / "..new").replace(path.parent / "..data")
    if not path.is_symlink():
        path.unlink()
        path.symlink_to(f"..data/{path.name}")


@pytest.mark.parametrize("edit", [write, replace, swap])
def test_a_file_that_is_edited_is_told_once_it_stays_as_it_is(tmp_path: Path, edit) -> None:
    write(tmp_path / "one.yaml", "a")
    watch = Watch(tmp_path)
    assert not watch.changed()
    for text in ("b", "c"):  # of the same length
        edit(tmp_path / "one.yaml", text)
        assert [watch.changed() for _ in range(4)] == [False, True, False, False]


def test_what_goes_on_changing_is_not_told(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    for number in range(5):
        write(tmp_path / "one.yaml", "x" * number)
        assert not watch.changed()
    assert watch.changed()


def test_files_that_come_go_and_lie_deeper_count(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "folder")
    for change in (
        lambda: write(tmp_path / "folder" / "deeper" / "one.yaml", "a"),
        lambda: (tmp_path / "folder" / "deeper" / "one.yaml").unlink(),
        lambda: os.rename(tmp_path / "folder", tmp_path / "elsewhere"),
    ):
        change()
        assert [watch.changed(), watch.changed(), watch.changed()] == [False, True, False]


def test_what_is_changed_back_before_it_was_told_has_not_changed(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    write(tmp_path / "one.yaml", "a")
    assert not watch.changed()
    (tmp_path / "one.yaml").unlink()
    assert not watch.changed()
    assert not watch.changed()


def test_hidden_files_and_links_that_lead_nowhere_do_not_count(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    write(tmp_path / ".one.yaml.swp", "a")
    write(tmp_path / ".git" / "index", "a")
    (tmp_path / "lock").symlink_to("nowhere")
    assert not any(watch.changed() for _ in range(3))
