"""mrkdwn and rich text as HTML, roughly as Slack shows them. Everything that people and apps wrote is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from markupsafe import Markup, escape

from omnibot.sandbox.slack.mrkdwn import emphasis, unescape

Json = dict[str, Any]
Names = Callable[[str], str]

_EMOJI = {
    "+1": "👍", "-1": "👎", "100": "💯", "bell": "🔔", "bulb": "💡", "clipboard": "📋", "clock1": "🕐", "eyes": "👀",
    "fire": "🔥", "hand": "✋", "heart": "❤️", "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "lock": "🔒",
    "mag": "🔍", "memo": "📝", "no_entry": "⛔", "ok_hand": "👌", "paperclip": "📎", "question": "❓",
    "raised_hand": "✋", "robot_face": "🤖", "rotating_light": "🚨", "smile": "😄", "speech_balloon": "💬",
    "star": "⭐", "tada": "🎉", "thumbsdown": "👎", "thumbsup": "👍", "warning": "⚠️", "wave": "👋",
    "white_check_mark": "✅", "x": "❌", "zap": "⚡",
}  # fmt: skip
_SHORTCODE = re.compile(r":([a-z0-9_+-]+):")
_PARTS = re.compile(r"\n?```(?P<block>.*?)```\n?|`(?P<code>[^`\n]+)`|<(?P<link>[^<>\n]*)>", re.DOTALL)
_KEPT = re.compile("\0")
_TAGS = {"*": "b", "_": "i", "~": "s"}
_EMPHASES = [(emphasis(mark), tag) for mark, tag in _TAGS.items()]
_SAFE = ("http://", "https://", "mailto:")


def emoji(name: str) -> str:
    """The character of a well-known emoji, or its name between colons."""
    return _EMOJI.get(name.partition("::")[0], f":{name}:")


def plain(text: str) -> Markup:
    """A plain text."""
    return _broken(escape(_with_emoji(unescape(text))))


def mrkdwn(text: str, name: Names) -> Markup:
    """A mrkdwn text: emphasis, code, quotes, links and mentions."""
    kept: list[Markup] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(_part(match, name))
        return "\0"

    bare = _PARTS.sub(keep, text.replace("\0", "\N{REPLACEMENT CHARACTER}"))
    shown = str(escape(_with_emoji(unescape(bare))))
    for pattern, tag in _EMPHASES:
        shown = pattern.sub(rf"<{tag}>\1</{tag}>", shown)
    pieces = iter(kept)
    return Markup(_KEPT.sub(lambda _: next(pieces), _quoted(_broken(Markup(shown)))))


def _part(match: re.Match[str], name: Names) -> Markup:
    if match["block"] is not None:
        return Markup("<pre>{}</pre>").format(unescape(match["block"]).strip("\n"))
    if match["code"] is not None:
        return Markup("<code>{}</code>").format(unescape(match["code"]))
    target, _, label = match["link"].partition("|")
    return _angle(unescape(target), unescape(label), name)


def _angle(target: str, label: str, name: Names) -> Markup:
    """What is seen of `<…>`."""
    if target.startswith("@"):
        return mention("@" + name(target[1:]))
    if target.startswith("#"):
        return mention("#" + (label or name(target[1:])))
    if target.startswith("!subteam^"):
        return mention(label or "@" + name(target.removeprefix("!subteam^")))
    if target.startswith("!date^"):
        return escape(label)
    if target.startswith("!"):
        return mention("@" + target[1:])
    return link(target, label)


def mention(text: str) -> Markup:
    """Somebody or something that is named by @ or #."""
    return Markup('<span class="mention">{}</span>').format(text)


def link(url: str, label: str = "") -> Markup:
    """A link; one that leads anywhere but to the web or to mail is text."""
    text = label or url.removeprefix("mailto:")
    if not url.startswith(_SAFE):
        return escape(text)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, text)


def _with_emoji(text: str) -> str:
    return _SHORTCODE.sub(lambda match: emoji(match[1]), text)


def _broken(text: Markup) -> Markup:
    return Markup("<br>").join(Markup(line) for line in text.split("\n"))


def _quoted(text: Markup) -> str:
    lines = str(text).split("<br>")
    quotes = [line.startswith("&gt;") for line in lines]
    shown = [
        f"<blockquote>{line.removeprefix('&gt;').strip()}</blockquote>" if quote else line
        for line, quote in zip(lines, quotes, strict=True)
    ]
    return "<br>".join(shown).replace("</blockquote><br>", "</blockquote>")


# --- rich text -----------------------------------------------------------------------------------------------


def rich(elements: Iterable[Json], name: Names) -> Markup:
    """The sections, lists, quotes and code of a rich text."""
    return Markup("").join(_rich(element, name) for element in elements)


def _rich(element: Json, name: Names) -> Markup:
    inner = element.get("elements", ())
    match element.get("type"):
        case "rich_text_list":
            items = Markup("").join(
                Markup("<li>{}</li>").format(_inline(item.get("elements", ()), name)) for item in inner
            )
            tag = "ol" if element.get("style") == "ordered" else "ul"
            return Markup(f'<{tag} start="{{}}">{{}}</{tag}>').format(int(element.get("offset", 0)) + 1, items)
        case "rich_text_quote":
            return Markup("<blockquote>{}</blockquote>").format(_inline(inner, name))
        case "rich_text_preformatted":
            return Markup("<pre>{}</pre>").format(_inline(inner, name))
        case _:
            return Markup("<div>{}</div>").format(_inline(inner, name))


def _inline(elements: Iterable[Json], name: Names) -> Markup:
    return Markup("").join(_words(elements, name))


def _words(elements: Iterable[Json], name: Names) -> Iterator[Markup]:
    for element in elements:
        match element.get("type"):
            case "link":
                yield link(str(element.get("url", "")), str(element.get("text", "")))
            case "user":
                yield mention("@" + name(str(element.get("user_id", ""))))
            case "channel":
                yield mention("#" + name(str(element.get("channel_id", ""))))
            case "usergroup":
                yield mention("@" + name(str(element.get("usergroup_id", ""))))
            case "broadcast":
                yield mention(f"@{element.get('range', '')}")
            case "emoji":
                yield escape(emoji(str(element.get("name", ""))))
            case "date":
                yield escape(str(element.get("fallback", "")))  # Slack shows it by each reader's clock
            case "color":
                yield escape(str(element.get("value", "")))
            case _:
                yield _styled(str(element.get("text", "")), element.get("style"))


def _styled(text: str, style: object) -> Markup:
    shown = _broken(escape(_with_emoji(text)))
    if isinstance(style, dict):
        for field, tag in (("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code")):
            if style.get(field):
                shown = Markup(f"<{tag}>{{}}</{tag}>").format(shown)
    return shown
