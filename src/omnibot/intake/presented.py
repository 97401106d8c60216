"""Tokens in what people write: taken out of the text before anything else sees it, since whoever reads one can use it.

A token is shown by `/link TOKEN` on a line of its own, by Telegram's `/start CODE`, by the address that carries it, or
by itself. Signed tokens anywhere else are only taken out: who asks why theirs is refused wants no account linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from omnibot.tokens import as_code, is_signed

MASK = "…"
_LEAST = 20  # characters: what is shorter behind /link is a word, or an address

_COMMAND = re.compile(
    r"^[ \t]*/?(?P<command>start|link)(?:@\w{1,64})?[ \t]+(?P<token>[A-Za-z0-9._-]++)[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)
_ADDRESS = re.compile(
    r"^[ \t]*https?://[^\s?]++\?(?:token|start)=(?P<token>[A-Za-z0-9._-]++)\S*+[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)
_ALONE = re.compile(r"\s*(?P<token>[A-Za-z0-9._-]++)\s*", re.ASCII)
_SIGNED = re.compile(r"(?<![\w-])eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]*+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Presented:
    """A text without its tokens, and the one that was shown; '' when none was."""

    text: str
    token: str = ""


def presented(text: str) -> Presented:
    """Take the tokens out of a text; in linear time. The first that was shown counts."""
    folded = text.lower()
    shown = list(_shown(_COMMAND, text)) if "link" in folded or "start" in folded else []
    if "token=" in folded or "start=" in folded:
        shown += _shown(_ADDRESS, text)
    if not shown and (alone := _ALONE.fullmatch(text)) and _is_token(alone["token"]):
        shown = [alone["token"]]
    for token in sorted(set(shown), key=len, reverse=True):
        text = text.replace(token, MASK)
    return Presented(_SIGNED.sub(MASK, text) if "eyJ" in text else text, shown[0] if shown else "")


def _shown(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    return (found["token"] for found in pattern.finditer(text) if _is_shown(found))


def _is_shown(found: re.Match[str]) -> bool:
    """Whether it is a token, or was meant as one. Telegram's /start carries the names of campaigns, too."""
    token = found["token"]
    return _is_token(token) or (found.groupdict().get("command", "").lower() == "link" and _was_meant(token))


def _is_token(text: str) -> bool:
    return bool(as_code(text)) or (text.startswith("eyJ") and is_signed(text))


def _was_meant(text: str) -> bool:
    """A token that was cut short or is too long: no word and no number is like that."""
    return len(text) >= _LEAST and not text.isdecimal()
