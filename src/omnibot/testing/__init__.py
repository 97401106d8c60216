"""For tests of channels and desks, ours and strangers': the contract suites and a core in memory.

Needs pytest, so the server never imports it.
"""

import pytest

pytest.register_assert_rewrite("omnibot.testing.channel", "omnibot.testing.desk")

from omnibot.testing.bureau import Bureau  # noqa: E402
from omnibot.testing.channel import ChannelContract, Running  # noqa: E402
from omnibot.testing.desk import AtWork, DeskContract  # noqa: E402
from omnibot.testing.inbox import Inbox  # noqa: E402
from omnibot.testing.provider import Ability, Provider, Taken  # noqa: E402
from omnibot.testing.shelf import Shelf  # noqa: E402
from omnibot.testing.staffroom import DeskAbility, Shown, Staffroom  # noqa: E402

__all__ = [
    "Ability",
    "AtWork",
    "Bureau",
    "ChannelContract",
    "DeskAbility",
    "DeskContract",
    "Inbox",
    "Provider",
    "Running",
    "Shelf",
    "Shown",
    "Staffroom",
    "Taken",
]
