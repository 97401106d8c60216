"""A company's own system, as it signs tokens for its users."""

from __future__ import annotations

import itertools
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SECRET = "the company and its bot know this, and nobody else does"
ISSUER, AUDIENCE = "https://app.example.com", "omnibot"
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_numbers = itertools.count()


def signed(
    user: object = "u-1",
    *,
    key: object = SECRET,
    algorithm: str = "HS256",
    kid: str | None = "main",
    life: float = 300,
    now: float | None = None,
    **claims: object,
) -> str:
    """A token; a claim that is None is left out."""
    now = time.time() if now is None else now
    told: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user,
        "jti": f"token-{next(_numbers)}",
        "iat": int(now),
        "exp": int(now + life),
    }
    told = {name: value for name, value in (told | claims).items() if value is not None}
    headers = {"kid": kid} if kid else None
    return jwt.api_jws.encode(_json(told), key, algorithm, headers)


def _json(claims: dict[str, Any]) -> bytes:
    """As it is: a library would refuse to sign some of what a forger writes."""
    import json

    return json.dumps(claims).encode()


def elliptic(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """A private key; P-256 unless another curve is named."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def public_pem(key: PrivateKey) -> str:
    """The half that may be known."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: PrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    """The half that may not."""
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
