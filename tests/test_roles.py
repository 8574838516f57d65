"""Every route of every service says who may use it, and the roles of organisers are those of the table."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from ops.deployment import keys
from ops.deployment.description import EVERY
from ops.documents.settings import assembled
from shared.runtime import acting
from shared.web.identity import ROLES, participant, participant_or_none

# Anybody may register, and a token of one attempt submits it: `booking/hot.py`, `attempts/hot.py`.
CHANGED_WITHOUT_A_KEY = {
    # Whoever has the code of the link, which stands in the body.
    "POST /consents/view",
    "POST /consents/signature",
    "POST /consents/revocation",
    "POST /attempts/{attempt_id}/submission",
    "PUT /attempts/{attempt_id}/answers",
    # Whoever has no token yet proves by a code whose the contact is.
    "POST /participants",
    "POST /sign-ins",
    "POST /sign-ins/{sign_in_id}/confirmations",
}
# Whatever else changes something needs an organiser, or at least the door.
BY_THE_DOOR = {
    "POST /check-ins",
    "POST /check-ins/batch",
    "POST /check-ins/undo",
    "POST /sessions/{session_id}/scans",
    "POST /registrations/search",
}
BY_OWNERS = {"GET /acts"}
# Keys of quizzes and of the question bank, what is flagged of people, messages of groups, and who manages
# them, are not for readers.
READ_BY_ORGANISERS = {
    "GET /quizzes/{quiz_id}/definition",
    "GET /quizzes/{quiz_id}/corrections",
    "GET /quiz-drafts",
    "GET /quizzes/{quiz_id}/cancellation",
    "GET /quizzes/{quiz_id}/draft",
    "GET /quizzes/{quiz_id}/trial",
    "GET /quizzes/{quiz_id}/disqualifications",
    "GET /quizzes/{quiz_id}/corrections/preview",
    "GET /draws/{draw_id}/definition",
    "GET /quizzes/{quiz_id}/literacy",
    "GET /quizzes/{quiz_id}/literacy/export",
    "GET /quizzes/{quiz_id}/literacy/measure",
    "GET /quizzes/{quiz_id}/divisions/{kind}/sizes",
    "GET /quizzes/{quiz_id}/flags",
    "GET /quizzes/{quiz_id}/flags/{flag_id}",
    # Files with names.
    "GET /schemes/{scheme_id}/prints",
    "GET /schemes/{scheme_id}/prints/{print_id}",
    "GET /schemes/{scheme_id}/prints/{print_id}/files/{number}.pdf",
    "GET /bank/questions",
    "GET /bank/questions/{question_id}",
    "GET /bank/topics",
    "GET /bank/imports/{import_id}",
    "GET /bank/imports/{import_id}/questions",
    "GET /bank/export",
    "GET /bank/template",
    "GET /schemes/{scheme_id}/objections",
    "GET /recipients/{participant_id}/inbox",
    "GET /group-applications",
    "GET /group-applications/{application_id}",
    "GET /groups/{group_id}/managers",
    # Who is nominated, by which words, and how experts judge.
    "GET /selections/{selection_id}/nominees",
    "GET /selections/{selection_id}/nominees/{participant_id}",
    "GET /selections/{selection_id}/ranking",
    "GET /selections/{selection_id}/scores/export",
    "GET /selections/{selection_id}/objections",
    "GET /ceremonies/{ceremony_id}/proxies",
    "GET /ceremonies/{ceremony_id}/proxies/{recipient_id}",
    "GET /groups/{group_id}/members/{member_id}/consent",
}

SECRETS = keys.fresh()
services = pytest.mark.parametrize("service", EVERY)


def routes(app: FastAPI) -> Iterator[tuple[str, RouteContext]]:
    for route in iter_route_contexts(app.routes):
        if getattr(route, "dependant", None):
            for method in sorted(set(route.methods or ()) - {"HEAD"}):
                yield f"{method} {route.path}", route


def asked(route: RouteContext) -> list[object]:
    return [one.call for one in route.dependant.dependencies]


@services
def test_whatever_changes_something_asks_who_it_is(service: str) -> None:
    known = {*ROLES, participant, participant_or_none}
    open_to_all = {
        name
        for name, route in routes(assembled(service, SECRETS))
        if not name.startswith("GET ") and not known & set(asked(route))
    }
    assert open_to_all <= CHANGED_WITHOUT_A_KEY


@services
def test_a_route_asks_for_the_least_role_that_may_use_it(service: str) -> None:
    for name, route in routes(assembled(service, SECRETS)):
        for roles in (ROLES[call] for call in asked(route) if call in ROLES):  # type: ignore[index]
            if name in BY_OWNERS:
                assert roles == acting.OWNER, name
            elif name in READ_BY_ORGANISERS or not name.startswith("GET "):
                assert roles == (acting.DOOR if name in BY_THE_DOOR else acting.ORGANISER), name
            else:
                assert roles in (acting.VIEWER, acting.ANY_ROLE), name


@services
def test_owners_read_the_log_of_acts_of_each_service(service: str) -> None:
    assert "GET /acts" in dict(routes(assembled(service, SECRETS)))
