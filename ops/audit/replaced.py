"""The audit of replaced awards: the two awards of a replacement name each other, in the log and as stored."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ops.audit.findings import Check, true_of_all
from ops.audit.log import Entry

Json: TypeAlias = dict[str, Any]


def audit_replaced(
    issued: Sequence[Entry],
    revoked: Sequence[Entry],
    by_id: Mapping[str, Json],
    schemes: Iterable[Json],
) -> Check:
    """Compare the two awards of each replacement with each other, and with what was published."""
    # No other award is replaced.
    conferred = {scheme["_id"] for scheme in schemes if scheme["rule"]["type"] == "conferred"}
    # Each pair: the id of the replaced award, and of the one that takes its place.
    told = {(e.body["award_id"], by) for e in revoked if (by := e.body.get("superseded_by"))}
    told_after = {(of, e.body["award_id"]) for e in issued if (of := e.body.get("replaces"))}
    stored = {(id_, by) for id_, award in by_id.items() if (by := award.get("superseded_by"))}
    stored_after = {(of, id_) for id_, award in by_id.items() if (of := award.get("replaces"))}
    pairs = told | told_after | stored | stored_after
    agreed = {
        (of, by)
        for of, by in told & told_after & stored & stored_after
        if "revoked_at" in by_id[of] and {by_id[of]["scheme_id"], by_id[by]["scheme_id"]} <= conferred
    }
    wrong = sorted(f"{of} and {by}" for of, by in pairs - agreed)
    return true_of_all("replaced awards and those in their place agree", wrong, len(pairs))
