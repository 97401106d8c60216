"""Slack's mrkdwn, in and out (docs.slack.dev/messaging/formatting-message-text). Nothing else escapes or unescapes."""

from __future__ import annotations

import re

# What Slack writes in angle brackets; a slash command comes with those that somebody typed, too.
_ANGLE = re.compile(r"<([@#!][^<>\n]*|[a-z][a-z0-9+.-]*:[^<>\n]*)>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escape(text: str) -> str:
    """A text that notifies nobody and links nothing: what stands in angle brackets stays as it is written."""
    return text.translate(_ESCAPES)


def names(text: str, user: str) -> bool:
    """Whether a message names somebody; what is typed like a mention is escaped and none."""
    return any(_mentioned(inside) == user for inside in _ANGLE.findall(text))


def words(text: str, user: str, name: str) -> str:
    """What somebody said, as plain text: no escapes, links written out, everybody called by a name.

    The bot (`user`, called `name`) is named to be spoken to: at the beginning and the end that says nothing.
    """
    ours = re.compile(rf"<@{re.escape(user)}(\|[^<>\n]*)?>")
    text = text.strip()
    while (begins := ours.match(text)) is not None:
        text = text[begins.end() :].lstrip(" \t\n,:;–—-")
    while (ends := _at_the_end(ours, text)) is not None:
        text = text[: ends.start()].rstrip(" \t\n,")
    text = ours.sub(f"@{name}", text)
    return _unescape(_ANGLE.sub(lambda match: _written_out(match[1]), text))


def _at_the_end(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    place = text.rfind("<")
    return pattern.fullmatch(text, place) if place >= 0 else None


def _mentioned(inside: str) -> str:
    return inside[1:].partition("|")[0] if inside.startswith("@") else ""


def _unescape(text: str) -> str:
    return _ENTITY.sub(lambda match: _CHARACTERS[match[1]], text)


def _written_out(inside: str) -> str:
    """What `<…>` means; what it holds is still escaped."""
    target, _, label = inside.partition("|")
    match target[:1]:
        case "@" | "#":
            return target[0] + (label or target[1:])
        case "!":
            return _special(target[1:], label)
    if not label or label == target or target in (f"mailto:{label}", f"tel:{label}"):
        return label or target
    # An address that Slack completed by itself is not worth saying twice.
    return label if target.split("://", 1)[-1].rstrip("/") == label.rstrip("/") else f"{label} ({target})"


def _special(command: str, label: str) -> str:
    kind, _, _ = command.partition("^")
    if kind in ("subteam", "date"):
        return label or f"@{kind}"
    return f"@{label or kind}".replace("@@", "@")
