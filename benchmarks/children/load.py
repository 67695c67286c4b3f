"""Load generator: clients that send requests in sequence on a persistent connection."""

import asyncio
import gc
import itertools
import time
from collections.abc import Iterator
from typing import Any

import orjson
import uvloop

from benchmarks.children.measure import read_task, write_result


def request(host: str, path: str, body: Any) -> bytes:
    """The bytes of a POST request."""
    content = orjson.dumps(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
) -> int:
    """Send one request and read the whole response; returns its status."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])


async def client(
    port: int, messages: Iterator[bytes], turns: Iterator[int], times: list[float]
) -> int:
    """Send requests while turns remain; returns the number of failures."""
    failed = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in turns:
        message = next(messages)
        started = time.perf_counter()
        status = await exchange(reader, writer, message)
        times.append((time.perf_counter() - started) * 1000)
        failed += status != 200
    writer.close()
    return failed


async def load(task: dict[str, Any]) -> dict[str, Any]:
    """Warm up, then send ``requests`` requests from ``clients`` clients."""
    port, clients = task["port"], task["clients"]
    requests = [request(f"127.0.0.1:{port}", task["path"], body) for body in task["bodies"]]
    messages = itertools.cycle(requests)

    async def run(count: int) -> tuple[list[float], int, float]:
        turns, times = iter(range(count)), list[float]()
        started = time.perf_counter()
        failed = await asyncio.gather(
            *(client(port, messages, turns, times) for _ in range(clients))
        )
        return times, sum(failed), time.perf_counter() - started

    await run(task["warm"])
    gc.disable()
    times, failed, seconds = await run(task["requests"])
    return {"milliseconds": times, "failed": failed, "seconds": seconds}


def main() -> None:
    write_result(uvloop.run(load(read_task())))


if __name__ == "__main__":
    main()
