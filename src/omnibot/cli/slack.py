"""slack manifest: the app as Slack makes it."""

from __future__ import annotations

from typing import Annotated

import typer

from omnibot.cli.printing import fail, say

_EXAMPLE = "https://bot.example.com/channels/slack/main/events"

app = typer.Typer(help="Setting up the app in Slack.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A callback keeps `manifest` a command of its own while it is the only one."""


@app.command("manifest")
def manifest(
    url: Annotated[str, typer.Option(help="The request URL, for events instead of Socket Mode.")] = "",
    desk: Annotated[bool, typer.Option(help="With what a support desk needs.")] = True,
    command: Annotated[str, typer.Option(help="The slash command of staff: desk_command of the account.")] = "/omnibot",
) -> None:
    """Print what Slack makes the app of: Create New App → From a manifest."""
    from importlib.metadata import entry_points

    from omnibot.channels import GROUP

    channels = [point.load() for point in entry_points(group=GROUP, name="slack")]
    if not channels:
        fail("there is no channel slack: install its package, omnibot_slack")
    if url and not url.startswith("https://"):
        fail(f"{url!r} is no request URL: Slack calls https://… only, such as {_EXAMPLE}")
    say(channels[0].manifest(url, desk=desk, command=command).rstrip())
