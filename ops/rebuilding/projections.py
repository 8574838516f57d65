"""What is made again from the log, and what of it has to be the same."""

from dataclasses import dataclass

from shared.contracts import events, topics
from shared.contracts.envelope import Event

# Times of our own clocks, at which a document was written.
CLOCKS = ("erased_at", "sweep_at", "destroyed_at", "sent_at")


@dataclass(frozen=True, slots=True)
class Projection:
    """
    A collection that follows from events.

    Attributes:
        left_out: fields that do not follow from the events alone.
        person: the field that is, or ends with, the participant's id. What is kept of the erased is not
            compared: it depends on what was there before the erasure.
    """

    collection: str
    left_out: tuple[str, ...] = ()
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """
    What the handler of one group makes.

    Attributes:
        reads: only these events of those that the group reads; empty for all.
        given: collections of the service's own state that the handler needs: they are copied first.
    """

    service: str
    group: str
    projections: tuple[Projection, ...]
    reads: tuple[type[Event], ...] = ()
    given: tuple[str, ...] = ()


# In this order: later ones use what the earlier ones of their service have made.
ALL: tuple[Rebuilt, ...] = (
    Rebuilt("quiz", topics.QUIZ_PARTICIPANTS, (Projection("participants"),)),
    Rebuilt(
        "quiz",
        topics.QUIZ_GRADING,
        (
            # Group and district are those of the moment of grading. A result that was graded again after a
            # correction says what it was before, too.
            Projection("results", ("group_id", "district", "version", "first"), person="participant_id"),
            Projection("standings", ("writes",), person="_id"),
        ),
        given=("quizzes", "quiz_versions", "disqualifications"),
    ),
    Rebuilt(
        "awards",
        topics.AWARDS_KNOWN,
        # Whom organisers have conferred something on is marked there too.
        (Projection("participants", ("conferred",)), Projection("quizzes")),
    ),
    Rebuilt("awards", topics.AWARDS_NAMES, (Projection("names"),)),
    Rebuilt("awards", topics.AWARDS_ARRIVALS, (Projection("arrivals"),)),
    Rebuilt(
        "notifications",
        topics.NOTIFICATIONS,
        (Projection("contacts"), Projection("contact_keys")),
        reads=(events.ParticipantKeyed, events.ParticipantJoined, events.ParticipantErased),
    ),
)
SERVICES = tuple(dict.fromkeys(one.service for one in ALL))
