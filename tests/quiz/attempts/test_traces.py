"""A start leaves keyed hashes of its address and device, and nothing in clear."""

import pytest

from services.quiz.attempts.traces import TRACE_BYTES, Tracer, device_in
from shared.runtime.errors import Rejected
from tests.quiz.builders import ATTEMPT_KEY, as_resident, quiz, service
from tests.quiz.http import put
from tests.support.service import code_of, new_id

DEVICE = "a-device-of-a-school-0001"


def test_hashes_are_the_same_in_one_quiz_and_others_in_another_quiz_or_with_another_secret() -> None:
    here, there = Tracer(ATTEMPT_KEY), Tracer("another-secret-of-thirty-two-characters")
    first = here.trace("one", "203.0.113.7", DEVICE)
    assert first == Tracer(ATTEMPT_KEY).trace("one", "203.0.113.7", DEVICE)
    others = [here.trace("two", "203.0.113.7", DEVICE), there.trace("one", "203.0.113.7", DEVICE)]
    hashes = {*first, *others[0], *others[1]}
    assert len(hashes) == 6
    assert {len(one) for one in hashes if one} == {TRACE_BYTES}
    # What is both, an address and a device, is not seen to be the same.
    address, device = here.trace("one", "203.0.113.7-and-more", "203.0.113.7-and-more")
    assert address != device


def test_of_ipv6_the_network_counts_and_mapped_ipv4_is_ipv4() -> None:
    def address(text: str) -> bytes | None:
        return Tracer(ATTEMPT_KEY).trace("one", text, None).address_hash

    assert address("2001:db8:1:2::1") == address("2001:db8:1:2:ffff::9")
    assert address("2001:db8:1:2::1") != address("2001:db8:1:3::1")
    assert address("::ffff:203.0.113.7") == address("203.0.113.7")
    assert Tracer(ATTEMPT_KEY).trace("one", "", None) == (None, None)


@pytest.mark.parametrize(
    ("body", "device"),
    [
        (b"", None),
        (b"{}", None),
        (b'{"device": null}', None),
        (b'{"device": "0123456789abcdef", "x": 1}', "0" + "123456789abcdef"),
    ],
)
def test_a_start_may_name_a_device(body: bytes, device: str | None) -> None:
    assert device_in(body) == device


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"\xff",
        b'{"device": 1}',
        b'{"device": "short"}',
        b'{"device": "0123456789abcdef\\n"}',
        b'{"device": "%s"}' % (b"x" * 129),
        '{"device": "王王王王王王王王王王王王王王王王"}'.encode(),
    ],
)
def test_what_names_no_device_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected, match="a start") as refused:
        device_in(body)
    assert refused.value.code == "start_malformed"


@pytest.mark.stack
async def test_only_hashes_are_stored_and_the_trace_of_the_start_stays(mongo: str) -> None:
    quiz_id = new_id()
    async with service(mongo, role="api") as ([client], database):
        await put(client, quiz_id, quiz(attempts_per_day=2))
        path = f"/quizzes/{quiz_id}/attempts"
        for who in ("wang", "li"):
            started = await client.post(path, json={"device": DEVICE}, headers=as_resident(who))
            assert started.status_code == 201
        await client.post(path, headers=as_resident("mei"))
        # The open attempt again, from another device: where it was started stays.
        await client.post(path, json={"device": "b" * 16}, headers=as_resident("li"))
        bad = await client.post(path, content=b"[]", headers=as_resident("zhao"))
        assert code_of(bad) == (422, "start_malformed")
        large = await client.post(path, json={"device": "b" * 2_000}, headers=as_resident("zhao"))
        assert code_of(large) == (413, "too_large")
        found = {one["participant_id"]: one async for one in database["attempts"].find()}
        wang, li, mei = (found[who] for who in ("wang", "li", "mei"))
        assert wang["device_hash"] == li["device_hash"]
        assert wang["address_hash"] == li["address_hash"] == mei["address_hash"]
        assert "device_hash" not in mei
        assert len(found) == 3
        text = repr(found)
        assert DEVICE not in text
        assert "127.0.0.1" not in text
