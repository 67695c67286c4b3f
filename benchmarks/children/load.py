"""Load generator: clients that send one request after the other on a kept connection."""

import asyncio
import gc
import itertools
import time
from collections.abc import Iterator
from typing import Any

import orjson
import uvloop

from benchmarks.children.measure import answer, task


def request(host: str, path: str, body: Any) -> bytes:
    """The bytes of a POST."""
    content = orjson.dumps(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
) -> int:
    """Send one request and read the whole answer; returns its status."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])


async def client(
    port: int, messages: Iterator[bytes], turns: Iterator[int], taken: list[float]
) -> int:
    """Send requests until the turns are used up; returns how many failed."""
    failed = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in turns:
        message = next(messages)
        started = time.perf_counter()
        status = await exchange(reader, writer, message)
        taken.append((time.perf_counter() - started) * 1000)
        failed += status != 200
    writer.close()
    return failed


async def load(asked: dict[str, Any]) -> dict[str, Any]:
    """Warm up, then send ``requests`` requests from ``clients`` clients."""
    port, clients = asked["port"], asked["clients"]
    made = [request(f"127.0.0.1:{port}", asked["path"], body) for body in asked["bodies"]]
    messages = itertools.cycle(made)

    async def run(count: int) -> tuple[list[float], int, float]:
        turns, taken = iter(range(count)), list[float]()
        started = time.perf_counter()
        failed = await asyncio.gather(
            *(client(port, messages, turns, taken) for _ in range(clients))
        )
        return taken, sum(failed), time.perf_counter() - started

    await run(asked["warm"])
    gc.disable()
    taken, failed, seconds = await run(asked["requests"])
    return {"milliseconds": taken, "failed": failed, "seconds": seconds}


def main() -> None:
    answer(uvloop.run(load(task())))


if __name__ == "__main__":
    main()
