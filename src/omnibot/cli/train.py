"""train intents: what the company's playbooks teach, and which of them need more examples."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omnibot.cli.options import ConfigOption
from omnibot.cli.printing import fail, print_table, say, show_fields
from omnibot.cli.running import settings_of

if TYPE_CHECKING:
    from omnibot.learning import IntentFigures, Lessons, Report

app = typer.Typer(help="Learn from the company's own examples.", no_args_is_help=True)

_SHOWN = 3  # intents that one is confused with
_MANY = 30  # examples, of which docs/playbooks.md says that they are good
_MORE, _HARD = "needs more", "hard to tell"


@app.callback()
def _group() -> None:
    """A callback keeps `intents` a command of its own while it is the only one."""


@app.command("intents")
def intents(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as one JSON object on the last line.")] = False,
) -> None:
    """Learn intents from the playbooks, and tell which are confused and need more examples; `serve` does it, too.

    What was learned is kept: it is learned anew when the examples, or Omnibot, have changed.
    """
    lessons = _lessons(config)
    report = lessons.report() if lessons.model() is not None else None
    learned_now = report is None
    if report is None:
        report = lessons.learn()
    if as_json:
        show_fields({**asdict(report), "learned_now": learned_now}, as_json)
    else:
        _show(report, learned_now)


def _lessons(config: Path | None) -> Lessons:
    from omnibot.learning import Lessons, playbooks_of
    from omnibot.playbooks import PlaybookError

    settings = settings_of(config)
    try:
        playbooks = playbooks_of(settings)
    except PlaybookError as error:
        fail(str(error))
    if not playbooks.examples:
        fail(
            "there are no playbooks to learn from: write some (docs/playbooks.md shows how), and name their folder in"
            " bot.playbooks (OMNIBOT_BOT__PLAYBOOKS)"
        )
    return Lessons.of(playbooks, settings.data_folder)


def _show(report: Report, learned_now: bool) -> None:
    columns = ("intent", "examples", "told", "right", "unsure", "taken for", "")
    print_table(columns, [_row(figures) for figures in report.intents])
    say("")
    say(f"{report.examples} examples, {'learned now' if learned_now else 'learned before: nothing has changed'}")
    if report.accuracy is not None:
        told, wrong = _percent(report.accuracy), _percent(report.wrong)
        say(f"by the others alone {told} are told, {wrong} are taken for another intent, of the rest nothing is known")
    if report.oos_recall is not None:
        say(f"{_percent(report.oos_recall)} of what is out of scope is taken for no intent")
    if short := [figures.intent for figures in report.intents if _advice(figures) == _MORE]:
        say(f"more examples would help: {', '.join(short)}")
    if hard := [figures.intent for figures in report.intents if _advice(figures) == _HARD]:
        say(f"hard to tell with all their examples, better ones would help: {', '.join(hard)}")


def _row(figures: IntentFigures) -> list[str]:
    taken = [f"{intent} ({count})" for intent, count in list(figures.confused_with.items())[:_SHOWN]]
    found, right = _percent(figures.found), _percent(figures.right)
    return [
        figures.intent,
        str(figures.examples),
        found,
        right,
        str(figures.unsure),
        ", ".join(taken),
        _advice(figures),
    ]


def _advice(figures: IntentFigures) -> str:
    """Who has written many examples is not helped by hearing that they are too few."""
    if not figures.needs_more:
        return ""
    return _MORE if figures.examples < _MANY else _HARD


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
