"""Whether the process lives and whether it can take work, for whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from omnibot.store import Store


def health_routes(store: Store, count: int) -> Sequence[web.RouteDef]:
    """`/healthz` answers while the loop turns; `/readyz` says 503 while the database is away."""

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        up = await store.ping()
        body = {"status": "ok" if up else "unavailable", "database": "ok" if up else "unreachable", "accounts": count}
        return web.json_response(body, status=200 if up else 503)

    return [web.get("/healthz", alive), web.get("/readyz", ready)]
