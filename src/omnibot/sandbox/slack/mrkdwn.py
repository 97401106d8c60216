"""Slack's mrkdwn, in both directions: what a person's typing becomes, and what of a text is seen.

Source: docs.slack.dev/messaging/formatting-message-text. Laxer than Slack in one point: `:emoji:` stays as written.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_BROADCASTS = ("channel", "here", "everyone")
_TYPED = re.compile(
    r"(?P<url>https?://[^\s<>|\"]*[^\s<>|\".,;:!?')\]])"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<!\w)@(?P<handle>[A-Za-z0-9][\w.-]*\w|\w)"
    r"|(?<!\w)\#(?P<room>[a-z0-9][\w-]*)"
)
_ANGLE = re.compile(r"<([^<>\n]*)>")
_LINK = re.compile("\0")
_CODE = re.compile(r"```(.*?)```|`([^`\n]+)`", re.DOTALL)
_QUOTE = re.compile(r"^(?:&gt;){1,3} ?", re.MULTILINE)


def emphasis(mark: str) -> re.Pattern[str]:
    """Bold, italic or struck: the mark hugs words on both sides, and no word touches it from outside."""
    m = re.escape(mark)
    return re.compile(rf"(?<![\w{m}]){m}(?![\s{m}])([^{m}\n]*?)(?<!\s){m}(?![\w{m}])")


_EMPHASES = tuple(map(emphasis, "*_~"))


def escape(text: str) -> str:
    """A text as it stands literally in mrkdwn."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def unescape(text: str) -> str:
    """The characters behind `&amp;`, `&lt;` and `&gt;`."""
    return _ENTITY.sub(lambda match: _CHARACTERS[match[1]], text)


# --- what people type --------------------------------------------------------------------------------------


def typed(text: str, people: Mapping[str, str], rooms: Mapping[str, str]) -> tuple[str, list[Json]]:
    """What Slack makes of typing: the `text` of the message, and the elements of its rich text.

    `people` and `rooms` are ids by the name that stands behind @ or #.
    """
    pieces: list[str] = []
    elements: list[Json] = []
    position = 0
    for match in _TYPED.finditer(text):
        found = _understood(match, people, rooms)
        if found is None:
            continue
        before = text[position : match.start()]
        if before:
            pieces.append(escape(before))
            elements.append({"type": "text", "text": before})
        pieces.append(found[0])
        elements.append(found[1])
        position = match.end()
    if position < len(text):
        pieces.append(escape(text[position:]))
        elements.append({"type": "text", "text": text[position:]})
    return "".join(pieces), elements


def quotations(text: str) -> Iterator[tuple[str, bool]]:
    """What was typed, in parts: lines behind `>` are a quotation, without that, all others are none."""
    for quoted, lines in itertools.groupby(text.split("\n"), key=lambda line: line.startswith(">")):
        yield "\n".join(line.removeprefix(">").removeprefix(" ") if quoted else line for line in lines), quoted


def quote(escaped: str) -> str:
    """A quotation as the `text` of a message has it."""
    return "\n".join(f"&gt; {line}" for line in escaped.split("\n"))


def _understood(match: re.Match[str], people: Mapping[str, str], rooms: Mapping[str, str]) -> tuple[str, Json] | None:
    if url := match["url"]:
        return f"<{escape(url)}>", {"type": "link", "url": url}
    if mail := match["mail"]:
        return f"<mailto:{mail}|{mail}>", {"type": "link", "url": f"mailto:{mail}", "text": mail}
    if handle := match["handle"]:
        if handle in _BROADCASTS:
            return f"<!{handle}>", {"type": "broadcast", "range": handle}
        if handle in people:
            return f"<@{people[handle]}>", {"type": "user", "user_id": people[handle]}
        return None
    if match["room"] in rooms:
        room = rooms[match["room"]]
        return f"<#{room}|{match['room']}>", {"type": "channel", "channel_id": room}
    return None


# --- what people see ---------------------------------------------------------------------------------------


def seen(text: str, name: Callable[[str], str]) -> str:
    """What is seen of mrkdwn: no marks, no escapes, links by their label, mentions by name.

    `name` gives the name of a user or channel by id.
    """
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    shown: list[str] = []
    position = 0
    for match in _CODE.finditer(text):
        shown.append(_prose(text[position : match.start()], name))
        shown.append(unescape(_linked(match[1] if match[1] is not None else match[2], name)))
        position = match.end()
    shown.append(_prose(text[position:], name))
    return "".join(shown)


def _prose(text: str, name: Callable[[str], str]) -> str:
    """Emphasis goes around links, never into their targets: each link stands as one NUL until the marks are gone."""
    links = iter(_ANGLE.findall(text))
    text = _QUOTE.sub("", _ANGLE.sub("\0", text))
    for emphasis in _EMPHASES:
        text = emphasis.sub(r"\1", text)
    return unescape(_LINK.sub(lambda _: _angle(next(links), name), text))


def _linked(text: str, name: Callable[[str], str]) -> str:
    return _ANGLE.sub(lambda match: _angle(match[1], name), text)


def _angle(inside: str, name: Callable[[str], str]) -> str:
    """What is seen of `<…>`; what it holds is still escaped."""
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return "@" + escape(name(target[1:]))
    if target.startswith("#"):
        return "#" + (label or escape(name(target[1:])))
    if target.startswith("!subteam^"):
        return label or "@" + escape(name(target.removeprefix("!subteam^")))
    if target.startswith("!date^"):
        return label
    if target.startswith("!"):
        return "@" + target[1:]
    return label or target.removeprefix("mailto:")
