"""The one door through which personal data enters and leaves the database.

Plain for now: a byte says which codec sealed a value, so that values sealed with a customer's key can live beside it.
Addresses and provider ids are looked up by keyed hashes, so that no index holds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from omnibot.identifiers import comparable
from omnibot.model import Address, Identifier

_PLAIN = b"\x00"
_HASH_BYTES = 16

OWN = 0  # the owner of what belongs to no address


class Codec:
    """Seals values for the address that owns them and hashes what must be found again."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"omnibot-lookup").digest()

    def seal(self, owner: int, value: Mapping[str, Any] | str) -> bytes:
        """Text, or a mapping as JSON, as bytes that only `open` and `open_text` read."""
        return _PLAIN + (value.encode() if isinstance(value, str) else orjson.dumps(value))

    def open(self, owner: int, sealed: bytes) -> dict[str, Any]:
        """A mapping that was sealed; raises ValueError when it is none or of an unknown codec."""
        loaded: dict[str, Any] = orjson.loads(self._unseal(sealed))
        return loaded

    def open_text(self, owner: int, sealed: bytes) -> str:
        """A text that was sealed."""
        return self._unseal(sealed).decode()

    def seal_bytes(self, owner: int, value: bytes) -> bytes:
        """Bytes that only `open_bytes` reads."""
        return _PLAIN + value

    def open_bytes(self, owner: int, sealed: bytes) -> bytes:
        """Bytes that were sealed."""
        return self._unseal(sealed)

    def stem_hash(self, owner: int, stem: str) -> int:
        """What a word of an address is found by, in 64 bits: another one for each address."""
        salt = owner.to_bytes(8, "little")
        digest = hashlib.blake2b(
            stem.encode(), digest_size=8, key=self._key, salt=salt, person=b"omnibot-stem"
        ).digest()
        return int.from_bytes(digest, "little", signed=True)

    def address_hash(self, address: Address) -> UUID:
        """What an address is found by, however it is spelled."""
        spelled = comparable(address)
        return self._hash("address", spelled.channel, spelled.value)

    def identifier_hash(self, identifier: Identifier) -> UUID:
        """What an identifier is found by, at whichever address."""
        return self._hash("identifier", identifier.kind, identifier.value)

    def token_hash(self, *parts: str) -> UUID:
        """What a token is found by: that of a code of ours, or of a signed one by its issuer and id."""
        return self._hash("token", *parts)

    def arrival_hash(self, channel: str, account: str, provider_id: str) -> UUID:
        """What a delivery of a provider is recognised by."""
        return self._hash("arrival", channel, account, provider_id)

    def act_hash(self, channel: str, account: str, provider_id: str) -> UUID:
        """What an act of an agent is recognised by."""
        return self._hash("act", channel, account, provider_id)

    def agent_hash(self, id_: str) -> UUID:
        """What belongs to an agent is found by."""
        return self._hash("agent", id_)

    def place_hash(self, desk: str, room: str, thread: str) -> UUID:
        """What a thread of a desk is found by."""
        return self._hash("place", desk, room, thread)

    def event_hash(self, id_: str) -> UUID:
        """What an event of the company's is recognised by, whomever it is about."""
        return self._hash("event", id_)

    def provider_hash(self, provider_id: str) -> UUID:
        """What a provider's message is found by, within its address."""
        return self._hash("message", provider_id)

    @property
    def fingerprint(self) -> str:
        """Tells whether a database was made with the same secret, without telling the secret."""
        return self._hash("fingerprint").hex

    def _hash(self, *parts: str) -> UUID:
        joined = "\0".join(parts).encode("utf-8", "surrogatepass")
        return UUID(bytes=hashlib.blake2b(joined, digest_size=_HASH_BYTES, key=self._key).digest())

    @staticmethod
    def _unseal(sealed: bytes) -> bytes:
        if sealed[:1] != _PLAIN:
            raise ValueError("sealed by a codec that this version does not know")
        return sealed[1:]
