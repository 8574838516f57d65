"""
A hot route and its twin of the framework answer the same, whatever bytes come over a socket.

Each request is sent twice, byte for byte, but for the first part of its path: /warm/… is answered by
hot routes, /cool/… by the framework.
"""

import asyncio
from itertools import cycle, product
from typing import Any

import pytest

from tests.shared.web.edge.odd_requests import (
    GOOD,
    GROUPS,
    H2C,
    HOSTS,
    NO_HOSTS,
    chunked,
    connections,
    head,
    line,
    post,
)
from tests.shared.web.edge.twins import answers, parsed, sent, served

AT_ONCE = 40


async def test_a_hot_route_and_its_twin_answer_the_same() -> None:
    requests = [request for group in GROUPS for request in group()]
    assert len(requests) >= 200
    several = asyncio.Semaphore(AT_ONCE)
    differ: list[str] = []

    async def compare(request: bytes) -> None:
        async with several:
            came = [await sent(port, request.replace(b"@", twin)) for twin in (b"warm", b"cool")]
        warm, cool = (parsed(data, request, ended=ended) for data, ended in came)
        if warm != cool:
            differ.append(f"{request[:150]!r}\n  hot:       {warm}\n  framework: {cool}")
        if not warm.answers:
            differ.append(f"{request[:150]!r}\n  is not answered")
        for answer in warm.answers:
            _check(request, answer)

    async with served() as port:
        await asyncio.gather(*map(compare, requests))
    assert not differ, f"{len(differ)} differ:\n" + "\n".join(differ)


async def test_it_makes_no_difference_in_which_pieces_a_request_comes() -> None:
    # What follows on a request that is being answered may be refused with it or after it.
    alone = [group for group in GROUPS if group is not connections]
    requests = [request for group in alone for request in group() if len(request) < 2_000]
    several = asyncio.Semaphore(AT_ONCE)
    differ: list[str] = []

    async def compare(port: int, request: bytes, piece_bytes: int) -> None:
        async with several:
            whole, pieces = (
                parsed(data, request, ended=ended)
                for data, ended in (await sent(port, request), await sent(port, request, piece_bytes))
            )
        if whole != pieces:
            differ.append(f"{request[:150]!r} in {piece_bytes}\n  whole:  {whole}\n  pieces: {pieces}")

    async with served() as port:
        await asyncio.gather(
            *[
                compare(port, request.replace(b"@", twin), piece_bytes)
                for (request, twin), piece_bytes in zip(
                    product(requests, (b"warm", b"cool")), cycle((13, 64, 29)), strict=False
                )
            ]
        )
    assert not differ, f"{len(differ)} differ:\n" + "\n".join(differ)


def _check(request: bytes, answer: dict[str, Any]) -> None:
    """What holds for every answer."""
    status = int(answer["status"].split()[1])
    assert status < 500 or status in (501, 505), (request[:150], answer)
    if status == 100:
        return
    assert (answer["cache-control"], answer["x-content-type-options"]) == ("no-store", "nosniff"), answer
    if status >= 400 and not request.startswith(b"HEAD"):
        assert answer["content-type"] == "application/problem+json", (request[:150], answer)
        assert answer["body"]["code"], answer
    assert (status == 401) == (answer["www-authenticate"] is not None), answer
    if status == 405:
        assert answer["allow"] == "get, head, options, post", answer


@pytest.mark.parametrize("twin", [b"warm", b"cool"], ids=bytes.decode)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"text": "a", "places": true}', "int_type"),
        (b'{"text": "a", "places": "1"}', "int_type"),
        (b'{"text": "a", "places": 1.0}', "int_type"),
        (b'{"text": "a", "text": "b"}', "key_doubled"),
        (b'{"text": "a", "at": 1684540800}', "moment_form"),
        (b'{"text": "a", "at": "1684540800"}', "moment_form"),
    ],
    ids=repr,
)
async def test_a_body_is_read_strictly(twin: bytes, body: bytes, code: str) -> None:
    async with served() as port:
        [answer] = await answers(port, post(body=body).replace(b"@", twin))
    assert answer["status"].startswith("HTTP/1.1 422")
    assert [fault["code"] for fault in answer["body"]["errors"]] == [code]


@pytest.mark.parametrize("twin", [b"warm", b"cool"], ids=bytes.decode)
@pytest.mark.parametrize("piece_bytes", [10_000, 13], ids=["whole", "in-pieces"])
async def test_a_request_that_would_upgrade_is_answered_as_any_other(twin: bytes, piece_bytes: int) -> None:
    request = (post(*H2C) + chunked(GOOD, lines=H2C) + line(b"GET") + head()).replace(b"@", twin)
    async with served() as port:
        data, ended = await sent(port, request, piece_bytes)
    came = parsed(data, request, ended=ended)
    assert [answer["status"].split()[1] for answer in came.answers] == ["202", "202", "200"]
    assert not came.ended


@pytest.mark.parametrize("twin", [b"warm", b"cool"], ids=bytes.decode)
async def test_a_time_in_a_body_is_a_text(twin: bytes) -> None:
    body = b'{"text": "a", "at": "2026-05-20T09:00:00+08:00"}'
    async with served() as port:
        [answer] = await answers(port, post(body=body).replace(b"@", twin))
    assert answer["status"].startswith("HTTP/1.1 202")


@pytest.mark.parametrize("twin", [b"warm", b"cool"], ids=bytes.decode)
@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (post(b"Expect: 200-maybe"), 417, "expectation_unknown"),
        (chunked(GOOD, coding=b"gzip, chunked"), 501, "transfer_encoding"),
        (chunked(GOOD, coding=b"GZIP,chunked"), 501, "transfer_encoding"),
    ],
    ids=["expect", "gzip", "gzip-unspaced"],
)
async def test_what_is_not_understood_is_not_taken(
    twin: bytes, request_: bytes, status: int, code: str
) -> None:
    async with served() as port:
        [answer] = await answers(port, request_.replace(b"@", twin))
    assert answer["status"].split()[1] == str(status)
    assert answer["body"]["code"] == code


@pytest.mark.parametrize("twin", [b"warm", b"cool"], ids=bytes.decode)
async def test_a_body_is_not_encoded(twin: bytes) -> None:
    async with served() as port:
        for coding, refused in ((b"gzip", True), (b"identity, gzip", True), (b"identity", False)):
            [answer] = await answers(port, post(b"Content-Encoding: " + coding).replace(b"@", twin))
            if refused:
                assert answer["status"].startswith("HTTP/1.1 415")
                assert answer["body"]["code"] == "content_encoding"
            else:
                assert answer["status"].startswith("HTTP/1.1 202")


@pytest.mark.parametrize("twin", [b"warm", b"cool"], ids=bytes.decode)
async def test_a_host_has_only_what_hosts_can_have(twin: bytes) -> None:
    async with served() as port:
        path = line(b"GET", b"/" + twin + b"/wang/echo")
        asked = [answers(port, path + b"Host: " + host + b"\r\n\r\n") for host in (*NO_HOSTS, *HOSTS)]
        for host, [answer] in zip((*NO_HOSTS, *HOSTS), await asyncio.gather(*asked), strict=True):
            if host in HOSTS:
                assert answer["status"].startswith("HTTP/1.1 200"), host
            else:
                assert answer["status"].startswith("HTTP/1.1 400"), host
                assert answer["body"]["code"] == "host_invalid"
