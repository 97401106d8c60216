"""docs/playbooks.md: a first playbook grows from an empty file, and each step of it does what the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omnibot.dialogue import Company, Knowledge, Team, decide, judged
from omnibot.model import (
    Address,
    AddressId,
    CustomerId,
    Direction,
    Event,
    Intent,
    KnownAddress,
    Limits,
    MessageId,
    Plan,
    Proof,
    Reading,
    Recollection,
    Sentiment,
    Signal,
    Snapshot,
    TimelineMessage,
    TurnMessage,
    Urgency,
    plain,
)
from omnibot.playbooks import FUNCTIONS, ROOTS, Playbooks
from omnibot.voice import Speaker, Voices, compose

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TELEGRAM = KnownAddress(id=AddressId(1), address=Address("telegram", "4711"), proof=Proof.PROVEN, account="main")
GREETED = TimelineMessage(
    id=MessageId(1),
    customer=CustomerId(1),
    address=TELEGRAM.address,
    direction=Direction.OUT,
    at=NOON,
    text="Hi there.",
)


def blocks() -> Iterator[tuple[str, str]]:
    """What stands between fences, each with its kind."""
    yield from re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def told() -> Event:
    """As the page's own command tells it."""
    [line] = re.findall(r"^    omnibot event (.*)$", PAGE, re.MULTILINE)
    name, id_, at, carrier = re.fullmatch(
        r"(\w+) --of telegram:4711 --id (\S+) --at (\S+) carrier=(\w+)", line
    ).groups()  # type: ignore[union-attr]
    return Event(id=id_, name=name, at=datetime.fromisoformat(at), properties={"carrier": carrier})


def company(folder: Path) -> Company:
    playbooks, knowledge = Playbooks.load(folder), Knowledge.load(folder)
    assert judged(playbooks, knowledge, {"support"}, contact=False) == []
    return Company(knowledge, playbooks, teams={"support": Team(key="support")})


def asked(folder: Path, *events: Event) -> Plan:
    reading = Reading(
        language=Signal("en", 0.99),
        sentiment=Sentiment(0.0, 0.0, known=False),
        urgency=Signal(Urgency.NORMAL, 0.0, known=False),
        intent=Intent("late-delivery", 0.9),
    )
    customer = Snapshot(customer=CustomerId(1), addresses=(TELEGRAM,), events=events)
    message = TurnMessage(id=MessageId(2), address=TELEGRAM.id, at=NOON, text="My order has not arrived")
    return decide(customer, reading, Recollection(recent=(GREETED,)), [message], company(folder), {"telegram"})


def said(plan: Plan) -> list[str]:
    return [f"{move.kind.value}.{move.topic}" for move in plan.moves]


def test_each_step_of_the_first_playbook_does_what_the_page_says(tmp_path: Path) -> None:
    playbook, checked = "", 0
    for kind, text in blocks():
        match kind:
            case "yaml":
                playbook += text
                (tmp_path / "late-delivery.yaml").write_text(playbook, encoding="utf-8")
            case "markdown":
                (tmp_path / "late-delivery.en.md").write_text(text, encoding="utf-8")
            case "moves":
                events = (told(),) if "parcel_delayed" in playbook else ()
                assert said(asked(tmp_path, *events)) == text.split()
                checked += 1
        if "answers" in playbook:
            company(tmp_path)
    assert checked == 3
    assert said(asked(tmp_path)) == ["ask.which-order"]


def test_the_reply_reads_as_the_page_says(tmp_path: Path) -> None:
    for kind, text in blocks():
        name = {"yaml": "late-delivery.yaml", "markdown": "late-delivery.en.md"}.get(kind)
        if name:
            with (tmp_path / name).open("a", encoding="utf-8") as file:
                file.write(text)
    voices = Voices.load(ROOT / "config" / "voice", ("en",))
    plan = asked(tmp_path, told())
    customer = Snapshot(customer=CustomerId(1), addresses=(TELEGRAM,))
    limits = {"telegram": Limits(text=4096)}
    [draft] = compose(plan, customer, limits, Speaker("Example Ltd", "Omnibot", voices=voices), 1, (GREETED,), at=NOON)
    [quoted] = re.findall(r'reads "(Fastline [^"]+)"', PAGE)
    assert quoted in plain(draft.parts)
    assert "As soon as it is scanned again, the tracking page shows it." in plain(draft.parts)


@pytest.mark.parametrize("name", [*FUNCTIONS, *ROOTS])
def test_everything_that_an_expression_can_name_is_explained(name: str) -> None:
    rows = [line for line in PAGE.splitlines() if re.match(rf"\| `{name}[(`]", line)]
    assert any(all(f"`{attribute}`" in row for attribute in ROOTS.get(name, ())) for row in rows)
