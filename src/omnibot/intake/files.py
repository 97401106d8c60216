"""Attachments on disk: generated names, capped, never opened by us, handed out as downloads only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from omnibot.durable import sync_folder
from omnibot.model import Attachment, IncomingMessage
from omnibot.store import StoreUnavailable

_KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/\1\2[0-9a-f]{28}")
_CHUNK = 256 * 1024  # bytes
_ROUTE = "/files/{id:[0-9]{1,18}}/{expires:[0-9]{1,12}}/{signature:[A-Za-z0-9_-]{43}}"

# Whatever it is, a browser must neither show it, guess at it, run it, nor keep it.
_DOWNLOAD_ONLY = {
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class FileTooLarge(Exception):
    """A file has more bytes than are kept; nothing of it was."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the file has more than {max_bytes} bytes")
        self.max_bytes = max_bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that lies on disk."""

    key: str
    at: float  # Unix seconds when it was written


def worth_keeping(item: IncomingMessage) -> tuple[Attachment, ...]:
    """Those whose bytes are kept: who is not believed has no timeline on which a file could be found again."""
    return () if item.quarantine else item.attachments


class Files(Protocol):
    """Where the bytes of attachments are kept, each under a key that the store made up."""

    async def put(self, chunks: AsyncIterator[bytes], max_bytes: int) -> str:
        """Keep a file for good and return its key; raises FileTooLarge, OSError, and what `chunks` raises."""

    def open(self, key: str) -> AsyncIterator[bytes]:
        """A file's bytes; raises FileNotFoundError, ValueError for what is not a key."""

    async def delete(self, key: str) -> None:
        """Forget a file; one that is not there is forgotten already."""


class DiskFiles:
    """Files in a folder of this machine, 0600, spread over 65,536 subfolders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, chunks: AsyncIterator[bytes], max_bytes: int) -> str:
        """Keep a file for good and return its key; after any failure nothing of it is left."""
        name = secrets.token_hex(16)
        key = f"{name[:2]}/{name[2:4]}/{name}"
        draft = self._folder / "drafts" / name
        try:
            await self._write(draft, chunks, max_bytes)
            await asyncio.to_thread(_keep, draft, self.path(key))
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
            await _close(chunks)
        return key

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """A file's bytes; raises FileNotFoundError, ValueError for what is not a key."""
        file = await asyncio.to_thread(self.path(key).open, "rb")
        try:
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                yield chunk
        finally:
            file.close()

    async def delete(self, key: str) -> None:
        """Forget a file; one that is not there is forgotten already."""
        await asyncio.to_thread(self.path(key).unlink, missing_ok=True)

    async def listing(self) -> AsyncIterator[list[Listed]]:
        """All files, those of one of 256 subfolders at a time."""
        for name in await asyncio.to_thread(_subfolders, self._folder):
            yield await asyncio.to_thread(_listed, self._folder, name)

    async def discard_drafts(self, before: float) -> int:
        """Forget what a killed process left half written before that Unix time; tells how many."""
        return await asyncio.to_thread(_discard_drafts, self._folder / "drafts", before)

    def download_route(
        self,
        secret: bytes,
        key_of: Callable[[int], Awaitable[str | None]],
        now: Callable[[], float] = time.time,
    ) -> web.RouteDef:
        """What `download_path` leads to: the file, or 404 whatever is wrong. `key_of` finds an attachment's key."""
        signing = link_key(secret)

        async def download(request: web.Request) -> web.StreamResponse:
            id_, expires = int(request.match_info["id"]), int(request.match_info["expires"])
            if expires <= now() or not verify(signing, id_, expires, request.match_info["signature"]):
                raise web.HTTPNotFound
            try:
                key = await key_of(id_)
            except StoreUnavailable:
                raise web.HTTPServiceUnavailable from None
            if key is None:
                raise web.HTTPNotFound
            # The sender's name for it stays out of the headers: it may hold paths, line ends and lies.
            disposition = {"Content-Disposition": f'attachment; filename="attachment-{id_}.bin"'}
            return web.FileResponse(self.path(key), headers=_DOWNLOAD_ONLY | disposition, chunk_size=_CHUNK)

        return web.get(_ROUTE, download, allow_head=False)

    def path(self, key: str) -> Path:
        """Where a file lies or would lie; raises ValueError for what is not a key."""
        if not _KEY.fullmatch(key):
            raise ValueError("not a key of a file")
        return self._folder / key

    async def _write(self, draft: Path, chunks: AsyncIterator[bytes], max_bytes: int) -> None:
        descriptor = await asyncio.to_thread(_create, draft)
        with os.fdopen(descriptor, "wb") as file:
            size = 0
            async for chunk in chunks:
                size += len(chunk)
                if size > max_bytes:
                    raise FileTooLarge(max_bytes)
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(_sync, file.fileno(), file.flush)


def _create(draft: Path) -> int:
    draft.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _sync(descriptor: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(descriptor)


def _keep(draft: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft.rename(file)
    for folder in (file.parent, file.parent.parent, file.parent.parent.parent):
        sync_folder(folder)


def _subfolders(folder: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return sorted(entry.name for entry in os.scandir(folder) if len(entry.name) == 2)
    return []


def _listed(folder: Path, name: str) -> list[Listed]:
    files = []
    for file in (folder / name).glob("??/*"):
        key = file.relative_to(folder).as_posix()
        with suppress(FileNotFoundError):  # deleted by another process just now
            if _KEY.fullmatch(key):
                files.append(Listed(key, file.stat().st_mtime))
    return files


def _discard_drafts(drafts: Path, before: float) -> int:
    old = 0
    for draft in drafts.glob("*"):
        with suppress(FileNotFoundError):
            if draft.stat().st_mtime < before:
                draft.unlink()
                old += 1
    return old


async def _close(chunks: AsyncIterator[bytes]) -> None:
    """A source that is not read to its end holds a connection to the provider."""
    aclose = getattr(chunks, "aclose", None)
    if aclose is not None:
        await aclose()


# --- links ---------------------------------------------------------------------------------------------------------


def link_key(secret: bytes) -> bytes:
    """The key of download links, made from the server's secret for nothing else."""
    return hashlib.blake2b(b"download links", key=hashlib.sha256(secret).digest(), digest_size=32).digest()


def download_path(key: bytes, file_id: int, expires: int) -> str:
    """The path that hands out an attachment until `expires` (Unix seconds); prefix it with the public URL."""
    return f"/files/{file_id}/{expires}/{sign(key, file_id, expires)}"


def sign(key: bytes, file_id: int, expires: int) -> str:
    """HMAC-SHA256 over both numbers, in URL-safe base64 without padding: 43 characters."""
    digest = hmac.digest(key, f"{file_id} {expires}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(key: bytes, file_id: int, expires: int, signature: str) -> bool:
    """Whether `sign` made it; in constant time."""
    return hmac.compare_digest(sign(key, file_id, expires).encode(), signature.encode())
