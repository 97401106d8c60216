"""Comparing costs: noise passes, and what is too dear is told."""

import gc
from collections.abc import Callable, Iterable

import pytest

from tests.costs import Work, assert_cost, assert_linear


class Clock:
    """The CPU that works say they need."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float, *noise: float) -> Work:
        """Needs so much, and more in its first calls."""
        late = iter(noise)

        def one() -> None:
            self.now += seconds + next(late, 0)

        return one


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tests.costs.thread_time", clock)
    monkeypatch.setattr("tests.costs._TRACED", 1)  # which costs nothing by this clock
    return clock


def test_what_costs_as_much_as_it_may_passes(clock: Clock) -> None:
    assert_cost(clock.work(0.002), at_most=2, times=clock.work(0.001))


def test_what_always_costs_more_is_told(clock: Clock) -> None:
    with pytest.raises(AssertionError, match=r"costs 3\.0 times as much, not at most 2 \(0\.003000 s of CPU\)"):
        assert_cost(clock.work(0.003), at_most=2, times=clock.work(0.001))


@pytest.mark.parametrize("hits", [1, 9, 30])
def test_noise_that_hits_one_of_the_two_does_not_fail(clock: Clock, hits: int) -> None:
    assert_cost(clock.work(0.001, *[0.05] * hits), at_most=2, times=clock.work(0.001))


@pytest.mark.parametrize("seconds", [0.000_001, 0.001, 0.05])
def test_noise_that_hits_the_other_hides_nothing(clock: Clock, seconds: float) -> None:
    with pytest.raises(AssertionError):
        assert_cost(clock.work(3 * seconds), at_most=2, times=clock.work(seconds, 0.1, 0.1))


def test_what_is_quick_is_called_until_the_clock_can_tell(clock: Clock) -> None:
    calls: list[int] = []
    one = clock.work(0.000_001)
    assert_cost(lambda: (calls.append(1), one()), at_most=2, times=one)
    assert len(calls) > 500


def test_a_speed_that_swings_hits_both(clock: Clock) -> None:
    """Each call takes up to thrice as long as in the best moments, and there are best moments for short works alone."""
    swings = iter([1 + number % 3 for number in range(10_000)])

    def work(parts: int) -> Work:
        def one() -> None:
            clock.now += sum(0.001 * next(swings) for _ in range(parts))

        return one

    assert_cost(work(12), at_most=15, times=work(1))


def test_no_garbage_is_collected_meanwhile(clock: Clock) -> None:
    seen: set[bool] = set()
    one = clock.work(0.001)
    assert_cost(lambda: (seen.add(gc.isenabled()), one()), at_most=2, times=one)
    assert seen == {False}
    assert gc.isenabled()


def through(pairs: Callable[[int], Iterable[object]]) -> Callable[[int], Work]:
    return lambda size: lambda: [None for _ in pairs(size)]


def test_a_loop_is_linear_and_a_loop_within_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.costs._PATIENCE", 0.1)
    assert_linear(through(range), 16_000)
    with pytest.raises(AssertionError):
        assert_linear(through(lambda size: ((one, other) for one in range(size) for other in range(size))), 320)
