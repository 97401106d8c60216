"""What one work costs beside another, as CPU of this thread.

Machines differ, and one of them is three times slower while others are at work on it: no test says how many
milliseconds something takes, but how many times what something else takes in the same run.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from math import ceil
from time import thread_time

Work = Callable[[], object]

_TURNS = 3  # at least, to pass
_PATIENCE = 5.0  # seconds of CPU after which what still costs too much fails
_LEAST_SECONDS = 0.0002  # of a measurement: beside it, looking at the clock is nothing
_TRACED = 2  # where covered lines are counted, what has many of them is dearer beside what has few


def assert_cost(work: Work, *, at_most: float, times: Work) -> None:
    """A work costs at most so many times what the other does.

    The two are measured by turns and over the same span, and the cheapest turn of each counts. While that is too
    much, there are more turns: what fails is too dear in each of them, and was not hit by something else.
    """
    limit = at_most * (_TRACED if sys.gettrace() else 1)
    with _no_garbage_collected():
        work_calls, times_calls = _calls(work, times)
        least_work = least_times = float("inf")
        ends = thread_time() + _PATIENCE
        for turn in count(1):
            least_work = min(least_work, _seconds(work, work_calls) / work_calls)
            least_times = min(least_times, _seconds(times, times_calls) / times_calls)
            if turn >= _TURNS and least_work <= limit * least_times:
                return
            if turn >= _TURNS and thread_time() > ends:
                break
    ratio = least_work / least_times
    raise AssertionError(f"costs {ratio:.1f} times as much, not at most {limit:g} ({least_work:.6f} s of CPU)")


def assert_linear(work: Callable[[int], Work], size: int, *, at_most: float = 64) -> None:
    """What is made of `size` costs some 16 times what is made of a sixteenth; by a square it would be 256 times."""
    assert_cost(work(size), at_most=at_most, times=work(size // 16))


def _calls(*works: Work) -> Iterator[int]:
    """How often each is called for all to last equally long: noise is then as likely to hit the one as the other."""
    for work in works:
        work()  # what only the first call pays for
    estimates = [_seconds(work) for work in works]
    span = max(_LEAST_SECONDS, *estimates)
    return (ceil(span / estimate) for estimate in estimates)


def _seconds(work: Work, calls: int = 1) -> float:
    began = thread_time()
    for _ in range(calls):
        work()
    return thread_time() - began


@contextmanager
def _no_garbage_collected() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
