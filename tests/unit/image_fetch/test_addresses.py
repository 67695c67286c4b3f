"""Addresses that must not be connected to, in every spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.image_fetch.addresses import is_allowed

REFUSED = [
    *("0.0.0.0", "0.1.2.3", "10.1.2.3", "127.0.0.1", "127.9.9.9", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200"),
    *("168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::808:808", "2002:7f00:1::"),
    *("2002:808:808::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1"),
    *("2001:10::1", "2001:20::1", "3fff::1", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *("fe80::1%eth0", "2606:4700::1111%1", "fec0::1", "ff02::1", "ff0e::1", "5f00::1"),
    *("", "localhost", "8.8.8.8.", "08.8.8.8", "0x8.8.8.8", "8.8", "134744072", "[::1]"),
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address):
    assert not is_allowed(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111"])
def test_a_public_address_is_allowed(address):
    assert is_allowed(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1"])
def test_loopback_is_allowed_by_a_setting_alone(address):
    assert is_allowed(address, loopback=True)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "::ffff:7f00:1", "0.0.0.0", "::"]
)
def test_the_setting_allows_nothing_else(address):
    assert not is_allowed(address, loopback=True)


@given(st.ip_addresses())
def test_an_allowed_address_is_global_unicast(address):
    if is_allowed(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert getattr(address, "ipv4_mapped", None) is None
        assert getattr(address, "sixtofour", None) is None
        assert getattr(address, "teredo", None) is None
