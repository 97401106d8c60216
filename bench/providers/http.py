"""A door of HTTP: one URL to which everything is posted."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from bench.provider import Posted
from bench.wire import CONNECTIONS, Wire, head

HOST = "127.0.0.1"


def _no_headers(_: Posted) -> bytes:
    return b""


class HttpDoor:
    """The webhook of one server; `headers` are those of a post that must be made anew for each try."""

    def __init__(
        self,
        port: int,
        path: str,
        headers: dict[str, str],
        *,
        fresh: Callable[[Posted], bytes] = _no_headers,
        connections: int = CONNECTIONS,
    ) -> None:
        self._wire = Wire(HOST, port, connections)
        self._host = f"{HOST}:{port}"
        self._head = head(path, self._host, headers)
        self._fresh = fresh

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()

    async def post(self, posted: Posted) -> tuple[float, bool]:
        """When it left, and whether it was acknowledged."""
        sent, status = await self._wire.post(self._head + posted.head + self._fresh(posted), posted.body)
        return sent, 200 <= status < 300

    async def post_to(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Post to another path of the same server; the status, 0 for none."""
        _, status = await self._wire.post(head(path, self._host, headers), body)
        return status
