"""What was found, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.measure import STEADY_RATE, Load, Measured
from bench.modes import Finding
from bench.verdict import Verdict


def print_findings(findings: Iterable[Finding]) -> None:
    """A table for each run of a mode."""
    console = Console()
    for finding in findings:
        console.print(f"\n[bold]{finding.name}[/bold]  ({finding.seconds:.0f} s)")
        console.print(", ".join(f"{count} {name}" for name, count in finding.verdict.counts.items()))
        for note in finding.notes:
            console.print(note)
        console.print(_checks(finding.verdict))


def print_measured(measured: Measured) -> None:
    """The figures."""
    console = Console()
    console.print(f"\n[bold]{measured.channel}[/bold] on {measured.machine}")
    size = measured.size
    console.print(f"{size.customers} customers × {size.messages} messages, {size.in_flight} in flight")
    console.print(
        f"latencies in ms, at full speed and (slow) at {STEADY_RATE:g}/s; CPU in ms a message: the server's and its "
        "PostgreSQL's\n"
    )
    console.print(_loads(measured))
    console.print()
    console.print(_steps(measured))
    console.print()
    console.print(_targets(measured))
    console.print()
    for one in measured.rounds[-1:]:
        console.print(_checks(one.verdict))


def write_json(found: Measured | Iterable[Finding]) -> None:
    """One object with everything."""
    if isinstance(found, Measured):
        content: Any = asdict(found)
        content["targets"] = [asdict(target) | {"met": target.met} for target in found.targets]
        content["clean"] = found.clean
    else:
        content = [asdict(finding) | {"clean": finding.verdict.clean} for finding in found]
    sys.stdout.buffer.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _checks(verdict: Verdict) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what must hold", "of", "broken"):
        table.add_column(heading, justify="right" if heading in ("of", "broken") else "left")
    table.add_column("where")
    for check in verdict.checks:
        table.add_row(_mark(not check.broken), check.what, str(check.looked_at), str(len(check.broken)), check.examples)
    return table


def _loads(measured: Measured) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    columns = ("msg/s", "p50", "p99", "CPU", "PG", "p50 slow", "p99 slow", "CPU slow", "PG slow", "ratio")
    for heading in columns:
        table.add_column(heading, justify="right")
    for number, one in enumerate(measured.rounds, 1):
        table.add_row(f"floor {number}", *_figures(one.floor))
        table.add_row(f"ours {number}", *_figures(one.ours), f"{one.ratio:.2f}")
    return table


def _figures(load: Load) -> tuple[str, ...]:
    return (
        f"{load.rate:.0f}",
        f"{load.p50:.1f}",
        f"{load.p99:.1f}",
        f"{load.server_cpu:.3f}",
        f"{load.database_cpu:.3f}",
        f"{load.steady_p50:.1f}",
        f"{load.steady_p99:.1f}",
        f"{load.steady_server_cpu:.2f}",
        f"{load.steady_database_cpu:.2f}",
    )


def _steps(measured: Measured) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("CPU by step (metered)")
    table.add_column("µs a message", justify="right")
    table.add_column("messages a call", justify="right")
    for step in measured.steps:
        table.add_row(step.name, f"{step.cpu * 1000:.0f}", f"{step.batch:.1f}" if step.batch > 1 else "")
    table.add_row("all in all", f"{measured.metered_cpu * 1000:.0f}")
    return table


def _targets(measured: Measured) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "median over rounds", "measured", "target"):
        table.add_column(heading, justify="right" if heading in ("measured", "target") else "left")
    for target in measured.targets:
        sign = "≥" if target.at_least else "≤"
        table.add_row(
            _mark(target.met),
            target.name,
            f"{target.value:.2f} {target.unit}",
            f"{sign} {target.bound:g} {target.unit}",
        )
    return table


def _mark(good: bool) -> str:
    return "[green]✓[/green]" if good else "[red]✗[/red]"
