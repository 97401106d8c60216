"""The routes: tokens are exchanged for codes, and addresses from mails do what typing a code does."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from omnibot.contract import Channel
from omnibot.pages.allowance import Allowance
from omnibot.pages.layout import Button, Page, spoken, words
from omnibot.store import StoreUnavailable
from omnibot.store.identity import Confirmed, Identity
from omnibot.tokens import CODE_PATH, MAX_TOKEN, BadToken, CodeLinks, SignedToken, Verifier, derived_code, new_code

log = structlog.get_logger(__name__)

LINK_PATH, START_PATH = "/identity/link", "/identity/start"
_BODY = 3 * MAX_TOKEN  # bytes of a form
_BEARER = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_REDIRECTED = ("telegram",)  # whose invitations hand the code over by themselves; the others fill in a message
_INVITATION_SECONDS = 3.0  # for a provider that has to be asked; without it the code alone is shown
_NO_WAY = "code"  # the code alone

# A minute's allowance. Behind a proxy all who come through it are one client.
_REQUESTS = (1200, 6000)
_WRONG = (30, 600)  # beyond it what is wrong is answered by 429; what is right still counts

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LinkPages:
    """Pages and calls by which people are linked from outside a conversation."""

    def __init__(
        self,
        identity: Identity,
        verifier: Verifier,
        links: CodeLinks,
        channels: Mapping[str, Channel],
        *,
        secret: bytes,
        company: str,
        language: str,
        public_url: str,
        code_seconds: float,
        tries: int,
        acted: Callable[[], None],
        requests: Allowance | None = None,
        wrong: Allowance | None = None,
    ) -> None:
        """`channels` are the first accounts of each; `acted` is called when there is something to be linked."""
        self._identity = identity
        self._verifier = verifier
        self._links = links
        self._channels = channels
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"omnibot-pages").digest()
        self._company = company
        self._language = language
        self._origin = _origin(public_url)
        self._code_seconds = code_seconds
        self._tries = tries
        self._acted = acted
        self._requests = requests or Allowance(*_REQUESTS)
        self._wrong = wrong or Allowance(*_WRONG)

    def routes(self) -> Sequence[web.RouteDef]:
        """All of them, whatever is configured: without keys no token is believed."""
        return [
            web.get(LINK_PATH, self._page(self._show_link)),
            web.post(LINK_PATH, self._page(self._link)),
            web.post(START_PATH, self._start),
            web.get(CODE_PATH, self._page(self._show_code)),
            web.post(CODE_PATH, self._page(self._confirm)),
        ]

    # --- the company's page ---

    async def _show_link(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token", "")
        try:
            said = self._verifier.verify(token)
        except BadToken as error:
            return self._refused(request, error.reason)
        ways = await invitations(self._channels, new_code())
        buttons = [
            Button(self._say(request, "link", "in_channel", said, channel=self._named(request, name, said)), name)
            for name in ways
            if name in _REDIRECTED
        ]
        label = "elsewhere" if buttons else "only"
        buttons.append(Button(self._say(request, "link", label, said), _NO_WAY))
        return self._told(
            request,
            "link",
            ("what" if self._channels else "what_anywhere", "next"),
            said,
            channels=self._listed(request, said),
            action=LINK_PATH,
            hidden={"token": token, "form": secrets.token_urlsafe(16)},
            buttons=buttons,
        )

    async def _link(self, request: web.Request) -> web.StreamResponse:
        """The form's own number makes the same code again, where a button was pressed twice."""
        form = await self._form(request)
        try:
            said = self._verifier.verify(form.get("token", ""))
        except BadToken as error:
            return self._refused(request, error.reason)
        number = form.get("form", "")
        code = derived_code(self._key, said.issuer, said.id, number) if 16 <= len(number) <= 64 else new_code()
        if not await self._identity.exchange(said, code, self._code_seconds):
            return self._refused(request, "spent", said)
        ways = await invitations(self._channels, code)
        if (wanted := form.get("way", "")) in _REDIRECTED and wanted in ways:
            headers = {"Location": ways[wanted], "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
            return web.Response(status=303, headers=headers)
        buttons = [
            Button(self._say(request, "code", "open", said, channel=self._named(request, name, said)), href=href)
            for name, href in ways.items()
        ]
        minutes = str(max(1, round(self._code_seconds / 60)))
        return self._told(request, "code", ("what",), said, minutes=minutes, code=f"/link {code}", buttons=buttons)

    # --- the company's system ---

    async def _start(self, request: web.Request) -> web.StreamResponse:
        if after := self._requests.take(request.remote or ""):
            return _json({"error": "too_many_requests"}, 429, {"Retry-After": str(after)})
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise BadToken("missing")
            said = self._verifier.verify(token.strip())
            code = new_code()
            if not await self._identity.exchange(said, code, self._code_seconds):
                raise BadToken("spent")
        except BadToken as error:
            return self._start_refused(request, error.reason)
        except StoreUnavailable:
            return _json({"error": "unavailable"}, 503, {"Retry-After": "5"})
        links = await invitations(self._channels, code)
        told = {"code": code, "message": f"/link {code}", "expires_in": round(self._code_seconds)}
        return _json(told | {"telegram": links.get("telegram", ""), "links": links}, 201)

    def _start_refused(self, request: web.Request, reason: str) -> web.Response:
        if after := self._count(request, reason):
            return _json({"error": "too_many_requests"}, 429, {"Retry-After": str(after)})
        return _json({"error": "invalid_token"}, 401, _BEARER)

    # --- the address in a mail that brings a code ---

    async def _show_code(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token", "")
        source = self._links.source(token)
        if source is None:
            return self._refused(request, "malformed", page="over")
        asked = await self._identity.asked_by(source, lambda code_hash: self._links.is_right(token, code_hash))
        if asked is None:
            return self._told(request, "over", ("what",), status=410)
        return self._told(
            request,
            "confirm",
            (f"what_{asked.purpose}",),
            title=f"title_{asked.purpose}",
            channel=self._named(request, asked.channel, None),
            action=CODE_PATH,
            hidden={"token": token},
            buttons=[Button(self._say(request, "confirm", f"do_{asked.purpose}"))],
        )

    async def _confirm(self, request: web.Request) -> web.StreamResponse:
        token = (await self._form(request)).get("token", "")
        source = self._links.source(token)
        if source is None:
            return self._refused(request, "malformed", page="over")
        done = await self._identity.confirm(
            source, lambda code_hash: self._links.is_right(token, code_hash), self._tries
        )
        match done:
            case Confirmed.PROVEN:
                self._acted()
                return self._told(request, "done", ("what",))
            case Confirmed.VOID:
                self._count(request, "void")
                return self._told(request, "void", ("what",), status=429)
            case Confirmed.WRONG:
                return self._refused(request, "forged", page="over")
            case Confirmed.OVER:
                return self._told(request, "over", ("what",), status=410)

    # --- what all have in common ---

    def _page(self, handler: Handler) -> Handler:
        """Within the allowance, and with a page for whatever goes wrong."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if after := self._requests.take(request.remote or ""):
                return self._told(request, "often", ("what",), status=429, headers={"Retry-After": str(after)})
            try:
                return await handler(request)
            except StoreUnavailable:
                return self._told(request, "busy", ("what",), status=503, headers={"Retry-After": "30"})
            except _CrossSite:
                return self._told(request, "stranger", ("what",), status=403)

        return handle

    async def _form(self, request: web.Request) -> Mapping[str, str]:
        """What our own page sends; raises _CrossSite for any other, before the body is read."""
        self._check_origin(request)
        if request.content_type != "application/x-www-form-urlencoded":
            raise web.HTTPUnsupportedMediaType
        if "Content-Encoding" in request.headers:
            raise web.HTTPUnsupportedMediaType
        if (request.content_length or 0) > _BODY:
            raise web.HTTPRequestEntityTooLarge(_BODY, request.content_length or 0)
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}

    def _check_origin(self, request: web.Request) -> None:
        """A browser says where a form comes from; whoever says nothing is none, and no cookie of ours is at stake."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            if site not in ("same-origin", "none"):
                raise _CrossSite
            return
        origin = request.headers.get("Origin")
        if origin is not None and (not self._origin or origin != self._origin):
            raise _CrossSite

    def _refused(
        self, request: web.Request, reason: str, said: SignedToken | None = None, page: str = "gone"
    ) -> web.Response:
        """The same page whatever was wrong; too often, none."""
        if after := self._count(request, reason):
            return self._told(request, "often", ("what",), said, status=429, headers={"Retry-After": str(after)})
        return self._told(request, page, ("what",), said, status=410)

    def _count(self, request: web.Request, reason: str) -> int:
        log.warning("token.refused", reason=reason)
        return self._wrong.take(request.remote or "")

    # --- words ---

    def _told(
        self,
        request: web.Request,
        page: str,
        paragraphs: Sequence[str],
        said: SignedToken | None = None,
        *,
        title: str = "title",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        code: str = "",
        action: str = "",
        hidden: Mapping[str, str] | None = None,
        buttons: Sequence[Button] = (),
        **values: str,
    ) -> web.Response:
        note = words(self._spoken(request, said))[page].get("note", "")
        told = Page(
            language=self._spoken(request, said),
            company=self._company,
            title=self._say(request, page, title, said, **values),
            paragraphs=[self._say(request, page, each, said, **values) for each in paragraphs],
            code=code,
            action=action,
            hidden=hidden,
            buttons=buttons,
            note=note,
        )
        return told.response(status, headers)

    def _say(self, request: web.Request, page: str, what: str, said: SignedToken | None = None, **values: str) -> str:
        form = words(self._spoken(request, said))[page][what]
        return form.format(company=self._company, **values)

    def _spoken(self, request: web.Request, said: SignedToken | None) -> str:
        if said is not None and said.language:
            return spoken(said.language, self._language)
        return spoken(request.headers.get("Accept-Language", ""), self._language)

    def _named(self, request: web.Request, channel: str, said: SignedToken | None) -> str:
        return words(self._spoken(request, said))["channels"].get(channel, channel.capitalize())

    def _listed(self, request: web.Request, said: SignedToken | None) -> str:
        names = [self._named(request, name, said) for name in self._channels]
        if len(names) < 2:
            return "".join(names)
        form = words(self._spoken(request, said))["channels"]["and"]
        return form.format(first=", ".join(names[:-1]), last=names[-1])


async def invitations(channels: Mapping[str, Channel], code: str) -> dict[str, str]:
    """The addresses that open a conversation with a code in it, by channel; none of a provider that is away."""
    links: dict[str, str] = {}
    for name, channel in channels.items():
        with suppress(TimeoutError):
            async with asyncio.timeout(_INVITATION_SECONDS):
                links[name] = await channel.invitation(code)
    return {name: link for name, link in links.items() if link}


class _CrossSite(Exception):
    """A form that another site has sent."""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if url else ""


def _json(body: Mapping[str, object], status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers={**_PRIVATE, **(headers or {})})
