"""demo, sandbox, chat: without any account."""

from __future__ import annotations

from typing import Annotated

import typer

from omnibot.cli.options import JsonOption
from omnibot.cli.printing import fail
from omnibot.cli.running import execute

app = typer.Typer()


@app.command()
def demo(
    story: Annotated[str, typer.Option(help="Which story to play; without it all of them.")] = "",
    exit_: Annotated[bool, typer.Option("--exit", help="End after the story: 1 when anything is missing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Play stories of customers over all channels, on this machine, without any account."""
    from omnibot.sandbox.demo import STORIES, play

    if story and story not in STORIES:
        raise typer.BadParameter(f"{story}: use one of {', '.join(STORIES)}", param_hint="--story")
    chosen = [STORIES[story]] if story else list(STORIES.values())
    raise typer.Exit(execute(play(chosen, leave=exit_, as_json=as_json)))


@app.command()
def sandbox(
    telegram_port: Annotated[int, typer.Option(help="Port of the Bot API; 0 takes a free one.")] = 8081,
    slack_port: Annotated[int, typer.Option(help="Port of Slack's Web API.")] = 8082,
    twilio_port: Annotated[int, typer.Option(help="Port of Twilio's REST API.")] = 8083,
    smtp_port: Annotated[int, typer.Option(help="Port of the mail server.")] = 8025,
    lmtp_port: Annotated[int, typer.Option(help="Where the bot listens for mail.")] = 8024,
    imap_port: Annotated[
        int | None, typer.Option(help="Port of a mailbox (IMAP), from which the bot fetches its mail instead.")
    ] = None,
    control_port: Annotated[int, typer.Option(help="Port to write as a customer and to order misbehaviour.")] = 8090,
    bot_url: Annotated[str, typer.Option(help="Where the bot takes webhooks.")] = "http://127.0.0.1:8080",
) -> None:
    """Emulate the providers on loopback for whoever develops a bot; until Ctrl-C."""
    from omnibot.sandbox.providers import Ports
    from omnibot.sandbox.standalone import run

    ports = Ports(
        telegram=telegram_port,
        slack=slack_port,
        twilio=twilio_port,
        smtp=smtp_port,
        lmtp=lmtp_port,
        imap=imap_port,
    )
    options = "--telegram-port, --slack-port, --twilio-port, --smtp-port, --imap-port and --control-port"
    execute(run(ports, control_port, bot_url.rstrip("/")), advice=f"choose free ports by {options} (0 takes any)")


@app.command()
def chat(
    channel: Annotated[str, typer.Argument(help="telegram, slack, sms, whatsapp or email.")],
    as_: Annotated[str, typer.Option("--as", help="As whom: their address there, such as 4711.", metavar="ADDRESS")],
    also: Annotated[
        list[str] | None, typer.Option(help="Another address of theirs, such as sms:+15550100; may be repeated.")
    ] = None,
    name: Annotated[str, typer.Option(help="What their profile calls them; else Sandra Box.")] = "",
    sandbox: Annotated[str, typer.Option(help="Where the demo or the sandbox is commanded.")] = "http://127.0.0.1:8090",
    quiet: Annotated[
        float, typer.Option(min=0.1, help="Where the input is no terminal: seconds of silence before the next line.")
    ] = 3.0,
) -> None:
    """Write to the running bot as a customer, through the sandbox; replies come from any of their channels."""
    from omnibot.model import Address
    from omnibot.sandbox.chat import NoSandbox, Refused
    from omnibot.sandbox.chat import chat as converse

    try:
        others = [Address.parse(text) for text in also or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--also") from None
    try:
        execute(converse(Address.parse(f"{channel}:{as_}"), others, sandbox, quiet, name))
    except (NoSandbox, Refused, ValueError) as error:
        fail(str(error))
