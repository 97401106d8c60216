"""Slack on this machine: the Web API, the Events API, interactivity, slash commands and Socket Mode.

Written after docs.slack.dev. Stricter than Slack: a parameter that a method does not have is an error, a text that
Slack would truncate is one too. Laxer: nothing is throttled unless told to be (`Faults`), request URLs may be plain
HTTP, and what happens while an app in Socket Mode has no connection waits for one.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import math
from collections.abc import Coroutine
from functools import partial
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import ClientSession, TCPConnector, web

from omnibot.model import Address
from omnibot.sandbox.customers import Customers
from omnibot.sandbox.faults import Blocked, Cut, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Ledger, Outcome
from omnibot.sandbox.server import HttpSandbox
from omnibot.sandbox.slack import chat, conversations, directory
from omnibot.sandbox.slack.app import PROVIDER, App
from omnibot.sandbox.slack.call import Call, Handlers, need
from omnibot.sandbox.slack.customers import SlackCustomers
from omnibot.sandbox.slack.parameters import METHODS, ApiError, Json, Method, read
from omnibot.sandbox.slack.workspace import Clock, Room, Workspace

MAIN = "T0SANDBOX1"  # the workspace that is there from the start
UPLOAD = 1_000_000_000  # bytes
_HANDLERS: Handlers = {**chat.METHODS, **conversations.METHODS, **directory.METHODS}


def _secret(seed: str, of: str) -> str:
    """Secrets that are the same each time, so that settings stay good over a restart."""
    return hashlib.sha256(f"{seed}/{of}".encode()).hexdigest()


class SlackSandbox(HttpSandbox):
    """Slack on loopback: `url` goes where https://slack.com stands else. It has one workspace from the start."""

    provider = PROVIDER

    def __init__(self, ledger: Ledger | None = None, faults: Faults | None = None, *, port: int = 0) -> None:
        super().__init__(ledger, faults, port=port)
        self.clock = Clock()
        self.workspaces: dict[str, Workspace] = {}
        self.main = self.workspace(MAIN)
        self.customers: Customers = SlackCustomers(self)
        self._tasks: set[asyncio.Task[None]] = set()
        self._responses: dict[str, tuple[Workspace, Room, str, Json | None]] = {}
        self._response_numbers = itertools.count(1)

    def workspace(self, team: str, app: App | None = None) -> Workspace:
        """One more workspace, with an app of its own or with one that another workspace has too."""
        if team not in self.workspaces:
            secret = partial(_secret, team)
            app = app or App(self, f"A{team[1:]}", secret)
            self.workspaces[team] = Workspace(self, team, app, secret)
        return self.workspaces[team]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside everything else until done, or until the sandbox closes."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __aenter__(self) -> Self:
        self.client = ClientSession(connector=TCPConnector(limit=0))
        try:
            return await super().__aenter__()
        except BaseException:
            await self.client.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for app in self._apps():
            app.sockets.cut()
        await super().__aexit__(kind, error, trace)
        await self.client.close()

    def application(self) -> web.Application:
        """Methods under /api/<method>, and what Slack has on other hosts: WebSockets and response URLs."""
        app = web.Application(client_max_size=UPLOAD)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link", self._link)
        return app

    def _apps(self) -> list[App]:
        return list({workspace.app.id: workspace.app for workspace in self.workspaces.values()}.values())

    def response_url(self, workspace: Workspace, room: Room, user: str, message: Json | None) -> str:
        """A URL by which the app can answer an interaction."""
        id = f"{workspace.team}/{next(self._response_numbers)}/{_secret(workspace.team, self.clock.id('R'))[:24]}"
        self._responses[id] = (workspace, room, user, message)
        return f"{self.url}/actions/{id}"

    # --- calls ---------------------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        method = METHODS.get(name)
        if method is None:
            return _error(ApiError("unknown_method", req_method=name))
        try:
            raw, warnings = await _raw_parameters(request, method)
            token = _token(request, raw)
            if method.app_level:
                return await self._call_of_app(name, method, token, raw)
            return await self._call_of_bot(request, name, method, self._workspace_of(token), raw, warnings)
        except ApiError as error:
            return _error(error)

    async def _call_of_app(self, name: str, method: Method, token: str, raw: Json) -> web.Response:
        app = next((app for app in self._apps() if app.app_token == token), None)
        if app is None:
            raise ApiError("not_allowed_token_type" if token.startswith(("xoxb-", "xoxp-")) else "invalid_auth")
        need(app.app_scopes, *method.scopes)
        read(method, raw)
        if (fault := self.faults.take(PROVIDER, name)) is not None:
            raise _ordered(fault)
        url = f"{self.url.replace('http', 'ws', 1)}/link?ticket={app.sockets.ticket()}&app_id={app.id}"
        return _json({"ok": True, "url": url})

    def _workspace_of(self, token: str) -> Workspace:
        for workspace in self.workspaces.values():
            if workspace.bot_token == token:
                if not workspace.active:
                    raise ApiError("account_inactive")
                return workspace
        raise ApiError("not_allowed_token_type" if token.startswith("xapp-") else "invalid_auth")

    async def _call_of_bot(
        self, request: web.Request, name: str, method: Method, workspace: Workspace, raw: Json, warnings: list[str]
    ) -> web.Response:
        call = Call(name, workspace, {}, warnings=warnings)
        try:
            if not name.startswith("conversations."):
                call.needs(*method.scopes)
            call.parameters = read(method, raw)
        except ApiError as error:
            return self._refuse(call, error)
        fault = self.faults.take(PROVIDER, name, _address(call))
        if fault is None:
            return self._do(call, method, Outcome.ACCEPTED)
        if isinstance(fault, Hang | Cut):
            return await self._lose(request, fault, call, method)
        return self._refuse(call, _ordered(fault))

    def _do(self, call: Call, method: Method, outcome: Outcome) -> web.Response:
        try:
            result = _HANDLERS[call.method](call)
        except ApiError as error:
            return self._refuse(call, error)
        if not method.asks:
            self.ledger.append(
                PROVIDER,
                call.workspace.team,
                call.method,
                call.parameters,
                outcome,
                to=str(Address(PROVIDER, f"{call.workspace.team}/{call.to}")) if call.to else "",
                text=call.text,
                choices=call.choices,
            )
        return self._answer(call, method, {"ok": True, **result})

    def _answer(self, call: Call, method: Method, body: Json) -> web.Response:
        if call.warnings:
            body["warning"] = ",".join(call.warnings)
            body["response_metadata"] = {**body.get("response_metadata", {}), "warnings": call.warnings}
        return _json(
            body,
            headers={
                "X-OAuth-Scopes": ",".join(sorted(call.workspace.scopes)),
                "X-Accepted-OAuth-Scopes": ",".join(method.scopes),
            },
        )

    def _refuse(self, call: Call, error: ApiError) -> web.Response:
        self.ledger.append(
            PROVIDER,
            call.workspace.team,
            call.method,
            call.parameters,
            Outcome.REFUSED,
            f"{error.status} {error.error}",
        )
        return _error(error, call.workspace.scopes)

    async def _lose(self, request: web.Request, fault: Hang | Cut, call: Call, method: Method) -> web.Response:
        """Answer never, or by hanging up, having done what was asked or not."""
        if fault.accepted:
            self._do(call, method, Outcome.UNANSWERED)
        if isinstance(fault, Hang):
            await self.hang()
        return self.cut(request)

    # --- Socket Mode ---------------------------------------------------------------------------------------

    async def _link(self, request: web.Request) -> web.StreamResponse:
        app = next((app for app in self._apps() if app.id == request.query.get("app_id")), None)
        if app is None or not app.sockets.redeem(request.query.get("ticket", "")):
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await app.sockets.serve(socket, enabled=app.socket_mode)
        return socket


# --- what calls share ----------------------------------------------------------------------------------------


async def _raw_parameters(request: web.Request, method: Method) -> tuple[Json, list[str]]:
    """The arguments in any of the forms that Slack takes, and its warnings about how they came."""
    given: Json = dict(request.query)
    if "token" in given:
        raise ApiError("not_authed")
    if request.content_type == "application/json":
        body = _json_body(await request.read())
        return given | (body if method.json else {}), [] if request.charset else ["missing_charset"]
    if request.can_read_body:
        if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            raise ApiError("invalid_post_type")
        given |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return given, ["superfluous_charset"] if request.charset else []


def _json_body(body: bytes) -> Json:
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ApiError("invalid_json") from None
    if not isinstance(value, dict):
        raise ApiError("json_not_object")
    value.pop("token", None)  # of a JSON body only the header counts
    return value


def _token(request: web.Request, raw: Json) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        raw.pop("token", None)
        return token.strip()
    if token := str(raw.pop("token", "")):
        return token
    raise ApiError("not_authed")


def _address(call: Call) -> str:
    """Whom a call concerns, for orders to misbehave."""
    given = call.parameters.get("channel") or call.parameters.get("channel_id") or call.parameters.get("user", "")
    room = call.workspace.rooms.get(given)
    user = given if room is None else call.workspace.answered_at(room, call.parameters.get("thread_ts", ""))
    return f"{call.workspace.team}/{user}"


def _ordered(fault: Fault) -> ApiError:
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


def _error(error: ApiError, scopes: set[str] | None = None) -> web.Response:
    headers = {} if scopes is None else {"X-OAuth-Scopes": ",".join(sorted(scopes))}
    if error.after:
        headers["Retry-After"] = str(error.after)
    return _json(error.body, status=error.status, headers=headers)


def _json(body: Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )
