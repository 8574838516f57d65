"""Conferring an award: the use case of `POST /awards`."""

from services.awards.issued.rules import Award, check_not_revoked
from services.awards.issuing.issue import Issuer
from services.awards.issuing.rules import check_issued_at_once, due_by_conferral
from services.awards.known.rules import check_recipient
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_until_known
from services.awards.schemes.store import SchemeStore


async def confer_award(
    scheme_id: str,
    recipient_id: str,
    note: str | None,
    *,
    schemes: SchemeStore,
    known: KnownStore,
    issuer: Issuer,
    wait_seconds: float = KNOWN_WAIT_SECONDS,
) -> tuple[Award, bool]:
    """
    Confer an award; returns the award, and True if it is new.

    Args:
        wait_seconds: how long to wait for the event of a recipient who registered a moment ago.

    Raises:
        NotFound: there is no such scheme or recipient.
        Rejected: the scheme's awards follow from a rule, not from an organiser.
        Conflict: the scheme issues after a notice; the recipient was erased; or the award was revoked.
    """
    scheme = await schemes.get(scheme_id)
    due = due_by_conferral(scheme, recipient_id, note)
    check_issued_at_once(scheme)
    is_known = await wait_until_known(lambda: known.has_participant(recipient_id), wait_seconds)
    # A refusal here changes nothing, also not the scheme's rule. The issuer checks again under a lock.
    check_recipient(recipient_id, known=is_known, erased=bool(await known.erased([recipient_id])))
    award, new = await issuer.issue_conferred(due)
    check_not_revoked(award)
    return award, new
