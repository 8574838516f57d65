from datetime import timedelta

import pytest

from services.webhooks.endpoints.rules import (
    CONTRACTS,
    ERASED_TYPE,
    FAILING,
    ROTATION,
    Secret,
    check_types,
    check_url,
    is_about_a_person,
    person_of,
    rotated,
)
from shared.contracts import events
from shared.runtime.errors import Conflict, Rejected
from tests.webhooks.builders import NOW, cancelled, checked_in, endpoint, issued

SECOND = timedelta(seconds=1)
NEW, OLD = Secret("new"), Secret("old")


def test_keys_codes_answers_names_and_commands_are_never_delivered() -> None:
    withheld = {
        events.ParticipantKeyed,
        events.ParticipantNamed,
        events.ParticipantCodeRequested,
        events.ParticipantContactChanged,
        events.QuizSubmitted,
        events.QuizAnswersSaved,
        events.RegistrationRequested,
        events.NotificationRequested,
        events.SelectionScored,
        events.DeadLetterDecided,
    }
    assert set(CONTRACTS.values()) == set(events.ALL) - withheld


def test_an_endpoint_gets_what_it_asked_for_from_the_moment_on_at_which_it_was_put() -> None:
    one = endpoint("kepu.session.cancelled.v1")
    assert one.wants("kepu.session.cancelled.v1", NOW)
    assert not one.wants("kepu.session.cancelled.v1", NOW - SECOND)
    assert not one.wants("kepu.session.changed.v1", NOW)


def test_whoever_gets_events_about_people_hears_who_was_erased() -> None:
    assert endpoint("kepu.award.issued.v1").wants(ERASED_TYPE, NOW)
    assert not endpoint("kepu.session.cancelled.v1").wants(ERASED_TYPE, NOW)


def test_an_event_is_about_its_participant_or_its_recipient() -> None:
    assert person_of(checked_in("wang")) == "wang"
    assert person_of(issued("wang")) == "wang"
    assert person_of(cancelled()) is None
    assert not is_about_a_person("kepu.nothing.v1")


def test_types_are_known_and_each_counts_once() -> None:
    assert check_types(["kepu.award.issued.v1"] * 2) == ("kepu.award.issued.v1",)
    with pytest.raises(Rejected, match="GET /event-types") as refused:
        check_types(["kepu.quiz.submitted.v1"])
    assert refused.value.code == "event_type_unknown"


@pytest.mark.parametrize(
    "url",
    [
        "http://museum.example.org/",
        "ftp://museum.example.org/",
        "https://",
        "https:///events",
        "https://user@museum.example.org/",
        "https://:secret@museum.example.org/",
        "https://museum.example.org/#part",
        "https://museum.example.org/a b",
        "https://museum.example.org:99999/",
        "https://museum.example.org:port/",
        "https://博物馆.example.org/",
        "https://museum.example.org\\@10.0.0.1/",
        "https://[::1/",
        "museum.example.org",
    ],
)
def test_an_address_without_tls_or_with_more_than_host_port_path_and_query_is_refused(url: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_url(url, only_public=True)
    assert refused.value.code == "url_invalid"


def test_an_address_may_have_a_port_a_path_and_a_query() -> None:
    check_url("https://museum.example.org:8443/events?from=kepu", only_public=True)
    check_url("http://127.0.0.1:8080/events", only_public=False)


def test_after_a_rotation_both_secrets_sign_for_a_day() -> None:
    secrets = rotated([OLD], NEW, NOW, at_once=False)
    one = endpoint(secrets=secrets)
    assert [secret.locked for secret in one.signing(NOW + ROTATION - SECOND)] == ["new", "old"]
    assert [secret.locked for secret in one.signing(NOW + ROTATION)] == ["new"]


def test_a_secret_that_others_know_ends_at_once() -> None:
    assert rotated([OLD], NEW, NOW, at_once=True) == (NEW,)


def test_no_third_secret_signs() -> None:
    secrets = rotated([OLD], NEW, NOW, at_once=False)
    with pytest.raises(Conflict) as refused:
        rotated(secrets, Secret("third"), NOW + SECOND, at_once=False)
    assert refused.value.code == "rotation_under_way"
    third = rotated(secrets, Secret("third"), NOW + ROTATION, at_once=False)
    assert [one.locked for one in third] == ["third", "new"]


def test_an_endpoint_is_given_up_when_it_has_taken_nothing_for_days() -> None:
    one = endpoint(failing_since=NOW)
    assert not one.is_given_up(NOW + FAILING - SECOND)
    assert one.is_given_up(NOW + FAILING)
    assert not endpoint().is_given_up(NOW + FAILING)
