"""Records as documents and back; with store.py and books.py, the only ones to see documents."""

from msgspec.structs import asdict

from services.registration.booking.rules import ParticipantId, Registration, Session
from services.registration.participants.rules import (
    Activity,
    Answer,
    Group,
    Participant,
    PlaceBefore,
    Profile,
)
from shared.storage.mongo import Document

Record = Activity | Session | Registration | Answer | Group


def from_record(record: Record, id_field: str) -> Document:
    document: Document = asdict(record)
    document["_id"] = document.pop(id_field)
    return document


def _named(document: Document, id_field: str) -> Document:
    document[id_field] = document.pop("_id")
    document.pop("locks", None)
    return document


def to_activity(document: Document) -> Activity:
    return Activity(**_named(dict(document), "activity_id"))


def to_session(document: Document) -> Session:
    return Session(**_named(dict(document), "session_id"))


def from_place(place: PlaceBefore) -> Document:
    return {
        "_id": f"{place.session_id}/{place.version}",
        "session_id": place.session_id,
        "version": place.version,
        "starts_at": place.starts_at,
        "ends_at": place.ends_at,
        "venue": place.venue,
    }


def to_place(document: Document) -> PlaceBefore:
    return PlaceBefore(**{name: document[name] for name in PlaceBefore.__struct_fields__})


def to_group(document: Document) -> Group:
    return Group(**_named(dict(document), "group_id"))


def to_answer(document: Document) -> Answer:
    return Answer(**_named(dict(document), "key"))


def to_registration(document: Document) -> Registration:
    return Registration(**_named(dict(document), "registration_id"))


_PROFILE = Profile.__struct_fields__


def from_participant(participant: Participant) -> Document:
    profile = participant.profile
    return {
        "_id": participant.participant_id,
        **{name: getattr(profile, name) if profile else None for name in _PROFILE},
        "version": participant.version,
        "erased_at": participant.erased_at,
    }


def to_participant(document: Document) -> Participant:
    erased_at = document["erased_at"]
    profile = None if erased_at else Profile(**{name: document[name] for name in _PROFILE})
    return Participant(ParticipantId(document["_id"]), profile, document["version"], erased_at)
