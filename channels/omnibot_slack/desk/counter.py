"""Where agents' acts come in: what they write in threads, press, fill in and command, handed to the core.

Slack wants its answer within three seconds, and a trigger opens a modal for as long: so who it is is known mostly, a
modal comes before anything slow, and an act is acknowledged right after its commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

import structlog

from omnibot.contract import Look, Place, Refused, Site, TryLater
from omnibot.model import ActKind, Agent, DeskAct
from omnibot_slack.account import Account, CallFailed, Me
from omnibot_slack.desk import forms, lists
from omnibot_slack.desk.agents import Agents
from omnibot_slack.desk.cards import card_blocks
from omnibot_slack.desk.kit import Json, section
from omnibot_slack.desk.payloads import (
    Commanded,
    Mixed,
    Pressed,
    Shortcut,
    Submitted,
    Who,
    Written,
    commanded,
    for_the_customer,
    home_opened,
    pressed,
    shortcut,
    submitted,
    written,
)
from omnibot_slack.desk.showing import SlackDesk, call_of, ours
from omnibot_slack.desk.tokens import place_of, token
from omnibot_slack.mrkdwn import escape
from omnibot_slack.parse import CHANNEL, Fields, is_of_our_workspace, object_of, reference, text_of
from omnibot_slack.remembered import Remembered
from omnibot_slack.settings import SlackSettings

ACKNOWLEDGED_WITHIN = 3.0  # seconds: Slack's; a trigger is good for as long
PROMPT = 0.4  # seconds that a modal waits for what it shows; then one opens that says so
OPENED_WITHIN = 1.2  # seconds for opening it
FILLED_WITHIN = 2.4  # seconds after the press until that one tells that it took too long
ANSWER_WITHIN = 1.6  # seconds for what a command or the home shows
TELL_WITHIN = 1.2  # seconds for a notice
_KNOWN = 86_400.0  # seconds that a thread of ours is remembered
_TWICE = 10.0  # seconds within which the same message is not sent by a second press
_MOST = 20_000

_DIRECT = {"take": ActKind.TAKE, "reopen": ActKind.REOPEN, "retry": ActKind.RETRY}
_FILLED = {
    "reply": ActKind.REPLY,
    "assign": ActKind.ASSIGN,
    "team": ActKind.TEAM,
    "priority": ActKind.PRIORITY,
    "snooze": ActKind.SNOOZE,
    "consent": ActKind.CONSENT,
    "resolve": ActKind.RESOLVE,
    "hand_back": ActKind.HAND_BACK,
    "merge": ActKind.MERGE,
}
_WORDED = frozenset({"reply", "consent", "merge"})  # forms whose words must not be blank
_GONE = "There is no customer's matter in this thread any more."
_STALE = "This is out of date. Look at the card again."
_SLOW = "That took too long. Try it once more."
_MIXED = (
    "This has stayed here as a note: only a part of it is marked for the customer. Mark each line of what they shall"
    " get, or use “Send to customer” at the message."
)
_EDITED = "A change sends nothing: this is still a note. Write a new message, or use “Send to customer” at this one."
_SENT = "This has been handed over for the customer already. If it did not arrive, its mark says so."
_MACHINE = "Only what one of you has written can be sent to the customer."
_VISITOR = "Write to me under “Messages”, and I answer there."
_HELP = (
    "{0} mine · queue [team] · overdue · search <words> · customer <name or address> · mute [name or address]:"
    " you are reminded of that matter no more"
)

_log = structlog.get_logger("omnibot.slack")


class Wrong(ValueError):
    """What was filled in cannot be done; by the input that is wrong."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.errors = {name: reason}


class Counter:
    """The agents' way to the core. What it raises (NotAccepted, CallFailed) is not acknowledged."""

    def __init__(self, site: Site, settings: SlackSettings, account: Account, agents: Agents, desk: SlackDesk) -> None:
        self._site = site
        self._office = site.office
        self._prefix = settings.desk_prefix
        self._command = settings.desk_command
        self._account = account
        self._agents = agents
        self._shown_in = desk
        self._desk = desk.name
        self._threads: Remembered[Place, bool] = Remembered(site.now, most=_MOST)
        self._sent: Remembered[str, bool] = Remembered(site.now, most=_MOST)  # by the shortcut
        self._lately: Remembered[str, bool] = Remembered(site.now, most=_MOST)
        self._log = _log.bind(channel=CHANNEL, account=site.account)

    # --- what is written in threads ------------------------------------------------------------------------

    async def event(self, body: Fields, me: Me) -> bool:
        """Take an event; False where it is none of the desk's. Raises Malformed."""
        if not is_of_our_workspace(body, me):
            return False
        if (visitor := home_opened(body, me)) is not None:
            await self._show_home(visitor, me)
            return True
        told = written(body, me)
        if told is None or told.root not in ("", me.user):
            return False
        place = Place(self._desk, told.channel, told.thread)
        if not await self._is_matter(place):
            return False
        match told.kind:
            case "said":
                await self._said(place, told, me)
            case "edited":
                await self._edited(place, told, me)
            case "deleted":
                await self._deleted(place, told, me)
        return True

    async def _is_matter(self, place: Place) -> bool:
        """Whether a thread is a matter's; asked once."""
        if self._threads.get(place):
            return True
        known = await self._office.card(place) is not None
        if known:
            self._threads.keep(place, True, _KNOWN)
        return known

    async def _said(self, place: Place, told: Written, me: Me) -> None:
        """A note, unless it is marked for the customer. Colleagues who are no agents may talk there; no more."""
        try:
            text = for_the_customer(told.text, self._prefix, quoted=told.quoted)
            mixed = False
        except Mixed:
            text, mixed = None, True
        agent, why = await self._agents.judge(told.who.team, told.who.user, me)
        id = f"{me.team}:{told.channel}:{told.ts}"
        if why:
            if text is not None or mixed:
                await self._refuse(place, told.who, agent, id, told.at, told.text, why)
            return
        kind = ActKind.NOTE if text is None else ActKind.REPLY
        entry = reference(told.channel, told.ts)
        words = told.text if text is None else text
        await self._act(
            place,
            told.who,
            DeskAct(id=id, at=told.at, by=agent, kind=kind, text=words, entry=entry, files=told.files),
        )
        if mixed:
            await self._tell(place, told.who, _MIXED)

    async def _edited(self, place: Place, told: Written, me: Me) -> None:
        if told.text == told.before:
            return  # a link's preview came
        agent, why = await self._agents.judge(told.who.team, told.who.user, me)
        kind = ActKind.EDITED if await self._was_sent(told, me) else ActKind.NOTE
        if why and kind is ActKind.NOTE:
            return
        id = f"{me.team}:{told.channel}:{told.ts}:{told.at.timestamp():.6f}"
        entry = reference(told.channel, told.ts)
        await self._act(place, told.who, DeskAct(id=id, at=told.at, by=agent, kind=kind, text=told.text, entry=entry))
        if kind is ActKind.NOTE and self._is_marked(told.text, quoted=told.quoted):
            await self._tell(place, told.who, _EDITED)

    async def _deleted(self, place: Place, told: Written, me: Me) -> None:
        if not await self._was_sent(told, me):
            return
        agent, _ = await self._agents.judge(told.who.team, told.who.user, me)
        id = f"{me.team}:{told.channel}:{told.ts}:deleted"
        entry = reference(told.channel, told.ts)
        act = DeskAct(id=id, at=told.at, by=agent, kind=ActKind.DELETED, text=told.before or told.text, entry=entry)
        await self._act(place, told.who, act)

    async def _was_sent(self, told: Written, me: Me) -> bool:
        """Whether it was handed over for the customer: it is marked for them, or carries one of our marks."""
        entry = reference(told.channel, told.ts)
        before = told.before if told.kind == "edited" else told.text
        if self._is_marked(before, quoted=told.quoted) or ours(told.message or {}, me.user):
            return True
        if self._sent.get(entry):
            return told.kind != "said"  # who wants it sent once more may: the core may have refused it
        if told.kind != "edited":
            return False
        try:
            return bool(await self._shown_in.marks(entry))
        except (Refused, TryLater) as failed:
            raise CallFailed("", reason=failed.reason) from failed

    def _is_marked(self, text: str, *, quoted: bool = False) -> bool:
        try:
            return for_the_customer(text, self._prefix, quoted=quoted) is not None
        except Mixed:
            return False

    # --- what is pressed and filled in ---------------------------------------------------------------------

    async def interaction(self, body: Fields, me: Me) -> Json | None:
        """Take what somebody did; the answer, None where it is none of the desk's. Raises Malformed."""
        match body.get("type"):
            case "block_actions" if (press := pressed(body, me)) is not None:
                await self._pressed(press, me)
                return {}
            case "view_submission" if (form := submitted(body, me)) is not None:
                return await self._submitted(form, me)
            case "message_action" if (wish := shortcut(body, me)) is not None:
                await self._send(wish, me)
                return {}
        return None

    async def _pressed(self, press: Pressed, me: Me) -> None:
        began = asyncio.get_running_loop().time()
        if press.verb == "home":
            await self._show_home(press.who, me)
            return
        if press.view is not None:
            await self._turn_page(press, me)
            return
        verb, _, _ = press.verb.partition(":")
        place = Place(self._desk, press.channel, press.thread)
        if verb == "mute":
            place = place_of(self._site.key, self._desk, press.value) or place
        agent, why = await self._agents.judge(press.who.team, press.who.user, me)
        id = f"{me.team}:{press.trigger}"
        if why:
            await self._refuse(place, press.who, agent, id, press.at, verb, why)
        elif verb == "mute":
            if not await self._office.act(place, DeskAct(id=id, at=press.at, by=agent, kind=ActKind.MUTE)):
                await self._tell(Place(self._desk, press.channel, ""), press.who, _GONE)
        elif verb in _DIRECT:
            kind = _DIRECT[verb]
            entry = press.value if kind is ActKind.RETRY else ""
            await self._act(place, press.who, DeskAct(id=id, at=press.at, by=agent, kind=kind, entry=entry))
        elif verb in forms.FORMS or verb == "timeline":
            await self._open(place, press, verb, began)
        else:
            await self._refuse(place, press.who, agent, id, press.at, verb, _STALE)

    async def _open(self, place: Place, press: Pressed, verb: str, began: float) -> None:
        """Open a modal, at first one that only says that it comes where what it shows takes long."""
        coming = asyncio.ensure_future(self._view(place, verb))
        try:
            done, _ = await asyncio.wait({coming}, timeout=PROMPT)
            view = coming.result() if done else forms.told("One moment")
            if view is None:
                await self._tell(place, press.who, _GONE)
                return
            opened = await self._shown("views.open", {"trigger_id": press.trigger, "view": view}, OPENED_WITHIN)
            if opened is None:
                await self._tell(place, press.who, _SLOW)
            elif not done:
                left = began + FILLED_WITHIN - asyncio.get_running_loop().time()
                await asyncio.wait({coming}, timeout=max(left, 0))
                view = coming.result() if coming.done() else forms.told("Not there", _SLOW)
                view = forms.told("Not there", _GONE) if view is None else view
                await self._shown("views.update", {"view_id": object_of(opened, "view").get("id"), "view": view})
        finally:
            coming.cancel()

    async def _view(self, place: Place, verb: str, page: int = 0) -> Json | None:
        """The modal for an act, or the timeline; None where there is no such matter."""
        card = await self._office.card(place)
        if card is None:
            return None
        word = token(self._site.key, place)
        if verb == "timeline":
            return forms.timeline(await self._office.timeline(place, page), card.name, word)
        teams = await self._office.teams() if verb == "team" else {}
        return forms.form(verb, card, teams, word)

    async def _turn_page(self, press: Pressed, me: Me) -> None:
        view = press.view or {}
        place = place_of(self._site.key, self._desk, text_of(view, "private_metadata"))
        if not press.verb.startswith("page:") or place is None or not press.value.isdecimal():
            return  # nothing that stands in a view of ours
        _, why = await self._agents.judge(press.who.team, press.who.user, me)
        shown = forms.told("Timeline", why) if why else await self._view(place, "timeline", int(press.value[:6]))
        fields = {"view_id": view.get("id"), "hash": view.get("hash"), "view": shown or forms.told("Timeline", _GONE)}
        await self._shown("views.update", fields)

    async def _submitted(self, form: Submitted, me: Me) -> Json:
        """Do what was filled in; the answer says what is wrong with it, or why it is not done."""
        place = place_of(self._site.key, self._desk, form.token)
        agent, why = await self._agents.judge(form.who.team, form.who.user, me)
        if place is None or form.verb not in _FILLED:
            return _instead(_STALE)
        if why:
            await self._audit(place, agent, form.id, self._site.now(), form.verb, why)
            return _instead(f"Not done: {why}.")
        try:
            act = await self._filled(form, agent, me)
        except Wrong as wrong:
            return {"response_action": "errors", "errors": wrong.errors}
        return {} if await self._office.act(place, act) else _instead(_GONE)

    async def _filled(self, form: Submitted, agent: Agent, me: Me) -> DeskAct:
        values, text = form.values, form.values.get("text", "").strip()
        act = partial(DeskAct, id=form.id, at=self._site.now(), by=agent, kind=_FILLED[form.verb])
        if form.verb in _WORDED and not text:
            raise Wrong("text", "Write something.")
        match form.verb:
            case "assign":
                them = await self._assignee(values.get("who", ""), me)
                return act(value=them.id, text=them.name)
            case "snooze":
                return act(value=self._moment(values.get("until", "")).isoformat())
            case _:
                return act(value=values.get("value", ""), text=text)

    async def _assignee(self, user: str, me: Me) -> Agent:
        if not (user.isascii() and user.isalnum()):
            raise Wrong("who", "Choose somebody.")
        them, why = await self._agents.judge(me.team, user, me)
        if why:
            raise Wrong("who", f"They cannot have it: {why}.")
        return them

    def _moment(self, seconds: str) -> datetime:
        if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 11):
            raise Wrong("until", "Choose a time.")
        until = datetime.fromtimestamp(int(seconds), UTC)
        if until <= self._site.now():
            raise Wrong("until", "Choose a time that is still to come.")
        return until

    async def _send(self, wish: Shortcut, me: Me) -> None:
        """Send what stands in a thread already."""
        about = wish.written
        place, entry = Place(self._desk, about.channel, about.thread), reference(about.channel, about.ts)
        if not await self._is_matter(place):
            await self._tell(place, wish.who, _GONE)
            return
        agent, why = await self._agents.judge(wish.who.team, wish.who.user, me)
        id = f"{me.team}:{wish.trigger}"
        if why:
            await self._refuse(place, wish.who, agent, id, self._site.now(), about.text, why)
        elif wish.by_machine:
            await self._tell(place, wish.who, _MACHINE)
        elif self._lately.get(entry) or await self._was_sent(about, me):
            await self._tell(place, wish.who, _SENT)
        else:
            self._lately.keep(entry, True, _TWICE)
            await self._reply(place, wish.who, about, agent, id)

    async def _reply(self, place: Place, who: Who, about: Written, agent: Agent, id: str) -> None:
        entry = reference(about.channel, about.ts)
        act = DeskAct(
            id=id,
            at=self._site.now(),
            by=agent,
            kind=ActKind.REPLY,
            text=about.text,
            entry=entry,
            files=about.files,
        )
        try:
            await self._act(place, who, act)
        except BaseException:
            self._lately.keep(entry, True, 0)
            raise
        self._sent.keep(entry, True, _KNOWN)

    # --- the command and the home --------------------------------------------------------------------------

    async def command(self, body: Fields, me: Me) -> Json | None:
        """Answer staff's slash command; None where it is none of theirs. Raises Malformed."""
        if body.get("command") != self._command or not await self._office.teams():
            return None
        asked = commanded(body, me)
        if asked is None:
            return None
        agent, why = await self._agents.judge(asked.who.team, asked.who.user, me)
        if why:
            self._log.info("command_refused", reason=why)
            return _answer(f"Not done: {why}.")
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._answered(asked, agent, me)
        except TimeoutError:
            return _answer(_SLOW)

    async def _answered(self, asked: Commanded, agent: Agent, me: Me) -> Json:
        cards, url = partial(self._office.cards, agent=agent), self._link(me)
        match asked.word:
            case "" | "mine":
                return _listed("Your cases", await cards(Look.MINE), url)
            case "queue":
                return _listed("The queue", await cards(Look.TEAM, team=asked.rest), url)
            case "overdue":
                return _listed("Overdue", await cards(Look.OVERDUE), url)
            case "search" if asked.rest:
                return _listed(f"Found for “{asked.rest[:100]}”", await cards(Look.ALL, text=asked.rest), url)
            case "customer" if asked.rest:
                found = await cards(Look.ALL, text=asked.rest)
                if len(found) != 1:
                    return _listed(f"Found for “{asked.rest[:100]}”", found, url)
                return _answer(found[0][1].name, [*lists.listed(found, url), *card_blocks(found[0][1], acting=False)])
            case "mute":
                return await self._muted(asked, agent, me)
        return _answer(_HELP.format(self._command))

    async def _muted(self, asked: Commanded, agent: Agent, me: Me) -> Json:
        look = Look.ALL if asked.rest else Look.MINE
        found = await self._office.cards(look, agent, text=asked.rest)
        if len(found) != 1:
            word = partial(token, self._site.key)
            here = [(place, card) for place, card in found if place.desk == self._desk]
            title = "Which one?" if here else "Nothing was found."
            return _answer(title, [section(title), *lists.choices(here, "mute", "Mute", word)])
        act = DeskAct(id=f"{me.team}:{asked.trigger}", at=self._site.now(), by=agent, kind=ActKind.MUTE)
        done = await self._office.act(found[0][0], act)
        return _answer("You are reminded of it no more." if done else _GONE)

    async def _show_home(self, who: Who, me: Me) -> None:
        """Publish the home of an agent; of everybody else one that says where to write."""
        agent, why = await self._agents.judge(who.team, who.user, me)
        view = lists.stranger_home(_VISITOR)
        if not why and await self._office.teams():
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    mine = await self._office.cards(Look.MINE, agent)
                    overdue = await self._office.cards(Look.OVERDUE, agent)
                    team = await self._office.cards(Look.TEAM, agent)
            except TimeoutError:
                view = lists.home([], self._link(me), _SLOW)
            else:
                named = (("My cases", mine), ("Overdue", overdue), ("The team's queue", team))
                view = lists.home(named, self._link(me))
        await self._shown("views.publish", {"user_id": who.user, "view": view})

    def _link(self, me: Me) -> lists.Link:
        """Where a thread of this desk is read in a browser; '' of other desks."""

        def url(place: Place) -> str:
            if place.desk != self._desk or not me.url:
                return ""
            return f"{me.url.rstrip('/')}/archives/{place.room}/p{place.thread.replace('.', '')}"

        return url

    # --- to the core, and back to who did it ----------------------------------------------------------------

    async def _act(self, place: Place, who: Who, act: DeskAct) -> None:
        if not await self._office.act(place, act):
            await self._tell(place, who, _GONE)

    async def _refuse(self, place: Place, who: Who, agent: Agent, id: str, at: datetime, what: str, why: str) -> None:
        """Write down that somebody tried who may not, and tell them."""
        await self._audit(place, agent, id, at, what, why)
        await self._tell(place, who, f"Not done: {why}" if why.endswith(".") else f"Not done: {why}.")

    async def _audit(self, place: Place, agent: Agent, id: str, at: datetime, what: str, why: str) -> None:
        act = DeskAct(id=f"{id}:refused", at=at, by=agent, kind=ActKind.REFUSED, text=what, value=why)
        await self._office.act(place, act)
        self._log.info("act_refused", reason=why)

    async def _tell(self, place: Place, who: Who, text: str) -> None:
        """Tell one person; that they cannot be told holds up nothing."""
        fields = {"channel": place.room, "user": who.user, "text": escape(text)}
        fields |= {"thread_ts": place.thread} if place.thread else {}
        try:
            await self._account.call(call_of("chat.postEphemeral", fields), TELL_WITHIN)
        except CallFailed as failed:
            self._log.info("notice_not_shown", reason=failed.reason)

    async def _shown(self, method: str, fields: Json, seconds: float = TELL_WITHIN) -> Mapping[str, object] | None:
        """Show a view; None where Slack did not."""
        try:
            return await self._account.call(call_of(method, fields), seconds)
        except CallFailed as failed:
            self._log.warning("view_not_shown", reason=failed.reason)
            return None


def _answer(text: str, blocks: list[Json] | None = None) -> Json:
    """What only who gave a command sees."""
    told: Json = {"response_type": "ephemeral", "text": escape(text) or "–"}
    return told | {"blocks": blocks} if blocks else told


def _listed(title: str, found: lists.Matters, url: lists.Link) -> Json:
    return _answer(title, [section(f"{title}: {len(found)}"), *lists.listed(found, url)])


def _instead(text: str) -> Json:
    """A modal in place of the one that was submitted."""
    return {"response_action": "update", "view": forms.told("Not done", text)}
