"""Signed tokens: what a company's own system says of whoever holds one, and the keys by which it is believed.

A token is a JWT (RFC 7519) signed by HS256 with a secret that both sides know, or by ES256 with a key of which only the
public half is here. The algorithm belongs to the key, never to the token: what a token says of itself decides nothing
but which of our keys is tried (RFC 8725, 3.1). Beside them there are codes of our own: 128 random bits that stand for
what a token said, short enough for a Telegram link and for a text message.

PyJWT and cryptography take 0.1 s to import, so only who has keys does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from omnibot.identifiers import spelled
from omnibot.model import Identifier, IdentifierKind

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

__all__ = [
    "CODE_PATH",
    "MAX_TOKEN",
    "NOBODY",
    "Algorithm",
    "BadToken",
    "CodeLinks",
    "Key",
    "SignedToken",
    "Verifier",
    "as_code",
    "both_ways",
    "derived_code",
    "is_signed",
    "new_code",
    "public_key_flaw",
    "secret_flaw",
]

MAX_TOKEN = 4096  # characters; what is longer is not looked into
MAX_CLAIM = 255  # characters of a user id, of a token's own id
CODE_PATH = "/identity/code"  # where the address of a code leads
SECRET_BYTES = 32  # RFC 7518, 3.2: as many as the hash has
_CODE_BYTES = 16

_SIGNED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_CODE = re.compile(r"[a-z2-7]{26}")
_LOCALE = re.compile(r"([A-Za-z]{2})(?![A-Za-z])")
_CODE_LINK = re.compile(r"[A-Za-z0-9_-]{43}")
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----")
_BODY = re.compile(r"-----[A-Z ]+-----|\s")
_REQUIRED = ("exp", "sub", "jti", "iss", "aud")


class Algorithm(StrEnum):
    """By what a key signs."""

    HS256 = "HS256"
    ES256 = "ES256"


@dataclass(frozen=True, slots=True)
class Key:
    """A secret, or a public key as PEM. `name` is the `kid` of the tokens that are signed with it."""

    name: str
    algorithm: Algorithm
    material: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """What a token says whose signature, issuer, audience and times are right. It may have been used before."""

    issuer: str
    id: str  # once used, never again
    identifiers: tuple[Identifier, ...]  # the user id first
    expires_at: datetime
    language: str = ""  # ISO 639-1, where the company says


class BadToken(Exception):
    """A token that is not believed. The reason is for the log alone: whoever showed it learns nothing from it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_signed(text: str) -> bool:
    """Whether it has the shape of a signed token, right or wrong."""
    return len(text) <= MAX_TOKEN and _SIGNED.fullmatch(text) is not None


# --- codes of our own ------------------------------------------------------------------------------------------------


def new_code() -> str:
    """128 random bits as 26 letters and digits of one case, none of which is taken for another one."""
    return _as_letters(secrets.token_bytes(_CODE_BYTES))


def derived_code(key: bytes, *parts: str) -> str:
    """A code that the same parts give again, for who has the key."""
    return _as_letters(hmac.digest(key, "\0".join(("code", *parts)).encode("utf-8", "surrogatepass"), "sha256"))


def as_code(text: str) -> str:
    """A code as it was given out, however it was typed; '' when it is none."""
    code = text.replace("-", "").lower()
    return code if _CODE.fullmatch(code) else ""


def _as_letters(bits: bytes) -> str:
    return base64.b32encode(bits[:_CODE_BYTES]).decode().rstrip("=").lower()


class CodeLinks:
    """Addresses that do what typing a code does, each for one request; made and recognised without being kept.

    Such an address has three parts: which message asked, 64 bits without which that cannot be made up, so that nobody
    tries at the requests of others, and 128 bits that follow from the code.
    """

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"omnibot-links").digest()
        self._public_url = public_url

    def url(self, source: int, code_hash: bytes) -> str:
        """The URL for a request, by the message that asked and what is kept of its code; '' without a public URL."""
        if not self._public_url:
            return ""
        number = source.to_bytes(8, "big")
        token = number + self._which(number) + self._proof(number, code_hash)
        return f"{self._public_url}{CODE_PATH}?token={base64.urlsafe_b64encode(token).rstrip(b'=').decode()}"

    def source(self, token: str) -> int | None:
        """The message that asked, by the token of an address that we have made, whatever became of its end."""
        read = _bytes_of(token)
        if read is None or not hmac.compare_digest(read[8:16], self._which(read[:8])):
            return None
        return int.from_bytes(read[:8], "big")

    def is_right(self, token: str, code_hash: bytes) -> bool:
        """Whether the token is that of a request with this code."""
        read = _bytes_of(token)
        return read is not None and hmac.compare_digest(read[16:], self._proof(read[:8], code_hash))

    def _which(self, number: bytes) -> bytes:
        return hmac.digest(self._key, b"which" + number, "sha256")[:8]

    def _proof(self, number: bytes, code_hash: bytes) -> bytes:
        return hmac.digest(self._key, b"proof" + number + code_hash, "sha256")[:16]


def _bytes_of(token: str) -> bytes | None:
    return base64.urlsafe_b64decode(f"{token}=") if _CODE_LINK.fullmatch(token) else None


# --- keys ------------------------------------------------------------------------------------------------------------


def secret_flaw(secret: str) -> str:
    """What is wrong with a secret for HS256, and what to do, parted by ": "; '' when it will do."""
    if _PRIVATE.search(secret):
        return "is a private key, not a secret: keep it with your own system, and give its public key as public_key"
    if _PEM.search(secret):
        return (
            "is a public key, which anybody may know and could sign with: give it as public_key, which takes nothing"
            " but ES256 for it"
        )
    if len(secret.encode("utf-8", "surrogatepass")) < SECRET_BYTES:
        return f"has fewer than {SECRET_BYTES} bytes and can be guessed: make one by `openssl rand -base64 48`"
    return ""


def public_key_flaw(pem: str) -> str:
    """What is wrong with a public key for ES256, and what to do, parted by ": "; '' when it will do."""
    if _PRIVATE.search(pem):
        return (
            "is a private key, which belongs to your own system alone: replace it there, as it has been here, and give"
            " the public key that `openssl pkey -in private.pem -pubout` writes"
        )
    kind = _PEM.search(pem)
    if kind is None:
        return "is no public key in PEM: give what `openssl pkey -in private.pem -pubout` writes"
    if kind[1] == "CERTIFICATE":
        return "is a certificate: give the public key that `openssl x509 -in it.pem -pubkey -noout` writes"
    try:
        _loaded(pem)
    except _Unsuitable as error:
        return f"{error}: make a key by `openssl ecparam -name prime256v1 -genkey -noout`"
    except Exception:
        return "cannot be read: give what `openssl pkey -in private.pem -pubout` writes"
    return ""


def both_ways(keys: Sequence[Key]) -> str:
    """The name of a secret that is one of the public keys written otherwise; ''."""
    public = {_BODY.sub("", key.material) for key in keys if key.algorithm is Algorithm.ES256}
    told = (k.name for k in keys if k.algorithm is Algorithm.HS256 and _BODY.sub("", k.material) in public)
    return next(told, "")


class _Unsuitable(Exception):
    pass


def _loaded(pem: str) -> EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem.encode())
    if not isinstance(key, EllipticCurvePublicKey):
        raise _Unsuitable("is no key on an elliptic curve")
    if not isinstance(key.curve, SECP256R1):
        raise _Unsuitable(f"is on the curve {key.curve.name}, and ES256 is P-256 alone")
    return key


# --- verification ----------------------------------------------------------------------------------------------------


class Verifier:
    """Believes tokens that are signed with one of the keys, for us, and not for too long."""

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        issuer: str,
        audience: str,
        longest: float,
        skew: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`longest` and `skew` in seconds: how far away `exp` may be, and by how much clocks may differ."""
        self._keys = [
            (key, _loaded(key.material) if key.algorithm is Algorithm.ES256 else key.material.encode()) for key in keys
        ]
        self._issuer = issuer
        self._audience = audience
        self._longest = longest
        self._skew = skew
        self._now = now

    def read(self, token: str) -> SignedToken | str:
        """What somebody has shown: a signed token, which is verified, or a code, which is still to be looked up."""
        return as_code(token) or self.verify(token)

    def verify(self, token: str) -> SignedToken:
        """What it says; raises BadToken. Whoever acts on it must see to it that it is used only once."""
        if len(token) > MAX_TOKEN:
            raise BadToken("too long")
        if not is_signed(token):
            raise BadToken("malformed")
        if not self._keys:
            raise BadToken("no key configured")
        claims = self._claims(token)
        return SignedToken(
            issuer=self._issuer,
            id=_text(claims, "jti"),
            identifiers=tuple(_identifiers(claims)),
            expires_at=self._expiry(claims),
            language=_language(claims),
        )

    def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that some key of ours has signed, of its issuer and for us."""
        import jwt

        refused = "unknown key"
        for key, material in self._suitable(_header(token)):
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    material,
                    algorithms=[key.algorithm],
                    issuer=self._issuer,
                    audience=self._audience,
                    options={"require": list(_REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
                )
                return claims
            except jwt.InvalidSignatureError:
                refused = "forged"
            except (jwt.InvalidIssuerError, jwt.InvalidAudienceError):
                raise BadToken("for others") from None
            except jwt.MissingRequiredClaimError:
                raise BadToken("incomplete") from None
            except Exception:  # whatever a parser makes of what somebody made up
                raise BadToken("malformed") from None
        raise BadToken(refused)

    def _suitable(self, header: Mapping[str, Any]) -> list[tuple[Key, Any]]:
        """The key that the token names, or all that sign as it says it is signed: there are a few."""
        name, algorithm = header.get("kid"), header.get("alg")
        return [(k, m) for k, m in self._keys if k.algorithm == algorithm and name in (None, k.name)]

    def _expiry(self, claims: Mapping[str, Any]) -> datetime:
        now = self._now().timestamp()
        expires = _seconds(claims, "exp")
        begins = [_seconds(claims, name) for name in ("iat", "nbf") if name in claims]
        if expires <= now - self._skew:
            raise BadToken("expired")
        if any(begin > now + self._skew for begin in begins):
            raise BadToken("not yet valid")
        if expires - now > self._longest + self._skew:
            raise BadToken("valid for too long")
        return datetime.fromtimestamp(expires, UTC)


NOBODY = Verifier((), issuer="", audience="", longest=0, skew=0)  # is believed


def _header(token: str) -> Mapping[str, Any]:
    try:
        encoded = token.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        raise BadToken("malformed") from None
    if not isinstance(header, dict):
        raise BadToken("malformed")
    return header


def _identifiers(claims: Mapping[str, Any]) -> list[Identifier]:
    """Whom it is about: the user id, and what of phone and mail the company answers for and can be read."""
    user = spelled(Identifier(IdentifierKind.USER_ID, _text(claims, "sub")))
    if user is None:
        raise BadToken("malformed")
    told = [user]
    for kind in (IdentifierKind.EMAIL, IdentifierKind.PHONE):
        value = claims.get(kind)
        if isinstance(value, str) and claims.get(f"{kind}_verified", True) is True:
            identifier = spelled(Identifier(kind, value))
            told += [identifier] if identifier else []
    return told


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CLAIM or not value.isprintable():
        raise BadToken("malformed")
    return value


def _language(claims: Mapping[str, Any]) -> str:
    """Of the locale (OpenID Connect Core, 5.1), such as es or es-MX."""
    locale = claims.get("locale")
    found = _LOCALE.match(locale) if isinstance(locale, str) else None
    return found[1].lower() if found else ""


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    """RFC 7519's NumericDate, up to the year 9999."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadToken("malformed")
    if not (math.isfinite(value) and 0 <= value < 253402300800):
        raise BadToken("malformed")
    return float(value)
