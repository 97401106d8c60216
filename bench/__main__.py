"""python -m bench [--channel CHANNEL] [--mode dup|flaky|race|kill] [--json] …; see docs/bench.md."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from uvloop import new_event_loop

from bench.measure import measure
from bench.modes import Mode, run
from bench.provider import Size
from bench.providers import PROVIDERS
from bench.report import print_findings, print_measured, write_json
from bench.rig import scratch


def main() -> int:
    """0 when every message was answered once and in order, else 1."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # so that servers are stopped
    kind = PROVIDERS[options.channel]
    size = Size(
        options.customers or kind.size.customers,
        options.messages or kind.size.messages,
        options.in_flight or kind.size.in_flight,
    )
    with scratch() as folder, asyncio.Runner(loop_factory=new_event_loop) as runner:
        if options.mode is not None:
            findings = runner.run(run(Mode(options.mode), kind, size, folder))
            write_json(findings) if options.json else print_findings(findings)
            return 0 if all(finding.verdict.clean for finding in findings) else 1
        measured = runner.run(measure(kind, size, folder, rounds=options.rounds, steady_seconds=options.steady))
        write_json(measured) if options.json else print_measured(measured)
        return 0 if measured.clean else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What Omnibot costs and what it keeps.")
    parser.add_argument("--channel", choices=list(PROVIDERS), default="telegram", help="which one; telegram")
    parser.add_argument("--mode", choices=list(Mode), help="what goes wrong; without it the figures are measured")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--customers", type=int, help="how many; as the channel has it")
    parser.add_argument("--messages", type=int, help="of each customer; as the channel has it")
    parser.add_argument("--in-flight", type=int, help="customers who wait at a time; as the channel has it")
    parser.add_argument("--rounds", type=int, default=3, help="of the floor and ours by turns; medians count")
    parser.add_argument("--steady", type=float, default=30, help="seconds at 100 messages a second")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
