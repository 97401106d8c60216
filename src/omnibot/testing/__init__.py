"""For tests of channels, ours and strangers': the contract suite and a core in memory.

Needs pytest, so the server never imports it.
"""

import pytest

pytest.register_assert_rewrite("omnibot.testing.channel")

from omnibot.testing.channel import ChannelContract, Running  # noqa: E402
from omnibot.testing.inbox import Inbox  # noqa: E402
from omnibot.testing.provider import Ability, Provider, Taken  # noqa: E402
from omnibot.testing.shelf import Shelf  # noqa: E402

__all__ = ["Ability", "ChannelContract", "Inbox", "Provider", "Running", "Shelf", "Taken"]
