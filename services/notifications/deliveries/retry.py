"""Retry of a failed mail, when an organiser asks."""

from datetime import datetime

from services.notifications.contacts.store import ContactStore
from services.notifications.deliveries.store import Delivery, DeliveryStore
from services.notifications.messages.rules import State
from shared.runtime.errors import Conflict


async def retry_mail(
    message_id: str, deliveries: DeliveryStore, contacts: ContactStore, now: datetime
) -> Delivery:
    """
    Start a failed mail again, with all its tries.

    Raises:
        NotFound: there is no such message (`message_unknown`).
        Conflict: it has not failed, or its recipient was erased (`not_failed`).
    """
    participant_id = await deliveries.recipient_id_of(message_id)
    reach = (await contacts.reach([participant_id])).get(participant_id)
    how = reach.how if reach is not None else None
    if how == "erased":
        # The facts may still be there: an erasure deletes the contact first.
        raise Conflict(f"the recipient of message {message_id} was erased", code="not_failed")
    # A mail that failed was due before. So the contact was verified, or the mail was a code. If there is no
    # address now, the courier checks again when it sends: there may be an address by then.
    state: State = "pending" if how in ("addressed", "unverified", "unaddressed") else "waiting_contact"
    changed = await deliveries.start_again(message_id, state, now)
    if changed is None:
        raise Conflict(f"message {message_id} has not failed, or was erased", code="not_failed")
    return changed
