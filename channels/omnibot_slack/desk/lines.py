"""The lines of a thread as messages."""

from __future__ import annotations

from omnibot.model import DeliveryState, Entry, EntryKind
from omnibot_slack.desk.kit import Json, actions, button, clip, line, moment, one_line, rich, words
from omnibot_slack.mrkdwn import escape

PART = 11_000  # characters of a text in one message; Slack takes some 13,000 in all
NOTICE = 3000
_NAME = 100
_FILES = 20

MARKS = {
    DeliveryState.QUEUED: "hourglass_flowing_sand",
    DeliveryState.HELD: "hourglass_flowing_sand",
    DeliveryState.SENDING: "hourglass_flowing_sand",
    DeliveryState.SENT: "arrow_upper_right",
    DeliveryState.DELIVERED: "white_check_mark",
    DeliveryState.READ: "eyes",
    DeliveryState.REFUSED: "x",
    DeliveryState.SUPPRESSED: "x",
    DeliveryState.DEAD: "x",
    DeliveryState.UNKNOWN: "grey_question",
}
FAILED = frozenset({DeliveryState.REFUSED, DeliveryState.SUPPRESSED, DeliveryState.DEAD, DeliveryState.UNKNOWN})
_TOLD = {
    DeliveryState.UNKNOWN: "Nobody can say whether this has arrived",
    DeliveryState.SUPPRESSED: "This was not sent",
}


def parts_of(text: str) -> list[str]:
    """A text in pieces that a message holds; one, perhaps empty, of what is short."""
    return [text[start : start + PART] for start in range(0, len(text), PART)] or [""]


def entry_blocks(entry: Entry, text: str, *, first: bool = True) -> list[Json]:
    """A line, or a part of it, behind who wrote it where and when."""
    if entry.kind in (EntryKind.NOTICE, EntryKind.REMINDER):
        mark = "⏰ " if entry.kind is EntryKind.REMINDER else ""
        return rich(line(words(mark), words(text or "–", italic=entry.kind is EntryKind.NOTICE)))
    said = text if text or entry.files else "(nothing that can be shown)"
    names = [f"📎 {clip(one_line(file.name), _NAME)}" for file in entry.files[:_FILES]] if first else []
    head = [*words(_head(entry), bold=True), *words(" · "), moment(entry.at), *words("\n")] if first else []
    return rich(line(head, words("\n".join(filter(None, (said, *names))))))


def fallback(entry: Entry) -> str:
    """What notifications show; mrkdwn."""
    return escape(clip(f"{_head(entry)}: {one_line(entry.text)}" if entry.name else one_line(entry.text), 300)) or "–"


def failure_blocks(state: DeliveryState, reason: str, entry: str) -> list[Json]:
    """That something did not come to the customer, and by what it is sent again."""
    told = _TOLD.get(state, "This did not arrive")
    why = f": {clip(one_line(reason), NOTICE)}" if reason else "."
    shown = rich(line(words(f"❌ {told}", bold=True), words(why)))
    return [*shown, actions(button("Send again", "retry", entry))] if entry else shown


def _head(entry: Entry) -> str:
    """Who wrote it where: what has no author is the bot's, or of a customer without a name."""
    arrow, nobody = ("→ customer", "The bot") if entry.kind is EntryKind.SAID else ("", "Customer")
    where = f"({clip(one_line(entry.channel), _NAME)})" if entry.channel else ""
    return " ".join(filter(None, (clip(one_line(entry.name), _NAME) or nobody, arrow, where)))
