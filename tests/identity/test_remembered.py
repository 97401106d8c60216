"""What memory keeps is told within the proof of the addresses, like all else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.identity import Remembered, identify
from omnibot.model import (
    Address,
    AddressId,
    Attempt,
    Case,
    CaseId,
    CaseSide,
    CaseState,
    Complexity,
    CustomerId,
    Detail,
    Disclosure,
    Event,
    Fact,
    KnownAddress,
    Level,
    Manner,
    Proof,
    Result,
    Snapshot,
    Usage,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = "article:api-limits"


def known(number: int, address: str, proof: Proof = Proof.PROVEN, **fields: object) -> KnownAddress:
    return KnownAddress(
        id=AddressId(number),
        address=Address.parse(address),
        proof=proof,
        account="main",
        proven_at=NOW if proof is Proof.PROVEN else None,
        **fields,  # type: ignore[arg-type]
    )


TELEGRAM, EMAIL = known(1, "telegram:4711"), known(2, "email:sarah@example.org")
UNPROVEN = known(2, "email:sarah@example.org", Proof.SEEN)


def seen(
    *addresses: KnownAddress, wrote: KnownAddress | None = None, facts: Sequence[Fact] = (), **remembered: object
) -> Snapshot:
    return identify(
        CustomerId(1),
        addresses,
        facts,
        (),
        wrote=(wrote or addresses[0]).id,
        at=NOW,
        disclosure=Disclosure(),
        remembered=Remembered(**remembered),  # type: ignore[arg-type]
    )


def side(address: KnownAddress, matter: int = 7, days: float = 0, **fields: object) -> CaseSide:
    at = NOW - timedelta(days=days)
    given: dict[str, object] = {
        "id": CaseId(matter),
        "address": address.id,
        "intent": "api-timeout",
        "state": CaseState.OPEN,
        "opened_at": at,
        "touched_at": at,
        "contacted_at": (at,),
    }
    return CaseSide(**given | fields)  # type: ignore[arg-type]


def attempt(what: str, days: float, **fields: object) -> Attempt:
    given: dict[str, object] = {"what": what, "by": "bot", "at": NOW - timedelta(days=days)}
    return Attempt(**given | fields)  # type: ignore[arg-type]


class TestCases:
    def test_sides_of_one_matter_are_one_case(self) -> None:
        there = side(
            EMAIL,
            days=3,
            concern="it times out",
            asked=("which-plan",),
            attempts=(attempt(LIMITS, 3), attempt("restarted it", 2, by="customer", result=Result.FAILED)),
        )
        here = side(
            TELEGRAM,
            days=1,
            state=CaseState.WAITING,
            concern="still",
            attempts=(attempt(LIMITS, 1, by="customer", result=Result.FAILED),),
        )
        [case] = seen(TELEGRAM, EMAIL, cases=(there, here)).cases
        assert case == Case(
            id=CaseId(7),
            intent="api-timeout",
            state=CaseState.WAITING,
            opened_at=NOW - timedelta(days=3),
            touched_at=NOW - timedelta(days=1),
            contacts=2,
            channels=("email", "telegram"),
            concern="still",
            asked=("which-plan",),
            attempts=(
                attempt(LIMITS, 3, result=Result.FAILED),
                attempt("restarted it", 2, by="customer", result=Result.FAILED),
            ),
            addresses=(EMAIL.id, TELEGRAM.id),
        )

    def test_what_is_open_is_known_wherever_it_was_said_until_it_is_solved(self) -> None:
        there, here = side(EMAIL, days=3, concern="it times out"), side(TELEGRAM, days=1)
        [case] = seen(TELEGRAM, EMAIL, cases=(there, here)).cases
        assert case.concern == "it times out"
        [case] = seen(TELEGRAM, EMAIL, cases=(there, replace(here, state=CaseState.RESOLVED))).cases
        assert case.concern == ""

    def test_what_was_said_at_an_address_that_is_not_surely_theirs_is_not_told(self) -> None:
        there = side(UNPROVEN, days=3, concern="private", attempts=(attempt(LIMITS, 3),))
        here = side(TELEGRAM, days=1, concern="mine")
        [case] = seen(TELEGRAM, UNPROVEN, cases=(there, here)).cases
        assert (case.contacts, case.channels, case.concern, case.attempts) == (1, ("telegram",), "mine", ())
        assert case.addresses == (TELEGRAM.id,)
        [case] = seen(TELEGRAM, UNPROVEN, wrote=UNPROVEN, cases=(there, here)).cases
        assert (case.contacts, case.concern, case.addresses) == (1, "private", (UNPROVEN.id,))

    def test_a_case_of_elsewhere_alone_is_not_told_without_proof(self) -> None:
        assert seen(TELEGRAM, UNPROVEN, cases=(side(UNPROVEN),)).cases == ()

    def test_where_several_people_write_a_case_tells_nothing_of_any_of_them(self) -> None:
        phone = known(1, "sms:+4930901820", shared=True)
        told = side(
            phone,
            state=CaseState.HANDED_OFF,
            concern="private",
            asked=("which",),
            attempts=(attempt("x", 1),),
            agents=("Ana",),
        )
        [case] = seen(phone, cases=(told,)).cases
        assert (case.id, case.intent, case.state) == (CaseId(7), "api-timeout", CaseState.HANDED_OFF)
        assert (case.contacts, case.channels, case.concern, case.asked, case.attempts) == (0, (), "", (), ())
        assert case.agents == ()

    def test_open_ones_and_the_latest_are_seen(self) -> None:
        over = [side(TELEGRAM, n, days=100 - n, state=CaseState.RESOLVED) for n in range(1, 31)]
        still = [side(TELEGRAM, 100 + n, days=200 - n) for n in range(1, 26)]
        cases = seen(TELEGRAM, cases=(*still, *over)).cases
        assert [case.id for case in cases] == [*range(106, 126), *range(21, 31)]

    def test_the_latest_attempts_are_seen(self) -> None:
        attempts = tuple(attempt(f"step {n}", 50 - n) for n in range(40))
        [case] = seen(TELEGRAM, cases=(side(TELEGRAM, attempts=attempts),)).cases
        assert [one.what for one in case.attempts] == [f"step {n}" for n in range(10, 40)]

    @given(
        st.lists(
            st.builds(
                side,
                st.sampled_from([TELEGRAM, UNPROVEN, known(3, "sms:+491701234567")]),
                st.integers(1, 3),
                st.floats(0, 100),
                state=st.sampled_from(CaseState),
                contacts=st.integers(0, 5),
            ),
            unique_by=lambda one: (one.id, one.address),
        )
    )
    def test_whoever_is_told_of_a_case_knows_all_its_addresses(self, sides: list[CaseSide]) -> None:
        addresses = (TELEGRAM, UNPROVEN, known(3, "sms:+491701234567"))
        for wrote in addresses:
            snapshot = seen(*addresses, wrote=wrote, cases=sides)
            assert [case.touched_at for case in snapshot.cases] == sorted(case.touched_at for case in snapshot.cases)
            for case in snapshot.cases:
                assert set(case.addresses) <= snapshot.open
                theirs = [one for one in sides if one.id == case.id and one.address in snapshot.open]
                assert case.contacts == sum(one.contacts for one in theirs)


class TestEvents:
    SIGNED_UP = Event(id="e1", name="signed_up", at=NOW - timedelta(days=900), address=EMAIL.id)
    EXPORTED = Usage(name="feature_used:export", count=3, first_at=NOW - timedelta(days=9), last_at=NOW)

    def test_what_the_company_tells_asks_for_proof_where_it_is_told(self) -> None:
        told = {"events": (self.SIGNED_UP,), "usage": ((EMAIL.id, self.EXPORTED),)}
        snapshot = seen(TELEGRAM, UNPROVEN, **told)
        assert (snapshot.events, snapshot.usage) == ((self.SIGNED_UP,), (self.EXPORTED,))
        snapshot = seen(TELEGRAM, UNPROVEN, wrote=UNPROVEN, **told)
        assert (snapshot.events, snapshot.usage) == ((), ())

    def test_use_is_counted_over_all_addresses(self) -> None:
        earlier = Usage(
            name="feature_used:export", count=2, first_at=NOW - timedelta(days=99), last_at=NOW - timedelta(days=98)
        )
        snapshot = seen(TELEGRAM, EMAIL, usage=((EMAIL.id, self.EXPORTED), (TELEGRAM.id, earlier)))
        assert snapshot.usage == (
            Usage(name="feature_used:export", count=5, first_at=NOW - timedelta(days=99), last_at=NOW),
        )


class TestSince:
    def heard(self, number: int, days: int, proof: Proof = Proof.PROVEN) -> KnownAddress:
        return known(number, f"telegram:{number}", proof, since=NOW - timedelta(days=days))

    def test_is_when_they_were_first_heard_of(self) -> None:
        assert seen(self.heard(1, 10), self.heard(2, 30)).since == NOW - timedelta(days=30)

    def test_says_nothing_of_addresses_that_may_not_be_known_there(self) -> None:
        assert seen(self.heard(1, 10), self.heard(2, 30, Proof.SEEN)).since == NOW - timedelta(days=10)

    @pytest.mark.parametrize(
        ("said", "since"),
        [
            ("2023-02-01T10:00:00+00:00", datetime(2023, 2, 1, 10, tzinfo=UTC)),
            ("2023-02-01", datetime(2023, 2, 1, tzinfo=UTC)),
            ("long ago", NOW - timedelta(days=10)),
        ],
    )
    def test_is_what_the_company_says(self, said: str, since: datetime) -> None:
        fact = Fact(key="customer_since", value=said, address=AddressId(1), source="event")
        assert seen(self.heard(1, 10), facts=(fact,)).since == since


class TestHabits:
    HERE = (TELEGRAM.id, {"formality": 0.1})
    THERE = (EMAIL.id, {"formality": 0.9})

    def test_of_each_address_are_apart(self) -> None:
        assert seen(TELEGRAM, EMAIL, habits=(self.HERE, self.THERE)).habits == dict([self.HERE, self.THERE])

    def test_elsewhere_count_where_it_is_surely_them(self) -> None:
        assert seen(TELEGRAM, UNPROVEN, habits=(self.HERE, self.THERE)).habits == dict([self.HERE])

    def test_of_an_address_of_several_people_are_nobodys(self) -> None:
        shared = known(1, "telegram:4711", shared=True)
        assert seen(shared, EMAIL, habits=(self.HERE, self.THERE)).habits == {}


class TestPreferences:
    def test_are_read_and_known_as_stated(self) -> None:
        told = {
            "manner": "friendly",
            "detail": "steps",
            "complexity": "technical",
            "emoji": "no",
            "zone": "Europe/Madrid",
            "quiet": "22:00-07:00",
            "level": "2",
        }
        facts = [Fact(key=f"preference.{key}", value=value, address=TELEGRAM.id) for key, value in told.items()]
        snapshot = seen(TELEGRAM, facts=facts)
        wanted = snapshot.preferences
        assert (wanted.manner, wanted.detail, wanted.complexity) == (
            Manner.FRIENDLY,
            Detail.STEPS,
            Complexity.TECHNICAL,
        )
        assert (wanted.emoji, wanted.zone, wanted.quiet, wanted.level) == (
            False,
            "Europe/Madrid",
            "22:00-07:00",
            Level.HISTORY,
        )
        assert snapshot.stated == set(told)

    def test_a_zone_that_a_provider_knows_is_not_stated(self) -> None:
        fact = Fact(key="zone", value="Europe/Berlin", address=TELEGRAM.id, source="provider", confidence=0.5)
        snapshot = seen(TELEGRAM, facts=(fact,))
        assert (snapshot.preferences.zone, snapshot.stated) == ("Europe/Berlin", frozenset())

    def test_what_this_version_does_not_know_is_left_out(self) -> None:
        facts = [Fact(key="preference.level", value="9", address=TELEGRAM.id)]
        assert seen(TELEGRAM, facts=facts).preferences.level is None


def test_the_companys_own_number_of_somebody_is_no_address_to_speak_of() -> None:
    user = known(3, "user:u-123")
    assert seen(TELEGRAM, user).addresses == (TELEGRAM,)
    assert seen(TELEGRAM, user, UNPROVEN).addresses == (TELEGRAM, UNPROVEN)
