"""What Slack tells of what agents do, read into the few fields that we need.

Written after docs.slack.dev/reference/interaction-payloads and /reference/events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from omnibot.model import Attachment
from omnibot_slack.account import Me
from omnibot_slack.desk.kit import ACTION
from omnibot_slack.parse import Fields, at_of, content, id_of, is_direct, list_of, object_of, storable, text_of

QUOTE = ">"
SEND = f"{ACTION}send"  # the callback_id of the message shortcut


@dataclass(frozen=True, slots=True)
class Who:
    """Who did something, by the ids of their workspace and their own."""

    team: str
    user: str


@dataclass(frozen=True, slots=True)
class Written:
    """A message in a thread, new, changed or deleted."""

    kind: str  # said, edited, deleted
    who: Who
    channel: str
    thread: str
    ts: str
    root: str  # who began the thread; '' where Slack does not say
    text: str
    at: datetime
    before: str = ""  # what it said
    files: tuple[Attachment, ...] = ()
    quoted: bool = False  # all of it stands in a quotation
    message: Fields | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or an option of a menu, in a message or a view."""

    who: Who
    verb: str
    value: str
    trigger: str
    at: datetime
    channel: str = ""
    thread: str = ""
    view: Fields | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """A modal that was filled in."""

    who: Who
    verb: str
    token: str
    id: str
    values: Mapping[str, str]  # by the name of the input


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A message that shall go to the customer."""

    who: Who
    trigger: str
    written: Written
    by_machine: bool


@dataclass(frozen=True, slots=True)
class Commanded:
    """The slash command of staff."""

    who: Who
    trigger: str
    word: str
    rest: str


class Mixed(ValueError):
    """Only a part of a message is marked for the customer."""


def for_the_customer(text: str, prefix: str, *, quoted: bool = False) -> str | None:
    """What of a message goes to the customer; None where it is a note. Raises Mixed.

    Slack makes a quotation of lines that begin with `>`. Where only some do, it may as well be a note that quotes the
    customer: that is for nobody to guess.
    """
    text = text.strip()
    if not prefix or not text.startswith(prefix):
        return None
    if prefix != QUOTE:
        return text.removeprefix(prefix).strip()
    lines = text.split("\n")
    if not quoted and any(line.strip() and not line.lstrip().startswith(QUOTE) for line in lines):
        raise Mixed
    return "\n".join(line.lstrip().removeprefix(QUOTE).removeprefix(" ") for line in lines).strip()


def written(body: Fields, me: Me) -> Written | None:
    """What an event tells of a thread in a channel; None for anything else. Raises Malformed."""
    inner = object_of(body, "event")
    match text_of(inner, "type"), text_of(inner, "subtype"):
        case (("app_mention" | "message"), ("" | "file_share" | "thread_broadcast" | "me_message")):
            return _written(inner, inner, me, "said")
        case "message", "message_changed":
            return _written(inner, object_of(inner, "message"), me, "edited")
        case "message", "message_deleted":
            previous = inner.get("previous_message")
            return _written(inner, previous, me, "deleted") if isinstance(previous, dict) else None
    return None


def _written(event: Fields, message: Fields, me: Me, kind: str) -> Written | None:
    channel, thread, ts = id_of(event, "channel"), text_of(message, "thread_ts"), text_of(message, "ts")
    user = message.get("user")
    if is_direct(channel) or thread in ("", ts) or message.get("bot_id") or user in (None, me.user, "USLACKBOT"):
        return None
    text, files = content(message, me)
    changed = message.get("edited")
    at = text_of(changed, "ts") if kind == "edited" and isinstance(changed, dict) else text_of(event, "event_ts")
    previous = event.get("previous_message")
    before = content(previous, me)[0] if isinstance(previous, dict) else ""
    return Written(
        kind=kind,
        who=Who(_team(message, "user_team", me), id_of(message, "user")),
        channel=channel,
        thread=thread,
        ts=ts,
        root=text_of(message, "parent_user_id"),
        text=text,
        at=at_of(ts if kind == "said" else at or text_of(event, "ts")),
        before=before,
        files=files,
        quoted=_is_quotation(message),
        message=message,
    )


def _is_quotation(message: Fields) -> bool:
    """Whether all that was typed stands in a quotation: Slack writes > before its first line alone, sometimes."""
    blocks = [one for one in list_of(message, "blocks") if isinstance(one, dict) and one.get("type") == "rich_text"]
    elements = [element for block in blocks for element in list_of(block, "elements")]
    return bool(elements) and all(isinstance(one, dict) and one.get("type") == "rich_text_quote" for one in elements)


def pressed(body: Fields, me: Me) -> Pressed | None:
    """Something of the desk that was pressed; None for anything else. Raises Malformed."""
    action: Fields = next((one for one in list_of(body, "actions") if isinstance(one, dict)), {})
    name = text_of(action, "action_id")
    if not name.startswith(ACTION):
        return None
    message, view = body.get("message"), body.get("view")
    if isinstance(message, dict) and message.get("user") != me.user:
        return None  # another workspace's bot shows it
    option = action.get("selected_option")
    value = text_of(option, "value") if isinstance(option, dict) else text_of(action, "value")
    verb = name.removeprefix(ACTION)
    verb, value = (value, "") if verb == "more" else (verb, value)
    press = Pressed(_who(body, me), verb, value, text_of(body, "trigger_id"), at_of(text_of(action, "action_ts")))
    if isinstance(view, dict):
        return replace(press, view=view)
    container = object_of(body, "container")
    thread = text_of(container, "thread_ts") or text_of(container, "message_ts")
    return replace(press, channel=id_of(container, "channel_id"), thread=thread)


def submitted(body: Fields, me: Me) -> Submitted | None:
    """A modal of the desk; None for anything else. Raises Malformed."""
    view = object_of(body, "view")
    name = text_of(view, "callback_id")
    if not name.startswith(ACTION):
        return None
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    return Submitted(
        who=_who(body, me),
        verb=name.removeprefix(ACTION),
        token=text_of(view, "private_metadata"),
        id=f"{me.team}:{text_of(view, 'id')}:{text_of(view, 'hash')}",
        values=dict(_values(values if isinstance(values, dict) else {})),
    )


def _values(values: Fields) -> Sequence[tuple[str, str]]:
    """What each input holds, as text: an id, a time in seconds, the value of an option, or what was typed."""
    found = []
    for name, inputs in values.items():
        held = inputs.get(name) if isinstance(inputs, dict) else None
        if not isinstance(held, dict):
            continue
        option = held.get("selected_option")
        value = option.get("value") if isinstance(option, dict) else None
        for key in ("value", "selected_user", "selected_date_time"):
            value = held.get(key) if value is None else value
        found.append((name, storable(str(value)) if isinstance(value, str | int) else ""))
    return found


def shortcut(body: Fields, me: Me) -> Shortcut | None:
    """The shortcut by which a message goes to the customer; None for anything else. Raises Malformed."""
    if text_of(body, "callback_id") != SEND:
        return None
    message = object_of(body, "message")
    by_machine = bool(message.get("bot_id")) or not isinstance(message.get("user"), str)
    text, files = content(message, me)
    ts, author = text_of(message, "ts"), text_of(message, "user")
    about = Written(
        kind="said",
        who=Who(_team(message, "user_team", me), author),
        channel=id_of(object_of(body, "channel"), "id"),
        thread=text_of(message, "thread_ts") or ts,
        ts=ts,
        root=text_of(message, "parent_user_id"),
        text=text,
        at=at_of(ts),
        files=files,
        quoted=_is_quotation(message),
        message=message,
    )
    return Shortcut(_who(body, me), text_of(body, "trigger_id"), about, by_machine)


def commanded(body: Fields, me: Me) -> Commanded | None:
    """What staff want by their slash command; None where it was given in another workspace. Raises Malformed."""
    if body.get("team_id") != me.team:
        return None
    word, _, rest = content({"text": text_of(body, "text")}, me)[0].partition(" ")
    who = Who(me.team, id_of(body, "user_id"))
    return Commanded(who, text_of(body, "trigger_id"), word.lower(), rest.strip())


def _who(body: Fields, me: Me) -> Who:
    user = object_of(body, "user")
    return Who(_team(user, "team_id", me), id_of(user, "id"))


def _team(fields: Fields, name: str, me: Me) -> str:
    for told in (fields.get(name), fields.get("team")):
        if isinstance(told, str) and told.isalnum():
            return told
    return me.team


def home_opened(body: Fields, me: Me) -> Who | None:
    """Who looks at the app's home; None for anything else. Raises Malformed."""
    inner = object_of(body, "event")
    if text_of(inner, "type") != "app_home_opened" or inner.get("tab") != "home":
        return None
    return Who(me.team, id_of(inner, "user"))
