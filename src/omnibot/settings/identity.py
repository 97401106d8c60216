"""`[identity]`: who is one person over several addresses, and what they are told for which proof."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from omnibot.settings.section import Count, Section
from omnibot.settings.tokens import Tokens

_PROOF_DAYS = {"sms": 180, "whatsapp": 180}
BlockedValue = Annotated[str, Field(pattern=r"^(user_id|phone|email):.+$")]
Told = Literal["seen", "proven"]
ProofDays = Annotated[int, Field(ge=0, le=36500)]


class DisclosureLevels(Section):
    """From which proof on an address is told what is known from elsewhere; what it told itself may always go back."""

    name: Told = "seen"
    """What they are called, and in which form they like to be written to."""
    history: Told = "proven"
    """What was said at their other addresses."""
    account: Told = "proven"
    """All else that is known, and that there are other addresses."""


class Identity(Section):
    """Who is one person over several addresses."""

    rules: tuple[Literal["user_id", "phone", "email"], ...] = ("user_id", "phone", "email")
    """Whose proven identifiers are the same is one person; the first that says something decides."""
    blocked: tuple[BlockedValue, ...] = ("user_id:0", "user_id:null", "user_id:undefined", "user_id:anonymous")
    """Identifiers that name nobody, each with its kind: they never link."""
    most_phones: Count = 5
    """Proven phone numbers of one person; what would make more waits for staff."""
    most_emails: Count = 5
    """Proven e-mail addresses of one person; what would make more waits for staff."""
    most_addresses: Count = 20
    """Addresses of one person; what would make more waits for staff."""
    most_merges: Count = 10
    """Merges of one person without staff; what would make more waits for staff."""
    attempts: Count = 8
    """Failures of one act (a link, a merge, …) after which it is left to staff."""
    codes_seconds: Annotated[float, Field(ge=60, le=3600)] = 600
    """How long a code works that proves an address."""
    codes_tries: Annotated[int, Field(ge=1, le=10)] = 5
    """Wrong codes after which a new one must be asked for."""
    codes_per_address: Count = 5
    """Codes that one address gets in an hour, whoever asks for them."""
    codes_per_requester: Count = 10
    """Codes that one address can ask for in an hour."""
    codes_overall: Count = 1000
    """Codes that leave in an hour, all together: what is beyond is somebody who tries numbers out."""
    staff_names: tuple[str, ...] = ()
    """Who answers for you, as customers see them called: whoever else has nearly such a name is shown with a remark.
    The bot's name and the company's are always among them."""
    proof_days: dict[str, ProofDays] = Field(default_factory=lambda: dict(_PROOF_DAYS))
    """How long a proof lasts, by channel: numbers are given to others. 0, or a channel that is not named: for ever."""
    disclosure: DisclosureLevels = DisclosureLevels()

    @field_validator("proof_days", mode="before")
    @classmethod
    def _beside_the_others(cls, days: object) -> object:
        """To name one channel does not let the proof of another last for ever."""
        return {**_PROOF_DAYS, **days} if isinstance(days, dict) else days

    tokens: Tokens = Tokens()
