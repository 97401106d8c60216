"""Tokens are taken out of what people write, whatever surrounds them, and nothing else is."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.costs import Work, assert_linear
from tests.signing import signed

from omnibot.intake.presented import presented
from omnibot.tokens import new_code

CODE = "abcdefghijklmnopqrstuvwx23"
TOKEN = signed()


@pytest.mark.parametrize("token", [CODE, TOKEN, CODE.upper(), "abcde-fghij-klmno-pqrst-uvwx23"])
@pytest.mark.parametrize(
    "text",
    [
        "/link {}",
        "/LINK   {}  ",
        "link {}",
        "Link {}\r\n\r\n-- \r\nSent from my telephone",
        "Hello,\n\n/link {}\n\nSarah",
        "/link@example_bot {}",
        "/start {}",
        "/start@example_bot {}",
        "https://bot.example.com/identity/link?token={}",
        "https://t.me/example_bot?start={}",
        "{}",
        " {}\n",
    ],
)
def test_a_token_that_is_shown_is_taken_out(text, token):
    found = presented(text.format(token))
    assert found.token == token
    assert found.text == text.format("…")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/start",
        "/start spring-sale",
        "/start newsletter_2026-03-long-name",
        "/link",
        "/link my WhatsApp",
        "/link sarah@example.org",
        "/link +4915123456789",
        "/link 00491512345678901234",
        "link my email",
        "start again please",
        "How do I link an account?",
        "see https://example.com/start?token=5 please",
        "https://shop.example.com/?start=summer",
        "abcdefghijklmnopqrstuvwxyz is an alphabet",
        "eyJust a joke",
    ],
)
def test_what_shows_no_token_stays_as_it_is(text):
    assert presented(text) == type(presented(""))(text)


@pytest.mark.parametrize("token", [CODE[:-1], CODE + "a", TOKEN[:40], TOKEN * 30])
def test_what_was_meant_as_one_is_taken_out_too(token):
    found = presented(f"/link {token}")
    assert (found.text, found.token) == ("/link …", token)


def test_of_several_the_first_counts_and_all_are_taken_out():
    other = signed()
    found = presented(f"/link {TOKEN}\n/link {other}\nand {TOKEN}")
    assert found.token == TOKEN
    assert found.text == "/link …\n/link …\nand …"


def test_a_signed_token_that_is_spoken_of_is_taken_out_and_not_shown():
    found = presented(f"Why does your API refuse my token ({TOKEN})?")
    assert found.text == "Why does your API refuse my token (…)?"
    assert found.token == ""


@given(st.text(max_size=300))
def test_text_without_tokens_is_untouched(text):
    found = presented(text)
    assert found.token or found.text == text


@given(st.text(max_size=50).filter(lambda t: "\n" not in t), st.text(max_size=50))
def test_a_line_of_its_own_is_enough(before, after):
    code = new_code()
    found = presented(f"{before}\n/link {code}\n{after}")
    assert code not in found.text


FLOODS: dict[str, Callable[[int], str]] = {  # of a length
    "beginnings": lambda length: "eyJ" * (length // 3),
    "first parts": lambda length: "-eyJaaaaaaaaaaaa." * (length // 17),
    "parts": lambda length: ".".join(["eyJaaaaaaaaaaaa"] * (length // 16)),
    "commands": lambda length: "/link " * (length // 6),
    "a wide command": lambda length: "/link" + " " * length + "!",
    "lines": lambda length: "\n".join(["/link " + "a" * 24 + "!"] * (length // 32)),
    "spaces": lambda length: " " * length,
    "an address": lambda length: "https://" + "a" * length,
    "an address with a token": lambda length: "https://a?token=" + "a" * length + " x",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_in_linear_time(flood: str) -> None:
    def taking(length: int) -> Work:
        text = FLOODS[flood](length)
        return lambda: presented(text)

    assert_linear(taking, 32_000)
