"""The kind of class that the values are: rows of named fields that nobody changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

__all__ = ["frozen", "replaced"]

T = TypeVar("T")


@overload
def frozen(cls: type[T], /) -> type[T]: ...


@overload
def frozen(*, kw_only: bool = False, eq: bool = True) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(
    cls: type[T] | None = None, /, *, kw_only: bool = False, eq: bool = True
) -> type[T] | Callable[[type[T]], type[T]]:
    """A dataclass with slots, compared and hashed by its fields; the type checker refuses whoever would set one.

    Nothing refuses it once more at run time: `dataclass(frozen=True)` sets each field by a call of
    `object.__setattr__`, so that a value of eight fields takes four times as long to make, and a turn makes some 90.
    """
    make = dataclass(slots=True, kw_only=kw_only, eq=eq, unsafe_hash=eq)
    return make if cls is None else make(cls)


def replaced(value: T, /, **changes: object) -> T:
    """As `dataclasses.replace`, for the values of each turn: it looks at each field in Python, this at none."""
    kind: Any = type(value)
    names, values_of = _fields_of(kind)
    made: T = kind(**(dict(zip(names, values_of(value), strict=True)) | changes))
    return made


@lru_cache(maxsize=100)  # of classes
def _fields_of(kind: Any) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]:  # noqa: ANN401
    """Their names, and what gets their values; of two fields at least."""
    names = tuple(each.name for each in fields(kind))
    return names, attrgetter(*names)
