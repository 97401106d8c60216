"""Files: Twilio's media host, from which it hands them out, and how it fetches what a message names by URL."""

from __future__ import annotations

from collections.abc import Callable
from posixpath import basename
from urllib.parse import quote, urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, web

from omnibot.sandbox.server import HttpSandbox
from omnibot.sandbox.twilio.messages import Media

SMS_BYTES, WHATSAPP_BYTES, WHATSAPP_IMAGE_BYTES = 5 * 1024**2, 16 * 1024**2, 5 * 1024**2
FETCH_SECONDS = 15.0
_CHUNK = 64 * 1024

_SMS_TYPES = frozenset(
    {"application/pdf", "application/vcard", "text/vcard", "text/x-vcard", "text/csv", "text/rtf", "text/calendar"}
)
_SMS_FAMILIES = frozenset({"image", "audio", "video"})
_WHATSAPP_TYPES = frozenset(
    {
        "image/jpeg", "image/png", "image/webp",
        "audio/ogg", "audio/amr", "audio/3gpp", "audio/aac", "audio/mpeg", "audio/mp4",
        "video/mp4", "video/3gpp",
        "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "text/vcard", "text/x-vcard", "text/plain",
    }
)  # fmt: skip


class Unfetched(Exception):
    """A message's file could not be had; `code` is what its callback tells."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def fetch(client: ClientSession, url: str, *, on_whatsapp: bool) -> Media:
    """Fetch a file as Twilio does, following redirects; raises Unfetched."""
    try:
        async with client.get(url, timeout=ClientTimeout(total=FETCH_SECONDS)) as answer:
            if answer.status != 200:
                raise Unfetched(63019 if on_whatsapp else 11200)
            if not _takes(answer.content_type, on_whatsapp):
                raise Unfetched(63021 if on_whatsapp else 12300)
            content = await _read(answer, _largest(answer.content_type, on_whatsapp))
    except (ClientError, TimeoutError):
        raise Unfetched(63019 if on_whatsapp else 11200) from None
    if content is None:
        raise Unfetched(63019 if on_whatsapp else 11751)
    return Media(answer.content_type, content, basename(urlsplit(url).path))


def _takes(media_type: str, on_whatsapp: bool) -> bool:
    if on_whatsapp:
        return media_type in _WHATSAPP_TYPES
    return media_type in _SMS_TYPES or media_type.partition("/")[0] in _SMS_FAMILIES


def _largest(media_type: str, on_whatsapp: bool) -> int:
    if not on_whatsapp:
        return SMS_BYTES
    return WHATSAPP_IMAGE_BYTES if media_type.startswith("image/") else WHATSAPP_BYTES


async def _read(answer: ClientResponse, most: int) -> bytes | None:
    """The content; None when there is more than that."""
    content = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > most:
            return None
    return bytes(content)


class MediaHost(HttpSandbox):
    """The host to which the API redirects for a file. Whoever knows the address gets it; credentials are an error."""

    provider = "twilio-media"

    def __init__(self, find: Callable[[str, str], Media | None]) -> None:
        super().__init__()
        self._find = find

    def place(self, account_sid: str, media: Media) -> str:
        """Where a file is."""
        return f"{self.url}/{account_sid}/{media.key}"

    def application(self) -> web.Application:
        """Files under /<account>/<key>."""
        app = web.Application()
        app.router.add_get("/{account}/{key}", self._hand_out)
        return app

    async def _hand_out(self, request: web.Request) -> web.Response:
        if "Authorization" in request.headers:  # as the real one says: the address itself is the permission
            return _refused(400, "InvalidArgument", "Only one auth mechanism allowed")
        media = self._find(request.match_info["account"], request.match_info["key"])
        if media is None:
            return _refused(403, "AccessDenied", "Access Denied")
        return handed_out(media)


def handed_out(media: Media) -> web.Response:
    """A file as it is answered."""
    headers = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(media.name)}"} if media.name else None
    return web.Response(body=media.content, content_type=media.media_type, headers=headers)


def _refused(status: int, code: str, message: str) -> web.Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return web.Response(status=status, body=body.encode(), content_type="application/xml")
