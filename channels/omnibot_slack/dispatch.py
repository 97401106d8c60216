"""What Slack hands over, by whichever way, to the core; acknowledged only after the commit.

Events, which are most of it, are one JSON object with one answer, and go straight there. All else goes through Bolt. It
takes requests apart, matches them with listeners and shapes their acknowledgements. What it does of its own
accord is switched off: it would acknowledge events before they are handled (`process_before_response`), look up the
token's identity and say 200 when it cannot (`authorize`), answer before anything is verified (`ssl_check`), and log
requests that fit no listener, to which Slack would get a 404 and count it as a failure.
Signatures are verified before a request gets here: it stumbles over a timestamp that is no number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from omnibot.contract import Accept, NotAccepted, Site
from omnibot.model import Incoming
from omnibot_slack.account import Account, CallFailed, Me
from omnibot_slack.desk import Agents, Counter, SlackDesk
from omnibot_slack.parse import CHANNEL, Fields, Heard, Malformed, command, event, press
from omnibot_slack.profiles import Profiles
from omnibot_slack.settings import SlackSettings
from omnibot_slack.staff import Staff
from omnibot_slack.threads import Threads

Read = Callable[[Fields, Me], Heard | None]
Taken = TypeVar("Taken")
Acknowledge = Callable[[str], Awaitable[BoltResponse]]

_EVENT = "event_callback"
# Interactions that the desk alone has; what it leaves is none of ours.
_NOBODYS = frozenset(
    {"view_submission", "view_closed", "message_action", "shortcut", "block_suggestion", "interactive_message"}
)

_ANY = re.compile("")
_log = structlog.get_logger("omnibot.slack")


class Unreadable(Exception):
    """It is not what Slack documents, and would not be the next time."""


class Dispatch:
    """The one way from Slack to the core."""

    def __init__(self, site: Site, settings: SlackSettings, account: Account, accept: Accept, desk: SlackDesk) -> None:
        self._site = site
        self._account = account
        self._accept = accept
        self._staff = Staff(account, settings, site.now, name=site.account, rooms=site.rooms)
        self._threads = Threads(account, site.now)
        self._profiles = Profiles(account, site.now, name=site.account, trusted=settings.trusted_profiles)
        self._counter = Counter(site, settings, account, Agents(self._staff, self._profiles), desk)
        self._log = _log.bind(channel=CHANNEL, account=site.account)
        self._app = self._bolt()

    async def request(self, body: str, content_type: str) -> BoltResponse:
        """One verified HTTP request; raises Unreadable, CallFailed."""
        if content_type == "application/json" and (told := _event_in(body)) is not None:
            return await self._told(told)
        # Other headers are none of Slack's signing, and some make Bolt skip its listeners.
        return await self._dispatched(body, {"content-type": content_type}, "http")

    async def envelope(self, payload: dict[str, Any]) -> BoltResponse:
        """What came by Socket Mode; raises Unreadable, CallFailed."""
        if payload.get("type") == _EVENT:
            return await self._told(payload)
        return await self._dispatched(payload, {}, "socket_mode")

    async def _told(self, body: dict[str, Any]) -> BoltResponse:
        """An event."""
        told = body.get("event")
        if not (isinstance(told, dict) and isinstance(told.get("type", ""), str)):
            raise Unreadable("no event")
        me = await self._account.me()  # raises CallFailed
        if (taken := await self._at_desk(self._counter.event(body, me))) is not False:
            return taken if isinstance(taken, BoltResponse) else BoltResponse(status=200, body="")

        async def acknowledge(_: str = "") -> BoltResponse:
            return BoltResponse(status=200, body="")

        return await self._answered(body, event, acknowledge)

    async def _dispatched(self, body: str | dict[str, Any], headers: Mapping[str, str], mode: str) -> BoltResponse:
        try:
            request = AsyncBoltRequest(body=body, headers=dict(headers), mode=mode)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise Unreadable(type(error).__name__) from error
        if not _can_be_matched(request.body):
            raise Unreadable("no event, action or command")
        kind = request.body.get("type")
        if kind == "app_rate_limited":
            self._log.error("events_dropped")  # more than 30,000 in an hour: Slack keeps them to itself
        if kind != "url_verification":
            me = await self._account.me()  # raises where Bolt would answer that the app is not installed
            desk = self._counter.command if "command" in request.body else self._counter.interaction
            answer = await self._at_desk(desk(request.body, me))
            if isinstance(answer, BoltResponse):
                return answer
            if answer is not None:
                return BoltResponse(status=200, body=answer or "")
        if isinstance(kind, str) and kind in _NOBODYS:
            return BoltResponse(status=200, body="")
        response: BoltResponse = await self._app.async_dispatch(request)
        # What no listener is for (a kind of interaction that we do not use) is none of our business, but no failure.
        return BoltResponse(status=200, body="") if response.status == 404 else response

    async def _at_desk(self, taking: Awaitable[Taken]) -> Taken | BoltResponse:
        """What the desk says to it; an answer of ours where it could not be taken, or not be read."""
        try:
            return await taking
        except Malformed as error:
            self._log.warning("request_unreadable", reason=str(error))
            return BoltResponse(status=200, body="")
        except (NotAccepted, CallFailed) as error:
            self._log.warning("request_not_taken", reason=str(error))
            return BoltResponse(status=503, body="")

    # --- Bolt ----------------------------------------------------------------------------------------------

    def _bolt(self) -> AsyncApp:
        async def authorize() -> AuthorizeResult:  # as a method, Bolt would give it a second `self`
            me = await self._account.me()
            return AuthorizeResult(
                enterprise_id=None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot, bot_token=""
            )

        app = AsyncApp(
            name="omnibot_slack",
            logger=self._account.logger,
            client=AsyncWebClient(retry_handlers=[], logger=self._account.logger),  # never called
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            ignoring_self_events_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        app.block_action(_ANY)(self._action)
        app.command(_ANY)(self._command)
        return app

    async def _action(self, body: dict[str, Any], ack: AsyncAck) -> BoltResponse:
        return await self._answered(body, press, ack)

    async def _command(self, body: dict[str, Any], ack: AsyncAck) -> BoltResponse:
        me = await self._account.me()
        # The answer comes directly; this points there, in no language.
        pointer = "" if body.get("channel_name") == "directmessage" else f"→ <@{me.user}>"
        return await self._answered(body, partial(command, now=self._site.now()), ack, pointer)

    async def _answered(self, body: Fields, read: Read, ack: Acknowledge, text: str = "") -> BoltResponse:
        try:
            taken = await self._take(body, read)
        except Malformed as error:
            self._log.warning("request_unreadable", reason=str(error))
            taken = False
        except (NotAccepted, CallFailed) as error:
            self._log.warning("request_not_taken", reason=str(error))
            return BoltResponse(status=503, body="")
        return await ack(text if taken else "")

    # --- to the core ---------------------------------------------------------------------------------------

    async def _take(self, body: Fields, read: Read) -> bool:
        """Hand over what a customer says to us; False where nobody does. Raises NotAccepted, CallFailed."""
        me = await self._account.me()
        heard = read(body, me)
        arrival = None if heard is None else await self._of_a_customer(heard, me)
        if heard is None or arrival is None:
            return False
        profile = await self._profiles.of(heard.user)
        await self._accept([replace(arrival, sender=profile.of(arrival.sender))])
        return True

    async def _of_a_customer(self, heard: Heard, me: Me) -> Incoming | None:
        """What it is to us; None where it is staff's, or not meant for us."""
        if await self._staff.includes(heard.arrival.sender.address.value, heard.channel, me):
            return None
        if heard.thread is None or await self._threads.meant_for_us(heard.thread, heard.user, me):
            return heard.arrival
        return heard.otherwise


def _event_in(body: str) -> dict[str, Any] | None:
    """The event that a body is, if it is one; raises Unreadable."""
    try:
        told = json.loads(body)  # unlike orjson it takes halves of surrogate pairs
    except (ValueError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error
    return told if isinstance(told, dict) and told.get("type") == _EVENT else None


def _can_be_matched(body: Fields) -> bool:
    """Whether what Bolt finds listeners by is of its type: it fails on anything else, and Slack would come again."""
    match body:
        case {"type": "block_actions"}:
            actions = body.get("actions")
            first = actions[0] if isinstance(actions, list) and actions else None
            return isinstance(first, dict) and isinstance(first.get("action_id"), str)
    return isinstance(body.get("command", ""), str)
