"""What a reply is made of, before a channel makes it its own."""

from __future__ import annotations

from collections.abc import Sequence

from omnibot.model.values import frozen


@frozen
class Paragraph:
    """Running text."""

    text: str


@frozen
class Steps:
    """Things to do in this order."""

    items: tuple[str, ...]


@frozen
class Link:
    """A place to read on."""

    label: str
    url: str


@frozen
class Choice:
    """A quick reply; pressing it comes back as a `ButtonPress` with its value."""

    label: str
    value: str


@frozen
class File:
    """A file that goes along; `ref` is by what `Site.files` finds its bytes."""

    name: str  # as the customer sees it
    media_type: str
    size: int  # bytes
    ref: str


@frozen
class OwnNumber:
    """A button by which somebody shares their own number, as their provider knows it; '' takes it away again."""

    label: str


Part = Paragraph | Steps | Link | Choice | File | OwnNumber


def plain(parts: Sequence[Part]) -> str:
    """Parts as plain text: steps numbered, links behind their label, choices and files left to the channel."""
    texts = [part.text if isinstance(part, Paragraph) else _plain(part) for part in parts]
    return "\n\n".join(filter(None, texts))


def _plain(part: Part) -> str:
    if isinstance(part, Steps):
        return "\n".join([f"{number}. {item}" for number, item in enumerate(part.items, 1)])
    return f"{part.label}: {part.url}" if isinstance(part, Link) else ""
