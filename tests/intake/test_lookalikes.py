"""Names that hide something, or seem to be those of the company's people."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.intake.clean import clean
from omnibot.intake.lookalikes import HIDDEN, LIKE_STAFF, Lookalikes, visible
from omnibot.model import Address, IncomingMessage, Sender

STAFF = Lookalikes(("Anna Keller", "Omnibot", "José Núñez"))


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Priya Sharma", "Priya Sharma"),
        ("Pri\u200bya", "Priya"),
        ("\u202eayirP\u202c", "ayirP"),
        ("\u2066Priya\u2069", "Priya"),
        ("Pri\u00adya\ufeff", "Priya"),
        ("Pri\u200dya", "Priya"),
        ("\u200dPriya\u200c", "Priya"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian cannot be spelled without it
        ("क्\u200dष", "क्\u200dष"),
        ("Ada 👩\u200d💻", "Ada 👩\u200d💻"),
        ("Прия", "Прия"),
    ],
)
def test_what_hides_in_a_name_is_taken_out(name: str, seen: str) -> None:
    assert visible(name) == seen
    assert (HIDDEN in STAFF.flags(name)) == (name != seen)


@pytest.mark.parametrize(
    "name",
    [
        "Anna Keller",
        "anna  KELLER",
        "Аnnа Kеllеr",  # the a and e are Cyrillic
        "Αnna Κeller",  # the capitals are Greek
        "Anna Ke\u200bller",
        "Аnnа Kеllеr ✔",
        "Ａｎｎａ Ｋｅｌｌｅｒ",
        "Ànná Kéller",
        "Anna KeIIer",  # capital i for l
        "0mnib0t",
        "Ornnibot",
        "Jose Nunez",
    ],
)
def test_who_is_called_like_one_of_us_is_found_out(name: str) -> None:
    assert LIKE_STAFF in STAFF.flags(name)


@pytest.mark.parametrize("name", ["Anna", "Anne Keller", "Hanna Keller", "Keller", "", "🎉", "Анна Петрова", "<3"])
def test_others_are_not(name: str) -> None:
    assert STAFF.flags(name) == ()


def test_where_nobody_is_named_nobody_is_like_them() -> None:
    assert Lookalikes().flags("Anna Keller") == ()
    assert Lookalikes(("", "🎉")).flags("🎉") == ()


@given(st.text())
def test_any_name_is_judged_and_what_is_seen_is_not_judged_again(name: str) -> None:
    STAFF.flags(name)
    assert visible(visible(name)) == visible(name) or "\u200c" in name or "\u200d" in name


@given(st.text())
def test_a_name_is_kept_as_one_line_that_hides_nothing(name: str) -> None:
    item = IncomingMessage(
        id="1",
        at=datetime(2026, 3, 1, tzinfo=UTC),
        sender=Sender(Address("telegram", "1"), name),
        message_id="1",
        text="",
    )
    kept = clean(item).sender.name
    assert all(sign.isprintable() or sign in "\u200c\u200d" for sign in kept)
    again = replace(item, sender=replace(item.sender, name=kept))
    assert clean(again).sender.name == visible(kept)
