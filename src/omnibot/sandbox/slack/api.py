"""Slack on this machine: the Web API, the Events API, interactivity, slash commands and Socket Mode.

Written after docs.slack.dev. Stricter than Slack: a parameter that a method does not have is an error, and so are a
text that Slack would cut off and a thread that is not there. Laxer: nothing is throttled unless told to be (`Faults`),
request URLs may be plain HTTP and are saved without a challenge unless `save_request_url` does it, all that Slack has
on several hosts is on one, and what happens while an app in Socket Mode has no connection waits for one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import ClientSession, TCPConnector, web

from omnibot.model import Address
from omnibot.sandbox.customers import Customers
from omnibot.sandbox.faults import Cut, Faults, Hang
from omnibot.sandbox.ledger import Ledger, Outcome
from omnibot.sandbox.server import HttpSandbox
from omnibot.sandbox.slack import chat, conversations, directory, files, reactions, views, wire
from omnibot.sandbox.slack.acts import Acts
from omnibot.sandbox.slack.app import PROVIDER, App
from omnibot.sandbox.slack.call import Call, Handlers, need
from omnibot.sandbox.slack.customers import SlackCustomers
from omnibot.sandbox.slack.page import Pages
from omnibot.sandbox.slack.parameters import METHODS, ApiError, Json, Method, read
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.responses import METHOD, Occasion, Responses, respond
from omnibot.sandbox.slack.rooms import Clock, Room, Ticket
from omnibot.sandbox.slack.workspace import Workspace

DOWNLOAD = "files.download"  # under which faults meet url_private, for whom uploaded the file
MAIN = "T0SANDBOX1"  # the workspace that is there from the start
Seen = TypeVar("Seen")
_HANDLERS: Handlers = {
    **chat.METHODS,
    **conversations.METHODS,
    **directory.METHODS,
    **files.METHODS,
    **reactions.METHODS,
    **views.METHODS,
}


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
        self._something = asyncio.Event()
        self._responses = Responses()

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
        task.add_done_callback(self._happened)

    async def until(self, condition: Callable[[], Seen], deadline: float = 5.0) -> Seen:
        """Wait until people see something: the first value of `condition` that is true, or TimeoutError.

        It is asked again whenever the app has called or has answered; what else changes is not noticed.
        """
        async with asyncio.timeout(deadline):
            while not (seen := condition()):
                await self._something.wait()
        return seen

    def _happened(self, _: object = None) -> None:
        """Whoever waits for something looks again."""
        self._something.set()
        self._something = asyncio.Event()

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
        """Methods under /api/<method>, what Slack has on other hosts, and under /slack/ what is ours."""
        app = web.Application(client_max_size=files.LARGEST)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link", self._link)
        app.router.add_post("/actions/{key:.+}", self._respond)
        app.router.add_post("/upload/v1/{ticket}", self._upload)
        app.router.add_get("/files-pri/{team}-{file}/{name}", self._download)
        app.router.add_get("/", self._sign_in)
        Pages(self.workspaces).add_to(app)
        Acts(self.main).add_to(app)
        return app

    def _apps(self) -> list[App]:
        return list({workspace.app.id: workspace.app for workspace in self.workspaces.values()}.values())

    # --- calls ---------------------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        method = METHODS.get(name)
        if method is None:
            return wire.refusal(ApiError("unknown_method", req_method=name))
        try:
            raw, warnings = await wire.raw_parameters(request, method)
            token = wire.token_of(request, raw)
            if method.app_level:
                return await self._open_connection(request, method, token, raw)
            call = Call(name, self._workspace_of(token), raw, warnings=warnings)
        except ApiError as error:
            return wire.refusal(error)
        return await self._take(request, method, call)

    async def _open_connection(self, request: web.Request, method: Method, token: str, raw: Json) -> web.Response:
        """apps.connections.open: the one method that is called with the token of an app."""
        app = next((app for app in self._apps() if app.app_token == token), None)
        if app is None:
            raise ApiError("not_allowed_token_type" if token.startswith(("xoxb-", "xoxp-")) else "invalid_auth")
        need(app.app_scopes, *method.scopes)
        read(method, raw)
        fault = self.faults.take(PROVIDER, "apps.connections.open")
        if isinstance(fault, Hang | Cut):
            return await self._vanish(request, fault)
        if fault is not None:
            raise wire.ordered(fault)
        url = f"{self.url.replace('http', 'ws', 1)}/link?ticket={app.sockets.ticket()}&app_id={app.id}"
        return wire.answer({"ok": True, "url": url})

    def _workspace_of(self, token: str) -> Workspace:
        for workspace in self.workspaces.values():
            if workspace.bot_token == token:
                if not workspace.active:
                    raise ApiError("account_inactive")
                return workspace
        raise ApiError("not_allowed_token_type" if token.startswith("xapp-") else "invalid_auth")

    async def _take(self, request: web.Request, method: Method, call: Call) -> web.Response:
        """Do what a call asks, or what was ordered instead."""
        try:
            if not call.method.startswith("conversations."):  # whose scopes depend on the kind of conversation
                call.needs(*method.scopes)
            call.parameters = read(method, call.parameters)
        except ApiError as error:
            return self._refuse(call, error)
        fault = self.faults.take(PROVIDER, call.method, *_addresses(call))
        if isinstance(fault, Hang | Cut):
            if fault.accepted:
                self._do(call, method, Outcome.UNANSWERED)
            return await self._vanish(request, fault)
        if fault is not None:
            return self._refuse(call, wire.ordered(fault))
        return self._do(call, method, Outcome.ACCEPTED)

    def _do(self, call: Call, method: Method, outcome: Outcome) -> web.Response:
        try:
            result = _HANDLERS[call.method](call)
        except ApiError as error:
            return self._refuse(call, error)
        if not method.asks:
            self._note(call, outcome)
            self._happened()
        return self._answer(call, method, {"ok": True, **result})

    def _answer(self, call: Call, method: Method, body: Json) -> web.Response:
        if call.warnings:
            body["warning"] = ",".join(call.warnings)
            body["response_metadata"] = {**body.get("response_metadata", {}), "warnings": call.warnings}
        return wire.answer(
            body,
            headers={
                "X-OAuth-Scopes": ",".join(sorted(call.workspace.scopes)),
                "X-Accepted-OAuth-Scopes": ",".join(method.scopes),
            },
        )

    def _note(self, call: Call, outcome: Outcome = Outcome.ACCEPTED) -> None:
        self.ledger.append(
            PROVIDER,
            call.workspace.team,
            call.method,
            call.parameters,
            outcome,
            to=str(Address(PROVIDER, call.workspace.address_of(call.to))) if call.to else "",
            text=call.text,
            choices=call.choices,
        )

    def _refuse(self, call: Call, error: ApiError) -> web.Response:
        reason = f"{error.status} {error.error}"
        self.ledger.append(PROVIDER, call.workspace.team, call.method, call.parameters, Outcome.REFUSED, reason)
        return wire.refusal(error, call.workspace.scopes)

    async def _vanish(self, request: web.Request, fault: Hang | Cut) -> web.Response:
        """Answer never, or by hanging up."""
        if isinstance(fault, Hang):
            await self.hang()
        return self.cut(request)

    # --- answers to what people press and command ----------------------------------------------------------

    def response_url(self, room: Room, person: Person, message: Json | None) -> str:
        """A URL by which the app can answer what somebody did there, or to a message."""
        return self.url + self._responses.path(Occasion(person.workspace, room, person, message))

    def answered(self, room: Room, person: Person, body: Json) -> None:
        """The app answered a slash command at once; nothing but a yes is shown as nothing."""
        if not body:
            return
        try:
            self._note(respond(Occasion(person.workspace, room, person, None), body))
        except ApiError as error:
            person.errors.append(error.error)

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            occasion = self._responses.find(request.match_info["key"])
            body = wire.json_body(await request.read())
            place = occasion.workspace.address_of(occasion.room.id)
            fault = self.faults.take(PROVIDER, METHOD, occasion.person.address, place)
            if fault is not None and not isinstance(fault, Hang | Cut):
                raise wire.ordered(fault)
            if fault is None or fault.accepted:
                self._note(respond(occasion, body), Outcome.ACCEPTED if fault is None else Outcome.UNANSWERED)
                occasion.uses += 1
                self._happened()
        except ApiError as error:
            return wire.refusal(error if error.status != 200 else ApiError(error.error, status=400))
        return wire.answer({"ok": True}) if fault is None else await self._vanish(request, fault)

    # --- files ---------------------------------------------------------------------------------------------

    async def _upload(self, request: web.Request) -> web.Response:
        """Bytes for a ticket, bare or as the one file of a form."""
        ticket = self._ticket(request.match_info["ticket"])
        if ticket is None or ticket.uploaded:
            return web.Response(status=404, text="upload not found")
        content = await wire.uploaded(request)
        if len(content) != ticket.length:
            return web.Response(status=400, text=f"expected {ticket.length} bytes, got {len(content)}")
        ticket.file.content, ticket.uploaded = content, True
        return web.Response(text=f"OK - {len(content)}")

    def _ticket(self, key: str) -> Ticket | None:
        return next((w.tickets[key] for w in self.workspaces.values() if key in w.tickets), None)

    async def _download(self, request: web.Request) -> web.Response:
        """The bytes of a file; who has not the right token is sent to the page for signing in, which is no error."""
        workspace = self.workspaces.get(request.match_info["team"])
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        allowed = workspace is not None and workspace.active and token == workspace.bot_token
        if workspace is None or not allowed or "files:read" not in workspace.scopes:
            raise web.HTTPFound(f"{self.url}/?redir={request.path}")
        file = workspace.files.get(request.match_info["file"])
        if file is None or not workspace.sees(file):
            raise web.HTTPNotFound
        fault = self.faults.take(PROVIDER, DOWNLOAD, workspace.address_of(file.user))
        if isinstance(fault, Hang | Cut):
            return await self._vanish(request, fault)
        if fault is not None:
            return wire.refusal(wire.ordered(fault))
        return web.Response(body=file.content, headers={"Content-Type": file.media_type})

    async def _sign_in(self, _: web.Request) -> web.Response:
        page = "<!DOCTYPE html><html><title>Sign in | Slack</title><body>Sign in to your workspace</body></html>"
        return web.Response(text=page, content_type="text/html")

    # --- Socket Mode ---------------------------------------------------------------------------------------

    async def _link(self, request: web.Request) -> web.StreamResponse:
        app = next((app for app in self._apps() if app.id == request.query.get("app_id")), None)
        if app is None or not app.sockets.redeem(request.query.get("ticket", "")):
            return web.Response(status=401)
        return await app.sockets.serve(request, enabled=app.socket_mode)


def _addresses(call: Call) -> tuple[str, ...]:
    """Whom a call concerns and in which conversation, for orders to misbehave."""
    names = ("channel", "channel_id", "user", "users", "user_id")
    given = next((call.parameters[name] for name in names if name in call.parameters), "")
    room = call.workspace.rooms.get(given)
    user = given if room is None else call.workspace.answered_at(room, call.parameters.get("thread_ts", ""))
    return tuple(map(call.workspace.address_of, filter(None, (user, "" if room is None else room.id))))
