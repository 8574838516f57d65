"""The sender against a partner's real HTTP server, over a real database."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from services.webhooks.deliveries.rules import Tried
from services.webhooks.endpoints.rules import FAILING, Endpoint
from services.webhooks.endpoints.secrets import SecretLock
from services.webhooks.sending.attempt import Attempts
from services.webhooks.sending.post import ANSWER_BYTES_MAX, PER_ENDPOINT_MAX
from services.webhooks.sending.rules import TRIES_MAX, Answer
from shared.runtime import clock
from tests.support.service import enclosed, new_id
from tests.webhooks.builders import LOCK, LONG_AGO, Post, checked_in, post_office, verified
from tests.webhooks.receiver import CUTS, HANGS, Receiver, receiving

pytestmark = pytest.mark.stack


@pytest.fixture
async def post(mongo: str) -> AsyncIterator[Post]:
    async with post_office(mongo) as found:
        yield found


@pytest.fixture
async def partner() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


async def only(post: Post) -> dict[str, object]:
    [document] = await post.database["deliveries"].find({}).to_list(None)
    return document


async def test_a_delivery_is_verified_by_the_partner_and_has_the_event_as_it_is_on_kafka(
    post: Post, partner: Receiver
) -> None:
    await post.put("museum", partner.url)
    sent = enclosed(checked_in("wang"))
    await post.handle(sent)
    await post.send()
    [got] = partner.got
    event = verified(got, post.secrets["museum"])
    assert event["data"] == sent.event.model_dump(mode="json")
    assert (event["id"], event["source"], event["type"]) == (
        sent.context.id,
        sent.context.source,
        sent.context.type,
    )
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    assert got.message_id.startswith("msg_")
    assert await post.states() == {"delivered": 1}
    assert "due_at" not in await only(post)


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (500, "server_failed", 500),
        (404, "refused", 404),
        (302, "redirected", 302),
        (HANGS, "timed_out", None),
        (CUTS, "connection_failed", None),
    ],
)
async def test_whatever_is_no_delivery_is_tried_again_with_the_same_id(
    post: Post, partner: Receiver, answer: int | str, code: str, status: int | None
) -> None:
    await post.put("museum", partner.url)
    # Nobody goes there: a signed body goes only where an organiser has said.
    partner.headers = (f"Location: http://127.0.0.1:{partner.port}/elsewhere",)
    partner.answers = [answer, 200]
    await post.handle(checked_in("wang"))
    await post.send()
    found = await only(post)
    assert (found["state"], found["code"], found["attempts"]) == ("pending", code, 1)
    assert found["due_at"] > clock.now()  # type: ignore[operator]
    assert (await post.endpoints.get("museum")).failing_since is not None
    await post.make_due()
    await post.send()
    assert await post.states() == {"delivered": 1}
    assert [one.path for one in partner.got] == ["/events", "/events"]
    assert len(set(partner.ids())) == 1
    [first, last] = (await post.deliveries.page(found["endpoint"], ["delivered"], None, 10))[0].tried  # type: ignore[arg-type]
    assert (first.status, first.code, last.status, last.code) == (status, code, 200, None)
    assert (await post.endpoints.get("museum")).failing_since is None


async def test_nobody_listening_is_a_failure_of_the_endpoint(post: Post) -> None:
    async with receiving() as gone:
        url = gone.url
    await post.put("museum", url)
    await post.handle(checked_in("wang"))
    await post.send()
    assert (await only(post))["code"] == "connection_failed"


async def test_after_its_last_try_a_delivery_has_failed_and_can_be_sent_again(
    post: Post, partner: Receiver
) -> None:
    museum = await post.put("museum", partner.url)
    partner.answers = [500]
    await post.handle(checked_in("wang"))
    await post.database["deliveries"].update_many({}, {"$set": {"attempts": TRIES_MAX - 1}})
    await post.send()
    found = await only(post)
    assert (found["state"], found["code"], found["attempts"]) == ("failed", "server_failed", TRIES_MAX)
    partner.answers = [200]
    again = await post.deliveries.send_again(museum.key, str(found["message_id"]), clock.now())
    assert (again.state, again.attempts) == ("pending", 0)
    await post.make_due()
    await post.send()
    assert await post.states() == {"delivered": 1}
    assert len(set(partner.ids())) == 1


async def test_an_endpoint_that_says_it_is_gone_is_disabled_and_its_deliveries_wait(
    post: Post, partner: Receiver
) -> None:
    museum = await post.put("museum", partner.url)
    partner.answers = [410]
    await post.handle(checked_in("wang"))
    await post.send()
    assert (await post.endpoints.get("museum")).disabled == "gone"
    await post.handle(checked_in("li"))
    await post.make_due()
    await post.send()
    assert len(partner.got) == 1
    assert await post.states() == {"pending": 2}
    partner.answers = [200]
    await post.endpoints.enable(museum.key)
    await post.make_due()
    await post.send()
    assert await post.states() == {"delivered": 2}


async def test_an_endpoint_that_has_failed_for_days_is_disabled_with_the_reason(
    post: Post, partner: Receiver
) -> None:
    museum = await post.put("museum", partner.url)
    partner.answers = [500]
    await post.handle(checked_in("wang"))
    await post.endpoints.note_failed(museum.key, clock.now() - FAILING - timedelta(minutes=1))
    await post.send()
    found = await post.endpoints.get("museum")
    assert (found.state, found.disabled) == ("disabled", "failing")
    assert await post.endpoints.enable(museum.key)
    assert (await post.endpoints.get("museum")).failing_since is None


async def test_a_dead_and_a_slow_endpoint_delay_no_other(mongo: str) -> None:
    # One answer of the dead one takes longer than this test may.
    async with receiving() as dead, receiving() as quick, post_office(mongo, seconds_max=600) as post:
        key = (await post.put("dead", dead.url)).key
        await post.put("quick", quick.url)
        dead.answers = [HANGS]
        await post.handle(*[enclosed(checked_in(new_id())) for _ in range(30)])

        async def turns() -> None:
            while len(quick.got) < 30:
                await post.sender.turn()
                post.sender.wake()
                await asyncio.sleep(0.01)

        await asyncio.wait_for(turns(), 60)
        # The quick one has all, and no answer of the dead one has ended.
        assert post.sender._lanes[key].under_way == len(dead.got) == dead.at_once_max == PER_ENDPOINT_MAX
        assert quick.at_once_max <= PER_ENDPOINT_MAX
        for task in post.sender._tasks:
            task.cancel()
        await post.sender.aclose()


async def test_an_unexpected_error_is_a_failure_of_its_delivery_and_stops_no_other(
    post: Post, partner: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaking(Attempts):
        async def attempt(self, endpoint: Endpoint, message_id: str, body: bytes, now: datetime) -> Answer:
            if endpoint.endpoint_id == "broken":
                raise OverflowError(body.decode())
            return await super().attempt(endpoint, message_id, body, now)

    broken = await post.put("broken", partner.url)
    museum = await post.put("museum", partner.url)
    post.sender._attempts = Breaking(LOCK, post.attempts._poster)
    await post.handle(checked_in("wang"))
    await post.send()
    # A turn raises what a task has not marked.
    await post.send()
    [failed] = await post.deliveries.page(broken.key, ["pending"], None, 10)
    assert (failed.code, failed.attempts) == ("unexpected", 1)
    assert len(await post.deliveries.page(museum.key, ["delivered"], None, 10)) == 1
    assert (await post.endpoints.get("broken")).failing_since is not None
    [told] = [one for one in caplog.records if one.message == "a try ended with an unexpected error"]
    assert "wang" not in str(vars(told))


async def test_after_a_failure_one_delivery_at_a_time_tries_the_endpoint(
    post: Post, partner: Receiver
) -> None:
    await post.put("museum", partner.url)
    partner.answers = [503]
    await post.handle(*[enclosed(checked_in(new_id())) for _ in range(10)])
    await post.send()
    assert len(partner.got) == PER_ENDPOINT_MAX
    # It pauses: nothing is begun, and no other delivery loses a try.
    await post.send()
    assert len(partner.got) == PER_ENDPOINT_MAX
    await post.make_due()
    await post.send()
    assert len(partner.got) == PER_ENDPOINT_MAX + 1


async def test_an_endpoint_that_asks_to_wait_is_left_alone_so_long(post: Post, partner: Receiver) -> None:
    museum = await post.put("museum", partner.url)
    partner.answers, partner.headers = [429], ("Retry-After: 600",)
    await post.handle(checked_in("wang"))
    await post.send()
    due_at = (await only(post))["due_at"]
    assert due_at > clock.now() + timedelta(seconds=590)  # type: ignore[operator]
    lane = post.sender._lanes[museum.key]
    assert lane.paused_until > time.monotonic() + 590


async def test_a_long_answer_is_not_read_to_its_end(post: Post, partner: Receiver) -> None:
    await post.put("museum", partner.url)
    # Whoever reads on gets no end, and then has no delivery but `timed_out`.
    partner.body, partner.endless = b"x" * ANSWER_BYTES_MAX, True
    await post.handle(checked_in("wang"))
    await post.send()
    assert await post.states() == {"delivered": 1}


async def test_both_secrets_sign_while_a_rotation_is_under_way(post: Post, partner: Receiver) -> None:
    from services.webhooks.endpoints.put import Endpoints

    await post.put("museum", partner.url)
    old = post.secrets["museum"]
    of = Endpoints(post.endpoints, LOCK, only_public=False)
    _, new = await of.rotate("museum", clock.now(), at_once=False)
    await post.handle(checked_in("wang"))
    await post.send()
    [got] = partner.got
    for secret in (old, new):
        verified(got, secret)


async def test_a_secret_of_another_key_is_told_and_nothing_is_sent_unsigned(
    post: Post, partner: Receiver
) -> None:
    await post.put("museum", partner.url)
    post.attempts._lock = SecretLock("another-key-of-tests")
    await post.handle(checked_in("wang"))
    await post.send()
    assert (await only(post))["code"] == "secret_unreadable"
    assert partner.got == []


async def test_two_senders_never_send_the_same_delivery(mongo: str, partner: Receiver) -> None:
    from services.webhooks.sending.sender import Sender

    async with post_office(mongo) as post:
        await post.put("museum", partner.url)
        await post.handle(*[enclosed(checked_in(new_id())) for _ in range(20)])
        senders = [Sender(post.endpoints, post.deliveries, post.attempts) for _ in range(3)]
        while (await post.states()).get("pending"):
            await asyncio.gather(*[sender.turn() for sender in senders])
            for sender in senders:
                await sender.aclose()
                sender.wake()
        assert len(partner.got) == len(set(partner.ids())) == 20


async def test_a_claim_that_has_ended_marks_nothing(post: Post, partner: Receiver) -> None:
    museum = await post.put("museum", partner.url)
    await post.handle(checked_in("wang"))
    now = clock.now()
    first, [one] = await post.deliveries.claim(museum.key, now, 1, timedelta(0))
    second, [again] = await post.deliveries.claim(museum.key, now, 1, timedelta(minutes=1))
    tried = Tried(now, 200, None, 1)
    assert not await post.deliveries.mark(first, one, tried, "delivered", now)
    assert await post.deliveries.mark(second, again, tried, "delivered", now)
    assert again.attempts == 2
    assert now > LONG_AGO
