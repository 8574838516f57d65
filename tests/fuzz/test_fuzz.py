"""Malformed records and requests in small: each is accounted for, and nobody else notices them."""

import asyncio

import pytest

from ops.local.services import Services, running
from shared.messaging.create_topics import create_missing
from tests.fuzz.kinds import kinds
from tests.fuzz.ledger import Ledger, compare
from tests.fuzz.play import played
from tests.fuzz.records import READ
from tests.fuzz.requests import is_whole
from tests.support.servers import own_stack

INPUTS = 1_200
PLACE = ("said", 0, 7)


def test_every_topic_that_is_read_gets_at_least_thirty_kinds() -> None:
    assert all(len(kinds(contract)) > 30 for contract in READ)


def test_a_record_that_nobody_buries_is_told() -> None:
    for code, buried, wrong in (
        ("bad_body", {}, ["vanished"]),
        ("bad_body", {PLACE: ("bad_header", "no type")}, ["other code"]),
        ("bad_body", {PLACE: ("bad_body", "no object")}, []),
        (None, {}, []),
        (None, {PLACE: ("session_unknown", "nowhere")}, []),
        (None, {PLACE: ("handler_failed", "failed 5 times: KeyError")}, ["our fault"]),
        (None, {PLACE: ("handler_failed", "a value cannot be stored: OverflowError")}, []),
    ):
        ledger = Ledger()
        compare(ledger, "readers", {PLACE: code}, buried)
        assert [words.partition(":")[0] for words in ledger.wrong] == wrong
        assert ledger.of("readers") == 1


def test_what_is_no_whole_request_is_known() -> None:
    """An upgrade, and a second request behind the first one, are read to their end too."""
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    assert is_whole(post + b"{}")
    assert is_whole(post + b"{}" + post)
    assert is_whole(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert is_whole(b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert is_whole(b"\xff\xff\r\n\r\n")
    assert not is_whole(post + b"{")
    assert not is_whole(post[:-2])
    assert not is_whole(b"")
    assert is_whole(b"\r\n\n" + post + b"{}")
    for empty in (b"\r\r", b"\n\n\n", b"\r\n", b"\n" + post):
        assert not is_whole(empty)


@pytest.mark.stack
@pytest.mark.own_servers
def test_malformed_records_and_requests_are_accounted_for_and_results_keep_coming() -> None:
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, detached=False)) as services:
            report = asyncio.run(played(services, inputs=INPUTS, seed=1))
    assert report.wrong == [], report.lines
