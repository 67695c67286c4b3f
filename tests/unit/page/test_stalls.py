"""Work that makes no progress for minutes is reported with the reason of the server."""

from frontend_space.stalls import StallWatch
from reviewlens import ConnectionFailedError
from reviewlens.models import Check, GatewayHealth, Health

BROKEN = Health(
    service="processing",
    version="1",
    status="unavailable",
    checks={"model": Check(status="unavailable", detail="the model is corrupt"), "x": Check()},
)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def watch(health):
    clock = Clock()
    return StallWatch(health, clock=clock), clock


def gateway(*services):
    named = {service.service: service for service in services}
    return GatewayHealth(service="gateway", services=named)


def test_a_stall_is_reported_with_its_reason_until_there_is_progress():
    stalls, clock = watch(lambda: gateway(BROKEN))
    assert stalls.warning(0) == ""
    clock.now += 179
    assert stalls.warning(0) == ""
    clock.now += 62
    assert stalls.warning(0) == (
        "There has been no progress for 4 minutes. "
        "The server reports: processing, model: the model is corrupt."
    )
    assert stalls.warning(1) == ""


def test_a_server_without_an_error_may_be_busy():
    stalls, clock = watch(gateway)
    stalls.warning(0)
    clock.now += 200
    assert "The server reports no error; it may be busy." in stalls.warning(0)


def test_a_server_that_does_not_answer_gives_no_reason():
    def fail():
        raise ConnectionFailedError("gone")

    stalls, clock = watch(fail)
    stalls.warning(0)
    clock.now += 200
    assert "The server does not say why." in stalls.warning(0)


def test_the_server_is_asked_once_a_minute():
    asked = []

    def health():
        asked.append(1)
        return gateway()

    stalls, clock = watch(health)
    stalls.warning(0)
    clock.now += 200
    for _ in range(10):
        stalls.warning(0)
    assert len(asked) == 1
