"""
Every topic: its partitions, how long it keeps records, its limits, and who reads it.

Topics are declared here, one line for each event. `shared/messaging/create_topics.py` creates them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.contracts import events
from shared.contracts.envelope import HEADERS_BYTES_MAX, LIST_BYTES_MAX, Event

# More than the largest event of ours. A record that is too large for us must still get into the topic, so
# that it becomes a dead letter.
RECORD_BYTES_MAX = 1_048_576 + 131_072
# A dead letter has the whole record and the reason.
DEAD_RECORD_BYTES_MAX = RECORD_BYTES_MAX + 65_536
WEEKS_KEPT = 26
DAYS_KEPT = WEEKS_KEPT * 7
PARTITIONS = 4
# Nobody needs a command again after it was carried out, and it may hold a contact.
COMMAND_DAYS_KEPT = 7
# How long the dead letters of a compacted topic are kept. Later records do not remove dead letters, so a
# destroyed key would stay there.
COMPACTED_DEAD_DAYS = 1
# An attempt takes a day at most. Nobody needs the answers that were saved meanwhile after that.
SAVED_DAYS_KEPT = 3
# A code is valid for one or two days.
CODE_DAYS_KEPT = 1
# A destroyed key is removed from the log within this time, if somebody still writes to the topic.
COMPACTED_WITHIN_MS = 3_600_000
DAY_MS = 86_400_000
# Kafka deletes a whole segment when its last record is old enough. With Kafka's segments of a week, a topic
# of a week would keep records for two weeks.
SEGMENTS_KEPT = 28
# Topics that are kept for at least this time may have Kafka's segments of a week.
WEEK_SEGMENTS_FROM_DAYS = DAYS_KEPT
KAFKA_SEGMENT_DAYS = 7
# For this time an erasure is kept longer than the records of all other topics.
ERASURE_DAYS_LONGER = 28
# A record may come this late for reasons that have nothing to do with retention: a sender was stopped for
# weeks, or somebody writes a record again by hand.
LATE_DAYS = 28

# Our consumer groups. Each name begins with that of its service.
REGISTRATION_REQUESTS = "registration-requests"
QUIZ_GRADING = "quiz-grading"
QUIZ_SAVING = "quiz-saving"
QUIZ_PARTICIPANTS = "quiz-participants"
AWARDS = "awards"
AWARDS_KNOWN = "awards-known"
AWARDS_ARRIVALS = "awards-arrivals"
AWARDS_NAMES = "awards-names"
NOTIFICATIONS = "notifications"
# Groups of services that run only where somebody asks for them: `kepu up --with webhooks`. `kepu up` itself
# asks for the overview.
WEBHOOKS = "webhooks"
OVERVIEW = "overview"
# Every topic that a partner writes to begins with it: shared/contracts/partners.py
PARTNERS_PREFIX = "partner."


@dataclass(frozen=True, slots=True)
class Topic:
    """
    A topic, and our consumer groups that read it.

    `optional_groups`: those of services that run only where somebody asks for them. Elsewhere the topics of
    their dead letters do not exist.
    """

    name: str
    groups: tuple[str, ...]
    partitions: int = PARTITIONS
    retention_days: int = DAYS_KEPT
    compacted: bool = False
    record_bytes_max: int = RECORD_BYTES_MAX
    # Bytes of each partition: above them Kafka deletes the oldest records. 0: no such bound.
    bytes_kept_max: int = 0
    optional_groups: tuple[str, ...] = ()

    @property
    def all_groups(self) -> tuple[str, ...]:
        """The groups that read it, also those of optional services."""
        return self.groups + self.optional_groups

    @property
    def dead_days(self) -> int:
        """How long its dead letters are kept. They contain its records, so never longer than the records."""
        return COMPACTED_DEAD_DAYS if self.compacted else self.retention_days

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's own names."""
        config = {
            "retention.ms": str(self.retention_days * DAY_MS),
            "max.message.bytes": str(self.record_bytes_max),
            # The broker's clock says how old a record is. A sender's clock may be wrong. Then Kafka could
            # delete an unread record, or a late submission could count.
            "message.timestamp.type": "LogAppendTime",
        }
        if self.bytes_kept_max:
            config["retention.bytes"] = str(self.bytes_kept_max)
        if self.retention_days < WEEK_SEGMENTS_FROM_DAYS:
            config["segment.ms"] = str(self.retention_days * DAY_MS // SEGMENTS_KEPT)
        if self.compacted:
            config |= {
                "cleanup.policy": "compact,delete",
                "segment.ms": str(COMPACTED_WITHIN_MS),
                "max.compaction.lag.ms": str(COMPACTED_WITHIN_MS),
                "min.cleanable.dirty.ratio": "0.01",
            }
        return config

    @property
    def gone_after(self) -> timedelta:
        """After this time Kafka has deleted a record. It deletes whole segments, by their last record."""
        segment_ms = int(self.config.get("segment.ms", KAFKA_SEGMENT_DAYS * DAY_MS))
        return timedelta(days=self.retention_days, milliseconds=segment_ms)

    def dead(self, group: str) -> "Topic":
        """The topic of this group's dead letters."""
        name = dead_letters(self.name, group)
        return Topic(
            name,
            (),
            1,
            self.dead_days,
            record_bytes_max=DEAD_RECORD_BYTES_MAX,
            bytes_kept_max=self.bytes_kept_max,
        )

    @property
    def read_again_until(self) -> timedelta:
        """
        For how long after its writing a record may still be read by a group of ours.

        The longest way has three steps, each at the last moment: a group reads the record and dead-letters
        it, somebody writes the dead letter to the topic again, and a group reads it there.
        """
        return 2 * self.gone_after + max(self.dead(group).gone_after for group in self.groups)


def dead_letters(topic: str, group: str) -> str:
    """The topic for the records of `topic` that this group has dead-lettered."""
    return f"{topic}.{group}.dead"


def ingress(partner: str, topic: str) -> str:
    """The topic that a partner writes to, instead of `topic`."""
    return f"{PARTNERS_PREFIX}{partner}.{topic}"


def erasure_days(others: Iterable[Topic]) -> int:
    """
    How long erasures are kept, if all other topics are `others`.

    A service that reads all topics from their start may find an old profile. Then it has to find its erasure
    too.
    """
    return max(topic.retention_days for topic in others) + ERASURE_DAYS_LONGER


_DECLARED: dict[type[Event], Topic] = {}


def _declare(
    event: type[Event],
    *groups: str,
    partitions: int = PARTITIONS,
    compacted: bool = False,
    retention_days: int = DAYS_KEPT,
    withheld: bool = False,
    counted: bool = False,
) -> None:
    """
    Declare the topic of an event.

    Args:
        withheld: no webhook gets these events: commands, keys, codes, sealed names, answers, and what only
            operators need.
        counted: the overview for organisers counts these events.
    """
    optional = ((WEBHOOKS, not withheld), (OVERVIEW, counted))
    _DECLARED[event] = Topic(
        event.topic,
        groups,
        partitions,
        retention_days,
        compacted=compacted,
        optional_groups=tuple(group for group, reads in optional if reads),
    )


_declare(events.SessionPublished)
_declare(events.SessionChanged)
_declare(events.SessionCancelled)
_declare(events.RegistrationRequested, REGISTRATION_REQUESTS, retention_days=COMMAND_DAYS_KEPT, withheld=True)
# Kafka keeps only the latest record of a participant. After an erasure, the latest record no longer contains
# the encryption key. Its Kafka key is still the participant's id.
_declare(events.ParticipantKeyed, NOTIFICATIONS, compacted=True, withheld=True)
_declare(events.ParticipantJoined, QUIZ_PARTICIPANTS, AWARDS_KNOWN, NOTIFICATIONS)
# Compacted for the same reason: the record of an erasure has neither the name nor its key.
_declare(events.ParticipantNamed, AWARDS_NAMES, compacted=True, withheld=True)
_declare(events.GroupApplicationDecided, NOTIFICATIONS)
_declare(events.ParticipantEntered, NOTIFICATIONS)
_declare(events.ParticipantCodeRequested, NOTIFICATIONS, retention_days=CODE_DAYS_KEPT, withheld=True)
_declare(events.ParticipantContactChanged, NOTIFICATIONS, withheld=True)
_declare(events.RegistrationHeld, NOTIFICATIONS, counted=True)
_declare(events.RegistrationConfirmed, NOTIFICATIONS, counted=True)
_declare(events.RegistrationWaitlisted, NOTIFICATIONS, counted=True)
_declare(events.RegistrationOffered, NOTIFICATIONS)
_declare(events.RegistrationRejected, NOTIFICATIONS, counted=True)
_declare(events.RegistrationCancelled, NOTIFICATIONS, counted=True)
_declare(events.RegistrationMoved, NOTIFICATIONS)
_declare(events.RegistrationCheckedIn, AWARDS_ARRIVALS, counted=True)
_declare(events.RegistrationCheckInUndone, AWARDS_ARRIVALS, counted=True)
_declare(events.RegistrationReminded, NOTIFICATIONS)
_declare(events.ShiftVolunteered)
_declare(events.ShiftAssigned, NOTIFICATIONS)
_declare(events.ShiftMoved, NOTIFICATIONS)
_declare(events.ShiftReminded, NOTIFICATIONS)
_declare(events.ShiftEnded, NOTIFICATIONS)
_declare(events.QuizPublished, AWARDS_KNOWN, partitions=1)
_declare(events.QuizAnswersSaved, QUIZ_SAVING, partitions=12, retention_days=SAVED_DAYS_KEPT, withheld=True)
_declare(events.QuizSubmitted, QUIZ_GRADING, partitions=12, withheld=True, counted=True)
_declare(events.QuizCompleted, AWARDS, NOTIFICATIONS, partitions=12, counted=True)
_declare(events.QuizRegraded, AWARDS, NOTIFICATIONS, partitions=12)
_declare(events.QuizDisqualificationDecided, AWARDS, NOTIFICATIONS, partitions=12)
_declare(events.QuizClosed, AWARDS, partitions=1)
_declare(events.QuizCancelled, AWARDS_KNOWN, partitions=1)
_declare(events.AwardIssued, NOTIFICATIONS, counted=True)
_declare(events.AwardRevoked, NOTIFICATIONS, counted=True)
_declare(events.AwardProposed, NOTIFICATIONS)
_declare(events.AwardObjected, NOTIFICATIONS)
_declare(events.DrawAnnounced, partitions=1)
_declare(events.AwardDrawn, partitions=1)
_declare(events.SelectionOpened, partitions=1)
_declare(events.SelectionNominated, NOTIFICATIONS, partitions=1)
_declare(events.SelectionAdmitted, NOTIFICATIONS, partitions=1)
_declare(events.SelectionScored, partitions=1, withheld=True)
_declare(events.SelectionShortlisted, partitions=1)
_declare(events.SelectionDecided, partitions=1)
_declare(events.AwardHandedOver)
_declare(events.NotificationRequested, NOTIFICATIONS, retention_days=COMMAND_DAYS_KEPT, withheld=True)
_declare(events.NotificationDelivered, counted=True)
_declare(events.NotificationFailed, counted=True)
_declare(events.DeadLetterDecided, partitions=1, withheld=True)
# The last line, because the retention depends on all others.
_declare(
    events.ParticipantErased,
    QUIZ_PARTICIPANTS,
    AWARDS_KNOWN,
    AWARDS_NAMES,
    NOTIFICATIONS,
    retention_days=erasure_days(_DECLARED.values()),
)

_BYTES_MAX = {event.topic: event.bytes_max for event in _DECLARED}
assert max(_BYTES_MAX.values()) + HEADERS_BYTES_MAX < RECORD_BYTES_MAX, "each topic takes its events"  # noqa: S101

LIVE: tuple[Topic, ...] = tuple(_DECLARED[event] for event in events.ALL)
DEAD: tuple[Topic, ...] = tuple(topic.dead(group) for topic in LIVE for group in topic.groups)
ALL: tuple[Topic, ...] = LIVE + DEAD
# By optional service: the topics that only it needs. They are created where it runs.
OPTIONAL: Mapping[str, tuple[Topic, ...]] = {
    service: tuple(topic.dead(service) for topic in LIVE if service in topic.optional_groups)
    for service in (WEBHOOKS, OVERVIEW)
}
# The topics that the overview counts; and of each group that reads some of them, these: how far it is behind
# there is part of the overview.
COUNTED: tuple[Topic, ...] = tuple(topic for topic in LIVE if OVERVIEW in topic.optional_groups)
WATCHED: Mapping[str, tuple[str, ...]] = {
    group: tuple(topic.name for topic in COUNTED if group in topic.groups or group == OVERVIEW)
    for group in sorted({OVERVIEW}.union(*(topic.groups for topic in COUNTED)))
}

# How long a service remembers that somebody was erased: until no older record about them can come.
TOMBSTONES_KEPT = max(topic.read_again_until for topic in LIVE if topic.groups) + timedelta(days=LATE_DAYS)


def with_optional(services: Iterable[str]) -> tuple[Topic, ...]:
    """All topics, with those of these optional services. Other names add none."""
    return ALL + tuple(topic for name in dict.fromkeys(services) for topic in OPTIONAL.get(name, ()))


def declared(event: type[Event]) -> Topic:
    """The topic of this contract."""
    return _DECLARED[event]


def retention(event: type[Event]) -> timedelta:
    """How long Kafka keeps the events of this contract."""
    return timedelta(days=declared(event).retention_days)


def event_bytes_max(topic: str) -> int:
    """The largest body of an event of this topic; if the topic is not declared here, of any event."""
    return _BYTES_MAX.get(topic, LIST_BYTES_MAX)
