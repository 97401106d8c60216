"""How much one client, and all together, may ask for: beyond that is 429 until the minute is over."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable

_SECONDS = 60.0
_MOST_CLIENTS = 10_000  # counted apart in one minute; whoever comes after them is counted with all


class Allowance:
    """Counts requests by client, minute by minute."""

    def __init__(self, per_client: int, overall: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_client = per_client
        self._overall = overall
        self._now = now
        self._until = float("-inf")
        self._by_client: Counter[str] = Counter()
        self._all = 0

    def take(self, client: str) -> int:
        """Count one more; 0 when it is within the allowance, else the seconds until there is a new one."""
        now = self._now()
        if now >= self._until:
            self._until, self._all = now + _SECONDS, 0
            self._by_client.clear()
        self._all += 1
        name = _network(client)
        if name in self._by_client or len(self._by_client) < _MOST_CLIENTS:
            self._by_client[name] += 1
        if self._all <= self._overall and self._by_client[name] <= self._per_client:
            return 0
        return max(1, round(self._until - now))


def _network(client: str) -> str:
    """IPv6 gives each household 2⁶⁴ addresses: they count as one."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False))
