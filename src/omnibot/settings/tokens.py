"""`[identity.tokens]`: whose signature is believed about who somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from omnibot.settings.section import Seconds, Section

if TYPE_CHECKING:
    from omnibot.tokens import Key


class TokenKey(Section):
    """One key by which the company's systems sign; its table's name is the `kid` of what is signed with it."""

    secret: SecretStr | None = None
    """For HS256: at least 32 bytes that only the signing system and Omnibot know."""
    public_key: str = ""
    """For ES256: the public half, as PEM."""

    @field_validator("secret")
    @classmethod
    def _kept_and_long(cls, secret: SecretStr | None) -> SecretStr | None:
        from omnibot.tokens import secret_flaw

        if secret is not None and (flaw := secret_flaw(secret.get_secret_value())):
            raise ValueError(flaw)
        return secret

    @field_validator("public_key")
    @classmethod
    def _public_and_suitable(cls, pem: str) -> str:
        from omnibot.tokens import public_key_flaw

        if pem and (flaw := public_key_flaw(pem)):
            raise ValueError(flaw)
        return pem

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.secret is not None and self.public_key:
            raise ValueError("has a secret and a public key: give each key a table of its own")
        if self.secret is None and not self.public_key:
            raise ValueError("has no key: set secret_file (HS256) or public_key_file (ES256)")
        return self


class Tokens(Section):
    """Whose signature is believed about who somebody is. Without keys nobody's."""

    issuer: str = ""
    """The `iss` of the tokens. Needed with keys."""
    audience: str = ""
    """The `aud` of the tokens, so that none which was made for another service counts here. Needed with keys."""
    longest_seconds: Seconds = 3600
    """A token that is valid for longer is refused."""
    skew_seconds: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 60
    """By how much the clocks of those who sign may differ from ours."""
    code_seconds: Seconds = 900
    """How long a code works that a token was exchanged for."""
    keys: dict[str, TokenKey] = Field(default_factory=dict)
    """By `kid`; several while one replaces another."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in ("issuer", "audience") if self.keys and not getattr(self, name)]
        if missing:
            names = " and ".join(missing)
            raise ValueError(f"has keys, but no {names}: set what your system writes, or any of its tokens would do")
        from omnibot.tokens import both_ways

        if self.keys and (name := both_ways(self.signing_keys())):
            raise ValueError(f"keys.{name} is a public key given as a secret, which anybody could sign with: remove it")
        return self

    def signing_keys(self) -> tuple[Key, ...]:
        """The keys as `omnibot.tokens` takes them."""
        from omnibot.tokens import Algorithm, Key

        return tuple(
            Key(name, Algorithm.HS256, key.secret.get_secret_value())
            if key.secret is not None
            else Key(name, Algorithm.ES256, key.public_key)
            for name, key in self.keys.items()
        )
