"""The guides for SMS and WhatsApp promise what `omnibot check` says; so it must be what the code says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLACES = re.compile(
    r"…|\{\w+\}|https://\S*|\d+(\.\d+)?( USD| s)?|'[A-Z]\w+'|\bGET\b|\b(offline|pending|\d+)\b|\b[a-z_.]+: "
)


def said() -> list[str]:
    """Every text of the channels' code, without what is put into it."""
    texts = []
    for source in (ROOT / "channels" / "omnibot_twilio").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


def promised() -> Iterator[str]:
    for guide in ("sms", "whatsapp"):
        text = (ROOT / "docs" / "channels" / f"{guide}.md").read_text(encoding="utf-8")
        for row in re.findall(r"^\| (?!mistake|---)[^|]+\| ([^|]+) \|$", text, re.MULTILINE):
            yield from re.findall(r"`([^`]+)`", row)


@pytest.mark.parametrize("phrase", sorted({*promised()} - {"omnibot outbox list", "max_text"}))
def test_what_the_guides_promise_is_said(phrase: str) -> None:
    texts = said()
    for piece in PLACES.sub("\0", phrase).split("\0"):
        words = piece.strip(" ,`")
        assert not words or any(words in text for text in texts), words


def test_there_are_promises() -> None:
    assert len([*promised()]) > 30
