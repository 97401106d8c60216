"""The command line: omnibot demo | serve | check | … Everything heavy is imported by the command that needs it."""

from __future__ import annotations

from typing import Annotated

import typer

from omnibot.cli import (
    ask,
    customer,
    desk,
    evaluate,
    event,
    history,
    identity,
    people,
    sandbox,
    server,
    slack,
    token,
    train,
    understand,
    voice,
)
from omnibot.cli.outbox import outbox

app = typer.Typer(
    help="Omnibot: one person, one timeline, one reply where and how they like it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
customers = typer.Typer(help="Who somebody is, what they said, and who is one person.", no_args_is_help=True)
customers.add_typer(customer.app)
customers.add_typer(identity.app)
customers.add_typer(token.app)
app.add_typer(server.app)
app.add_typer(sandbox.app)
app.add_typer(outbox, name="outbox")
app.add_typer(customers, name="customer")
app.add_typer(people.handoffs, name="handoffs")
app.add_typer(desk.desk, name="desk")
app.add_typer(people.parked, name="parked")
app.add_typer(people.app)
app.add_typer(understand.app)
app.add_typer(event.app)
app.add_typer(ask.app)
app.add_typer(history.app, name="import")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(train.app, name="train")
app.add_typer(voice.app, name="voice")
app.add_typer(slack.app, name="slack")


def _version(wanted: bool) -> None:
    if wanted:
        from omnibot import __version__

        typer.echo(f"omnibot {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    pass
