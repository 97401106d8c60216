"""The server with a meter on each step: CPU of what is computed, nothing for what is awaited. SIGUSR1 resets it.

    BENCH_METER=FILE BENCH_CHANNEL=sms python -m bench.metered serve --config FILE

A coroutine is driven by `send` and `throw`; the thread's CPU time across each of these calls is exactly what it
computes between two waits. Steps that are called within others are subtracted from them. What remains between their
sum and the process's CPU is the loop itself: sockets, timers, callbacks.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import time
import types
from collections import defaultdict
from collections.abc import Callable, Generator
from functools import wraps
from pathlib import Path
from typing import Any

import orjson

VARIABLE, CHANNEL = "BENCH_METER", "BENCH_CHANNEL"

HTTP, WEBHOOK, INTAKE = "HTTP server", "channel: verify + parse", "intake commit"
CLAIM, UNDERSTAND, DECIDE, COMMIT = "claim + load", "understand", "decide + compose", "turn commit"
DISPATCH, SEND, CLIENT, RECORD = "dispatch", "send (SDK)", "HTTP client", "record"
ANSWERS, COLLECTOR = "PostgreSQL's answers", "garbage collector"
STEPS = (
    HTTP, WEBHOOK, INTAKE, CLAIM, UNDERSTAND, DECIDE, COMMIT, DISPATCH, SEND, CLIENT, RECORD, ANSWERS, COLLECTOR
)  # fmt: skip


class Meter:
    """Nanoseconds by step, each without the steps within it."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = defaultdict(int)
        self.calls: dict[str, int] = defaultdict(int)
        self._collecting = 0
        self._within: list[int] = []  # nanoseconds of inner steps, one entry for each open stretch

    def reset(self) -> None:
        """Begin anew: what the start of the server took is no step of a message."""
        self.spent.clear()
        self.calls.clear()

    def _begin(self) -> int:
        self._within.append(0)
        return time.thread_time_ns()

    def _end(self, step: str, began: int) -> None:
        spent = time.thread_time_ns() - began
        self.spent[step] += spent - self._within.pop()
        if self._within:
            self._within[-1] += spent

    def collects(self, phase: str, info: dict[str, int]) -> None:
        """For `gc.callbacks`: the collector runs within whatever happens to allocate."""
        if phase == "start":
            self._collecting = self._begin()
        else:
            self.calls[COLLECTOR] += 1
            self._end(COLLECTOR, self._collecting)

    def run(self, step: str, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        """Call something and count its CPU for a step."""
        began = self._begin()
        try:
            return act(*arguments, **named)
        finally:
            self._end(step, began)

    def function(self, step: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        """A function that is counted."""

        @wraps(inner)
        def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            self.calls[step] += 1
            return self.run(step, inner, *arguments, **named)

        return counted

    def generator(self, step: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        """A generator function whose stretches between two pauses are counted."""

        @wraps(inner)
        def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            self.calls[step] += 1
            return (yield from self._drive(step, inner(*arguments, **named)))

        return counted

    def coroutine(self, step: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        """A coroutine function whose stretches between two waits are counted."""

        @wraps(inner)
        async def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            self.calls[step] += 1
            return await self._drive(step, inner(*arguments, **named))

        return counted

    @types.coroutine
    def _drive(self, step: str, inner: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401
        act, argument = inner.send, None
        while True:
            try:
                waited_for = self.run(step, act, argument)
            except StopIteration as end:
                return end.value
            try:
                act, argument = inner.send, (yield waited_for)
            except GeneratorExit:
                inner.close()
                raise
            except BaseException as error:
                act, argument = inner.throw, error


def install(meter: Meter) -> None:
    """Put the meter on every step."""
    import aiohttp.client_proto
    import aiohttp.web_protocol
    import asyncpg.protocol.protocol

    import omnibot.lanes
    from omnibot.store.message_path import MessagePath
    from omnibot.understanding import Understanding

    steps = (
        *_steps_of(os.environ[CHANNEL]),
        (HTTP, aiohttp.web_protocol.RequestHandler, "start"),
        (INTAKE, MessagePath, "accept"),
        (CLAIM, MessagePath, "claim"),
        (CLAIM, MessagePath, "load"),
        (COMMIT, MessagePath, "commit"),
        (COMMIT, MessagePath, "commit_and_start"),
        (DISPATCH, MessagePath, "dispatch"),
        (RECORD, MessagePath, "finish"),
    )
    for step, owner, name in steps:
        setattr(owner, name, meter.coroutine(step, getattr(owner, name)))
    functions = (
        (HTTP, aiohttp.web_protocol.RequestHandler, "data_received"),
        (CLIENT, aiohttp.client_proto.ResponseHandler, "data_received"),
        (ANSWERS, asyncpg.protocol.protocol.Protocol, "data_received"),
        (DECIDE, omnibot.lanes.UnderWay, "advance"),
    )
    for step, place, name in functions:
        setattr(place, name, meter.function(step, getattr(place, name)))
    Understanding.read_in_parts = meter.generator(UNDERSTAND, Understanding.read_in_parts)  # type: ignore[method-assign]
    gc.callbacks.append(meter.collects)


def _steps_of(channel: str) -> tuple[tuple[str, Any, str], ...]:
    """Where a channel verifies and parses what comes in, and where it sends."""
    match channel:
        case "telegram":
            from omnibot_telegram import Telegram
            from omnibot_telegram.receive import Reception

            return (WEBHOOK, Reception, "webhook"), (SEND, Telegram, "send")
        case "slack":
            from omnibot_slack import Slack
            from omnibot_slack.receive import Reception as SlackReception

            return (WEBHOOK, SlackReception, "webhook"), (SEND, Slack, "send")
        case "sms" | "whatsapp":
            from omnibot_twilio.channel import TwilioChannel
            from omnibot_twilio.webhooks import Webhooks

            return (WEBHOOK, Webhooks, "message"), (WEBHOOK, Webhooks, "report"), (SEND, TwilioChannel, "send")
        case _:
            from omnibot_email import Email
            from omnibot_email.listener import MailListener

            return (WEBHOOK, MailListener, "take"), (SEND, Email, "send")


def main() -> None:
    """Run the command line with the meter on; write what it found when the process ends."""
    from omnibot.cli import app

    meter = Meter()
    install(meter)
    file = Path(os.environ[VARIABLE])
    signal.signal(signal.SIGUSR1, lambda *_: meter.reset())
    atexit.register(lambda: file.write_bytes(orjson.dumps({"spent": meter.spent, "calls": meter.calls})))
    app()


if __name__ == "__main__":
    main()
