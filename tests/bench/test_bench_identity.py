"""The bench of identity, with a thousand people: that it asks what it says, and sees what is wrong."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace

from bench.identity import ACTS, Act, Measured, Timing, _timed, addresses_of, compare, measure, print_measured

MEASURED = Measured(1000, 2500, 32, 1.0, (Timing("take in", (1.0, 1.2), (2.0, 2.6)),), 20_000.0)


async def test_everybody_is_asked_for_once_in_a_round_and_of_both_by_turns() -> None:
    asked: list[tuple[str, tuple[int, ...]]] = []
    rounds: list[tuple[str, int]] = []

    async def ask(store: str, customers: Sequence[int]) -> None:
        asked.append((store, tuple(customers)))
        await _timed(asyncio.sleep(0))

    async def after_round(store: str) -> None:
        rounds.append((store, len(asked)))

    people = range(70)  # of whom three batches are a round
    await compare(Act("asked", ask, after_round=after_round), ("few", "many"), people, samples=6)
    few, many = ([customers for name, customers in asked if name == store] for store in ("few", "many"))
    assert few == many
    assert len(few) == 9  # a round beforehand
    for start in (0, 3, 6):
        assert sorted(itertools.chain(*few[start : start + 3])) == [*people]
    assert {name for name, _ in asked[::2]} == {"few", "many"}  # by turns, neither always first
    assert [count for name, count in rounds if name == "many"] == [0, 6, 12]


async def test_a_thousand_people_are_found_merged_and_split(postgres: str) -> None:
    measured = await measure(postgres, 1000, samples=3, pairs=20)
    assert (measured.customers, measured.addresses) == (1000, 2500)
    assert [timing.name for timing in measured.timings] == [act.name for act in ACTS]
    assert all(0 < p50 <= p99 for timing in measured.timings for p50, p99 in zip(timing.p50, timing.p99, strict=True))
    assert measured.a_minute > 0


def test_people_have_two_and_a_half_addresses() -> None:
    assert sum(len(addresses_of(customer)) for customer in range(1000)) == 2500


def test_what_is_too_slow_is_not_good(capsys) -> None:
    assert MEASURED.good
    assert not replace(MEASURED, a_minute=9999.0).good
    slow = replace(MEASURED, timings=(Timing("take in", (1.0, 1.4), (2.0, 2.0)),))
    assert not slow.good
    assert not replace(MEASURED, timings=(Timing("take in", (1.0, 1.0), (2.0, 2.7)),)).good
    assert replace(MEASURED, timings=(Timing("floor", (1.0, 1.4), (2.0, 9.0), judged=False),)).good
    print_measured(slow)
    assert "not good: at most 1.3 times" in capsys.readouterr().out
