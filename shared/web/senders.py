"""Who sends a request: the network that it comes from, and the participant or organiser who asks."""

from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from shared.runtime.fair_queue import Sender

# The part of an IPv6 address that one client has.
IPV6_PREFIX_BITS = 64


def sender_of(scope: Scope, who: str) -> Sender:
    """The sender of a request by this participant or organiser."""
    return Sender(network_of(address_of(scope)), who)


def address_of(scope: Scope) -> str:
    """Where a request comes from; behind a proxy that is not trusted it is the proxy's address."""
    return str((scope.get("client") or ("",))[0])


def network_of(address: str) -> str:
    """The address, or the part of it that belongs to one client."""
    if ":" not in address:
        # Most are of IPv4, and to parse one costs as much as to queue a request.
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> (128 - IPV6_PREFIX_BITS):x}/64"
