"""What the file of partners may say."""

import msgspec
import pytest

from shared.contracts import events
from shared.contracts.partners import (
    PARTNERS_MAX,
    READABLE,
    WRITABLE,
    Partner,
    PartnerFile,
    ingress_topics,
    read_partners,
)
from shared.contracts.topics import ALL, LIVE
from tests.partners.builders import a_partner


def written(*partners: Partner) -> bytes:
    return msgspec.json.encode(PartnerFile(partners))


def test_what_was_written_is_read() -> None:
    partners = a_partner(), a_partner(writes=tuple(WRITABLE), reads=tuple(sorted(READABLE)))
    assert read_partners(written(*partners)).partners == partners


@pytest.mark.parametrize(
    ("partner", "why"),
    [
        (a_partner("kepu-quiz", source="hall"), "those of our services"),
        (a_partner("hall", source="kepu/quiz"), "is one of ours"),
        (a_partner("Hall"), "regex"),
        (a_partner("hall", source="a hall"), "regex"),
        (a_partner("hall", writes=("quiz.completed",)), "no partner may write quiz.completed"),
        (a_partner("hall", reads=("participant.keyed",)), "no partner may read participant.keyed"),
        (a_partner("hall", reads=("registration.requested",)), "no partner may read"),
        (a_partner("hall", writes=()), "nothing"),
        (a_partner("hall", writes=("quiz.submitted", "quiz.submitted")), "twice"),
        (a_partner("hall", rate_per_second=0), ">= 1"),
    ],
)
def test_what_no_partner_may_do_is_refused(partner: Partner, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_partners(written(partner))


@pytest.mark.parametrize(
    "name", [*sorted({group for topic in ALL for group in topic.all_groups}), "partners-hall", "partners-"]
)
def test_a_partner_that_has_the_name_of_a_group_of_ours_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is the name of a group of our services"):
        read_partners(written(a_partner(name, source="schools/hall")))


def test_two_partners_have_two_names_and_two_sources() -> None:
    with pytest.raises(ValueError, match="the name hall stands twice"):
        read_partners(written(a_partner("hall", source="a1"), a_partner("hall", source="b1")))
    with pytest.raises(ValueError, match="the source schools/hall stands twice"):
        read_partners(written(a_partner("a1", source="schools/hall"), a_partner("b1", source="schools/hall")))


def test_there_are_at_most_so_many_partners() -> None:
    with pytest.raises(ValueError, match="length"):
        read_partners(written(*[a_partner(f"hall-{number}") for number in range(PARTNERS_MAX + 1)]))


def test_a_partners_own_topics_have_the_contracts_of_the_shared_ones() -> None:
    partner = a_partner("hall", writes=tuple(WRITABLE))
    for own, (topic, contract) in zip(partner.contracts, WRITABLE.items(), strict=True):
        assert own.topic == f"partner.hall.{topic}"
        assert own.type == contract.type
        assert (own.key_field, own.bytes_max) == (contract.key_field, contract.bytes_max)
        assert own.model_fields.keys() == contract.model_fields.keys()


def test_records_of_a_partner_are_bounded_and_no_longer_kept_than_commands() -> None:
    for topic in a_partner(writes=tuple(WRITABLE)).topics:
        assert int(topic.config["retention.bytes"]) > 0
        assert topic.retention_days <= 7


def test_the_topics_of_partners_are_found_among_all() -> None:
    hall, east = a_partner("hall"), a_partner("hall-2", writes=(events.QuizSubmitted.topic,))
    names = [topic.name for topic in (*LIVE, *hall.topics, *east.topics)]
    found = ingress_topics([*names, "partner.hall.unknown", "partner.nobody.quiz.submitted"])
    assert [(topic.name, topic.groups) for topic in found] == [
        ("partner.hall-2.quiz.submitted", ("partners-hall-2",)),
        ("partner.hall.registration.requested", ("partners-hall",)),
    ]
