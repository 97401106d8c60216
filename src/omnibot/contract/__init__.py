"""The contracts of a channel and of a desk: the only module of ours, with `model`, that a channel package imports.

docs/a-channel-in-one-file.md builds a channel; `omnibot.testing` has the suites that prove one, and a desk.
"""

from omnibot.contract.channel import (
    MAX_BODY,
    Accept,
    Channel,
    ChannelSettings,
    Download,
    Files,
    Finding,
    Receipt,
    Site,
)
from omnibot.contract.desk import Desk, Look, NoOffice, Office, Page, Place
from omnibot.contract.outcome import NotAccepted, Refused, TryLater, Unsure
from omnibot.model import Cap, Limits

__all__ = [
    "MAX_BODY",
    "Accept",
    "Cap",
    "Channel",
    "ChannelSettings",
    "Desk",
    "Download",
    "Files",
    "Finding",
    "Limits",
    "Look",
    "NoOffice",
    "NotAccepted",
    "Office",
    "Page",
    "Place",
    "Receipt",
    "Refused",
    "Site",
    "TryLater",
    "Unsure",
]
