"""What is believed of what a company's own system signs, and what is not."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibot.model import Identifier, IdentifierKind
from omnibot.tokens import (
    MAX_TOKEN,
    Algorithm,
    BadToken,
    Key,
    Verifier,
    as_code,
    both_ways,
    derived_code,
    is_signed,
    new_code,
    public_key_flaw,
    secret_flaw,
)
from tests.signing import AUDIENCE, ISSUER, SECRET, elliptic, private_pem, public_pem, signed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = NOW.timestamp()
PRIVATE = elliptic()
HS = Key("main", Algorithm.HS256, SECRET)
ES = Key("new", Algorithm.ES256, public_pem(PRIVATE))


def verifier(*keys: Key, longest: float = 3600, skew: float = 60) -> Verifier:
    return Verifier(keys or (HS, ES), issuer=ISSUER, audience=AUDIENCE, longest=longest, skew=skew, now=lambda: NOW)


def refusal(token: str, by: Verifier | None = None) -> str:
    with pytest.raises(BadToken) as refused:
        (by or verifier()).verify(token)
    return refused.value.reason


def by_hand(header: object, claims: object = None, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims or {}).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


# --- believed ------------------------------------------------------------------------------------------------------


def test_a_token_says_who_somebody_is():
    told = verifier().verify(signed("u-77", jti="once", now=AT))
    assert told.identifiers == (Identifier(IdentifierKind.USER_ID, "u-77"),)
    assert (told.issuer, told.id) == (ISSUER, "once")
    assert told.expires_at == NOW + timedelta(seconds=300)


def test_and_by_a_key_of_which_we_have_the_public_half_alone():
    told = verifier().verify(signed("u-77", key=PRIVATE, algorithm="ES256", kid="new", now=AT))
    assert told.identifiers[0].value == "u-77"


def test_what_the_company_answers_for_comes_in_the_spelling_that_is_compared():
    token = signed(now=AT, email=" Sarah+News@Example.ORG", phone="+1 (202) 555-0147")
    assert set(map(str, verifier().verify(token).identifiers)) == {
        "user_id:u-1",
        "email:sarah@example.org",
        "phone:+12025550147",
    }


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "no address", "phone": "12"},
        {"email": 7, "phone": ["+12025550147"]},
        {"email": "sarah@example.org", "email_verified": False},
        {"phone": "+12025550147", "phone_verified": "yes"},
    ],
)
def test_what_the_company_does_not_answer_for_is_left_out(claims):
    assert [str(i) for i in verifier().verify(signed(now=AT, **claims)).identifiers] == ["user_id:u-1"]


def test_while_keys_change_both_are_believed_by_name_and_without():
    old, new = Key("2025", Algorithm.HS256, SECRET), Key("2026", Algorithm.HS256, SECRET[::-1])
    both = verifier(old, new)
    for key in (old, new):
        for kid in (key.name, None):
            both.verify(signed(key=key.material, kid=kid, now=AT))


def test_clocks_may_differ_by_the_skew_and_no_more():
    assert verifier().verify(signed(life=-59, now=AT))
    assert refusal(signed(life=-60, now=AT)) == "expired"
    assert verifier().verify(signed(iat=int(AT) + 60, now=AT))
    assert refusal(signed(iat=int(AT) + 61, now=AT)) == "not yet valid"
    assert refusal(signed(nbf=int(AT) + 61, now=AT)) == "not yet valid"


def test_a_token_may_be_for_several_audiences():
    assert verifier().verify(signed(aud=["shop", AUDIENCE], now=AT))


# --- not believed --------------------------------------------------------------------------------------------------


def test_nobody_is_believed_without_keys():
    without = Verifier((), issuer="", audience="", longest=1, skew=0)
    assert refusal(signed(), without) == "no key configured"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "for others"),
        ({"aud": "shop"}, "for others"),
        ({"aud": None}, "incomplete"),
        ({"iss": None}, "incomplete"),
        ({"sub": None}, "incomplete"),
        ({"jti": None}, "incomplete"),
        ({"exp": None}, "incomplete"),
        ({"sub": 77}, "malformed"),
        ({"sub": ""}, "malformed"),
        ({"sub": "  "}, "malformed"),
        ({"sub": "x" * 256}, "malformed"),
        ({"sub": "a\0b"}, "malformed"),
        ({"sub": "a\nb"}, "malformed"),
        ({"sub": "\ud800"}, "malformed"),
        ({"jti": 5}, "malformed"),
        ({"jti": "x" * 256}, "malformed"),
        ({"exp": "tomorrow"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": [1]}, "malformed"),
        ({"exp": float("nan")}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"exp": 1e300}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"iat": {}}, "malformed"),
        ({"iat": "soon"}, "malformed"),
    ],
)
def test_who_signs_nonsense_is_not_believed(claims, reason):
    assert refusal(signed(now=AT, **claims)) == reason


def test_a_token_that_lives_too_long_is_refused():
    assert verifier().verify(signed(life=3660, now=AT))
    assert refusal(signed(life=3661, now=AT)) == "valid for too long"


def test_a_wrong_signature_is_a_forgery():
    assert refusal(signed(key="somebody else's secret, which is long enough", now=AT)) == "forged"
    assert refusal(signed(key=elliptic(), algorithm="ES256", kid="new", now=AT)) == "forged"


def test_one_sign_more_or_less_is_a_forgery():
    head, claims, signature = signed(now=AT).split(".")
    other = "A" if signature[0] != "A" else "B"
    assert refusal(f"{head}.{claims}.{other}{signature[1:]}") == "forged"
    assert refusal(f"{head}.{claims}.") == "forged"


def test_a_key_that_is_named_is_the_only_one_that_counts():
    assert refusal(signed(kid="other", now=AT)) == "unknown key"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "HS384", "RS256", "", None, ["HS256"], {}, 7])
def test_no_other_algorithm_is_taken(algorithm):
    claims = {"sub": "u-1", "iss": ISSUER, "aud": AUDIENCE, "jti": "x", "exp": AT + 60}
    assert refusal(by_hand({"alg": algorithm, "typ": "JWT"}, claims)) == "unknown key"
    assert refusal(by_hand({"alg": algorithm, "typ": "JWT"}, claims, b"x" * 32)) == "unknown key"


def test_a_public_key_is_no_secret_to_sign_with():
    """Algorithm confusion: who knows the public key signs by it as if it were the secret of HS256."""
    import hashlib
    import hmac

    for kid in ("new", None):
        head = {"alg": "HS256"} | ({"kid": kid} if kid else {})
        unsigned = by_hand(head, {"sub": "x", "iss": ISSUER, "aud": AUDIENCE, "jti": "x", "exp": AT + 60})[:-1]
        for material in (ES.material, ES.material.strip(), "".join(ES.material.splitlines()[1:-1])):
            mac = hmac.digest(material.encode(), unsigned.encode(), hashlib.sha256)
            token = f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
            assert refusal(token) in ("unknown key", "forged")
            assert refusal(token, verifier(ES)) == "unknown key"


def test_what_is_too_long_is_not_looked_into():
    assert refusal("x" * (MAX_TOKEN + 1)) == "too long"
    assert refusal(signed(now=AT, more="x" * MAX_TOKEN)) == "too long"


@pytest.mark.parametrize(
    "header",
    [[], "x", 7, {"alg": "HS256", "kid": 7}, {"alg": "HS256", "kid": ["main"]}, {"alg": "HS256", "crit": ["x"]},
     {"alg": "HS256", "b64": False, "crit": ["b64"]}, {"alg": "HS256", "kid": "main", "crit": []}],
)  # fmt: skip
def test_headers_of_other_kinds(header):
    assert refusal(by_hand(header, {"sub": "x"}, b"x" * 32)) in ("malformed", "unknown key", "forged")


def test_what_is_nested_without_end():
    deep = base64.urlsafe_b64encode(b"[" * 1400).decode().rstrip("=")
    assert refusal(f"{deep}.{deep}.") == "malformed"


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_.-]{0,300}", fullmatch=True))
def test_whatever_is_made_up_is_refused_in_words(text):
    assert refusal(text)


@settings(max_examples=200)
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    data=st.data(),
)
def test_whatever_is_signed_by_the_company_is_believed_or_refused_in_words(header, data):
    json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300) | st.lists(st.text())
    names = st.sampled_from(["iss", "aud", "sub", "jti", "exp", "iat", "nbf", "email", "phone", "email_verified"])
    claims = data.draw(st.dictionaries(names, json_values))
    with suppress(BadToken):
        assert verifier().verify(signed(now=AT, **claims)).identifiers
    assert refusal(by_hand(header, claims, b"x"))


# --- codes ---------------------------------------------------------------------------------------------------------


def test_codes_are_what_telegram_takes_and_each_another():
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    for code in codes:
        assert as_code(code) == code
        assert len(code) <= 64
        assert not is_signed(code)


def test_a_derived_code_is_the_same_for_the_same_parts_alone():
    code = derived_code(b"key", "a", "b")
    assert as_code(code) == code == derived_code(b"key", "a", "b")
    assert code not in (derived_code(b"key", "b", "a"), derived_code(b"yek", "a", "b"), derived_code(b"key", "ab"))


@given(st.binary(min_size=16, max_size=16), st.integers(1, 8))
def test_a_code_is_read_however_it_is_typed(key, every):
    code = derived_code(key)
    typed = "-".join(code[i : i + every] for i in range(0, len(code), every))
    assert as_code(typed.upper()) == code


@pytest.mark.parametrize("text", ["", "abc", "a" * 25, "a" * 27, "a" * 25 + "1", "ä" * 26, "a" * 25 + "\n"])
def test_what_is_no_code(text):
    assert as_code(text) == ""


# --- keys ----------------------------------------------------------------------------------------------------------


def test_keys_that_will_do():
    assert secret_flaw(SECRET) == secret_flaw("x" * 32) == public_key_flaw(public_pem(elliptic())) == ""


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("x" * 31, "fewer than 32 bytes"),
        (public_pem(PRIVATE), "is a public key"),
        (private_pem(PRIVATE), "is a private key"),
    ],
)
def test_secrets_that_will_not_do(secret, says):
    problem, _, action = secret_flaw(secret).partition(": ")
    assert says in problem
    assert action


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (private_pem(PRIVATE), "private key"),
        (private_pem(PRIVATE, PrivateFormat.TraditionalOpenSSL), "private key"),
        (public_pem(elliptic(ec.SECP384R1())), "secp384r1"),
        (public_pem(elliptic(ec.SECP256K1())), "secp256k1"),
        (public_pem(rsa.generate_private_key(65537, 2048)), "elliptic curve"),
        (public_pem(ed25519.Ed25519PrivateKey.generate()), "elliptic curve"),
        ("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----", "certificate"),
        ("-----BEGIN PUBLIC KEY-----\nrubbish\n-----END PUBLIC KEY-----", "cannot be read"),
        (SECRET, "no public key"),
    ],
)
def test_public_keys_that_will_not_do(pem, says):
    problem, _, action = public_key_flaw(pem).partition(": ")
    assert says in problem
    assert action


def test_a_public_key_that_is_also_a_secret_is_found_in_any_writing():
    body = "".join(public_pem(PRIVATE).splitlines()[1:-1])
    assert both_ways([ES, Key("old", Algorithm.HS256, body)]) == "old"
    assert both_ways([ES, HS]) == ""


def test_no_key_shows_itself():
    assert SECRET not in repr(HS)
