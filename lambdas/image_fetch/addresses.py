"""Which IP addresses may be connected to: public ones, and no way around that."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_REFUSED = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
        "2001::/23",  # Teredo and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_PUBLIC_IPV6 = IPv6Network("2000::/3")
"""Outside are loopback, unique local, link-local and multicast addresses, and those that contain an
IPv4 address: mapped, compatible, NAT64."""


def is_allowed(text: str, *, loopback: bool = False) -> bool:
    """Whether an address may be connected to.

    Args:
        text: an IPv4 or IPv6 address.
        loopback: whether 127.0.0.0/8 and ::1 are allowed, too.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if loopback and _is_loopback(address):
        return True
    if isinstance(address, IPv6Address) and (address.scope_id or address not in _PUBLIC_IPV6):
        return False
    return address.is_global and not any(address in network for network in _REFUSED)


def _is_loopback(address: IPv4Address | IPv6Address) -> bool:
    # since Python 3.13, is_loopback is also true of mapped addresses
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None
