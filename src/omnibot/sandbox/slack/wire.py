"""How calls of the Web API come in over HTTP, and how answers and refusals go out."""

from __future__ import annotations

import math

import orjson
from aiohttp import web

from omnibot.sandbox.faults import Blocked, Fault, ServerError, Throttle
from omnibot.sandbox.slack.parameters import ApiError, Json, Method


async def raw_parameters(request: web.Request, method: Method) -> tuple[Json, list[str]]:
    """The arguments in any of the forms that Slack takes, and its warnings about how they came."""
    given: Json = dict(request.query)
    if "token" in given:
        raise ApiError("not_authed")
    if request.content_type == "application/json":
        body = json_body(await request.read())
        return given | (body if method.json else {}), [] if request.charset else ["missing_charset"]
    if request.can_read_body:
        if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            raise ApiError("invalid_post_type")
        given |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return given, ["superfluous_charset"] if request.charset else []


def json_body(body: bytes) -> Json:
    """An object, without the token that may be in it: of a JSON body only the header counts."""
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ApiError("invalid_json") from None
    if not isinstance(value, dict):
        raise ApiError("json_not_object")
    value.pop("token", None)
    return value


async def uploaded(request: web.Request) -> bytes:
    """The bytes of an upload: the bare body, or the first file of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    for value in (await request.post()).values():
        if isinstance(value, web.FileField):
            return value.file.read()
    return b""


def token_of(request: web.Request, raw: Json) -> str:
    """The token of the header or of the form, which is no argument any more then."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        raw.pop("token", None)
        return token.strip()
    if token := str(raw.pop("token", "")):
        return token
    raise ApiError("not_authed")


def ordered(fault: Fault) -> ApiError:
    """A fault as Slack words it."""
    match fault:
        case Throttle(after):
            return ApiError("ratelimited", status=429, after=max(1, math.ceil(after)))
        case Blocked():
            return ApiError("channel_not_found")
        case ServerError(status):
            return ApiError("service_unavailable" if status == 503 else "internal_error", status=status)
        case _:
            raise ValueError(f"{fault} is nothing that a call can meet")


def refusal(error: ApiError, scopes: set[str] | None = None) -> web.Response:
    """An error over HTTP, with the scopes of who caused it."""
    headers = {} if scopes is None else {"X-OAuth-Scopes": ",".join(sorted(scopes))}
    if error.after:
        headers["Retry-After"] = str(error.after)
    return answer(error.body, status=error.status, headers=headers)


def answer(body: Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )
