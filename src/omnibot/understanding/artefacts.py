"""The trained weights that the package ships: one folder an artefact, one `.npy` file an array."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["SHIPPED", "Array", "MissingArtefact", "artefact", "save_artefact"]

Array: TypeAlias = npt.NDArray[Any]

SHIPPED = Path(__file__).parent / "artefacts"
_READ_AT_ONCE = 1 << 18  # bytes; what is larger is mapped, and only the pages that are looked at cost memory


class MissingArtefact(Exception):
    """An artefact is not there: the installation is not whole, or nobody has trained it."""


def artefact(name: str, folder: Path = SHIPPED) -> Mapping[str, Array]:
    """The arrays of an artefact by their names; large ones are mapped from the file, read-only.

    Raises MissingArtefact.
    """
    paths = sorted((folder / name).glob("*.npy"))
    if not paths:
        raise MissingArtefact(
            f"no trained weights in {folder / name}: install omnibot again, or make them with python -m training"
        )
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> Array:
    mapped = path.stat().st_size > _READ_AT_ONCE
    array: Array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array.view(np.ndarray)  # a memmap's own bookkeeping would double the price of each look


def save_artefact(name: str, arrays: Mapping[str, Array], folder: Path = SHIPPED) -> int:
    """Write the arrays of an artefact in place of what it held; the same arrays give the same files.

    Returns their size in bytes. Texts are arrays of dtype U; pickled objects are refused.
    """
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for old in place.glob("*.npy"):
        if old.stem not in arrays:
            old.unlink()
    for key, array in arrays.items():
        part = place / f"{key}.part"
        with part.open("wb") as file:
            np.save(file, np.asarray(array, order="C"), allow_pickle=False)
        part.replace(place / f"{key}.npy")  # whoever has the old one mapped keeps it
    return sum(path.stat().st_size for path in place.glob("*.npy"))
