"""The bench of identity, with a thousand people: that it asks what it says, and sees what is wrong."""

from __future__ import annotations

from dataclasses import replace

from bench.identity import ACTS, Measured, Timing, addresses_of, measure, print_measured

MEASURED = Measured(1000, 2500, 1.0, (Timing("look up", (1.0, 1.2), (2.0, 9.0)),), 20_000.0)


async def test_a_thousand_people_are_found_merged_and_split(postgres: str) -> None:
    measured = await measure(postgres, 1000, samples=3, pairs=20)
    assert (measured.customers, measured.addresses) == (1000, 2500)
    assert [timing.name for timing in measured.timings] == [name for name, *_ in ACTS]
    assert all(0 < p50 <= p99 for timing in measured.timings for p50, p99 in zip(timing.p50, timing.p99, strict=True))
    assert measured.a_minute > 0


def test_people_have_two_and_a_half_addresses() -> None:
    assert sum(len(addresses_of(customer)) for customer in range(1000)) == 2500


def test_what_is_too_slow_is_not_good(capsys) -> None:
    assert MEASURED.good
    assert not replace(MEASURED, a_minute=9999.0).good
    slow = replace(MEASURED, timings=(Timing("look up", (1.0, 1.4), (2.0, 2.0)),))
    assert not slow.good
    print_measured(slow)
    assert "not good: at most 1.3 times" in capsys.readouterr().out
