"""Keeps what is to be sent until Kafka has it."""

import json
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Generator, Sequence
from pathlib import Path

from kepu_events.sender import Record
from shared.runtime.errors import Unavailable

WAITING_MAX = 100_000
TOGETHER_MAX = 500

_TABLE = (
    "CREATE TABLE IF NOT EXISTS kepu_outbox"
    " (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, topic TEXT, key BLOB, value BLOB, headers TEXT)"
)
# Without it, each `add` would read all that was ever sent.
_INDEX = "CREATE INDEX IF NOT EXISTS kepu_outbox_waiting ON kepu_outbox (place) WHERE topic IS NOT NULL"
# How many wait. Places have no gaps, and records are sent in their order: so nothing has to be counted, which
# would take longer with each record that waits.
_COUNT = (
    "SELECT coalesce((SELECT max(place) FROM kepu_outbox) + 1"
    " - (SELECT place FROM kepu_outbox WHERE topic IS NOT NULL ORDER BY place LIMIT 1), 0)"
)
_WAITING = "SELECT place, topic, key, value, headers FROM kepu_outbox WHERE topic IS NOT NULL ORDER BY place"


class Outbox:
    """
    Records that are to be sent, in a file.

    A contact is sealed with other bytes each time, and two records with one id must not differ. So the first
    record of an id stays, whatever comes later, and a program may run again after a crash, or ten times:

        outbox.add(sender.record(…))
        for records in outbox.waiting():
            send(records)

    Args:
        database: a path, or an SQLite database of yours. There `add` belongs to your transaction: a state is
            saved together with the event that tells of it. What is added is saved when your transaction
            ends, or when `waiting` begins.
    """

    def __init__(self, database: sqlite3.Connection | str | Path) -> None:
        self._database = database if isinstance(database, sqlite3.Connection) else sqlite3.connect(database)
        self._database.execute(_TABLE)
        self._database.execute(_INDEX)
        self._database.commit()

    def add(self, record: Record) -> bool:
        """
        Keep a record. False: there is one with this id already, and that one stays.

        Raises:
            Unavailable: `WAITING_MAX` records wait. Send them first.
        """
        headers = json.dumps([(name, b64encode(value).decode()) for name, value in record.headers])
        row = (record.id, record.topic, record.key, record.value, headers, WAITING_MAX)
        new = self._database.execute(
            "INSERT OR IGNORE INTO kepu_outbox (id, topic, key, value, headers) SELECT ?, ?, ?, ?, ?"
            f" WHERE ({_COUNT}) < ?",
            row,
        ).rowcount
        if new:
            return True
        if self._database.execute("SELECT 1 FROM kepu_outbox WHERE id = ?", (record.id,)).fetchone():
            return False
        raise Unavailable(f"{WAITING_MAX} records wait in the outbox: send them before you add others")

    def waiting(self) -> Generator[Sequence[Record], None, None]:
        """
        What is to be sent, some hundred records at a time, in the order in which they were added.

        They count as sent when the loop asks for the next ones. If the loop ends by an error before, they
        come again the next time.
        """
        # A record must be kept before it is sent: a record made again would have other bytes.
        self._database.commit()
        while rows := self._database.execute(f"{_WAITING} LIMIT {TOGETHER_MAX}").fetchall():
            yield [
                Record(topic, key, value, [(name, b64decode(text)) for name, text in json.loads(headers)])
                for _, topic, key, value, headers in rows
            ]
            # The id stays: it says that this was sent.
            self._database.execute(
                "UPDATE kepu_outbox SET topic = NULL, key = NULL, value = NULL, headers = NULL"
                " WHERE place <= ?",
                (rows[-1][0],),
            )
            self._database.commit()
