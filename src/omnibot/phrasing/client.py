"""A language model at any endpoint that speaks OpenAI's chat completions, by the `openai` client."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from omnibot.settings import Fault, Llm, fault

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Answer", "Model", "Unanswered", "missing"]

_MOST_BYTES = 256 * 1024  # of an answer
_CHARACTERS_A_TOKEN = 4  # where the endpoint does not count
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)  # which some models send along
_THROTTLED = 429
_SERVER = 500


def missing() -> list[Fault]:
    """What whoever runs the server must install first; [] where everything is there."""
    if importlib.util.find_spec("openai"):
        return []
    problem = "needs the openai package, which is not installed"
    return [fault(("voice", "llm"), problem, "pip install 'omnibot[llm]', or take [voice.llm] out of the settings")]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote, and what it was billed for, as the endpoint says or about."""

    text: str
    tokens_in: int
    tokens_out: int


class Unanswered(Exception):
    """It did not answer: unreachable, refused, throttled or garbage; `status` is HTTP's, where there was one."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


class Model:
    """One model; made by `Model.open`."""

    def __init__(self, client: AsyncOpenAI, settings: Llm) -> None:
        self._client = client
        self._options: dict[str, Any] = dict(settings.options)
        self.name = settings.model

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Llm) -> AsyncIterator[Model]:
        """Load the client, yield, close its connections. Nothing is asked yet."""
        from openai import AsyncOpenAI

        key = settings.key.get_secret_value() or "none"  # many servers of one's own want none, and the client wants one
        client = AsyncOpenAI(
            api_key=key, base_url=settings.base_url, timeout=settings.timeout_seconds, max_retries=0
        )  # whoever waits has no time for a second try
        async with client:
            yield cls(client, settings)

    async def ask(self, instructions: str, brief: str) -> Answer:
        """Raises Unanswered. Takes as long as it takes: whoever calls sets the deadline."""
        from openai import APIConnectionError, APIStatusError

        asked = [{"role": "system", "content": instructions}, {"role": "user", "content": brief}]
        try:
            body = await self._bytes(asked)
        except APIStatusError as error:
            raise Unanswered(_why(error.status_code), error.status_code) from error
        except APIConnectionError as error:
            raise Unanswered("unreachable") from error
        return _answer(body, len(instructions) + len(brief))

    async def _bytes(self, messages: list[Any]) -> bytes:
        """As they come, so that an endpoint that does not end fills no memory."""
        import httpx

        body = bytearray()
        create = self._client.chat.completions.with_streaming_response.create
        try:
            async with create(model=self.name, messages=messages, extra_body=self._options) as response:
                async for piece in response.iter_bytes():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise Unanswered("garbage")
        except httpx.HTTPError as error:  # while it was read
            raise Unanswered("unreachable") from error
        return bytes(body)


def _why(status: int) -> str:
    if status == _THROTTLED:
        return "throttled"
    return "unreachable" if status >= _SERVER else "refused"


def _answer(body: bytes, asked: int) -> Answer:
    try:
        told = orjson.loads(body)
        [choice, *_] = told["choices"]
        text = choice["message"]["content"] or ""
        usage = told.get("usage") or {}
        whole = choice.get("finish_reason") != "length"
        if not isinstance(text, str):
            raise Unanswered("garbage")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unanswered("garbage") from error
    return Answer(
        _THOUGHTS.sub("", text) if whole else "",
        _count(usage, "prompt_tokens", asked),
        _count(usage, "completion_tokens", len(text)),
    )


def _count(usage: Mapping[str, object], name: str, characters: int) -> int:
    count = usage.get(name) if isinstance(usage, Mapping) else None
    told = isinstance(count, int) and count >= 0
    return count if told and isinstance(count, int) else -(-characters // _CHARACTERS_A_TOKEN)
