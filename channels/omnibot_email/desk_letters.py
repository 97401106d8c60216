"""What letters to a team say: the card of a matter, what is said in it, and how to answer. Text and HTML of the same.

What others wrote stands behind a bar, line by line, and escaped: no mail program takes it for ours, and nothing in it
acts. Every letter begins with the line above which an answer belongs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

from omnibot.contract import Page
from omnibot.model import Card, CardLine, DeliveryState, Entry, EntryKind, StretchState
from omnibot_email.decode import single_line, storable
from omnibot_email.desk_acts import MARK
from omnibot_email.render import page

_LINE = 4_000  # characters of one thing that was said, on a card
_TEXT = 100_000  # of one that comes by itself
_SHORT = 500  # of what stands in a row
_ROWS = 50  # of one kind on a card
_BAR = "| "
_GAP = "margin:0 0 1em"
_GREY = "color:#667"
_NAME = f"{_GREY};padding-right:1em;vertical-align:top"
_STATES = {
    StretchState.WAITING: "nobody has it yet",
    StretchState.TAKEN: "taken",
    StretchState.SNOOZED: "snoozed",
    StretchState.RESOLVED: "resolved",
    StretchState.RETURNED: "given back to the bot",
}
_DUE = {"first": "first answer", "next": "next answer", "resolve": "to be resolved"}
_URGENCIES = {"critical": "very urgent", "high": "urgent", "normal": "", "low": "in no hurry"}
_LANGUAGES = {"en": "English", "es": "Spanish", "de": "German", "fr": "French"}
_CHANNELS = {"sms": "SMS", "whatsapp": "WhatsApp", "telegram": "Telegram", "slack": "Slack", "email": "email"}
_FAILED = {
    DeliveryState.REFUSED: "was not delivered",
    DeliveryState.DEAD: "was not delivered, and is not tried any more",
    DeliveryState.SUPPRESSED: "was kept back",
    DeliveryState.UNKNOWN: "may or may not have arrived: nobody can tell, so it is not sent again by itself",
}
_HELP = (
    ("What you write is a note", "for your team alone, unless its first line says something else:"),
    ("#reply", "sends what you write below it, and your files, to the customer, where they like to be answered"),
    ("#take", "the matter is yours"),
    ("#assign ana@example.org", "it is hers; #assign me takes it over from who has it"),
    ("#team billing", "another team gets it"),
    ("#priority urgent", "or high, or normal"),
    ("#snooze 2h", "it comes back then; also 3d, tomorrow, 2026-03-01 14:00"),
    ("#consent to what", "asks the customer whether they agree"),
    ("#resolve reason: what worked", "it is done; what worked is remembered"),
    ("#reopen, #back", "it is open again; the bot goes on with it"),
    ("#retry", "under a letter that tells that a reply did not arrive: sends it again"),
    ("#mute", "no more reminders about it to you"),
    ("#merge 12", "the two customers of that review are one"),
    ("#note", "ends what goes to the customer, and begins a note"),
    ("#card, #timeline, #help", "shows the card as it is now, what was said on all channels, or this"),
)


@dataclass(frozen=True, slots=True)
class Own:
    """A paragraph of ours; `strong`: a headline."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote, and a line that tells who, when and where."""

    head: str
    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known, each with its name."""

    rows: Sequence[tuple[str, str]]
    listed: bool = False  # as points, not as a table


Block = Own | Said | Rows


@dataclass(frozen=True, slots=True)
class Body:
    """A letter's words in both forms."""

    text: str
    html: str


@dataclass(slots=True)
class _Form:
    text: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


def body_of(*blocks: Block) -> Body:
    """The letter, with the line on top above which an answer belongs."""
    form = _Form([MARK], [f'<p style="{_GAP};{_GREY}">{MARK}</p>'])
    for block in blocks:
        _write(block, form)
    return Body(storable("\n\n".join(form.text)), page("\n".join(form.html)))


def _write(block: Block, form: _Form) -> None:
    match block:
        case Own(text, strong):
            form.text.append(text)
            form.html.append(f'<p style="{_GAP}">{_bold(text) if strong else _lines(text)}</p>')
        case Said(head, text):
            form.text.append("\n".join([head, *(f"{_BAR}{line}".rstrip() for line in text.split("\n"))]))
            style = f"{_GAP};padding-left:.8em;border-left:3px solid #cbd"
            form.html.append(f'<div style="{_GREY}">{escape(head)}</div><div style="{style}">{_lines(text)}</div>')
        case Rows(rows, listed):
            bullet = "  - " if listed else ""
            form.text.append("\n".join(f"{bullet}{name}: {value}" for name, value in rows))
            cells = (
                f'<tr><td style="{_NAME}">{"- " if listed else ""}{escape(name)}</td><td>{_lines(value)}</td></tr>'
                for name, value in rows
            )
            form.html.append(f'<table style="{_GAP}" cellspacing="0" cellpadding="2">{"".join(cells)}</table>')


def _bold(text: str) -> str:
    return f"<b>{_lines(text)}</b>"


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


# --- a matter ----------------------------------------------------------------------------------------------------


def subject_of(card: Card | None, stretch: int) -> str:
    """The same for a whole thread, for mail programs thread by it."""
    name = single_line(card.name if card else "")[:80] or "A customer"
    return f"{name} needs people (matter {stretch})"


def card_blocks(card: Card) -> Iterator[Block]:
    """All that people should know first."""
    yield Own(f"Handed to you: {_one(card.name) or 'a customer'}. {_one(card.stretch.why)}".rstrip(), strong=True)
    yield Rows([(name, value) for name, value in _facts(card) if value])
    if card.tried:
        yield Own("What was tried", strong=True)
        yield from (_said(line, _result(line)) for line in card.tried[:_ROWS])
    if card.said:
        yield Own("What was said last", strong=True)
        yield from (_said(line) for line in card.said[-_ROWS:])
    if card.suggestion:
        yield Said("A reply that could be sent, if you like it:", _cut(card.suggestion, _LINE))
    yield from status_blocks(card)


def _facts(card: Card) -> Iterator[tuple[str, str]]:
    yield "Written from", "\n".join(f"{_one(address)} ({_one(proof)})" for address, proof in card.contacts[:_ROWS])
    yield "Customer since", f"{card.since:%d %B %Y}" if card.since else ""
    yield "Plan", _one(card.plan)
    yield "Worth", _one(card.worth)
    yield "Mood", _mood(card)
    yield "Urgency", _URGENCIES.get(card.urgency, _one(card.urgency))
    yield "Their deadline", moment(card.deadline)
    yield "They came for it", "" if card.times < 2 else f"{card.times} times"
    yield "What is open", _one(card.concern)
    yield "Writes in", _LANGUAGES.get(card.language, _one(card.language))
    yield "Lives by the clock of", _one(card.zone)
    yield "Reviews", ", ".join(f"{one} (#merge {one})" for one in card.reviews[:_ROWS])


def _mood(card: Card) -> str:
    if card.mood is None:
        return ""
    words = ((-0.5, "very unhappy"), (-0.15, "unhappy"), (0.15, "neither happy nor unhappy"), (0.5, "content"))
    word = next((word for least, word in words if card.mood <= least), "very content")
    return word + (f", {_one(card.trend)}" if card.trend else "")


def status_blocks(card: Card) -> Iterator[Block]:
    """How far people have come with it; in the foot of every letter, for a letter cannot be changed."""
    stretch = card.stretch
    owner = _one(stretch.owner.name or stretch.owner.id) if stretch.owner else ""
    state = _STATES[stretch.state]
    if stretch.state is StretchState.TAKEN and owner:
        state, owner = f"{owner} has it", ""
    if stretch.state is StretchState.SNOOZED and stretch.snoozed_until:
        state = f"snoozed until {moment(stretch.snoozed_until)}"
    due = f"{_DUE.get(card.due_for, 'due')} by {moment(card.due)}" if card.due else ""
    late = " - OVERDUE" if card.overdue else ""
    parts = [_one(card.team), state, owner and f"with {owner}", f"priority {stretch.priority}", due and due + late]
    yield Own("Now: " + "; ".join(part for part in parts if part))


def help_blocks() -> Iterator[Block]:
    """How to answer, in plain words."""
    (first, rest), *others = _HELP
    yield Own(f"{first} {rest}")
    yield Rows(others, listed=True)


# --- what is said in it ------------------------------------------------------------------------------------------


def entry_blocks(entry: Entry) -> Iterator[Block]:
    """One line of the thread."""
    match entry.kind:
        case EntryKind.HEARD | EntryKind.SAID:
            who = _one(entry.name) or ("The customer" if entry.kind is EntryKind.HEARD else "The bot")
            where = f" on {channel_name(entry.channel)}" if entry.channel else ""
            yield Said(f"{who} wrote{where}, {moment(entry.at)}:", _cut(entry.text, _TEXT))
        case EntryKind.REMINDER:
            yield Own(_cut(entry.text, _LINE), strong=True)
        case EntryKind.NOTICE:
            yield Own(_cut(entry.text, _TEXT))


def failure_blocks(state: DeliveryState, reason: str) -> Iterator[Block]:
    """That what an agent wrote did not reach the customer."""
    yield Own(f"What you sent to the customer {_FAILED[state]}.", strong=True)
    if reason:
        yield Own(f"Why: {_one(reason)}")
    yield Own("Answer this letter with #retry on the first line to send it again, or with #reply and other words.")


def is_failure(state: DeliveryState) -> bool:
    """Whether an agent must know of it by a letter of its own."""
    return state in _FAILED


def timeline_blocks(shown: Page) -> Iterator[Block]:
    """A page of what was said on all channels."""
    yield Own(f"What was said on all channels, page {shown.number}", strong=True)
    yield from (_said(line) for line in shown.lines)
    if not shown.lines:
        yield Own("There is nothing on this page.")
    if shown.earlier:
        yield Own(f"There is more before that: answer with #timeline {shown.number + 1}")


def _said(line: CardLine, result: str = "") -> Said:
    who = {"": "The customer", "bot": "The bot"}.get(line.by) or _one(line.by)
    where = f" on {channel_name(line.channel)}" if line.channel else ""
    return Said(f"{who}{where}, {moment(line.at)}{result}:", _cut(line.text, _LINE))


def _result(line: CardLine) -> str:
    return f" ({_one(line.result)})" if line.result else ""


def channel_name(channel: str) -> str:
    """As people call it."""
    return _CHANNELS.get(channel, _one(channel))


def moment(at: datetime | None) -> str:
    """A time that everybody reads alike; '' for none."""
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC" if at else ""


def _one(text: str) -> str:
    return _cut(single_line(text), _SHORT)


def _cut(text: str, most: int) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if len(text) <= most else text[: most - 2].rstrip() + " …"
