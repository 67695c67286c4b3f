"""Metrics of a service for Prometheus, at a port of their own: nothing of a request is in them."""

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from local.services.routes import method_of, route_of

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Limits of durations in seconds; 0.5 s is the objective of answers."""


class Metrics:
    """Wraps an ASGI application and counts its requests.

    Labels are the method, the route as it is declared (``/products/{product_id}``) and the status:
    a path itself may name a reviewer, and would make a series for each product.
    """

    def __init__(self, application: Any, service: str) -> None:
        """Wrap an application.

        Args:
            application: the ASGI application.
            service: its name, a label of all metrics.
        """
        self._application = application
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        labels = ("service", "method", "route")
        self._requests = Counter(
            "reviewlens_requests", "Answered requests.", (*labels, "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "reviewlens_request_seconds",
            "Time from a request to the end of its answer.",
            labels,
            buckets=_BUCKETS,
            registry=self.registry,
        )
        running = Gauge(
            "reviewlens_requests_running",
            "Requests that are being answered.",
            ("service",),
            registry=self.registry,
        )
        self._service = service
        self._running = running.labels(service)

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Answer Prometheus in a thread.

        Args:
            host: address to listen on.
            port: port, 0 for any.

        Returns:
            Stops answering.

        Raises:
            OSError: the port is in use.
        """
        server, thread = start_http_server(port, host, self.registry)
        self.port = server.server_port

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, and count it; also if it fails."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        status = 500

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        try:
            with self._running.track_inprogress():
                await self._application(scope, receive, watch)
        finally:
            labels = (self._service, method_of(scope), route_of(scope))
            self._requests.labels(*labels, str(status)).inc()
            self._seconds.labels(*labels).observe(time.perf_counter() - started)
