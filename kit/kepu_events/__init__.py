"""
The events of Kepu Week for programs of other teams: contracts, headers, ids, keys, sealed contacts.

    events      every contract, as a frozen pydantic model
    Sender      makes records of your events: headers, ids and keys
    Reader      makes events of records
    seal        encrypts a contact, so that only the week's notifications can read it
    Outbox      keeps what you send until Kafka has it, so that a repeat has the same bytes
    Seen        remembers which events you have handled

`kepu_events.confluent`, `kepu_events.aiokafka` and `kepu_events.faststream` connect these to a client of
Kafka. `kepu_events.topics` has the partitions and the retention of each topic.
"""

from kepu_events.connection import Connection
from kepu_events.outbox import Outbox
from kepu_events.reader import Reader
from kepu_events.seen import Seen
from kepu_events.sender import Record, Sender
from shared.contracts import events, topics
from shared.contracts.envelope import Context, Envelope, Event
from shared.contracts.partitioning import partition_of
from shared.contracts.sealing import Contact, seal
from shared.runtime.errors import Rejected, Unavailable

__all__ = [
    "Connection",
    "Contact",
    "Context",
    "Envelope",
    "Event",
    "Outbox",
    "Reader",
    "Record",
    "Rejected",
    "Seen",
    "Sender",
    "Unavailable",
    "events",
    "partition_of",
    "seal",
    "topics",
]
