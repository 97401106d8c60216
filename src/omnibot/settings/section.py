"""One table of settings, and the tables in it."""

from __future__ import annotations

from typing import Annotated, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table: what is not in it is no setting, and what is does not change."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, validate_default=True
    )


def table_in(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of a table inside a table, which may be optional."""
    known = model.model_fields.get(name)
    kinds = (
        (known.annotation, *get_args(known.annotation)) if known and get_origin(known.annotation) is not dict else ()
    )
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def tables_in(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of the tables in a table whose names are anybody's choice."""
    known = model.model_fields.get(name)
    if known is None or get_origin(known.annotation) is not dict:
        return None
    inner = get_args(known.annotation)[1]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
