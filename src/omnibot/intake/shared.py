"""Files that go along with what we say: their bytes for channels that carry them, and addresses for those that link.

A `File` tells where it lies by its `ref`: `knowledge:NAME` is a file that the company put beside its articles,
`kept:KEY` one that somebody sent. Nobody can make up an address: each is signed. That of an approved file stays the
same for ever, that of a kept one works for an hour.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import mimetypes
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from omnibot.contract import Refused
from omnibot.intake.files import DiskFiles
from omnibot.model import File

__all__ = ["KEPT", "KNOWLEDGE", "SharedFiles"]

KNOWLEDGE, KEPT = "knowledge", "kept"

_CHUNK = 256 * 1024  # bytes
_FILE_NAME = re.compile(r"[^./\\\0-\x1f\x7f][^/\\\0-\x1f\x7f]{0,199}")
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,80}")
_SIGNATURE = "{signature:[A-Za-z0-9_-]{22}}"  # 128 bits: these stand in text messages, too
_GONE = "there is no such file any more"

# What a browser or a provider may be told the true type of: none of these runs anything.
_SHOWN = frozenset(
    {
        "image/jpeg", "image/png", "image/gif", "image/webp", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac",
        "audio/amr", "video/mp4", "video/3gpp", "application/pdf", "text/plain", "text/csv", "text/vcard",
        "text/calendar",
    }
)  # fmt: skip
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; object-src 'self'; img-src 'self'; media-src 'self';"
    " style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class SharedFiles:
    """The `Site.files` of all channels, and the routes behind its addresses."""

    def __init__(
        self,
        kept: DiskFiles,
        knowledge: Path,
        secret: bytes,
        public_url: str,
        link_seconds: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._kept = kept
        self._knowledge = knowledge
        self._key = hashlib.blake2b(b"shared files", key=hashlib.sha256(secret).digest(), digest_size=32).digest()
        self._public_url = public_url
        self._link_seconds = link_seconds
        self._now = now

    # --- bytes ---

    async def open(self, file: File) -> AsyncIterator[bytes]:
        """The bytes, in chunks; raises Refused when there is no such file any more."""
        try:
            opened = await asyncio.to_thread(self._path(file.ref).open, "rb")
        except (OSError, ValueError) as error:
            raise Refused(_GONE) from error
        try:
            while chunk := await asyncio.to_thread(opened.read, _CHUNK):
                yield chunk
        finally:
            opened.close()

    def _path(self, ref: str) -> Path:
        """Where a file lies; raises ValueError for what is no reference of ours."""
        kind, _, rest = ref.partition(":")
        match kind:
            case "knowledge":
                return self._beside_articles(rest)
            case "kept":
                return self._kept.path(rest)
        raise ValueError("not a reference to a file")

    def _beside_articles(self, name: str) -> Path:
        if not _FILE_NAME.fullmatch(name):
            raise ValueError("not the name of a file")
        folder = self._knowledge.resolve()
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):  # a link that leads elsewhere
            raise ValueError("not in the folder of the articles")
        return file

    # --- addresses ---

    def url(self, file: File) -> str:
        """Where anybody who is told can fetch it, with its media type; '' without a public URL."""
        if not self._public_url:
            return ""
        kind, _, rest = file.ref.partition(":")
        if kind == KNOWLEDGE:
            return f"{self._public_url}/files/knowledge/{self._sign(KNOWLEDGE, rest)}/{quote(rest, safe='')}"
        expires = str(int(self._now() + self._link_seconds))
        media_type = file.media_type if _TYPE.fullmatch(file.media_type) else "application/octet-stream"
        name = file.name or "file"
        signature = self._sign(KEPT, rest, expires, media_type, name)
        return f"{self._public_url}/files/kept/{signature}/{expires}/{media_type}/{rest}/{quote(name, safe='')}"

    def routes(self) -> Sequence[web.RouteDef]:
        """What the addresses lead to: the file, or 404 whatever is wrong."""
        return [
            web.get(f"/files/knowledge/{_SIGNATURE}/{{name}}", self._show_approved),
            web.get(
                f"/files/kept/{_SIGNATURE}/{{expires:[0-9]{{1,12}}}}/{{type:[^/]+/[^/]+}}/{{key:[0-9a-f/]{{38}}}}/{{name}}",
                self._show_kept,
            ),
        ]

    async def _show_approved(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self._check(request, KNOWLEDGE, name)
        media_type, _ = mimetypes.guess_type(name, strict=False)
        # Whoever asks again learns whether it has changed: the address stays the same when the file does not.
        return self._response(f"{KNOWLEDGE}:{name}", name, media_type or "", {"Cache-Control": "no-cache"})

    async def _show_kept(self, request: web.Request) -> web.StreamResponse:
        expires, media_type, key, name = (request.match_info[part] for part in ("expires", "type", "key", "name"))
        self._check(request, KEPT, key, expires, media_type, name)
        if int(expires) <= self._now():
            raise web.HTTPNotFound
        return self._response(f"{KEPT}:{key}", name, media_type, {"Cache-Control": "no-store"})

    def _check(self, request: web.Request, *parts: str) -> None:
        if not hmac.compare_digest(self._sign(*parts), request.match_info["signature"]):
            raise web.HTTPNotFound

    def _response(self, ref: str, name: str, media_type: str, headers: dict[str, str]) -> web.StreamResponse:
        try:
            path = self._path(ref)
        except ValueError:
            raise web.HTTPNotFound from None
        shown = media_type in _SHOWN
        disposition = "inline" if shown else "attachment"
        return web.FileResponse(
            path,
            chunk_size=_CHUNK,
            headers={
                **_HEADERS,
                **headers,
                "Content-Type": _told(media_type) if shown else "application/octet-stream",
                "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
            },
        )

    def _sign(self, *parts: str) -> str:
        """HMAC-SHA256 in URL-safe base64, its first 128 bits: 22 characters."""
        digest = hmac.digest(self._key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _told(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
