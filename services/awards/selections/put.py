"""Putting a selection: the use case of `PUT /selections/{selection_id}`."""

from services.awards.schemes.rules import Selected, check_announced
from services.awards.schemes.store import SchemeStore
from services.awards.selections import events
from services.awards.selections.rules import Course, Selection, check_change, check_terms
from services.awards.selections.store import SELECTIONS_MAX, SelectionStore, Stored
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Rejected
from shared.runtime.versions import Matching, always, check_version
from shared.storage.mongo import DuplicateKeyError
from shared.storage.unit_of_work import UnitOfWork, save_together


async def put_selection(
    selection: Selection, selections: SelectionStore, schemes: SchemeStore, matches: Matching = always
) -> Stored:
    """
    Store a selection, new or changed. Putting the same again changes nothing.

    Raises:
        NotFound: there is no such scheme.
        Rejected: it could not be held, or the rule of its scheme is another one.
        Conflict: somebody relies on what would change, the scheme has a selection, or there are too many.
        Outdated: somebody has changed it since it was read.
    """
    check_terms(selection)
    scheme = await schemes.get(selection.scheme_id)
    check_announced(scheme)
    if not isinstance(scheme.rule, Selected):
        raise Rejected(
            f"the rule of scheme {selection.scheme_id} is not `selected`", code="scheme_not_selected"
        )
    origin, now = Origin.of_request(), clock.now()

    async def work(unit: UnitOfWork) -> Stored:
        try:
            before = await selections.lock(unit, selection.selection_id)
        except NotFound:
            before = None
        check_version(
            matches, before.course.version if before else None, f"selection {selection.selection_id}"
        )
        if before and before.selection == selection:
            return before
        if before:
            check_change(before.selection, before.course, selection)
        elif await selections.count(unit) >= SELECTIONS_MAX:
            raise Conflict(
                f"there are {SELECTIONS_MAX} selections already",
                code="too_many_selections",
                most=SELECTIONS_MAX,
            )
        if await selections.of_scheme(unit, selection.scheme_id) not in (None, selection.selection_id):
            raise _taken(selection)
        version = before.course.version + 1 if before else 1
        await selections.put(unit, selection, version)
        unit.publish(events.opened(selection, version, now, origin))
        course = before.course if before else Course(version)
        return Stored(selection, course._replace(version=version))

    try:
        return await save_together(selections.database, work)
    except DuplicateKeyError:
        # Another selection took the scheme at this moment.
        raise _taken(selection) from None


def _taken(selection: Selection) -> Conflict:
    return Conflict(
        f"the awards of scheme {selection.scheme_id} come from another selection: put a scheme for this one",
        code="scheme_has_selection",
    )
