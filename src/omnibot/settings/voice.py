"""`[voice]`: how replies are put into words, besides the voice packs."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from omnibot.settings.section import Seconds, Section
from omnibot.settings.urls import is_endpoint


class Llm(Section):
    """A language model that puts replies more freely; what it writes is checked, and else the voice packs' is sent."""

    base_url: str = ""
    """Of any endpoint that speaks OpenAI's chat completions: https://api.openai.com/v1, http://127.0.0.1:11434/v1."""
    model: str = ""
    """As the endpoint calls it."""
    key: SecretStr = SecretStr("")
    """That the endpoint wants; empty where it wants none."""
    timeout_seconds: Seconds = 8
    """How long a reply may wait for it."""
    at_once: Annotated[int, Field(ge=1, le=32)] = 3
    """Replies of one process that may wait for it at a time; others get the voice packs' words at once."""
    rest_seconds: Seconds = 30
    """How long nobody waits for it after three failures in a row; doubled as long as it goes on failing."""
    tokens_per_day: Annotated[int, Field(ge=0)] = 0
    """Of all processes, in and out together, from midnight UTC; 0: no such limit."""
    amount_per_day: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """What a day may cost, in the currency of the two prices; 0: no such limit."""
    price_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """Of a million tokens that it reads."""
    price_out: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """Of a million tokens that it writes."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What else the endpoint is told with each request: { temperature = 0.4, max_tokens = 600 }."""

    @field_validator("base_url")
    @classmethod
    def _can_be_called(cls, url: str) -> str:
        if url and not is_endpoint(url):
            raise ValueError("must be like https://api.example.com/v1, without user, query or trailing slash")
        return url

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.base_url) != bool(self.model):
            missing = "base_url" if self.model else "model"
            raise ValueError(f"has no {missing}: set it, or remove the table")
        if self.amount_per_day and not (self.price_in or self.price_out):
            raise ValueError("has amount_per_day and no prices: set price_in and price_out")
        return self

    @property
    def is_configured(self) -> bool:
        """Whether there is one."""
        return bool(self.base_url)

    def amount(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1_000_000


class VoiceSettings(Section):
    """How replies are put into words, besides the voice packs."""

    llm: Llm = Llm()
