"""What a measurement has found, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Report", "Table", "number"]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under the names of their columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures as one JSON object, the same as tables, and what could not be computed, and why."""

    figures: Mapping[str, Any]
    tables: Sequence[Table]
    notes: Sequence[str] = field(default=())


def number(value: float | None) -> str:
    """A share as people read it; `–` where it could not be computed."""
    return "–" if value is None else f"{value:.3f}"
