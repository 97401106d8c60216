"""Codes: made from the request, recognised where they were asked for, worth nothing anywhere else."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.identity.codes import DIGITS, Codes, shown, typed
from omnibot.identity.prove import prove
from omnibot.model import Address, AddressId, Ask, MessageId, ProofPurpose, ProofRequest, TurnMessage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODES = Codes(b"a secret of at least 32 characters", tries=5)
MAIL = Address("email", "tomas@example.org")
ASK = Ask(purpose=ProofPurpose.LINK, by=AddressId(1), target=MAIL, source=MessageId(7))


def request(ask: Ask = ASK, id_: int = 1, **fields: object) -> ProofRequest:
    one = ProofRequest(
        id=id_,
        purpose=ask.purpose,
        by=ask.by,
        target=AddressId(2),
        to=ask.target,
        about=ask.about,
        source=ask.source,
        code_hash=CODES.hash(ask),
        tries=0,
    )
    return replace(one, **fields)  # type: ignore[arg-type]


def says(text: str, at: int = 1, id_: int = 50, **fields: object) -> TurnMessage:
    return TurnMessage(id=MessageId(id_), address=AddressId(at), at=NOON, text=text, **fields)  # type: ignore[arg-type]


WRONG = f"{(int(CODES.code(ASK)) + 1) % 10**DIGITS:07}"


# --- codes ---


def test_a_turn_that_is_taken_again_makes_the_same_code() -> None:
    again = Codes(b"a secret of at least 32 characters", tries=3)
    assert again.code(ASK) == CODES.code(ASK)
    assert again.hash(ASK) == CODES.hash(ASK)


@pytest.mark.parametrize(
    "other",
    [
        replace(ASK, source=MessageId(8)),
        replace(ASK, by=AddressId(3)),
        replace(ASK, purpose=ProofPurpose.UNLINK),
        replace(ASK, about=AddressId(4)),
    ],
)
def test_a_code_is_of_one_request_alone(other: Ask) -> None:
    assert CODES.code(other) != CODES.code(ASK)
    assert CODES.hash_of(CODES.code(ASK), other) != CODES.hash(ASK)


def test_two_requests_of_one_message_have_codes_of_their_own() -> None:
    other = replace(ASK, target=Address("email", "other@example.org"))
    assert CODES.code(other) != CODES.code(ASK)
    assert CODES.hash(other) != CODES.hash(ASK)


def test_an_address_that_is_known_in_another_spelling_is_proven_all_the_same() -> None:
    known = request(to=Address("email", "Tomas+shop@example.org"))
    [tried] = prove([known], [says(CODES.code(ASK))], CODES)
    assert tried.right


def test_another_secret_makes_another_code() -> None:
    assert Codes(b"another secret of more than 32 signs", tries=5).code(ASK) != CODES.code(ASK)


def test_codes_have_all_their_digits_and_are_spread_evenly() -> None:
    codes = [CODES.code(replace(ASK, source=MessageId(number))) for number in range(5_000)]
    assert {len(code) for code in codes} == {DIGITS}
    assert len(set(codes)) > 4_990
    first = Counter(code[0] for code in codes)
    assert min(first.values()) > 400
    assert max(first.values()) < 600


def test_a_code_is_shown_so_that_it_can_be_read_and_typed() -> None:
    assert shown("4815162") == "481 5162"


# --- what was typed ---


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("4815162", "4815162"),
        ("481 5162", "4815162"),
        ("The code is 481 5162.", "4815162"),
        ("el código es 481-5162, gracias", "4815162"),
        ("\u00a0481\u00a05162\u00a0", "4815162"),
        ("٤٨١٥١٦٢", "4815162"),
        ("It came at 10: 481.5162!", "4815162"),
        ("(4815162)", "4815162"),
    ],
)
def test_a_code_counts_however_it_is_written(text: str, code: str) -> None:
    found = typed(text)
    assert found is not None
    assert found.code == code
    assert found.text in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no code",
        "481516",
        "48151623",
        "+49 170 1234567",
        "A4815162",
        "4815162x",
        "#4815162",
        "48151.62.3",
        "²²²²²²²",
    ],
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert typed(text) is None


@given(st.text(st.sampled_from("0123456789 -.x+٣²"), max_size=100) | st.text(max_size=100))
def test_no_text_breaks_the_look_for_a_code(text: str) -> None:
    found = typed(text)
    if found is not None:
        assert len(found.code) == DIGITS
        assert found.code.isascii()
        assert found.text in text


# --- what it proves ---


def test_the_right_code_where_it_was_asked_for_proves() -> None:
    [tried] = prove([request()], [says(f"it is {shown(CODES.code(ASK))}")], CODES)
    assert tried.right
    assert tried.message == 50
    assert tried.text == shown(CODES.code(ASK))


def test_the_right_code_elsewhere_proves_nothing() -> None:
    assert prove([request()], [says(CODES.code(ASK), at=9)], CODES) == ()


def test_a_wrong_code_leaves_fewer_tries() -> None:
    [tried] = prove([request()], [says(WRONG)], CODES)
    assert not tried.right
    assert tried.left == 4
    [tried] = prove([request(tries=4)], [says(WRONG)], CODES)
    assert tried.left == 0


def test_after_the_last_try_the_right_code_is_too_late_even_in_the_same_turn() -> None:
    messages = [says(WRONG, id_=number) for number in range(50, 55)] + [says(CODES.code(ASK), id_=60)]
    tried = prove([request()], messages, CODES)
    assert [one.left for one in tried] == [4, 3, 2, 1, 0, 0]
    assert not any(one.right for one in tried)
    assert tried[-1].request.over == "void"


def test_a_code_counts_once() -> None:
    first, second = prove([request()], [says(CODES.code(ASK)), says(CODES.code(ASK), id_=51)], CODES)
    assert (first.right, second.right) == (True, False)


@pytest.mark.parametrize("over", ["expired", "void"])
def test_who_comes_too_late_is_told_so_even_with_the_right_code(over: str) -> None:
    [tried] = prove([request(over=over)], [says(CODES.code(ASK))], CODES)
    assert not tried.right
    assert tried.request.over == over


def test_of_two_requests_each_code_proves_its_own_and_a_wrong_one_counts_against_both() -> None:
    other = replace(ASK, target=Address("sms", "+34600112233"))
    both = [request(), request(other, id_=2)]
    [tried] = prove(both, [says(CODES.code(other))], CODES)
    assert (tried.request.id, tried.right) == (2, True)
    tried = prove(both, [says(WRONG)], CODES)
    assert [one.request.id for one in tried] == [1, 2]


def test_no_code_in_what_a_machine_wrote_counts() -> None:
    assert prove([request()], [says(CODES.code(ASK), automatic="auto-reply")], CODES) == ()


def test_what_brings_no_code_is_no_try() -> None:
    assert prove([request()], [says("how do I export my data?")], CODES) == ()
    assert prove([], [says(CODES.code(ASK))], CODES) == ()
