"""
How long a transaction that is open now may go on.

A process that stood still, or died, may have left a transaction open. It reads what was there when it began.
MongoDB ends it after a time that is a setting of the server. Whoever has changed what such a transaction may
not know waits so long.
"""

from datetime import timedelta

from shared.storage.mongo import Database, PyMongoError, outages_named

SETTING = "transactionLifetimeLimitSeconds"
# What MongoDB has if nothing is set. It is assumed if this user may not read the setting.
EXPIRY_DEFAULT_SECONDS = 60
# For a commit that is on its way, an operation that is not interrupted at once, and clocks that differ.
EXPIRY_MARGIN = timedelta(seconds=10)
# Codes of the server: this user may not ask; there is no such setting.
_MAY_NOT_ASK = frozenset({13, 72})


async def all_ended_after(database: Database) -> timedelta:
    """
    The time after which no transaction lives that is open now.

    MongoDB looks for those that have lived too long after half of their time at the latest, so it takes one
    and a half times as long.

    Raises:
        Unavailable: the database does not answer.
    """
    seconds = EXPIRY_DEFAULT_SECONDS
    with outages_named():
        try:
            answer = await database.client.admin.command({"getParameter": 1, SETTING: 1})
            seconds = int(answer[SETTING])
        except PyMongoError as error:
            if getattr(error, "code", None) not in _MAY_NOT_ASK:
                raise
    return timedelta(seconds=1.5 * seconds) + EXPIRY_MARGIN
