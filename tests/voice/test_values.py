"""Days, amounts, numbers and lists as people of each language say them, by the customer's clock."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import Money
from omnibot.places import Template
from omnibot.voice import Voices
from omnibot.voice.values import Clock

VOICES = Voices.load(Path(__file__).parents[2] / "config" / "voice")
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
CLOCK = Clock(NOW, UTC)


def told(text: str, language: str, clock: Clock = CLOCK, **values: object) -> str:
    return VOICES[language].fill(Template.of(text), values, clock).replace("\u00a0", " ").replace("\u202f", " ")


# What each language says of days: plain, on, since, moment, by.
DAYS = {
    "en": {
        datetime(2026, 1, 15, 16, tzinfo=UTC): (
            "15 January",
            "on 15 January",
            "since 15 January",
            "on 15 January at 4 pm",
            "by 15 January at 4 pm",
        ),
        datetime(2025, 12, 1, 9, 5, tzinfo=UTC): (
            "1 December 2025",
            "on 1 December 2025",
            "since 1 December 2025",
            "on 1 December 2025 at 9:05 am",
            "by 1 December 2025 at 9:05 am",
        ),
        datetime(2026, 3, 3, 8, tzinfo=UTC): (
            "yesterday",
            "yesterday",
            "since yesterday",
            "yesterday at 8 am",
            "by 8 am yesterday",
        ),
        datetime(2026, 3, 4, 16, tzinfo=UTC): ("today", "today", "since today", "today at 4 pm", "by 4 pm today"),
        datetime(2026, 3, 9, 10, 30, tzinfo=UTC): (
            "Monday",
            "on Monday",
            "from Monday",
            "on Monday at 10:30 am",
            "by Monday at 10:30 am",
        ),
    },
    "es": {
        datetime(2026, 1, 15, 16, tzinfo=UTC): (
            "15 de enero",
            "el 15 de enero",
            "desde el 15 de enero",
            "el 15 de enero a las 16:00",
            "el 15 de enero antes de las 16:00",
        ),
        datetime(2026, 3, 5, 1, 15, tzinfo=UTC): (
            "mañana",
            "mañana",
            "desde mañana",
            "mañana a la 1:15",
            "mañana antes de la 1:15",
        ),
    },
    "de": {
        datetime(2026, 1, 15, 16, tzinfo=UTC): (
            "15. Januar",
            "am 15. Januar",
            "seit dem 15. Januar",
            "am 15. Januar um 16 Uhr",
            "bis zum 15. Januar um 16 Uhr",
        ),
        datetime(2026, 3, 5, 9, 5, tzinfo=UTC): (
            "morgen",
            "morgen",
            "ab morgen",
            "morgen um 9:05 Uhr",
            "bis morgen um 9:05 Uhr",
        ),
    },
    "fr": {
        datetime(2025, 1, 15, 16, tzinfo=UTC): (
            "15 janvier 2025",
            "le 15 janvier 2025",
            "depuis le 15 janvier 2025",
            "le 15 janvier 2025 à 16 h",
            "le 15 janvier 2025 avant 16 h",
        ),
        datetime(2026, 3, 6, 9, 5, tzinfo=UTC): (
            "vendredi",
            "vendredi",
            "à partir de vendredi",
            "vendredi à 9 h 05",
            "vendredi avant 9 h 05",
        ),
    },
}


@pytest.mark.parametrize(
    ("language", "moment", "said"), [(code, *row) for code, rows in DAYS.items() for row in rows.items()]
)
def test_days_are_told_as_people_tell_them(language: str, moment: datetime, said: tuple[str, ...]) -> None:
    forms = ("{at}", "{at, on}", "{at, since}", "{at, moment}", "{at, by}")
    assert tuple(told(form, language, at=moment) for form in forms) == said


def test_the_day_is_that_of_the_customers_clock() -> None:
    late = datetime(2026, 3, 4, 23, tzinfo=UTC)
    assert told("{at, moment}", "en", at=late) == "today at 11 pm"
    assert told("{at, moment}", "en", Clock(NOW, ZoneInfo("Asia/Tokyo")), at=late) == "tomorrow at 8 am"
    assert told("{at, moment}", "en", Clock(NOW, ZoneInfo("America/Lima")), at=late) == "today at 6 pm"


def test_a_day_without_an_hour_has_none() -> None:
    assert told("{at, moment}", "en", at=date(2026, 1, 15)) == "on 15 January"
    assert told("{at, by}", "en", at=date(2026, 3, 5)) == "tomorrow"
    assert told("{at}", "en", at=date(2026, 3, 3)) == "yesterday"


def test_without_a_clock_no_day_is_near_and_each_has_its_year() -> None:
    assert told("{at, on}", "en", Clock(), at=NOW) == "on 4 March 2026"
    assert told("{at, on}", "en", Clock(NOW), at=NOW) == "today"
    assert told("{at, on}", "en", Clock(NOW), at=date(2026, 3, 4)) == "today"


@pytest.mark.parametrize(
    ("language", "value", "said"),
    [
        ("en", Money(Decimal("1212.50"), "EUR"), "€1,212.50"),
        ("de", Money(Decimal("1212.50"), "EUR"), "1.212,50 €"),
        ("fr", Money(Decimal("1212.50"), "EUR"), "1 212,50 €"),
        ("es", Money(Decimal("12.50"), "USD"), "12,50 US$"),
        ("en", 12345, "12,345"),
        ("de", 1234.5, "1.234,5"),
        ("en", ("Ana",), "Ana"),
        ("en", ("Ana", "Ben"), "Ana and Ben"),
        ("en", ("Ana", "Ben", "Cy"), "Ana, Ben and Cy"),
        ("de", ("Ana", "Ben"), "Ana und Ben"),
        ("es", ("Ana", "Ben"), "Ana y Ben"),
        ("fr", ("Ana", "Ben", "Cy"), "Ana, Ben et Cy"),
        ("en", (), ""),
        ("en", timedelta(hours=2), "2 hours"),
        ("de", timedelta(minutes=90), "1 Stunde und 30 Minuten"),
        ("fr", timedelta(days=1), "1 jour"),
        ("es", timedelta(days=3, hours=4, minutes=5), "3 días y 4 horas"),
        ("en", timedelta(hours=1, seconds=5), "1 hour and 5 seconds"),
        ("en", timedelta(), "0 seconds"),
        ("en", "as it is", "as it is"),
    ],
)
def test_amounts_numbers_lists_and_spans_are_written_as_the_language_does(
    language: str, value: object, said: str
) -> None:
    assert told("{value}", language, value=value) == said


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", 3, "third"),
        ("en", 11, "11th"),
        ("en", 21, "21st"),
        ("en", 22, "22nd"),
        ("en", 23, "23rd"),
        ("en", 112, "112th"),
        ("de", 3, "dritten"),
        ("de", 21, "21."),
        ("es", 3, "tercera"),
        ("es", 21, "21.ª"),
        ("fr", 3, "troisième"),
        ("fr", 21, "21e"),
        ("en", 0, "0th"),
    ],
)
def test_numbers_in_a_row(language: str, number: int, said: str) -> None:
    assert told("{n, ordinal}", language, n=number) == said


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [("en", 0, "0 files"), ("en", 1, "a file"), ("en", 1200, "1,200 files"), ("fr", 0, "a file"), ("de", 0, "0 files")],
)
def test_plurals_follow_the_languages_rule(language: str, count: int, said: str) -> None:
    assert told("{n, plural, one {a file} other {# files}}", language, n=count) == said


def test_a_number_of_its_own_and_places_in_a_plural() -> None:
    text = "{n, plural, =0 {nothing} one {# of {name}} other {# files}}"
    assert [told(text, "en", n=number, name="Ana") for number in (0, 1, 2)] == ["nothing", "1 of Ana", "2 files"]


def test_a_plural_of_what_is_no_number_is_a_fault() -> None:
    with pytest.raises(KeyError, match="which is no number"):
        told("{n, plural, other {#}}", "en", n="many")


def test_whole_sentences_are_parted_by_semicolons() -> None:
    assert told("{steps, items}.", "en", steps=("Open it.", "Close it, slowly;")) == "Open it; Close it, slowly."


FIRST, LAST = datetime(1970, 1, 2), datetime(2100, 1, 1)  # noqa: DTZ001 -- hypothesis adds the zone


@given(
    st.sampled_from(VOICES.languages),
    st.datetimes(FIRST, LAST, timezones=st.timezones()),
    st.sampled_from(["", ", on", ", since", ", moment", ", by"]),
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    st.none() | st.timezones(),
)
def test_any_moment_can_be_told(language: str, moment: datetime, form: str, now: datetime, zone: object) -> None:
    said = told(f"{{at{form}}}", language, Clock(now, zone), at=moment)  # type: ignore[arg-type]
    assert said
    assert not set(said.replace("aujourd'hui", "")) & set("{}'")
