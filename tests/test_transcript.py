"""What staff read beside a message."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from omnibot.model import Address, CustomerId, Direction, MessageId, TimelineMessage
from omnibot.transcript import print_message


def printed(*flags: str) -> str:
    out = StringIO()
    message = TimelineMessage(
        id=MessageId(1),
        customer=CustomerId(1),
        address=Address("telegram", "4799"),
        direction=Direction.IN,
        at=datetime(2026, 3, 1, tzinfo=UTC),
        text="hello",
        flags=flags,
    )
    print_message(Console(file=out, width=200), message, "Anna Keller")
    return out.getvalue()


@pytest.mark.parametrize(
    ("flag", "remark"),
    [("like_staff", "called nearly like one of us"), ("hidden_characters", "hidden signs in their name")],
)
def test_what_is_odd_about_a_name_stands_beside_it(flag: str, remark: str) -> None:
    assert f"Anna Keller  ({remark})" in printed(flag)


def test_a_flag_that_is_not_for_people_is_not_told() -> None:
    assert "(" not in printed("help")
