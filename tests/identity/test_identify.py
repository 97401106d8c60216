"""A snapshot is what later steps may rely on: nothing claimed, nothing misspelt."""

from hypothesis import given
from hypothesis import strategies as st

from omnibot.identity import identify
from omnibot.model import (
    Address,
    AddressId,
    CustomerId,
    KnownAddress,
    Length,
    Preferences,
    Proof,
    Register,
)

SARAH = CustomerId(1)


def known(number: int, address: str, proof: Proof) -> KnownAddress:
    return KnownAddress(id=AddressId(number), address=Address.parse(address), proof=proof, account="main")


def test_stated_preferences_and_name_are_read_from_facts() -> None:
    snapshot = identify(
        SARAH,
        (),
        {
            "name": " Sarah Miller ",
            "preference.channel": "email",
            "preference.register": "formal",
            "preference.length": "short",
            "preference.language": "es",
        },
    )
    assert snapshot.name == "Sarah Miller"
    assert snapshot.preferences == Preferences(
        channel="email", register=Register.FORMAL, length=Length.SHORT, language="es"
    )


def test_nothing_is_known_of_a_new_customer() -> None:
    snapshot = identify(SARAH, (), {})
    assert (snapshot.name, snapshot.preferences) == ("", Preferences())


def test_a_preference_that_was_taken_back_is_none() -> None:
    taken_back = {"preference.channel": "", "preference.length": "", "preference.language": ""}
    assert identify(SARAH, (), taken_back).preferences == Preferences()


def test_an_address_that_is_only_claimed_is_not_the_customers() -> None:
    seen = known(1, "telegram:4711", Proof.SEEN)
    claimed = known(2, "email:boss@example.org", Proof.CLAIMED)
    proven = known(3, "email:sarah@example.org", Proof.PROVEN)
    snapshot = identify(SARAH, (seen, claimed, proven), {})
    assert snapshot.addresses == (seen, proven)
    assert snapshot.on("email") == proven


@given(st.dictionaries(st.text(), st.text()))
def test_no_facts_can_break_it(facts: dict[str, str]) -> None:
    identify(SARAH, (), facts | {"preference.register": "pirate", "preference.length": "endless"})
