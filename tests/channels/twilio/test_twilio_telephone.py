"""Numbers in one spelling, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot_twilio import Sms, WhatsApp
from omnibot_twilio.served import Served
from omnibot_twilio.telephone import country, e164, is_costly, is_country, is_number, is_user_id

BSUID = "DE.13491208655302741918"


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("+49 170 1234567", "+491701234567"),
        ("  +1 (202) 555-0147 ", "+12025550147"),
        ("+44 20 7183 8750", "+442071838750"),
        ("0170 1234567", None),  # whose 0170?
        ("72975", None),
        ("ParcelCo", None),
        ("", None),
        ("+", None),
        ("+49", None),
        ("+12", None),
        ("+4917012345678901234567", None),
        ("+49 170 12345٣", "+49170123453"),  # digits of other scripts are digits
        (BSUID, None),
    ],
)
def test_a_number_has_one_spelling(written: str, known: str | None) -> None:
    assert e164(written) == known


@given(st.text(max_size=30))
def test_whatever_is_taken_for_a_number_is_one_and_stays_it(text: str) -> None:
    known = e164(text)
    if known is not None:
        assert is_number(known)
        assert e164(known) == known
    assert not (is_number(text) and is_user_id(text))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("+12025550147", "US"),
        ("+14165550147", "CA"),
        ("+18765550147", "JM"),  # +1 is of 25 countries
        ("+17875550147", "PR"),
        ("+15550001111", "US"),  # too new to be known: new area codes are opened there
        ("+491701234567", "DE"),
        ("+442071838750", "GB"),
        ("+88213123456", "001"),  # a satellite
        (BSUID, "DE"),
        ("US.ENT.11815799212886844830", "US"),
        ("72975", ""),
        ("ParcelCo", ""),
    ],
)
def test_every_address_has_a_country(value: str, where: str) -> None:
    assert country(value) == where


def test_countries_are_those_that_have_telephones() -> None:
    assert is_country("DE")
    assert is_country("JM")
    assert not is_country("EU")
    assert not is_country("de")


@pytest.mark.parametrize("value", ["+19005550147", "+491805123456", "+448712345678"])
def test_numbers_that_others_earn_by_are_known(value: str) -> None:
    assert is_costly(value)


@pytest.mark.parametrize("value", ["+12025550147", "+18005550147", "+491701234567", BSUID, "72975"])
def test_all_others_are_not(value: str) -> None:
    assert not is_costly(value)


@pytest.mark.parametrize(
    "value", [BSUID, "US.ENT.11815799212886844830", "BR.1502576394655843", "US.a1B2", "US." + "1" * 128]
)
def test_an_id_of_whatsapp_is_known_by_its_form(value: str) -> None:
    assert is_user_id(value)


@pytest.mark.parametrize("value", ["us.134", "US.", "US134", "USA.134", "US.1-3", "US." + "1" * 129, "+12025550147"])
def test_nothing_else_is_taken_for_one(value: str) -> None:
    assert not is_user_id(value)


# --- whom we write to ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["+12025550147", "US.134", "+14165550147"])
def test_who_lives_in_a_country_on_the_list_is_served(value: str) -> None:
    assert Served({"US", "CA"}).objection(value) is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("+18765550147", "JM"),
        ("+491701234567", "DE"),
        (BSUID, "DE"),
        ("+88213123456", "001"),
        ("+19005550147", "premium"),
        ("72975", "sender"),
        ("ParcelCo", "sender"),
        ("+12345", "sender"),
    ],
)
def test_who_does_not_is_not(value: str, kind: str) -> None:
    objection = Served({"US", "CA"}).objection(value)
    assert objection is not None
    assert objection.kind == kind
    assert value not in objection.reason
    assert objection.unreachable == (kind == "sender")


@pytest.mark.parametrize("value", ["+18765550147", "+88213123456", BSUID])
def test_everywhere_is_everywhere(value: str) -> None:
    assert Served({"*"}).objection(value) is None


@pytest.mark.parametrize("value", ["+19005550147", "72975"])
def test_but_not_where_others_earn_by_it_or_nobody_reads(value: str) -> None:
    assert Served({"*"}).objection(value) is not None


# --- addresses as people write them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Sms, WhatsApp])
def test_an_address_is_read_from_what_people_write(channel: type) -> None:
    assert channel.address(" +49 170 123 45 67 ").value == "+491701234567"


def test_whatsapp_reads_its_own_spellings() -> None:
    assert WhatsApp.address("whatsapp:+491701234567").value == "+491701234567"
    assert WhatsApp.address(f" whatsapp:{BSUID}").value == BSUID
    assert WhatsApp.address(BSUID).value == BSUID


@pytest.mark.parametrize("channel", [Sms, WhatsApp])
@pytest.mark.parametrize("text", ["0170 1234567", "72975", "Ada", "", "sms:+12025550147"])
def test_what_is_no_address_says_how_to_write_one(channel: type, text: str) -> None:
    with pytest.raises(ValueError, match=r"\+14155550123"):
        channel.address(text)


def test_sms_knows_no_ids_of_whatsapp() -> None:
    with pytest.raises(ValueError, match="country code"):
        Sms.address(BSUID)
