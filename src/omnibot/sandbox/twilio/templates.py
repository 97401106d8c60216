"""Templates of the emulated Content API: what may be said to a WhatsApp user who has not written for a day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from omnibot.sandbox.twilio.errors import Json
from omnibot.sandbox.twilio.messages import new_sid, told_in_iso

Approval = Literal["unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"]

REFUSED: Mapping[Approval, int] = {"rejected": 63040, "paused": 63041, "disabled": 63042}  # error of a message
BUTTONS = 3  # that WhatsApp shows below a message of a conversation
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(slots=True)
class Template:
    """A template: a body with {{1}}, {{2}} … and, with `quick_replies` (label, payload), buttons or a list."""

    account_sid: str
    body: str
    created: datetime
    name: str = "sandbox_template"
    language: str = "en"
    category: str = "UTILITY"
    approval: Approval = "approved"
    rejection_reason: str = ""
    quick_replies: tuple[tuple[str, str], ...] = ()
    samples: dict[str, str] = field(default_factory=dict)  # what stands where a variable is not given
    sid: str = field(default_factory=lambda: new_sid("HX"))

    @property
    def is_list(self) -> bool:
        """Whether the choices are behind one button: more than there may be buttons."""
        return len(self.quick_replies) > BUTTONS

    @property
    def kind(self) -> str:
        """Its content type."""
        if self.is_list:
            return "twilio/list-picker"
        return "twilio/quick-reply" if self.quick_replies else "twilio/text"

    def filled(self, variables: Mapping[str, str]) -> str:
        """The words with variables, or their samples, in their places."""
        return self._fill(self.body, variables)

    def buttons(self, variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The labels and payloads of the quick replies, filled in like the words."""
        return tuple(
            (self._fill(label, variables), self._fill(payload, variables)) for label, payload in self.quick_replies
        )

    def _fill(self, text: str, variables: Mapping[str, str]) -> str:
        values = {**self.samples, **variables}
        return _VARIABLE.sub(lambda match: values.get(match[1], ""), text)

    def described(self, url: str) -> Json:
        """The Content resource; `url` is the API's."""
        at = told_in_iso(self.created)
        kind: Json = {"body": self.body}
        if self.is_list:
            kind["button"] = "Choose"
            kind["items"] = [{"item": title, "id": payload} for title, payload in self.quick_replies]
        elif self.quick_replies:
            kind["actions"] = [{"title": title, "id": payload} for title, payload in self.quick_replies]
        place = f"{url}/v1/Content/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.name,
            "language": self.language,
            "variables": self.samples,
            "types": {self.kind: kind},
            "date_created": at,
            "date_updated": at,
            "url": place,
            "links": {"approval_create": f"{place}/ApprovalRequests/whatsapp",
                      "approval_fetch": f"{place}/ApprovalRequests"},
        }  # fmt: skip

    def approvals(self, url: str) -> Json:
        """The ApprovalRequests resource."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "whatsapp": {
                "type": "whatsapp",
                "name": self.name,
                "category": self.category,
                "content_type": self.kind,
                "status": self.approval,
                "rejection_reason": self.rejection_reason,
                "allow_category_change": False,
            },
            "url": f"{url}/v1/Content/{self.sid}/ApprovalRequests",
        }
