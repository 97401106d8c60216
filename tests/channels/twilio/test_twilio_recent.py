"""What a process remembers of late."""

from omnibot_twilio.recent import Recent


def test_the_oldest_is_forgotten_first() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.note("a", 1)
    recent.note("b", 2)
    recent.note("a", 3)  # which makes it the youngest
    recent.note("c", 4)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (3, None, 4)
    assert "a" in recent
    assert "b" not in recent
