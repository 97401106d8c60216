"""A snapshot is what later steps may rely on and may tell: nothing claimed, nothing misspelt, nothing beyond proof."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.identity import effective, identify, together
from omnibot.model import (
    Address,
    AddressId,
    CustomerId,
    Direction,
    Disclosure,
    EarlierTurn,
    Fact,
    KnownAddress,
    Length,
    MessageId,
    Preferences,
    Proof,
    Register,
    Snapshot,
    TimelineMessage,
)

SARAH = CustomerId(1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = Disclosure(proof_days={"sms": 180})


def known(number: int, address: str, proof: Proof, days: int = 1, **fields: bool) -> KnownAddress:
    proven_at = NOW - timedelta(days=days) if proof is Proof.PROVEN else None
    return KnownAddress(
        id=AddressId(number),
        address=Address.parse(address),
        proof=proof,
        account="main",
        proven_at=proven_at,
        **fields,
    )


TELEGRAM = known(1, "telegram:4711", Proof.PROVEN)
EMAIL = known(2, "email:sarah@example.org", Proof.PROVEN)
SMS = known(3, "sms:+491701234567", Proof.PROVEN)


def fact(key: str, value: str, of: KnownAddress = TELEGRAM, source: str = "message") -> Fact:
    return Fact(key=key, value=value, address=of.id, source=source)


def said(at: KnownAddress, text: str) -> TimelineMessage:
    return TimelineMessage(
        id=MessageId(at.id), customer=SARAH, address=at.address, direction=Direction.IN, at=NOW, text=text
    )


def seen(
    wrote: KnownAddress,
    *others: KnownAddress,
    facts: Sequence[Fact] = (),
    timeline: Sequence[TimelineMessage] = (),
    rules: Disclosure = RULES,
    earlier: Sequence[tuple[AddressId, EarlierTurn]] = (),
) -> Snapshot:
    addresses = (wrote, *others)
    return identify(SARAH, addresses, facts, timeline, wrote=wrote.id, at=NOW, disclosure=rules, earlier=earlier)


def shared(address: KnownAddress) -> KnownAddress:
    return replace(address, shared=True)


def aged(address: KnownAddress) -> KnownAddress:
    return replace(address, proven_at=NOW - timedelta(days=181))


# --- what is read ---


def test_stated_preferences_and_name_are_read_from_facts() -> None:
    stated = {
        "name": " Sarah Miller ",
        "preference.channel": "email",
        "preference.register": "formal",
        "preference.length": "short",
        "preference.language": "es",
    }
    snapshot = seen(TELEGRAM, facts=[fact(key, value) for key, value in stated.items()])
    assert snapshot.name == "Sarah Miller"
    assert snapshot.preferences == Preferences(
        channel="email", register=Register.FORMAL, length=Length.SHORT, language="es"
    )


def test_nothing_is_known_of_a_new_customer() -> None:
    snapshot = seen(known(1, "telegram:1", Proof.SEEN))
    assert (snapshot.name, snapshot.preferences) == ("", Preferences())


def test_a_preference_that_was_taken_back_is_none() -> None:
    taken_back = [fact(f"preference.{key}", "") for key in ("channel", "length", "language")]
    assert seen(TELEGRAM, facts=taken_back).preferences == Preferences()


def test_of_two_values_the_weightier_one_holds() -> None:
    facts = [fact("name", "Ms Lind", EMAIL, "import"), fact("name", "Sally")]
    assert seen(EMAIL, TELEGRAM, facts=facts).name == "Sally"


@given(st.dictionaries(st.text(), st.text()))
def test_no_facts_can_break_it(facts: dict[str, str]) -> None:
    strange = facts | {"preference.register": "pirate", "preference.length": "endless"}
    seen(TELEGRAM, facts=[fact(key, value) for key, value in strange.items()])


def test_whoever_writes_from_an_address_that_is_not_theirs_any_more_learns_nothing() -> None:
    facts, timeline = [fact("name", "Sarah")], [said(TELEGRAM, "hello")]
    snapshot = identify(SARAH, (TELEGRAM,), facts, timeline, wrote=AddressId(99), at=NOW, disclosure=RULES)
    assert (snapshot.addresses, snapshot.name, snapshot.timeline, dict(snapshot.facts)) == ((), "", (), {})


# --- how long a proof lasts ---


@pytest.mark.parametrize(
    ("address", "left"),
    [
        (SMS, Proof.PROVEN),
        (aged(SMS), Proof.SEEN),
        (known(3, "sms:+15550100", Proof.PROVEN, days=180), Proof.SEEN),
        (known(3, "sms:+15550100", Proof.PROVEN, days=179), Proof.PROVEN),
        (replace(SMS, proven_at=None), Proof.SEEN),  # nobody knows how old it is
        (aged(EMAIL), Proof.PROVEN),  # of channels without a number of days a proof lasts
        (replace(EMAIL, proven_at=None), Proof.PROVEN),
        (known(3, "sms:+15550100", Proof.SEEN), Proof.SEEN),
        (known(3, "sms:+15550100", Proof.CLAIMED), Proof.CLAIMED),
    ],
)
def test_a_proof_ages_where_numbers_are_given_to_others(address: KnownAddress, left: Proof) -> None:
    assert effective(address, NOW, RULES) is left


def test_no_days_are_for_ever() -> None:
    assert effective(aged(SMS), NOW, Disclosure(proof_days={"sms": 0})) is Proof.PROVEN


def test_a_snapshot_tells_what_is_left_of_a_proof() -> None:
    assert [address.proof for address in seen(EMAIL, aged(SMS)).addresses] == [Proof.PROVEN, Proof.SEEN]


# --- which addresses ---


def test_an_address_that_is_only_claimed_is_not_the_customers() -> None:
    claimed = known(9, "email:boss@example.org", Proof.CLAIMED)
    snapshot = seen(TELEGRAM, claimed, EMAIL)
    assert snapshot.addresses == (TELEGRAM, EMAIL)
    assert snapshot.on("email") == EMAIL


def test_whoever_writes_from_an_address_that_was_only_claimed_is_answered_out_of_what_it_told() -> None:
    claimed = known(9, "email:boss@example.org", Proof.CLAIMED)
    facts = [fact("name", "Sarah"), fact("name", "The boss", claimed, "provider")]
    snapshot = seen(claimed, TELEGRAM, facts=facts, timeline=[said(TELEGRAM, "a secret"), said(claimed, "hello")])
    assert snapshot.addresses == (claimed,)
    assert snapshot.name == "The boss"
    assert [message.text for message in snapshot.timeline] == ["hello"]


@pytest.mark.parametrize("weak", [known(3, "sms:+15550100", Proof.SEEN), aged(SMS), shared(SMS)])
def test_who_may_not_know_all_is_not_told_of_other_addresses(weak: KnownAddress) -> None:
    snapshot = seen(weak, EMAIL, TELEGRAM)
    assert [address.id for address in snapshot.addresses] == [weak.id]
    assert snapshot.on("email") is None


@pytest.mark.parametrize("weak", [known(3, "sms:+15550100", Proof.SEEN), aged(SMS), shared(SMS)])
def test_no_reply_moves_to_an_address_that_may_not_know_all(weak: KnownAddress) -> None:
    snapshot = seen(EMAIL, weak)
    assert weak.id in {address.id for address in snapshot.addresses}
    assert snapshot.on("sms") is None
    assert seen(EMAIL, SMS).on("sms") == SMS


def test_where_the_company_asks_for_less_replies_move_between_addresses_that_were_only_seen() -> None:
    weak = known(3, "sms:+15550100", Proof.SEEN)
    anybody = Disclosure(name=Proof.SEEN, history=Proof.SEEN, account=Proof.SEEN)
    assert seen(EMAIL, weak, rules=anybody).on("sms") == weak
    assert seen(EMAIL, shared(weak), rules=anybody).on("sms") is None


def test_messages_are_answered_together_where_both_ends_may_know_all() -> None:
    snapshot = seen(EMAIL, TELEGRAM, aged(SMS))
    assert set(together(snapshot, EMAIL.id)) == {EMAIL.id, TELEGRAM.id}
    assert set(together(snapshot, SMS.id)) == {SMS.id}


# --- which facts ---

COMPANY = [
    fact("name", "Sarah", EMAIL, "import"),
    fact("preference.length", "short", EMAIL, "import"),
    fact("register", "casual", EMAIL, "message"),
    fact("preference.channel", "email", EMAIL, "import"),
    fact("plan", "Pro", EMAIL, "import"),
]


@pytest.mark.parametrize(
    ("wrote", "told"),
    [
        (SMS, {"name", "preference.length", "register", "preference.channel", "plan"}),
        (aged(SMS), {"name", "preference.length", "register"}),
        (known(3, "sms:+15550100", Proof.SEEN), {"name", "preference.length", "register"}),
        (known(3, "sms:+15550100", Proof.CLAIMED), set()),
        (shared(SMS), set()),
    ],
)
def test_an_address_is_told_what_its_proof_allows(wrote: KnownAddress, told: set[str]) -> None:
    assert set(seen(wrote, EMAIL, facts=COMPANY).facts) == told


def test_the_company_may_ask_for_proof_before_a_name_is_used() -> None:
    weak = known(3, "sms:+15550100", Proof.SEEN)
    strict = Disclosure(name=Proof.PROVEN)
    own = fact("name", "S.", weak, "provider")
    assert seen(weak, EMAIL, facts=COMPANY, rules=strict).name == ""
    assert seen(weak, EMAIL, facts=[own, *COMPANY], rules=strict).name == "S."


@pytest.mark.parametrize("source", ["message", "provider"])
def test_what_an_address_told_may_go_back_there(source: str) -> None:
    weak = known(3, "sms:+15550100", Proof.SEEN)
    own = [fact("name", "Sally", weak, source), fact("zone", "Europe/Berlin", weak, source)]
    assert set(seen(weak, EMAIL, facts=own).facts) == {"name", "zone"}


def test_what_the_company_said_of_a_number_that_may_be_anothers_now_is_not_told_there() -> None:
    number = aged(SMS)
    assert set(seen(number, facts=[fact("plan", "Pro", number, "import")]).facts) == set()


@pytest.mark.parametrize("weak", [known(3, "sms:+15550100", Proof.SEEN), aged(SMS), shared(SMS)])
def test_nobody_is_renamed_from_an_address_that_may_not_be_theirs(weak: KnownAddress) -> None:
    renamed = [fact("name", "Sarah", EMAIL, "import"), fact("name", "Bob", weak)]
    assert seen(EMAIL, weak, facts=renamed).name == "Sarah"
    assert seen(EMAIL, SMS, facts=renamed).name == "Bob"


def test_where_several_people_write_nobodys_wishes_are_kept() -> None:
    office = shared(SMS)
    told = [
        fact("name", "Priya", office),
        fact("preference.length", "short", office),
        fact("preference.channel", "email", office),
        fact("language", "es", office),
    ]
    assert dict(seen(office, EMAIL, facts=told).facts) == {"language": "es"}


# --- which history ---


@pytest.mark.parametrize(
    ("wrote", "heard"),
    [
        (SMS, ["there", "here"]),
        (aged(SMS), ["here"]),
        (known(3, "sms:+491701234567", Proof.SEEN), ["here"]),
        (shared(SMS), ["here"]),
    ],
)
def test_what_was_said_elsewhere_is_told_by_proof(wrote: KnownAddress, heard: list[str]) -> None:
    snapshot = seen(wrote, EMAIL, timeline=[said(EMAIL, "there"), said(wrote, "here")])
    assert [message.text for message in snapshot.timeline] == heard


@pytest.mark.parametrize("weak", [known(3, "sms:+491701234567", Proof.SEEN), aged(SMS), shared(SMS)])
def test_what_somebody_else_may_have_said_is_not_taken_for_the_customers_words(weak: KnownAddress) -> None:
    snapshot = seen(EMAIL, weak, timeline=[said(EMAIL, "there"), said(weak, "here")])
    assert [message.text for message in snapshot.timeline] == ["there"]


@pytest.mark.parametrize("weak", [known(3, "sms:+491701234567", Proof.SEEN), aged(SMS), shared(SMS)])
def test_how_somebody_else_may_have_meant_it_is_not_taken_for_the_customers_mood(weak: KnownAddress) -> None:
    calm, angry = EarlierTurn(at=NOW, frustration=0.1), EarlierTurn(at=NOW, frustration=0.9)
    turns = [(EMAIL.id, calm), (weak.id, angry)]
    assert seen(EMAIL, weak, earlier=turns).earlier == (calm,)
    assert seen(weak, EMAIL, earlier=turns).earlier == (angry,)
    assert seen(EMAIL, TELEGRAM, earlier=[(EMAIL.id, calm), (TELEGRAM.id, angry)]).earlier == (calm, angry)
