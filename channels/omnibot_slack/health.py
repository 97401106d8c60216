"""What is wrong with an account, and who must do what. docs/channels/slack.md warns of the same."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection, Iterator, Sequence

import orjson
from aiohttp import ClientError

from omnibot.contract import Finding, Site
from omnibot_slack.account import Account, CallFailed, Me
from omnibot_slack.receive import SIGNATURE, TIMESTAMP, request_url, sign
from omnibot_slack.settings import SlackSettings

ANSWER_WITHIN = 5.0  # seconds for our own request URL
_KNOWN = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type")
# What a token must be allowed to do, and what does not work without.
NEEDED = {
    "chat:write": "nothing can be answered",
    "im:history": "direct messages do not arrive",
    "im:write": "nobody can be written to first",
    "app_mentions:read": "mentions in channels do not arrive",
    "users:read": "people stay without name, language and time zone",
    "users:read.email": "people stay without email address",
    "files:read": "files that people send cannot be fetched",
    "files:write": "files cannot be sent",
}
# The same of an account in whose rooms teams work.
NEEDED_BY_DESK = {
    "commands": "staff have no command",
    "reactions:write": "nothing tells at a message how far it has come",
}
FATAL = frozenset({"chat:write", "im:history"})


async def findings(site: Site, settings: SlackSettings, account: Account) -> Sequence[Finding]:
    """Ask Slack about the token, the app-level token, and what the settings name."""
    try:
        me = await account.look()
    except CallFailed as failed:
        return [_of_the_token(failed, settings)]
    found = [*identity(me, settings), *scopes(me, settings, rooms=site.rooms), *_staffed(site, settings)]
    found += [finding async for finding in _named(me, settings, account, site.rooms)]
    if settings.mode == "socket":
        return found + [finding async for finding in _socket(settings, account)]
    return found + [finding async for finding in _request_url(site, settings, account)]


def _of_the_token(failed: CallFailed, settings: SlackSettings) -> Finding:
    if failed.error in _KNOWN:
        return Finding(
            f"Slack does not take the token ({failed.error})",
            "copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions of your app into `token`; if it stands"
            " there already, install the app to the workspace again, and start again",
            fatal=True,
        )
    told = f"did not answer as it should ({failed.reason})" if failed.reached else "cannot be reached"
    what = f"{settings.api} {told}"
    return Finding(what, "see that this machine reaches it; messages wait meanwhile")


def identity(me: Me, settings: SlackSettings) -> Iterator[Finding]:
    """Whether the token is of the workspace that it should be of."""
    if settings.team and settings.team != me.team:
        yield Finding(
            f"the token belongs to workspace {me.team}, and `team` says {settings.team}",
            "take the token of the app in the right workspace, or correct `team`",
            fatal=True,
        )
    if me.org_wide:
        yield Finding(
            "the app is installed for a whole organisation",
            "install it in each workspace by itself, with one account here for each",
            fatal=True,
        )


def _staffed(site: Site, settings: SlackSettings) -> Iterator[Finding]:
    """Whether anybody may act where teams work."""
    if site.rooms and not (settings.staff or settings.staff_group):
        yield Finding(
            "teams work in this workspace, and nobody may act there",
            "name the agents: `staff` (member ids), or `staff_group` (a user group)",
        )


def scopes(me: Me, settings: SlackSettings, *, rooms: Collection[str] = ()) -> Iterator[Finding]:
    """What the token may not do, although something here needs it."""
    if not me.scopes:
        return  # Slack did not say
    needed = {**NEEDED, **(NEEDED_BY_DESK if rooms else {})}
    if settings.staff_group:
        needed["usergroups:read"] = "it is not known who is in `staff_group`, and nothing is taken"
    missing = {scope: without for scope, without in needed.items() if scope not in me.scopes}
    if missing:
        yield Finding(
            "the token lacks " + ", ".join(f"{scope} ({without})" for scope, without in missing.items()),
            "add these Bot Token Scopes under OAuth & Permissions of your app, and install it again",
            fatal=not FATAL.isdisjoint(missing) or "usergroups:read" in missing,
        )


async def _named(me: Me, settings: SlackSettings, account: Account, rooms: Collection[str]) -> AsyncIterator[Finding]:
    """The user group and the channels that the settings name."""
    group = settings.staff_group
    if group and "usergroups:read" in (me.scopes or {"usergroups:read"}):
        try:
            await account.call(lambda web: web.usergroups_users_list(usergroup=group))
        except CallFailed as failed:
            yield Finding(
                f"Slack does not tell who is in user group {group} ({failed.reason}), and nothing is taken",
                "correct `staff_group`: People → User groups → ⋮ → Copy group ID",
                fatal=True,
            )
    for channel in (*settings.staff_channels, *sorted(set(rooms) - set(settings.staff_channels))):
        if (finding := await _room(channel, account, me, is_desk=channel in rooms)) is not None:
            yield finding


async def _room(channel: str, account: Account, me: Me, *, is_desk: bool) -> Finding | None:
    try:
        answer = await account.call(lambda web: web.conversations_info(channel=channel))
    except CallFailed as failed:
        if failed.error == "missing_scope":
            return Finding(
                f"the token may not look at channel {channel}",
                "add channels:read (groups:read for private channels) under OAuth & Permissions, and install it again",
            )
        setting = "the room in `desk.teams`" if is_desk else "`staff_channels`"
        action = f"correct {setting}, or invite the bot there: /invite @… in {channel}, if it is private"
        return Finding(f"there is no channel {channel} that the bot can see ({failed.reason})", action)
    if not answer["channel"].get("is_member"):
        return Finding(f"the bot is not in channel {channel}", f"invite it: /invite @… in {channel}")
    history = "groups:history" if answer["channel"].get("is_private") else "channels:history"
    if is_desk and me.scopes and history not in me.scopes:
        return Finding(
            f"the token lacks {history} (what agents write in channel {channel} is not heard)",
            "make the app of what `omnibot slack manifest` prints, and install it again",
        )
    return None


async def _socket(settings: SlackSettings, account: Account) -> AsyncIterator[Finding]:
    token = settings.app_token.get_secret_value() if settings.app_token else ""
    try:
        await account.call(lambda web: web.apps_connections_open(app_token=token))
    except CallFailed as failed:
        if failed.error in _KNOWN:
            yield Finding(
                f"Slack does not take the app-level token ({failed.error})",
                "make one under Basic Information → App-Level Tokens of the same app, and put it into `app_token`",
                fatal=True,
            )
        elif failed.error == "missing_scope":
            yield Finding(
                "the app-level token lacks connections:write",
                "make another one with that scope under Basic Information → App-Level Tokens",
                fatal=True,
            )
        elif failed.status != 429:
            yield Finding(
                f"Socket Mode cannot be entered ({failed.reason})", "switch it on under Socket Mode of your app"
            )
    else:
        async for finding in _same_app(token, account):
            yield finding


async def _same_app(app_token: str, account: Account) -> AsyncIterator[Finding]:
    """Both tokens are good, but of two apps: what one hears the other cannot answer. The id stands in xapp-1-A…-…."""
    parts = app_token.split("-")
    bot = (await account.me()).bot
    try:
        answer = await account.call(lambda web: web.bots_info(bot=bot))
    except CallFailed:
        return  # without users:read, which is told already
    app = answer["bot"].get("app_id", "")
    if len(parts) > 2 and parts[2].startswith("A") and app and parts[2] != app:
        yield Finding(
            f"`app_token` is of app {parts[2]} and `token` of app {app}",
            "take both tokens from the same app",
            fatal=True,
        )


async def _request_url(site: Site, settings: SlackSettings, account: Account) -> AsyncIterator[Finding]:
    """Ask our own URL as Slack would: that tells most of what can be wrong on the way."""
    if not site.public_url:
        yield Finding('mode = "events", but no public URL is configured', 'set `server.public_url`, or mode = "socket"')
        return
    secret = settings.signing_secret.get_secret_value() if settings.signing_secret else ""
    challenge = secrets.token_urlsafe(16)
    body = orjson.dumps({"type": "url_verification", "challenge": challenge})
    timestamp = str(int(site.now().timestamp()))
    headers = {TIMESTAMP: timestamp, SIGNATURE: sign(secret, timestamp, body), "Content-Type": "application/json"}
    url = request_url(site)
    try:
        async with (
            asyncio.timeout(ANSWER_WITHIN),
            account.session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            told = f"status {answer.status}"
            good = answer.status == 200 and challenge in (await answer.text(errors="replace"))[:10_000]
    except (ClientError, TimeoutError) as error:
        told, good = type(error).__name__, False
    if not good:
        yield Finding(
            f"{url} does not answer as Slack wants it ({told})",
            "start the server and see that this URL leads to it; then have Slack verify it under Event Subscriptions",
        )
