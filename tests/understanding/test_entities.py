"""What a message names, and in which one spelling it is compared."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import Entity, NamedTime, Situation, TimeKind
from omnibot.understanding.entities import Catalogue, Entities
from omnibot.understanding.utterance import Utterance, legible
from tests.costs import Work, assert_cost

NOW = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)
CATALOGUE = Catalogue(
    products=["Cloud Drive", "Cloud Drive Mini", "Pulse"],
    plans=["Pro", "Basic"],
    spellings={"Pro": ["professional plan", "pro plan"], "Cloud Drive": ["clouddrive"]},
    patterns={"serial": [r"\bSN-(\d{6})\b"], "order": [r"\bX\d{3}\b"]},
)


def pipeline():
    from spacy.attrs import LOWER
    from spacy.language import Language
    from spacy.vocab import Vocab

    from omnibot.understanding.words import WordTokenizer

    nlp = Language(vocab=Vocab(lex_attr_getters={LOWER: str.lower}))
    nlp.tokenizer = WordTokenizer(nlp.vocab)
    return nlp


NLP = pipeline()
ENTITIES = Entities(NLP, CATALOGUE)


def uttered(text: str, nlp=NLP) -> Utterance:
    text = legible(text)
    return Utterance(text, Situation(now=NOW, zone=UTC), "en", nlp.make_doc(text))


def named(text: str, *times: NamedTime) -> list[tuple[str, str]]:
    """Labels and values, each of which must stand where it says."""
    utterance = uttered(text)
    found = ENTITIES.read(utterance, times)
    assert all(utterance.text[one.start : one.end] == one.text for one in found)
    return [(one.label, one.value) for one in found]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("where is my order 48213?", "48213"),
        ("Order number: ab-1234 has not come", "AB-1234"),
        ("my order number is 77", "77"),
        ("order #12 please", "12"),
        ("pedido n.º 9981 no ha llegado", "9981"),
        ("Meine Bestellnummer 2024-118 fehlt", "2024-118"),
        ("die Bestellung Nr. 31337", "31337"),
        ("la commande n° 5512 est perdue", "5512"),
        ("#48213 is still not here", "48213"),
    ],
)
def test_an_order_is_found_by_the_words_before_its_number(text: str, value: str) -> None:
    assert named(text) == [("order", value)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("invoice INV-2044 is wrong", ("invoice", "INV-2044")),
        ("Rechnung 20240117 stimmt nicht", ("invoice", "20240117")),
        ("la factura 8841 está mal", ("invoice", "8841")),
        ("any news on ticket 90210?", ("ticket", "90210")),
        ("we get error 429 about fifty times an hour", ("error_code", "429")),
        ("HTTP status code 502", ("error_code", "502")),
        ("Fehlercode E1042", ("error_code", "E1042")),
        ("it says 0x80070057", ("error_code", "0x80070057")),
        ("it says 0X8007000e", ("error_code", "0x8007000E")),
        ("Chrome shows ERR_CONNECTION_REFUSED", ("error_code", "ERR_CONNECTION_REFUSED")),
        ("java.lang.NullPointerException in the log", ("error_code", "NullPointerException")),
        ("read ECONNRESET", ("error_code", "ECONNRESET")),
        ("write EPIPE again", ("error_code", "EPIPE")),
        ("since version 4.2 it hangs", ("version", "4.2")),
        ("on v2.3.1-beta", ("version", "2.3.1-beta")),
        ("on Windows 11", ("version", "11")),
        ("3.11.7 works", ("version", "3.11.7")),
        ("serial sn-123456 or SN-123456", ("serial", "123456")),
        ("I mean X123", ("order", "X123")),
    ],
)
def test_other_numbers_are_found_likewise(text: str, expected: tuple[str, str]) -> None:
    assert named(text) == [expected]


def test_numbers_beside_each_other_are_of_one_kind() -> None:
    assert named("orders 48213 and 48214, please") == [("order", "48213"), ("order", "48214")]
    assert named("orders 48213 and then 48214") == [("order", "48213")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("you charged $1,234.50", "1234.50 USD"),
        ("te cobraron 1.234,50 €", "1234.50 EUR"),
        ("12,5 Euro zu viel", "12.50 EUR"),
        ("20EUR too much", "20.00 EUR"),
        ("EUR 1.000 a month", "1000.00 EUR"),
        ("1,000,000 dollars", "1000000.00 USD"),
        ("1'250 CHF", "1250.00 CHF"),
        ("A$15", "15.00 AUD"),
        ("US$ 3", "3.00 USD"),
        ("¥5000", "5000 JPY"),
        ("£2.5k a year", "2500.00 GBP"),
        ("0.999 usd", "1.00 USD"),
        ("about 30 bucks", "30.00 USD"),
    ],
)
def test_an_amount_has_one_spelling(text: str, value: str) -> None:
    assert named(text) == [("amount", value)]


@pytest.mark.parametrize(
    "text",
    [
        "I want to order 12 chairs",
        "order 500 pieces",
        "order 10am tomorrow",
        "the invoice is 1500 too high",
        "error 3 times today",
        "my card is order 4111111111111111",
        "on 12.05.2024 it broke",
        "I am 40 years old",
        "room 4711",
        "192.168.0.1",
        "no numbers at all",
        "May I ask something",
        "",
    ],
)
def test_other_numbers_name_nothing(text: str) -> None:
    assert named(text) == []


def test_what_the_company_names_is_found_in_any_case_and_has_its_spelling() -> None:
    assert named("is CLOUD drive in the Professional Plan?") == [("product", "Cloud Drive"), ("plan", "Pro")]
    assert named("clouddrive") == [("product", "Cloud Drive")]


def test_the_longest_name_holds_and_parts_of_words_are_none() -> None:
    assert named("my cloud drive mini broke") == [("product", "Cloud Drive Mini")]
    assert named("I am a professional impulse buyer") == []


def test_names_are_found_beside_numbers_in_the_order_of_the_text() -> None:
    text = "Order 48213: the Pulse cost 49 € on the basic plan"
    assert [label for label, _ in named(text)] == ["order", "product", "amount", "plan"]


def test_dates_are_taken_from_the_times_and_lengths_are_none() -> None:
    friday = NamedTime(datetime(2025, 3, 14, tzinfo=UTC), "Friday", TimeKind.FUTURE, 0, 6, 0.8)
    weeks = NamedTime(NOW, "for two weeks", TimeKind.DURATION, 7, 20)
    some_day = NamedTime(None, "every other day", TimeKind.RECURRING, 7, 20)
    assert ENTITIES.read(uttered("Friday or so"), [friday, weeks, some_day]) == (
        Entity("date", "Friday", "2025-03-14", 0, 6, 0.8),
    )


def test_a_date_yields_to_a_number_that_it_is_part_of() -> None:
    text = "invoice 2024-03-01 is wrong"
    part = NamedTime(datetime(2024, 3, 1, tzinfo=UTC), "2024-03-01", TimeKind.PAST, 8, 18)
    assert named(text, part) == [("invoice", "2024-03-01")]


def test_no_address_and_no_phone_is_an_entity() -> None:
    assert named("write to sarah@example.org or call +49 30 1234567") == []


def test_a_company_that_names_nothing_gets_numbers_alone() -> None:
    entities = Entities(NLP, Catalogue())
    assert [one.value for one in entities.read(uttered("order 48213 on the Pro plan"))] == ["48213"]


def test_names_are_found_by_words_that_spacy_itself_cuts() -> None:
    import spacy

    nlp = spacy.blank("en")
    utterance = uttered("the  Cloud Drive, mine", nlp)
    [one] = Entities(nlp, CATALOGUE).read(utterance)
    assert utterance.text[one.start : one.end] == "Cloud Drive"


def test_a_flood_of_numbers_gives_no_flood_of_entities() -> None:
    assert len(named("order 48213 " * 300)) == 50


@given(st.text(alphabet=st.sampled_from("order #1234.,-€$k vV0x² nr IS\u0661\u200d ab"), max_size=60))
def test_whatever_surrounds_a_number_can_be_read(text: str) -> None:
    named(text)


def test_five_thousand_names_cost_little_more_than_a_few() -> None:
    """The ruler's work grows with the words of a message, not with the names it knows."""
    text = uttered("Could you tell me how to move the Gadget 17 to the yearly plan before we archive the project?")

    def knowing(count: int) -> Work:
        entities = Entities(NLP, Catalogue(products=[f"Gadget {number}" for number in range(count)]))
        return lambda: entities.read(text)

    assert_cost(knowing(5_000), at_most=3, times=knowing(18))
