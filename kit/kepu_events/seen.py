"""Which events were handled already: delivery is at least once, so each may come again."""

import sqlite3

from shared.contracts.envelope import Context, Envelope, Event

# Repeats come within hours. A week has some 100,000 events for a system of a city.
IDS_MAX = 1_000_000
# How often the oldest ids are removed: after this number of new ones.
TRIMMED_AFTER = 1_000

_TABLE = (
    "CREATE TABLE IF NOT EXISTS kepu_seen"
    " (place INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (source, id))"
)


class Seen:
    """
    Remembers the ids of the last events.

    In a database of yours, the id is saved in the same transaction as what you do about the event. So a crash
    can never save one without the other:

        with database:
            if seen.add(one):
                database.execute("INSERT …")

    Args:
        database: an SQLite database of yours; without one, ids are remembered until the program ends.
        ids_max: how many ids are kept. The oldest ones are forgotten.
    """

    def __init__(self, database: sqlite3.Connection | None = None, *, ids_max: int = IDS_MAX) -> None:
        self._database = database or sqlite3.connect(":memory:", check_same_thread=False)
        self._ids_max = ids_max
        self._until_trimmed = 0
        with self._database:
            self._database.execute(_TABLE)

    def add(self, one: Envelope[Event] | Context) -> bool:
        """Remember an event. True if it is new, False if it is a repeat."""
        context = one if isinstance(one, Context) else one.context
        # Another system may use the same id for an event of its own (CloudEvents 1.0.2, `source`).
        new = self._database.execute(
            "INSERT OR IGNORE INTO kepu_seen (source, id) VALUES (?, ?)", (context.source, context.id)
        ).rowcount
        if new:
            self._trim()
        return bool(new)

    def _trim(self) -> None:
        self._until_trimmed -= 1
        if self._until_trimmed < 0:
            self._until_trimmed = min(TRIMMED_AFTER, self._ids_max)
            self._database.execute(
                "DELETE FROM kepu_seen WHERE place <= (SELECT max(place) FROM kepu_seen) - ?",
                (self._ids_max,),
            )
