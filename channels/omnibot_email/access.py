"""Access tokens of OAuth 2.0, which live for an hour: the company's own program fetches each."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress

_SECONDS = 20.0
_MAX_TOKEN = 16_000  # characters


class NoToken(Exception):
    """The command did not give a token; the message says why, and nothing that it printed."""


async def access_token(command: str) -> str:
    """What the command prints on its first line; raises NoToken."""
    try:
        program, *arguments = shlex.split(command)
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        raise NoToken(f"the token command cannot be run ({type(error).__name__})") from None
    try:
        async with asyncio.timeout(_SECONDS):
            out, _ = await process.communicate()
    except TimeoutError:
        raise NoToken("the token command took too long") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    token = out.decode("ascii", "replace").partition("\n")[0].strip()
    if process.returncode != 0:
        raise NoToken("the token command failed")
    if not token or len(token) > _MAX_TOKEN or not token.isprintable():
        raise NoToken("the token command printed no token")
    return token
