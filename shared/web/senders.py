"""Who sends a request: the network that it comes from, and the participant whose token it carries."""

from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from starlette.types import Scope

# The part of an IPv6 address that one client has.
IPV6_PREFIX_BITS = 64


class Sender(NamedTuple):
    """
    Whose requests wait in one line.

    Attributes:
        network: the address, or the part of it that belongs to one client.
        participant_id: whose token the request carries; empty without a good one. Anybody can make up any
            number of tokens, so a wrong one counts as none.
    """

    network: str = ""
    participant_id: str = ""


def sender_of(scope: Scope, participant_id: str) -> Sender:
    """The sender of a request with this participant's token."""
    return Sender(network_of(address_of(scope)), participant_id)


def address_of(scope: Scope) -> str:
    """Where a request comes from; behind a proxy that is not trusted it is the proxy's address."""
    return str((scope.get("client") or ("",))[0])


def network_of(address: str) -> str:
    """The address, or the part of it that belongs to one client."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> (128 - IPV6_PREFIX_BITS):x}/64"
