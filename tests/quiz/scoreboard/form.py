"""
The form of a scoreboard and a contest, written down anew from the tables of the Contest API 2026-01.

The schemas that the ICPC publishes have no licence that lets us keep a copy.
"""

import re
from typing import Any

TIME = re.compile(r"[12]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}(Z|[+-][01]\d(:[0-5]\d)?)")
RELTIME = re.compile(r"-?([1-9]\d*)?\d:[0-5]\d:[0-5]\d\.\d{3}")
ID = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,34}[A-Za-z0-9_-])?")
STATE = ("started", "ended", "frozen", "thawed", "finalized", "end_of_updates")


def faults_of_scoreboard(board: dict[str, Any]) -> list[str]:
    """What is not as the Contest API says."""
    faults = [name for name in ("time", "contest_time", "state", "rows") if name not in board]
    if faults or set(board) != {"time", "contest_time", "state", "rows"}:
        return [*faults, f"names: {sorted(board)}"]
    faults += [] if TIME.fullmatch(board["time"]) else ["time"]
    faults += [] if RELTIME.fullmatch(board["contest_time"]) else ["contest_time"]
    state = board["state"]
    faults += [] if set(state) == set(STATE) else ["state"]
    faults += [name for name in STATE if state[name] is not None and not TIME.fullmatch(state[name])]
    # started < frozen < ended < thawed < end_of_updates, and ended < finalized < end_of_updates.
    for order in (("started", "frozen", "ended", "thawed", "end_of_updates"), ("ended", "finalized")):
        known = [state[name] for name in order if state[name] is not None]
        faults += [] if known == sorted(known) else [f"order of {order}"]
    for place, row in enumerate(board["rows"]):
        score = row["score"]
        good = (
            set(row) == {"rank", "team_id", "score"}
            and isinstance(row["rank"], int)
            and row["rank"] >= 1
            and ID.fullmatch(row["team_id"])
            and set(score) <= {"score", "time"}
            and isinstance(score["score"], int | float)
            and ("time" not in score or RELTIME.fullmatch(score["time"]))
        )
        faults += [] if good else [f"row {place}: {row}"]
    ranks = [row["rank"] for row in board["rows"]]
    faults += [] if ranks == sorted(ranks) else ["ranks"]
    return faults


def faults_of_contest(contest: dict[str, Any]) -> list[str]:
    """What is not as the Contest API says."""
    good = {
        "id": ID.fullmatch(contest["id"]),
        "name": isinstance(contest["name"], str),
        "start_time": TIME.fullmatch(contest["start_time"]),
        "duration": RELTIME.fullmatch(contest["duration"]) and contest["duration"][0] != "-",
        # With this type there is no `penalty_time`.
        "scoreboard_type": contest["scoreboard_type"] == "score",
    }
    return [name for name, fits in good.items() if not fits] + sorted(set(contest) - set(good))
