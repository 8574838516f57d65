"""The interface of quiz as a whole: its document, its refusals."""

import re
from typing import Any
from uuid import uuid4

import pytest

from services.quiz.attempts.hot import SUBMIT
from services.quiz.saving.hot import READ_SAVED, SAVE
from tests.quiz.builders import as_resident, service
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack


def has_example(document: dict[str, Any], node: Any, seen: frozenset[str] = frozenset()) -> bool:
    if isinstance(node, list):
        return any(has_example(document, one, seen) for one in node)
    if not isinstance(node, dict):
        return False
    if "example" in node or "examples" in node:
        return True
    name = node.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        return has_example(document, document["components"]["schemas"][name], seen | {name})
    return any(has_example(document, one, seen) for one in node.values())


async def test_the_document_shows_every_endpoint_with_an_example(kafka: str, mongo: str) -> None:
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        document = (await client.get("/openapi.json")).json()
        page = (await client.get("/docs")).text
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    of_all_services = ("/acts", "/organiser", "/livez", "/readyz", "/health", "/metrics")
    assert {name for name in operations if not name.endswith(of_all_services)} == {
        "GET /bank/questions",
        "GET /bank/topics",
        "GET /bank/questions/{question_id}",
        "PUT /bank/questions/{question_id}",
        "POST /bank/questions/{question_id}/retire",
        "POST /bank/questions/{question_id}/restore",
        "POST /bank/reviews",
        "POST /bank/imports",
        "GET /bank/imports/{import_id}",
        "GET /bank/imports/{import_id}/questions",
        "DELETE /bank/imports/{import_id}",
        "POST /bank/imports/{import_id}/confirmation",
        "GET /bank/export",
        "GET /bank/template",
        "POST /bank/quiz-questions",
        "GET /quizzes",
        "GET /quizzes/{quiz_id}",
        "GET /quizzes/{quiz_id}/definition",
        "PUT /quizzes/{quiz_id}",
        "POST /quizzes/{quiz_id}/close",
        "POST /quizzes/{quiz_id}/attempts",
        "GET /quizzes/{quiz_id}/attempts/me",
        "GET /quizzes/{quiz_id}/standings",
        "GET /quizzes/{quiz_id}/standings/export",
        "GET /quizzes/{quiz_id}/standings/me",
        "GET /quizzes/{quiz_id}/standings/live",
        "GET /quizzes/{quiz_id}/standings/scoreboard",
        "GET /quizzes/{quiz_id}/standings/contest",
        "POST /quizzes/{quiz_id}/standings/freeze",
        "POST /quizzes/{quiz_id}/standings/thaw",
        "GET /quizzes/{quiz_id}/statistics",
        "POST /quizzes/{quiz_id}/statistics",
        "GET /quizzes/{quiz_id}/flags",
        "POST /quizzes/{quiz_id}/flags",
        "GET /quizzes/{quiz_id}/flags/{flag_id}",
        "POST /quizzes/{quiz_id}/flags/{flag_id}/verdict",
        "GET /quiz-drafts",
        "PUT /quizzes/{quiz_id}/draft",
        "GET /quizzes/{quiz_id}/draft",
        "DELETE /quizzes/{quiz_id}/draft",
        "POST /quizzes/{quiz_id}/draft/publish",
        "GET /quizzes/{quiz_id}/trial",
        "POST /quizzes/{quiz_id}/trial",
        "POST /quizzes/{quiz_id}/extend",
        "POST /quizzes/{quiz_id}/reopen",
        "POST /quizzes/{quiz_id}/wording",
        "POST /quizzes/{quiz_id}/cancel",
        "GET /quizzes/{quiz_id}/cancellation",
        "DELETE /quizzes/{quiz_id}",
        "GET /quizzes/{quiz_id}/corrections",
        "POST /quizzes/{quiz_id}/corrections",
        "GET /quizzes/{quiz_id}/disqualifications",
        "POST /quizzes/{quiz_id}/disqualifications",
        "POST /quizzes/{quiz_id}/reinstatements",
        "GET /quizzes/{quiz_id}/literacy",
        "POST /quizzes/{quiz_id}/literacy",
        "GET /quizzes/{quiz_id}/literacy/export",
        "GET /quizzes/{quiz_id}/literacy/measure",
        "PUT /quizzes/{quiz_id}/literacy/measure",
        "GET /quizzes/{quiz_id}/divisions/{kind}",
        "GET /quizzes/{quiz_id}/divisions/{kind}/standings",
        "GET /quizzes/{quiz_id}/divisions/{kind}/standings/export",
        "GET /quizzes/{quiz_id}/standings/me/divisions",
        "POST /quizzes/{quiz_id}/divisions/{kind}/freeze",
        "POST /quizzes/{quiz_id}/divisions/{kind}/thaw",
        "GET /quizzes/{quiz_id}/divisions/{kind}/sizes",
        "PUT /quizzes/{quiz_id}/divisions/{kind}/sizes",
        "GET /quizzes/{quiz_id}/corrections/preview",
        "POST /quizzes/{quiz_id}/corrections/preview",
        f"POST {SUBMIT.path}",
        f"PUT {SAVE.path}",
        f"GET {READ_SAVED.path}",
        "GET /attempts/{attempt_id}/result",
        "GET /attempts/{attempt_id}/review",
    }
    for name, operation in operations.items():
        assert operation["summary"], name
        if name.endswith("/metrics"):
            continue
        code = next(code for code in operation["responses"] if code.startswith("2"))
        # Nothing is answered beside 204.
        assert code == "204" or has_example(document, operation["responses"][code]), name
        assert has_example(document, operation.get("requestBody", {"example": None})), name
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//[^\"]*", page) == []


async def test_refusals_are_problems_with_stable_codes(kafka: str, mongo: str) -> None:
    who, path = as_resident("wang"), "/quizzes/no-such-quiz"
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        assert code_of(await client.get(path)) == (404, "quiz_unknown")
        assert code_of(await client.get(f"{path}/standings")) == (404, "quiz_unknown")
        assert code_of(await client.post(f"{path}/attempts", headers=who)) == (404, "quiz_unknown")
        assert code_of(await client.post(f"{path}/attempts")) == (401, "token_missing")
        forged = {"Authorization": "Bearer x.y.z"}
        assert code_of(await client.post(f"{path}/attempts", headers=forged)) == (401, "token_invalid")
        assert code_of(await client.put(path, json={})) == (401, "organiser_key_missing")
        wrong = {"X-Organiser-Key": "wrong"}
        assert code_of(await client.post(f"{path}/close", headers=wrong)) == (403, "organiser_key_wrong")
        assert code_of(await client.post(f"{path}/close", headers=ORGANISER)) == (404, "quiz_unknown")
        assert code_of(await client.put(path, json={}, headers=ORGANISER)) == (422, "invalid")
        unknown = f"/attempts/{uuid4()}"
        assert code_of(await client.get(f"{unknown}/result", headers=who)) == (404, "attempt_unknown")
        assert code_of(await client.get(f"{unknown}/review", headers=who)) == (404, "attempt_unknown")
        assert code_of(await client.get(f"{unknown}/review")) == (401, "token_missing")
        assert code_of(await client.get(f"{unknown}/submission"))[0] == 405
        assert code_of(await client.get("/nothing"))[0] == 404
