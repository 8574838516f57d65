"""What a worker does for participants who leave a group, are erased, or were merged into another one."""

from collections.abc import Sequence

from services.registration.claims.forget import MemberForgetting
from services.registration.erasure.finish import Forget, UnfinishedErasures
from services.registration.erasure.forget import Forgetting
from services.registration.group_bookings.take_off import TakingOff
from services.registration.merging.move import UnfinishedMerges
from services.registration.merging.move_shifts import ShiftMoves
from services.registration.rotas.end import Ending
from services.registration.wiring.parts import Parts


def unfinished_erasures(parts: Parts, more: Sequence[Forget] = ()) -> UnfinishedErasures:
    """Args: more: is forgotten at last."""
    stores = parts.stores
    leaving_rotas = Ending(parts.database, stores.sessions, stores.rotas)
    return UnfinishedErasures(
        stores.erasures,
        stores.registrations,
        parts.cancellation,
        forget=(leaving_rotas.erase, *_forget(parts), *more),
    )


def forgetting(parts: Parts) -> Forgetting:
    stores = parts.stores
    return Forgetting(stores.participants, (stores.registrations.named_among, stores.rotas.named_among))


def unfinished_merges(parts: Parts) -> UnfinishedMerges:
    """What moves comes before what is forgotten."""
    database, stores, keys = parts.database, parts.stores, parts.keys
    moving_shifts = ShiftMoves(database, stores.merges, stores.sessions, stores.participants, stores.rotas)
    return UnfinishedMerges(
        database,
        stores.merges,
        stores.sessions,
        stores.participants,
        stores.registrations,
        sealer=keys.sealer,
        tickets=keys.tickets,
        promotion=parts.promotion,
        cancellation=parts.cancellation,
        forget=(moving_shifts.move, *_forget(parts)),
    )


def taking_off(parts: Parts) -> TakingOff:
    """Who has left a group comes off its bookings."""
    stores = parts.stores
    return TakingOff(
        parts.database, stores.members.left, stores.attendances, parts.group_change, parts.cancellation
    )


def _forget(parts: Parts) -> tuple[Forget, ...]:
    """What nobody takes over."""
    stores = parts.stores
    rosters = MemberForgetting(stores.members, stores.consents, stores.claims)
    return stores.managers.forget, rosters.forget
