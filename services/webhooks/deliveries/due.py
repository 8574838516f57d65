"""From events to what is due: the id and the body of a message, and who gets it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.webhooks.deliveries.rules import MESSAGE_PREFIX, Body, Due
from services.webhooks.endpoints.rules import ERASED_TYPE, Endpoint, person_of
from shared.contracts.envelope import Context, Event
from shared.messaging.received import Received
from shared.runtime.ids import derived_id

MESSAGE_IDS = UUID("6f1c2a1e-7a0b-5d0e-9a53-0c6d7f3b8e21")


def message_id_of(context: Context) -> str:
    """
    The `webhook-id` of an event: the same at each try, at each replay, and for each endpoint.

    Only source and id together name an event (CloudEvents 1.0.2, section 3.1).
    """
    return MESSAGE_PREFIX + derived_id(MESSAGE_IDS, context.source, context.id)


def body_of(received: Received[Event]) -> Body:
    """
    The event as CloudEvents' structured JSON, whose `data` is the record's value, byte for byte.

    Source: CloudEvents 1.0.2, JSON event format, section 3
    """
    context, event = received.context, received.event
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": context.id,
        "source": context.source,
        "type": context.type,
        "time": context.time,
        "subject": context.subject,
        "correlationid": context.correlation_id,
    }
    if context.causation_id is not None:
        attributes["causationid"] = context.causation_id
    attributes |= {
        "datacontenttype": "application/json",
        "data": msgspec.Raw(received.record.value or b"null"),
    }
    return Body(
        message_id=message_id_of(context),
        type=context.type,
        event_id=context.id,
        participant_id=person_of(event),
        appended_at=received.appended_at,
        content=msgspec.json.encode(attributes),
    )


def due_of(
    batch: Iterable[Received[Event]], endpoints: Sequence[Endpoint], erased: Mapping[str, object]
) -> list[Due]:
    """
    The deliveries of a batch, in order.

    Args:
        erased: the participants who are erased. Nothing about them is stored any more, except the event
            that says it.
    """
    wanted = {type_ for one in endpoints for type_ in one.all_types}
    due: list[Due] = []
    for received in batch:
        type_ = received.context.type
        if type_ not in wanted or is_about_the_erased(received.event, erased):
            continue
        at = received.appended_at
        takers = [one for one in endpoints if one.wants(type_, at)]
        if takers:
            body = body_of(received)
            due += [Due(one, body) for one in takers]
    return due


def is_about_the_erased(event: Event, erased: Mapping[str, object]) -> bool:
    """Whether an event says something about somebody who is erased, other than that."""
    from_erasure = event.type == ERASED_TYPE
    return not from_erasure and person_of(event) in erased
