"""What is sealed into a row comes out as it went in."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import (
    Address,
    Choice,
    Contact,
    File,
    IncomingMessage,
    Link,
    Location,
    Paragraph,
    Sender,
    Steps,
)
from omnibot.store.payloads import message_body, parts_from_json, parts_to_json, text_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PARTS = st.lists(
    st.one_of(
        st.builds(Paragraph, TEXT),
        st.builds(Steps, st.lists(TEXT).map(tuple)),
        st.builds(Link, TEXT, TEXT),
        st.builds(Choice, TEXT, TEXT),
        st.builds(File, TEXT, TEXT, st.integers(0, 2**40), TEXT),
    )
)


@given(PARTS)
def test_parts_survive_the_database(parts) -> None:
    stored = orjson.loads(orjson.dumps(parts_to_json(parts)))
    assert parts_from_json(stored) == tuple(parts)


def test_an_unknown_part_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="hologram"):
        parts_from_json([["hologram", "x"]])


def test_what_was_shared_is_read_as_text() -> None:
    item = IncomingMessage(
        id="1",
        at=datetime(2026, 3, 1, tzinfo=UTC),
        sender=Sender(Address("telegram", "1")),
        message_id="1",
        text="meet me",
        location=Location(59.33, 18.07, "Stockholm"),
        contact=Contact(name="Ada", phone="+4670"),
    )
    stored = orjson.loads(orjson.dumps(message_body(item)))
    assert text_of(stored) == "meet me\nStockholm: 59.33, 18.07\nAda: +4670"
