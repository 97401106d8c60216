"""What an agent's letter wants."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import ActKind
from omnibot_email.desk_acts import COMMANDS, MAX_REPLY, Around, Asked, Unclear, Wanted, steps_of

BERLIN = timezone(timedelta(hours=1))
AROUND = Around(
    at=datetime(2026, 3, 2, 10, 30, tzinfo=BERLIN),
    me="ana@example.com",
    people={
        "ana@example.com": "Ana Ruiz",
        "ben@example.com": "Ben Li",
        "ben@example.net": "",
        "senior@example.com": "",
    },
    teams={"senior": "Senior support", "billing": "Billing"},
)


def steps(text: str) -> list[Wanted | Asked]:
    return steps_of(text, AROUND)


def one(text: str) -> Wanted | Asked:
    [step] = steps(text)
    return step


def test_what_says_nothing_of_itself_is_a_note() -> None:
    assert one("he is lying\n\nor not") == Wanted(ActKind.NOTE, "he is lying\n\nor not")
    assert steps(" \n\n") == []


def test_what_stands_below_reply_goes_to_the_customer_alone() -> None:
    text = "Refund him.\n\n#reply\nHello Mike,\n\nit is done.\n\n#note\nwatch him\n#take"
    assert steps(text) == [
        Wanted(ActKind.NOTE, "Refund him."),
        Wanted(ActKind.REPLY, "Hello Mike,\n\nit is done."),
        Wanted(ActKind.NOTE, "watch him"),
        Wanted(ActKind.TAKE),
    ]


@pytest.mark.parametrize("line", ["#Reply", " #REPLY ", "#reply:", "#reply\t"])
def test_a_command_is_known_however_a_telephone_writes_it(line: str) -> None:
    assert one(f"{line}\nHello") == Wanted(ActKind.REPLY, "Hello")
    assert one("#reply Hello") == Wanted(ActKind.REPLY, "Hello")


@pytest.mark.parametrize("word", ["#nota", "#replay", "#no-te", "#customer"])
def test_nothing_is_done_where_a_word_is_not_known(word: str) -> None:
    with pytest.raises(Unclear, match=word):
        steps(f"#reply\nHello Mike\n{word} he is a pain")
    with pytest.raises(Unclear):
        steps(f"{word}\nHello Mike")


def test_what_looks_like_a_command_can_be_written() -> None:
    assert one("#reply\n\\#take that\n# A headline\n#1 is best, #2 not") == Wanted(
        ActKind.REPLY, "#take that\n# A headline\n#1 is best, #2 not"
    )


def test_a_note_below_an_act_stays_a_note() -> None:
    assert steps("#take\nafter lunch") == [Wanted(ActKind.TAKE), Wanted(ActKind.NOTE, "after lunch")]
    assert steps("#priority urgent\nhe is angry")[1] == Wanted(ActKind.NOTE, "he is angry")
    assert steps("#card\nwhere are we?")[1] == Wanted(ActKind.NOTE, "where are we?")


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("#back", Wanted(ActKind.HAND_BACK)),
        ("#team Senior Support", Wanted(ActKind.TEAM, value="senior")),
        ("#team billing", Wanted(ActKind.TEAM, value="billing")),
        ("#priority HIGH", Wanted(ActKind.PRIORITY, value="high")),
        ("#assign ana@example.com", Wanted(ActKind.ASSIGN, "Ana Ruiz", "email:ana@example.com")),
        ("#assign <Ana@Example.com>", Wanted(ActKind.ASSIGN, "Ana Ruiz", "email:ana@example.com")),
        ("#assign ana", Wanted(ActKind.ASSIGN, "Ana Ruiz", "email:ana@example.com")),
        ("#assign Me", Wanted(ActKind.ASSIGN, "Ana Ruiz", "email:ana@example.com")),
        ("#resolve fixed: restarted it", Wanted(ActKind.RESOLVE, "restarted it", "fixed")),
        ("#resolve fixed", Wanted(ActKind.RESOLVE, "", "fixed")),
        ("#resolve fixed:\nrestarted it\ntwice", Wanted(ActKind.RESOLVE, "restarted it\ntwice", "fixed")),
        ("#resolve: fixed: at 12:30", Wanted(ActKind.RESOLVE, "at 12:30", "fixed")),
        ("#merge 12", Wanted(ActKind.MERGE, "", "12")),
        ("#merge #12 same phone\nand name", Wanted(ActKind.MERGE, "same phone\nand name", "12")),
        ("#consent to be called", Wanted(ActKind.CONSENT, "to be called")),
        ("#timeline", Asked("timeline")),
        ("#timeline 3", Asked("timeline", 3)),
        ("#help", Asked("help")),
    ],
)
def test_each_command(line: str, step: Wanted | Asked) -> None:
    assert one(line) == step


@pytest.mark.parametrize(
    ("written", "until"),
    [
        ("30m", datetime(2026, 3, 2, 10, 0, tzinfo=UTC)),
        ("2 hours", datetime(2026, 3, 2, 11, 30, tzinfo=UTC)),
        ("3d", datetime(2026, 3, 5, 9, 30, tzinfo=UTC)),
        ("1 week", datetime(2026, 3, 9, 9, 30, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
        ("2026-03-05", datetime(2026, 3, 5, 8, 0, tzinfo=UTC)),
        ("2026-03-05 14:00", datetime(2026, 3, 5, 13, 0, tzinfo=UTC)),
    ],
)
def test_until_when_is_told_by_the_clock_of_who_writes(written: str, until: datetime) -> None:
    step = one(f"#snooze {written}")
    assert isinstance(step, Wanted)
    assert datetime.fromisoformat(step.value) == until


@pytest.mark.parametrize(
    "text",
    [
        "#snooze",
        "#snooze a bit",
        "#snooze 0m",
        "#snooze 9999w",
        "#snooze 2026-03-01",
        "#snooze 2026-02-30",
        "#snooze 2028-01-01",
        "#team gold",
        "#team",
        "#priority low",
        "#assign",
        "#assign mike@example.net",
        "#assign ben",  # two are called so
        "#resolve",
        "#merge",
        "#merge twelve",
        "#consent",
        "#timeline yesterday",
        "#card 2",
        "#take it now",
        "#reply\none\n#reply\ntwo",
        "#reply\n" + "x" * (MAX_REPLY + 1),
    ],
)
def test_what_is_not_clear_is_asked_back(text: str) -> None:
    with pytest.raises(Unclear, match=r"\w"):
        steps(text)


def test_what_a_mail_program_puts_below_is_not_read() -> None:
    letter = "Van: Example Support\n--- answer above this line ---\n\n#reply\nHello\n#nonsense"
    assert steps(f"#take\n\n{letter}") == [Wanted(ActKind.TAKE), Wanted(ActKind.NOTE, "Van: Example Support")]
    assert steps(letter.partition("\n")[2]) == []


@given(
    st.lists(st.sampled_from([*(f"#{name}" for name in COMMANDS), "text", "", "#reply secret", "\\#take", "#note x"]))
)
def test_what_is_for_colleagues_never_goes_to_the_customer(lines: list[str]) -> None:
    """Whatever stands behind `#note`, up to the next command, is in no reply."""
    try:
        done = steps("\n".join([*lines, "#note", "for us alone"]))
    except Unclear:
        return
    assert done[-1] == Wanted(ActKind.NOTE, "for us alone")
    assert all("for us alone" not in step.text for step in done[:-1] if isinstance(step, Wanted))


@given(st.text(), st.text())
def test_any_text_is_read_or_asked_back(before: str, after: str) -> None:
    with suppress(Unclear):
        assert all(step for step in steps(f"{before}\n#reply\n{after}"))
