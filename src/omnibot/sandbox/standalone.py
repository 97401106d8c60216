"""`omnibot sandbox`: the emulated providers alone, for bots of any make."""

from __future__ import annotations

import asyncio
import signal

import typer
from aiohttp import web

from omnibot.sandbox.control import Control
from omnibot.sandbox.faults import Faults
from omnibot.sandbox.ledger import Ledger
from omnibot.sandbox.mail import MailSandbox
from omnibot.sandbox.server import HOST
from omnibot.sandbox.telegram import TOKEN, TelegramSandbox


async def run(*, telegram_port: int, smtp_port: int, lmtp_port: int, control_port: int) -> None:
    """Serve until SIGINT or SIGTERM; mail that customers write is brought to `lmtp_port`."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ledger, faults = Ledger(), Faults()
    async with (
        TelegramSandbox(ledger, faults, port=telegram_port) as telegram,
        MailSandbox(ledger, faults, port=smtp_port, deliver_to=(HOST, lmtp_port)) as mail,
    ):
        runner = web.AppRunner(Control(telegram, mail, ledger, faults).application(), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, control_port).start()
            typer.echo(_settings(telegram, mail, lmtp_port, runner.addresses[0][1]))
            await stop.wait()
        finally:
            await runner.cleanup()


def _settings(telegram: TelegramSandbox, mail: MailSandbox, lmtp_port: int, control_port: int) -> str:
    return f"""\
# Settings for a server that works with this sandbox:

[channels.telegram.main]
token = "{TOKEN}"
api_url = "{telegram.url}"

[channels.email.support]
address = "{mail.address}"
authserv_id = "mx.example.com"

[channels.email.support.listen]
port = {lmtp_port}

[channels.email.support.smtp]
host = "{HOST}"
port = {mail.port}
security = "none"

# Write as a customer, misbehave, read what was accepted (docs/sandbox.md):
#   curl -d '{{"user": 4711, "text": "Hello"}}' http://{HOST}:{control_port}/telegram/write
#   curl -d '{{"fault": "throttle", "with": {{"after": 3}}}}' http://{HOST}:{control_port}/faults
#   curl http://{HOST}:{control_port}/ledger
# Ctrl-C ends it."""
