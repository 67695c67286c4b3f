"""The rate of each host."""

from lambdas.review_pictures.rate import HostRate


def test_each_host_has_its_own_rate():
    now, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    rate = HostRate(4, clock=lambda: now[0], sleep=sleep)
    for host in ("a", "a", "b", "a"):
        rate.wait(host)
    assert slept == [0.25, 0.25]
    now[0] += 10
    rate.wait("a")
    assert len(slept) == 2
