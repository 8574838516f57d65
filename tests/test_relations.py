"""Constants of different rooms that hold only together: each pair stands here, with the reason."""

from datetime import timedelta

import pytest

from ops.audit import known as audited
from ops.deployment import export
from ops.stack import kafka
from ops.stack import mongo as server
from services.quiz.attempts.intake import ACCEPTED_SECONDS_MAX
from services.quiz.attempts.late import AHEAD_MS_MAX
from services.quiz.grading.rules import SKEW
from services.quiz.participants import erased
from services.quiz.quizzes import catalogue
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX, NOTICE_SECONDS
from services.quiz.saving.rules import HAND_IN_AFTER
from services.quiz.saving.store import SAVED_DAYS_STORED
from services.registration.erasure.forget import ERASED_KEPT
from services.registration.listing.rules import COLUMNS
from services.registration.participants.contact_store import FREED_KEPT
from services.registration.rosters.import_lines import SLICE_CONTENDED_SECONDS_MAX, SLICE_SECONDS_MAX
from services.registration.sign_ins.rules import AGAIN_AFTER
from shared.contracts import topics
from shared.contracts.envelope import HEADERS_BYTES_MAX
from shared.contracts.events import ParticipantErased
from shared.contracts.sealing import KEY_BYTES
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX, TOMBSTONES_KEPT, Topic
from shared.messaging import publisher
from shared.runtime import background, backlog
from shared.runtime.settings import CONTACT_KEY_BYTES
from shared.storage import mongo
from shared.web.health import CHECK_SECONDS_MAX
from shared.web.tokens import TOKEN_SECONDS


def test_grading_waits_for_everything_that_intake_acknowledges() -> None:
    assert ACCEPTED_SECONDS_MAX < LOG_DELAY_SECONDS_MAX == audited.LOG_DELAY_SECONDS_MAX
    assert timedelta(milliseconds=AHEAD_MS_MAX) < SKEW == timedelta(seconds=audited.SKEW_SECONDS)


def test_what_was_saved_is_handed_in_after_everything_that_intake_acknowledges() -> None:
    assert timedelta(seconds=LOG_DELAY_SECONDS_MAX) < HAND_IN_AFTER
    assert timedelta(days=topics.SAVED_DAYS_KEPT) < timedelta(days=SAVED_DAYS_STORED)


def test_every_process_knows_of_an_early_close_before_it_begins() -> None:
    assert max(catalogue.REFRESH_SECONDS, erased.REFRESH_SECONDS) < NOTICE_SECONDS


def test_a_health_check_that_fails_can_still_say_why() -> None:
    assert max(mongo.PING_SECONDS_MAX, publisher.PING_SECONDS_MAX) < CHECK_SECONDS_MAX


def test_settings_take_the_keys_that_sealing_uses() -> None:
    assert CONTACT_KEY_BYTES == KEY_BYTES


def test_a_free_contact_is_remembered_until_whoever_left_may_compete_again() -> None:
    assert AGAIN_AFTER < FREED_KEPT


@pytest.mark.parametrize("topic", [one for one in topics.LIVE if one.groups], ids=lambda topic: topic.name)
def test_the_erased_are_remembered_longer_than_any_topic_could_bring_an_older_record(topic: Topic) -> None:
    # A record may be read at the last moment, dead-lettered, and written to the topic once more.
    for group in topic.groups:
        dead = next(one for one in topics.DEAD if one.name == topics.dead_letters(topic.name, group))
        assert 2 * deleted_within(topic) + deleted_within(dead) < TOMBSTONES_KEPT


def deleted_within(topic: Topic) -> timedelta:
    # Kafka closes a segment after a week, if the topic does not say otherwise.
    segment_ms = int(topic.config.get("segment.ms", timedelta(weeks=1) / timedelta(milliseconds=1)))
    return timedelta(milliseconds=int(topic.config["retention.ms"]) + segment_ms)


def test_whoever_reads_from_the_start_finds_an_erasure_as_long_as_what_came_before_it() -> None:
    kept = topics.retention(ParticipantErased)
    assert all(
        deleted_within(topic) <= kept for topic in topics.LIVE if topic.name != ParticipantErased.topic
    )


def test_an_erasure_is_kept_longer_as_soon_as_one_other_topic_is() -> None:
    others = [topic for topic in topics.LIVE if topic.name != ParticipantErased.topic]
    year = Topic("said", (), retention_days=364)
    kept = topics.erasure_days([*others, year])
    assert timedelta(days=kept) >= deleted_within(year)
    assert topics.retention(ParticipantErased) == timedelta(days=topics.erasure_days(others))


def test_registration_gives_no_erased_id_again_while_others_remember_it_or_a_token_is_good() -> None:
    # Another service may hear of an erasure days later, and remembers it from then on.
    assert TOMBSTONES_KEPT + timedelta(days=28) <= ERASED_KEPT
    assert timedelta(seconds=TOKEN_SECONDS) < TOMBSTONES_KEPT


def test_the_command_exports_what_the_service_exports() -> None:
    assert export.COLUMNS == COLUMNS


def test_connections_of_one_address_cannot_announce_all_that_kafka_takes() -> None:
    ours = 8
    assert (kafka.CONNECTIONS_MAX + ours) * kafka.REQUEST_BYTES_MAX <= kafka.REQUESTS_BYTES_MAX


def test_kafka_takes_the_requests_that_a_publisher_makes() -> None:
    largest_record = DEAD_RECORD_BYTES_MAX + HEADERS_BYTES_MAX
    assert largest_record <= publisher.PORTION_BYTES_MAX
    assert publisher.PORTION_BYTES_MAX * 1.25 < kafka.REQUEST_BYTES_MAX
    assert DEAD_RECORD_BYTES_MAX < kafka.RECORD_BYTES_MAX < kafka.REQUEST_BYTES_MAX


def test_what_a_killed_process_has_locked_is_free_before_a_transaction_is_given_up() -> None:
    assert 2 * server.TRANSACTION_SECONDS_MAX < mongo.TRANSACTION_SECONDS_MAX


def test_a_chunk_of_background_work_may_take_as_long_as_a_transaction_and_a_turn_is_over_in_time() -> None:
    assert mongo.TRANSACTION_SECONDS_MAX < backlog.ITEM_SECONDS_MAX
    assert backlog.TURN_SECONDS + backlog.ITEM_SECONDS_MAX < background.TURN_SECONDS_MAX


def test_no_slice_of_an_import_lives_as_long_as_the_server_lets_it() -> None:
    assert SLICE_CONTENDED_SECONDS_MAX < SLICE_SECONDS_MAX <= server.TRANSACTION_SECONDS_MAX
