"""
Who sends a request: where it comes from, and the participant or organiser who asks.

Of IPv6 one client has a network of 2**64 addresses, and one customer of a provider often a site of 65,536
networks. So turns go by the site first, and each bound of a network has one of its site beside it. Of IPv4
both are the address.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from starlette.types import Scope

from shared.runtime.fair_queue import Sender

# The part of an IPv6 address that one client has, and the part that one customer has.
IPV6_NETWORK_BITS = 64
IPV6_SITE_BITS = 48
# A bound of a network, times this, is that of its site: a provider gives phones and homes of one site to many
# customers.
SITE_TIMES = 10
ADDRESSES_REMEMBERED = 10_000


class Bounded(NamedTuple):
    """
    One of those whose requests are counted together.

    Attributes:
        name: the network or site.
        times: how many times the bound of a network it has.
    """

    name: str
    times: int


def sender_of(scope: Scope, who: str) -> Sender:
    """The sender of a request by this participant or organiser."""
    return sender_at(address_of(scope), who)


def sender_at(address: str, who: str) -> Sender:
    """The sender of a request that comes from this address."""
    if ":" not in address:
        # Most are of IPv4, and to parse one costs as much as to queue a request.
        return Sender(address, "", who)
    return Sender(*_places(address), who)


def address_of(scope: Scope) -> str:
    """Where a request comes from; behind a proxy that is not trusted it is the proxy's address."""
    return str((scope.get("client") or ("",))[0])


def network_of(address: str) -> str:
    """The address, or the part of it that belongs to one client."""
    site, network = _places(address)
    return network or site


def _network(request: Request) -> str:
    return network_of(address_of(request.scope))


FromNetwork = Annotated[str, Depends(_network)]
"""Of a route: where the request comes from (`network_of`), for what strangers do in turns."""


def bounded_of(address: str) -> tuple[Bounded, ...]:
    """Those that a request from this address counts for: its network, and with IPv6 also its site."""
    site, network = _places(address)
    return (Bounded(network, 1), Bounded(site, SITE_TIMES)) if network else (Bounded(site, 1),)


@lru_cache(ADDRESSES_REMEMBERED)
def _places(address: str) -> tuple[str, str]:
    """The site; and of IPv6 the network, which is else empty."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address, ""
    if not isinstance(parsed, IPv6Address):
        return address, ""
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped), ""
    return _prefix(parsed, IPV6_SITE_BITS), _prefix(parsed, IPV6_NETWORK_BITS)


def _prefix(address: IPv6Address, bits: int) -> str:
    return f"{int(address) >> (128 - bits):x}/{bits}"
