"""Files in memory: what a channel under test sends along, as bytes and by an address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from omnibot.contract import Refused
from omnibot.model import File

_PATH = "/shelf/"


class Shelf:
    """A `Files` whose files are put there by a test; `url` is where its routes are served, '' when nowhere."""

    def __init__(self, url: str = "") -> None:
        self._url = url
        self._files: dict[str, tuple[File, bytes]] = {}

    def put(self, name: str, media_type: str, content: bytes) -> File:
        """Keep a file, and tell what a message carries of it."""
        file = File(name, media_type, len(content), ref=f"shelf:{len(self._files) + 1}")
        self._files[file.ref] = file, content
        return file

    async def open(self, file: File) -> AsyncIterator[bytes]:
        """The bytes, in chunks; raises Refused when there is no such file any more."""
        if file.ref not in self._files:
            raise Refused("there is no such file any more")
        _, content = self._files[file.ref]
        for start in range(0, len(content), 64 * 1024):
            yield content[start : start + 64 * 1024]

    def url(self, file: File) -> str:
        """Where anybody who is told can fetch it, with its media type."""
        return f"{self._url}{_PATH}{file.ref}" if self._url else ""

    def routes(self) -> Sequence[web.RouteDef]:
        """What the addresses lead to."""
        return [web.get(_PATH + "{ref}", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        if request.match_info["ref"] not in self._files:
            return web.Response(status=404)
        file, content = self._files[request.match_info["ref"]]
        return web.Response(body=content, content_type=file.media_type)
