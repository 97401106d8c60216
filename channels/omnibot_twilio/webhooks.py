"""The way in: what Twilio posts, verified before it is believed and acknowledged after it is committed.

Twilio repeats a webhook only within its 15 seconds, and only where our URL asks for it (`#rc=5&rp=all`). What it gives
up is found later, in the list of messages (`missed`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator

from omnibot.contract import MAX_BODY, Accept, NotAccepted, Site
from omnibot.model import MessageId
from omnibot_twilio.arrivals import Arrivals
from omnibot_twilio.parse import Form, Malformed, Reader
from omnibot_twilio.settings import TwilioSettings
from omnibot_twilio.tickets import redeem

# Five more tries, whatever went wrong (twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
OVERRIDES = "#rc=5&rp=all"
_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_SIGNATURE = 28  # characters of an HMAC-SHA1 in base64
_FIELDS = 200  # of one webhook; there are some forty

_log = structlog.get_logger("omnibot.twilio")

Told = Callable[[MessageId, str], None]  # a message of ours, and its SID


class TurnedAway(Exception):
    """A webhook that is not taken, and how it is answered."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Webhooks:
    """The routes of one number."""

    def __init__(
        self, site: Site, settings: TwilioSettings, reader: Reader, arrivals: Arrivals, accept: Accept, told: Told
    ) -> None:
        self._site = site
        self._account_sid = settings.account_sid
        self._validator = RequestValidator(settings.auth_token.get_secret_value())
        self._reader = reader
        self._arrivals = arrivals
        self._accept = accept
        self._told = told
        self._log = _log.bind(channel=reader.channel, account=site.account)

    def routes(self) -> Sequence[web.RouteDef]:
        """What Twilio calls."""
        return (web.post(message_path(self._site), self.message), web.post(report_path(self._site), self.report))

    async def message(self, request: web.Request) -> web.Response:
        """Somebody wrote."""
        try:
            form = await self._verified(request, message_url(self._site))
            self._must_be_for_us(form)
            arrival = self._arrivals.read(form, self._site.now())
            await self._arrivals.hand_over([arrival] if arrival else [], self._accept)
        except TurnedAway as away:
            return self._turned_away(away)
        except NotAccepted:
            return self._turned_away(TurnedAway(503, "not accepted"))
        except Malformed as error:
            # it would not be better the next time
            self._log.warning("webhook_unreadable", reason=str(error))
        return web.Response(text=_TWIML, content_type="text/xml")

    async def report(self, request: web.Request) -> web.Response:
        """One of ours has come further, or not."""
        try:
            form = await self._verified(request, report_url(self._site, _query(request)))
            await self._take_report(form, request)
        except TurnedAway as away:
            return self._turned_away(away)
        except NotAccepted:
            return self._turned_away(TurnedAway(503, "not accepted"))
        except Malformed as error:
            self._log.warning("webhook_unreadable", reason=str(error))
        return web.Response()

    async def _take_report(self, form: Form, request: web.Request) -> None:
        report = self._reader.report(form, self._site.now())
        address = self._reader.address(form.get("To", ""))
        given = request.query
        message = redeem(self._site.key, given.get("message", ""), given.get("ticket", ""), address.value)
        if message is None:
            self._log.info("report_of_unknown_message")
            return
        self._told(message, form.get("MessageSid", ""))
        if report is not None:
            await self._accept([report])

    # --- who calls -------------------------------------------------------------------------------------------

    async def _verified(self, request: web.Request, url: str) -> Form:
        """What was posted, by Twilio and about our account; raises TurnedAway."""
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if len(signature) != _SIGNATURE or not signature.isascii():
            raise TurnedAway(403, "signature missing")
        if "Content-Encoding" in request.headers:
            raise TurnedAway(415, "compressed")
        form = _form(await _read_body(request))
        if not self._is_signed(url, form, signature):
            raise TurnedAway(403, "signature wrong")
        if form.get("AccountSid") != self._account_sid:
            raise TurnedAway(403, "another account")
        return form

    def _is_signed(self, url: str, form: MultiDict[str], signature: str) -> bool:
        """Over the URL as it is configured, not as the request tells it.

        What Twilio is not consistent in is right either way: with the port or without (the validator tries both), with
        the fragment or without (its documentation does not say).
        """
        if hmac.compare_digest(self._validator.compute_signature(url, form), signature):
            return True
        return any(self._validator.validate(url + end, form, signature) for end in ("", OVERRIDES))

    def _must_be_for_us(self, form: Form) -> None:
        if not self._reader.is_for_us(form):
            raise TurnedAway(400, "another channel")

    def _turned_away(self, away: TurnedAway) -> web.Response:
        self._log.warning("webhook_turned_away", status=away.status, reason=away.reason)
        response = web.Response(status=away.status)
        if away.status in (403, 413, 415):
            response.force_close()  # the body may not have been read
        return response


# --- where -----------------------------------------------------------------------------------------------------------


def message_path(site: Site) -> str:
    """Where the server takes messages."""
    return f"{site.path}/webhook"


def message_url(site: Site) -> str:
    """The same as Twilio calls it; '' without a public URL."""
    return f"{site.public_url}/webhook" if site.public_url else ""


def report_path(site: Site) -> str:
    """Where the server takes delivery reports."""
    return f"{site.path}/status"


def report_url(site: Site, query: str) -> str:
    """The same as Twilio calls it for one message; '' without a public URL."""
    return f"{site.public_url}/status{'?' if query else ''}{query}" if site.public_url else ""


# --- what ------------------------------------------------------------------------------------------------------------


def _query(request: web.Request) -> str:
    """As it came, because it is signed so."""
    return request.raw_path.partition("?")[2]


def _form(body: bytes) -> MultiDict[str]:
    """The parameters; empty ones belong to what is signed. Raises TurnedAway."""
    try:
        return MultiDict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise TurnedAway(403, "not a form") from None


async def _read_body(request: web.Request) -> bytes:
    """The body, no more of it than a webhook may have; raises TurnedAway."""
    if (request.content_length or 0) > MAX_BODY:
        raise TurnedAway(413, "too large")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise TurnedAway(413, "too large")
    return bytes(body)
