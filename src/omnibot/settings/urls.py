"""What URLs must be like, by what they are for."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_POSTGRESQL = ("postgresql", "postgres")
_HOST = re.compile(r"(\[[^\[\]]+\]|[^\[\]:\s]*)(:(?P<port>[0-9]{1,5}))?")  # none at all is a socket of this machine


def is_public(url: str) -> bool:
    """Whether providers can call it: https (http on this machine alone), nothing but a host, a port and a path."""
    parts = _plain(url)
    if parts is None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def is_endpoint(url: str) -> bool:
    """Whether requests can be sent to paths below it; http, too: many models run on a machine of one's own."""
    parts = _plain(url)
    return parts is not None and parts.scheme in ("http", "https")


def _plain(url: str) -> SplitResult | None:
    """Its parts, if paths can be put behind it: it has a host, perhaps a port and a path, and nothing else."""
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return None
    more = parts.username or parts.password or parts.query or parts.fragment or re.search(r"[\s?#]", url)
    return parts if parts.hostname and port_is_valid and not more and not url.endswith("/") else None


def is_database(url: str) -> bool:
    """Whether it is taken apart as it was meant: a stray sign in a password makes hosts and ports of its halves."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    hosts = [_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(",")]
    ports = [int(host["port"] or 5432) for host in hosts if host]
    whole = not parts.fragment and "@" not in parts.path
    return parts.scheme in _POSTGRESQL and whole and all(hosts) and all(0 < port < 65536 for port in ports)
