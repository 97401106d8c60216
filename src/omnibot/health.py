"""Whether the process lives and whether it can take work, for whatever runs it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from aiohttp import web

from omnibot.contract import Channel
from omnibot.settings import Llm
from omnibot.store import Store, StoreUnavailable

_NO_MODEL = Llm()


def health_routes(
    store: Store, channels: Collection[Channel], llm: Llm = _NO_MODEL, *, staffed: bool = False
) -> Sequence[web.RouteDef]:
    """`/healthz` answers while the loop turns; `/readyz` says 503 while the database is away.

    It names accounts that have used up what they may spend, too: they can take work, but their replies wait.
    Where a language model is configured, it tells what came of that today (UTC), in all processes; where people work
    at a desk, how much waits for them.
    """
    capped = any(channel.limits.spend for channel in channels)

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        up = await store.ping()
        body: dict[str, object] = {
            "status": "ok" if up else "unavailable",
            "database": "ok" if up else "unreachable",
            "accounts": len(channels),
        }
        if capped:
            body["overspent"] = await overspent()
        if llm.is_configured:
            body["language_model"] = await worded()
        if staffed:
            body["desk"] = await attended()
        return web.json_response(body, status=200 if up else 503)

    async def attended() -> Mapping[str, int]:
        try:
            return asdict(await store.desk.count())
        except StoreUnavailable:
            return {}

    async def overspent() -> Sequence[str]:
        try:
            return [f"{account.channel}.{account.account}" for account in await store.path.overspent()]
        except StoreUnavailable:
            return []

    async def worded() -> Mapping[str, object]:
        try:
            today = await store.wordings.today()
        except StoreUnavailable:
            return {}
        return {
            "replies": dict(today.replies),
            "fallbacks": round(today.fallbacks, 3),
            "tokens_in": today.tokens_in,
            "tokens_out": today.tokens_out,
            "amount": round(llm.amount(today.tokens_in, today.tokens_out), 4),
        }

    return [web.get("/healthz", alive), web.get("/readyz", ready)]
