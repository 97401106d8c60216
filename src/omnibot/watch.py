"""Whether files that people edit while the server runs have changed, and whoever edits them is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

__all__ = ["Watch"]

_State: TypeAlias = tuple[tuple[str, int, int, int, int], ...] | None  # of each file; None: there is no such folder


class Watch:
    """The files in a folder and below it, but for hidden ones; to be asked every few seconds.

    Asked, and not told by the system: inotify knows nothing of what changes on a network's disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken = self._seen = _state(folder)

    def changed(self) -> bool:
        """Whether the files are others than when this was last true, or at the beginning. Reads the disk.

        Only what is still the same at the next look is told: a file may be half written, and others may follow it.
        """
        before, self._seen = self._seen, _state(self.folder)
        if self._seen == self._taken or self._seen != before:
            return False
        self._taken = self._seen
        return True


def _state(folder: Path) -> _State:
    return tuple(sorted(_files(folder))) if os.path.isdir(folder) else None  # also where it may not be looked at


def _files(folder: Path) -> Iterator[tuple[str, int, int, int, int]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(place, name)
            try:
                found = os.stat(path)  # of what a link leads to: volumes are swapped by a link
            except OSError:
                continue  # gone meanwhile; that shows at the next look
            if not name.startswith("."):
                yield path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
