import asyncio
import socket
from collections.abc import Sequence

import httpcore
import pytest

from services.webhooks.sending.egress import AddressRefused, Egress, HostUnknown, Lookups, is_public
from services.webhooks.sending.post import Poster
from tests.webhooks.receiver import receiving


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 (an address that is refused)
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::808:808",
        "2002:a00:1::1",
        "2002:7f00:1::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "no address",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses_may_be_reached_also_those_of_ipv4_in_ipv6(address: str) -> None:
    assert is_public(address)


class Told(Lookups):
    """Names that lead where the test says, one answer after the other."""

    def __init__(self, *answers: list[str]) -> None:
        super().__init__()
        self._answers = list(answers)

    async def addresses_of(self, host: str, port: int) -> list[str]:
        return self._answers.pop(0)


async def test_a_name_that_leads_to_a_private_address_is_refused_also_if_it_leads_to_a_public_one_too() -> (
    None
):
    for answer in (["10.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"]):
        with pytest.raises(AddressRefused):
            await Egress(Told(answer)).connect_tcp("museum.example.org", 443)


async def test_the_connection_goes_to_the_address_that_was_checked_and_looks_nothing_up_again() -> None:
    # A second look-up would take the next answer.
    egress = Egress(Told(["127.0.0.1"], ["10.0.0.1"]), allow_private=True)
    async with receiving() as partner:
        stream = await egress.connect_tcp("rebound.example.org", partner.port)
        host, port = stream.get_extra_info("server_addr")[:2]
        await stream.aclose()
    assert (host, port) == ("127.0.0.1", partner.port)


async def test_the_next_address_of_a_name_is_tried_if_nobody_listens_at_the_first() -> None:
    async with receiving() as partner:
        egress = Egress(Told(["127.0.0.2", "127.0.0.1"]), allow_private=True)
        stream = await egress.connect_tcp("two.example.org", partner.port)
        await stream.aclose()
    with pytest.raises(httpcore.ConnectError):
        await Egress(Told(["127.0.0.1"]), allow_private=True).connect_tcp("none.example.org", unused_port())


async def test_a_name_without_an_address_is_unknown_and_no_socket_of_this_machine_is_opened() -> None:
    lookups = Lookups()
    with pytest.raises(HostUnknown):
        await lookups.addresses_of("nobody.invalid", 443)
    with pytest.raises(AddressRefused):
        await Egress(lookups).connect_unix_socket("/tmp/socket")  # noqa: S108 (nothing is opened)
    lookups.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
async def test_nothing_on_this_machine_is_reached_however_its_address_is_spelt(host: str) -> None:
    async with receiving() as partner:
        poster = Poster()
        try:
            answer = await poster.post(f"http://{host}:{partner.port}/", {}, b"{}")
        finally:
            await poster.aclose()
        assert answer.status is None
        assert answer.failure in ("address_refused", "host_unknown")
        assert partner.got == []


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


async def test_a_slow_look_up_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups, release = Lookups(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(host: str, port: int) -> Sequence[object]:
        if host == "slow":
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return socket.getaddrinfo("127.0.0.1", port)

    monkeypatch.setattr("services.webhooks.sending.egress._look_up", slow)
    waiting = [asyncio.create_task(lookups.addresses_of("slow", 1)) for _ in range(20)]
    assert await lookups.addresses_of("quick", 1) == ["127.0.0.1"]
    assert not any(one.done() for one in waiting)
    release.set()
    await asyncio.gather(*waiting)
    lookups.close()
