"""`[understanding]` and `[nlp]`: what messages are understood by."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from omnibot.settings.section import Section


class EntitySettings(Section):
    """What the company calls its things, so that they are found in messages."""

    products: tuple[str, ...] = ()
    """Names of products."""
    plans: tuple[str, ...] = ()
    """Names of plans."""
    spellings: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """How else people write one of these names, by the name."""
    patterns: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], tuple[str, ...]] = Field(default_factory=dict)
    """Regular expressions for what else is to be found, by its label; the value is the first group, or all of it."""

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for label, expressions in patterns.items():
            for expression in expressions:
                try:
                    re.compile(expression)
                except re.error as error:
                    told = f"{label} has an expression that is none ({error}): correct it"
                    raise ValueError(told) from None
        return patterns

    @model_validator(mode="after")
    def _spellings_of_names(self) -> Self:
        names = {*self.products, *self.plans}
        if strange := sorted(self.spellings.keys() - names):
            raise ValueError(f"spells {strange[0]!r}, which is no product and no plan: add it to one of them")
        return self


class UnderstandingSettings(Section):
    """What messages are understood by."""

    entities: EntitySettings = EntitySettings()


class Nlp(Section):
    """What else of spaCy's takes part in reading a message."""

    model: str = ""
    """An installed pipeline, such as en_core_web_sm, whose components come before Omnibot's own."""
    components: tuple[str, ...] = ()
    """Your own, which come behind Omnibot's: names that spaCy knows, or package.module:function."""
