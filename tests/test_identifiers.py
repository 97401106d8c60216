"""Addresses in the spelling in which they are compared: who is one, who stays two, and that nothing breaks it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnibot.identifiers import comparable, implied, spelled
from omnibot.model import Address, Identifier, IdentifierKind

CHANNELS = ["sms", "whatsapp", "email", "telegram", "slack", "post"]

# numbers, mail addresses and what looks like them, so that the rules are met more often than by chance
_PHONES = st.builds(
    lambda country, digits: f"+{country}{digits}",
    st.sampled_from(["1", "49", "39", "44", "52", "521", "54", "549", "5411", "55", "5511", "5531", "7", "225", ""]),
    st.text("0123456789 -()", max_size=14),
)
_MAILS = st.builds(
    lambda local, tag, domain: f"{local}{tag}@{domain}",
    st.text(max_size=10) | st.text("aA.ßİΣé́", max_size=6),
    st.sampled_from(["", "+", "+shop", "+a+b"]),
    st.sampled_from(["example.org", "EXAMPLE.org.", "bücher.example", "xn--bcher-kva.example", "faß.example", "x"])
    | st.text(max_size=10),
)
_VALUES = st.text(max_size=40) | _PHONES | _MAILS
_ADDRESSES = st.builds(Address, st.sampled_from(CHANNELS), _VALUES)


@given(_ADDRESSES)
@example(Address("sms", "+49000170"))
@example(Address("email", "\ud800@\ud800.org"))
@example(Address("email", "a@[127.0.0.1]"))
@example(Address("email", "ͅ@example.org"))
@example(Address("whatsapp", "+" + "9" * 5000))
def test_the_spelling_of_a_spelling_is_itself(address: Address) -> None:
    assert comparable(comparable(address)) == comparable(address)
    assert comparable(address).channel == address.channel
    found = implied(address)
    assert found == implied(comparable(address))
    if found is not None:
        assert spelled(found) == found


@given(st.sampled_from(IdentifierKind), _VALUES)
def test_an_identifier_is_spelled_once(kind: IdentifierKind, value: str) -> None:
    found = spelled(Identifier(kind, value))
    assert found is None or (found.kind is kind and spelled(found) == found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("+49 (0170) 123-45 67", "+491701234567", id="as people write it"),
        pytest.param("+5531 8123-4567", "+5531981234567", id="Brazil, before the ninth digit"),
        pytest.param("+551191234567", "+5511991234567", id="São Paulo"),
        pytest.param("+5491123456789", "+541123456789", id="Argentina, WhatsApp and text message"),
        pytest.param("+54 11 15-2345-6789", "+5491123456789", id="Argentina, as it is dialled there"),
        pytest.param("+5215512345678", "+525512345678", id="Mexico, before 2019"),
    ],
)
@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_one_line_has_one_spelling(channel: str, one: str, other: str) -> None:
    assert comparable(Address(channel, one)) == comparable(Address(channel, other))
    assert implied(Address(channel, one)) == implied(Address(channel, other)) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("+551177123456", "+5511977123456", id="Brazil: eight digits with 7 are still in the plan"),
        pytest.param("+551133334444", "+5511933334444", id="Brazil: a landline"),
        pytest.param("+390612345678", "+39612345678", id="Italy: the 0 belongs to the number"),
        pytest.param("+14155550123", "+14155550124", id="two numbers"),
        pytest.param("+14155550123", "+14155550123;ext=5", id="an extension"),
        pytest.param("+14155550123", "US.14155550123", id="an id that is no number"),
        pytest.param("US.1349120865530274", "us.1349120865530274", id="ids to the letter"),
        pytest.param("12345", "+12345", id="a short code"),
    ],
)
@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_two_lines_stay_two(channel: str, one: str, other: str) -> None:
    assert comparable(Address(channel, one)) != comparable(Address(channel, other))
    assert implied(Address(channel, one)) is None or implied(Address(channel, one)) != implied(Address(channel, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Sarah@Example.ORG", "sarah@example.org", id="case"),
        pytest.param("sarah+shop@example.org", "sarah@example.org", id="plus tag"),
        pytest.param("sarah@bücher.example", "sarah@xn--bcher-kva.example", id="IDNA"),
        pytest.param("sarah@example.org.", "sarah@example.org", id="a dot at the end of the domain"),
        pytest.param("jose\u0301@example.org", "JOS\u00c9@example.org", id="one letter in two ways"),
    ],
)
def test_one_mailbox_has_one_spelling(one: str, other: str) -> None:
    assert comparable(Address("email", one)) == comparable(Address("email", other))
    assert implied(Address("email", one)) == implied(Address("email", other)) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("s.arah@gmail.com", "sarah@gmail.com", id="dots, even Gmail's"),
        pytest.param("sarah@gmail.com", "sarah@googlemail.com", id="two domains"),
        pytest.param("strauß@example.org", "strauss@example.org", id="ß is not ss"),
        pytest.param("a@faß.example", "a@fass.example", id="nor in a domain"),
        pytest.param("+shop@example.org", "+club@example.org", id="nothing before the plus"),
        pytest.param('"a+b"@example.org', '"a+c"@example.org', id="quoted"),
        pytest.param("sarah@mail.example.org", "sarah@example.org", id="a subdomain"),
    ],
)
def test_two_mailboxes_stay_two(one: str, other: str) -> None:
    assert comparable(Address("email", one)) != comparable(Address("email", other))


def test_one_value_on_two_channels_is_two_addresses_and_one_phone() -> None:
    sms, whatsapp = Address("sms", "+491701234567"), Address("whatsapp", "+491701234567")
    assert comparable(sms) != comparable(whatsapp)
    assert implied(sms) == implied(whatsapp) == Identifier(IdentifierKind.PHONE, "+491701234567")


def test_other_ids_keep_their_letters() -> None:
    assert comparable(Address("telegram", "004711")) == Address("telegram", "4711")
    for address in (Address("telegram", "x"), Address("slack", "T1/u2"), Address("post", " Ada ")):
        assert comparable(address) == address
        assert implied(address) is None


@pytest.mark.parametrize(
    "address",
    [
        Address("whatsapp", "US.13491208655302741918"),
        Address("whatsapp", "DE.ENT.491701234567"),
        Address("sms", "72345"),
        Address("sms", "MyBank"),
        Address("sms", "+491701234567890123"),
        Address("email", "unknown@invalid"),
        Address("email", "nobody"),
        Address("email", "a b@example.org"),
    ],
)
def test_what_names_nobody_in_particular_implies_nothing(address: Address) -> None:
    assert implied(address) is None


def test_a_user_id_is_the_companys_own() -> None:
    assert spelled(Identifier(IdentifierKind.USER_ID, " Kd-17 ")) == Identifier(IdentifierKind.USER_ID, "Kd-17")
    assert spelled(Identifier(IdentifierKind.USER_ID, " ")) is None
    assert spelled(Identifier(IdentifierKind.USER_ID, "x" * 321)) is None
