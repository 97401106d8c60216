"""python -m bench.floors CHANNEL PORT DATA_FOLDER GIVEN      GIVEN: what the channel's floor must know, as JSON."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import orjson
import uvloop

from bench.floor import Given, standing
from bench.floors import FRONTS
from omnibot.store.bundled import BundledServer


async def main(channel: str, port: int, data: Path, given: Given) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with BundledServer(data) as dsn, standing(dsn) as floor, FRONTS[channel](floor, port, given):
        print(f"serving {channel} at port {port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    _channel, _port, _data, _given = sys.argv[1:]
    uvloop.run(main(_channel, int(_port), Path(_data), orjson.loads(_given)))
