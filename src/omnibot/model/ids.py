"""What stands for whom and what in the database."""

from __future__ import annotations

from typing import NewType

CustomerId = NewType("CustomerId", int)
AddressId = NewType("AddressId", int)
MessageId = NewType("MessageId", int)
CaseId = NewType("CaseId", int)
StretchId = NewType("StretchId", int)
