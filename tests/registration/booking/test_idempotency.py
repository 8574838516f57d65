"""What makes a request the same request."""

from services.registration.booking.idempotency import RequestKeys, command_answer_id
from shared.runtime.keyed_hash import KeyedHash

KEYS = RequestKeys(KeyedHash(b"secret"))


def test_the_same_key_gives_the_same_ids_and_another_key_others() -> None:
    assert KEYS.of_newcomer("k") == KEYS.of_newcomer("k")
    assert KEYS.of_newcomer("k") != KEYS.of_newcomer("l")


def test_a_participants_keys_are_their_own() -> None:
    assert KEYS.of_participant("p", "k") != KEYS.of_participant("q", "k")
    assert KEYS.of_participant("p", "k") != KEYS.of_newcomer("k")


def test_ids_and_fingerprints_cannot_be_computed_without_the_secret() -> None:
    other = RequestKeys(KeyedHash(b"another"))
    assert other.of_newcomer("k") != KEYS.of_newcomer("k")
    assert other.fingerprint(b"body") != KEYS.fingerprint(b"body")


def test_a_commands_request_is_known_by_sender_participant_and_request() -> None:
    assert command_answer_id("hall", "p", "r") == command_answer_id("hall", "p", "r")
    assert command_answer_id("hall", "p", "r") != command_answer_id("hall", "p", "s")
    assert command_answer_id("hall", "p", "r") != command_answer_id("school", "p", "r")
    assert command_answer_id("hall/p", "q", "r") != command_answer_id("hall", "p/q", "r")
