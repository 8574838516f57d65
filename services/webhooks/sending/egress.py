"""
Which addresses deliveries may reach: public ones only.

Organisers choose the addresses of endpoints, and a name may lead anywhere. So the address is checked at each
connection, after the name was looked up, and the connection goes to the address that was checked. A name that
changes its address between a check and the connection (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeAlias

import httpcore

from services.webhooks.endpoints.rules import ENDPOINTS_MAX

# Addresses of a name that are tried, one after the other.
ADDRESSES_MAX = 4
# A look-up blocks a thread. With one for each endpoint no slow name server delays another endpoint.
LOOKUPS_MAX = ENDPOINTS_MAX
# Networks with IPv6 alone reach IPv4 addresses so: they are the last 32 bits (RFC 6052).
NAT64 = IPv6Network("64:ff9b::/96")

Address: TypeAlias = IPv4Address | IPv6Address


class AddressRefused(Exception):
    """The host leads to an address that deliveries may not reach."""


class HostUnknown(Exception):
    """No address is known for the host."""


def is_public(address: str) -> bool:
    """
    Whether an address is one of the public internet: not of this machine, of a private network, link-local
    (where clouds have their metadata), shared, reserved or of a group; also if it stands in an IPv6 address.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(map(_is_public, _with_inner(found)))


def _with_inner(address: Address) -> Iterable[Address]:
    """The addresses that a packet to this one may reach: itself, or the IPv4 address in it."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    else:
        yield address
        if address.sixtofour is not None:
            yield address.sixtofour


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )


class Lookups:
    """Looks up names, each in a thread, so that a slow one does not delay others."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_MAX, thread_name_prefix="lookup")

    async def addresses_of(self, host: str, port: int) -> list[str]:
        """
        The addresses of a host, in the order of the system.

        Raises:
            HostUnknown: there is none.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _look_up, host, port)
        except (OSError, UnicodeError):
            raise HostUnknown from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        """Wait for no look-up."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Egress(httpcore.AsyncNetworkBackend):
    """
    Opens connections to public addresses.

    Args:
        allow_private: any address may be reached. Only for tests, and for a week on one machine.
    """

    def __init__(self, lookups: Lookups, *, allow_private: bool = False) -> None:
        self._lookups = lookups
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """
        Connect to an address of the host.

        Raises:
            HostUnknown: it has none.
            AddressRefused: one of them is not public. A name with a public and a private one is a trick.
        """
        addresses = await self._lookups.addresses_of(host, port)
        if not self._allow_private and not all(map(is_public, addresses)):
            raise AddressRefused
        failure: Exception = HostUnknown()
        for address in addresses[:ADDRESSES_MAX]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's signature)
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """
        Raises:
            AddressRefused: always.
        """
        raise AddressRefused

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
