"""How fast an account may call."""

from __future__ import annotations

from omnibot.delivery.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_limit_any_number_may_start() -> None:
    pace = Pace(None, Clock())
    assert pace.available() is None
    assert pace.wait() == 0


def test_a_second_holds_no_more_than_the_rate() -> None:
    clock = Clock()
    pace = Pace(30, clock)
    clock.now += 3600
    assert pace.available() == 30


def test_what_has_started_is_missing_until_time_passes() -> None:
    clock = Clock()
    pace = Pace(30, clock)
    pace.take(30)
    assert pace.available() == 0
    clock.now += 0.5
    assert pace.available() == 15


def test_a_slow_rate_still_lets_one_start() -> None:
    clock = Clock()
    pace = Pace(0.5, clock)
    assert pace.available() == 1
    pace.take(1)
    assert pace.wait() == 2.0
    clock.now += 2
    assert pace.available() == 1


def test_while_held_nothing_may_start() -> None:
    for rate in (None, 30):
        clock = Clock()
        pace = Pace(rate, clock)
        pace.hold(5)
        pace.hold(2)
        assert pace.available() == 0
        assert pace.wait() == 5
        clock.now += 5
        assert pace.available() == rate
        assert pace.wait() == 0
