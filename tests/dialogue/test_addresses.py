"""Addresses that stand in what people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.costs import Work, assert_linear

from omnibot.dialogue.addresses import Kind, Named, replaced


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("my e-mail is tomas.ruiz@example.org.", [Named(Kind.EMAIL, "tomas.ruiz@example.org")]),
        ("it is <tomas@example.org>, thanks", [Named(Kind.EMAIL, "tomas@example.org")]),
        ("“tomas+shop@example.org”", [Named(Kind.EMAIL, "tomas+shop@example.org")]),
        ("'tomas@example.org'", [Named(Kind.EMAIL, "tomas@example.org")]),
        ("o'neill@example.org", [Named(Kind.EMAIL, "o'neill@example.org")]),
        ("mailto:tomas@example.org", [Named(Kind.EMAIL, "tomas@example.org")]),
        ("mi correo: tomás@exämple.org!", [Named(Kind.EMAIL, "tomás@exämple.org")]),
        ("4711@example.org", [Named(Kind.EMAIL, "4711@example.org")]),
        ("write to tomas@example", [Named(Kind.ODD, "tomas@example")]),
        ("I am @tomas there", [Named(Kind.ODD, "@tomas")]),
        ("link my WhatsApp (+49 170 1234567)", [Named(Kind.NUMBER, "+49 170 1234567")]),
        ("+1 (415) 555-0123", [Named(Kind.NUMBER, "+1 (415) 555-0123")]),
        ("0034 600.11.22.33.", [Named(Kind.NUMBER, "0034 600.11.22.33")]),
        ("call 0170/1234567 now", [Named(Kind.NUMBER, "0170/1234567")]),
        ("٠٠٣٤٦٠٠١١٢٢٣٣", [Named(Kind.NUMBER, "0034600112233")]),
        (
            "tomas@example.org and +34 600 11 22 33",
            [Named(Kind.EMAIL, "tomas@example.org"), Named(Kind.NUMBER, "+34 600 11 22 33")],
        ),
    ],
)
def test_an_address_is_found_as_it_was_written(text: str, named: list[Named]) -> None:
    found = replaced(text)
    assert found is not None
    assert list(found.named) == named


@pytest.mark.parametrize(
    "text",
    [
        "my number is 5 on the list",
        "order A4815162 and R2D2",
        "it costs $481516 or 12345",
        "12345678901234567890 is too long for a number",
        "no address at all",
        "",
        "a@b.co, c@d.co, e@f.co, g@h.co, i@j.co are our customers",
    ],
)
def test_what_is_nobodys_own_address_is_none(text: str) -> None:
    assert replaced(text) is None


def test_a_piece_of_the_text_can_be_had_back() -> None:
    found = replaced("mail <tomas@example.org> or call +34 600 11 22 33, please")
    assert found is not None
    assert found.restored(found.text).split() == [
        "mail",
        "tomas@example.org",
        "or",
        "call",
        "+34",
        "600",
        "11",
        "22",
        "33",
        ",",
        "please",
    ]


@given(st.text(st.sampled_from("@.+ -()aé9٣'<>/"), max_size=200) | st.text(max_size=200))
def test_no_text_breaks_it_and_nothing_but_addresses_changes(text: str) -> None:
    found = replaced(text)
    if found is None:
        return
    assert found.in_words(found.text) == list(found.named)
    for named in found.named:
        if named.kind is not Kind.NUMBER:
            assert named.text in text


@pytest.mark.parametrize("piece", ["@", "a@", "a", "1 ", "+", "'", ".", "1", "(", "@ ", "+1", "a.b@c.d "])
def test_sixteen_times_the_text_takes_sixteen_times_as_long(piece: str) -> None:
    def looking(length: int) -> Work:
        text = (piece * length)[:length]
        return lambda: replaced(text)

    assert_linear(looking, 16_000)
