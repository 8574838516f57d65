"""The bank over HTTP: put, review by somebody else, search, retire, import whole, export, a quiz of it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.quiz.bank.export import EXAMPLES
from services.quiz.bank.store import BankStore
from shared.web.forms import after_of
from tests.quiz.bank.builders import REVIEWER, WRITER, bank, bank_question, confirm, put, upload
from tests.quiz.builders import quiz
from tests.quiz.http import definition
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack

TABLE = (
    "知识领域,题目,A,B,C,答案\n天文,最大的行星是？,木星,土星,,A\n天文,下列哪些是恒星？,太阳,月球,织女星,AC\n"
)


async def review(client: httpx.AsyncClient, headers: dict[str, str], **versions: int) -> httpx.Response:
    return await client.post("/bank/reviews", json={"versions": versions}, headers=headers)


async def test_a_question_goes_from_its_draft_into_a_quiz(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (client, _):
        path = "/bank/questions/q1"
        first = await put(client, bank_question())
        assert (first.status_code, first.json()["status"], first.json()["author"]) == (200, "draft", "writer")
        assert (await put(client, bank_question())).json() == first.json()
        assert code_of(await review(client, WRITER, q1=1)) == (409, "review_by_author")
        wanted = {"versions": {"q1": 1}}
        taken = await client.post("/bank/quiz-questions", json=wanted, headers=WRITER)
        assert code_of(taken) == (409, "question_not_reviewed")
        # One that is not there: none is reviewed.
        assert code_of(await review(client, REVIEWER, q1=1, q9=1)) == (404, "bank_question_unknown")
        assert (await client.get(path, headers=WRITER)).json()["status"] == "draft"
        assert (await review(client, REVIEWER, q1=1)).json() == {"reviewed": 1}
        read = await client.get(path, headers=WRITER)
        assert (read.json()["status"], read.json()["reviewed_by"]) == ("reviewed", "reviewer")

        taken = await client.post("/bank/quiz-questions", json=wanted, headers=WRITER)
        body = definition(quiz(blueprint={"天文": 1})) | {"questions": taken.json()["questions"]}
        assert taken.json()["topics"] == {"天文": 1}
        answer = await client.put("/quizzes/of-the-bank", json=body, headers=ORGANISER)
        assert answer.status_code == 200

        # Of two organisers none loses silently.
        changed = bank_question(explanation="水星离太阳约 5,800 万千米。")
        answer = await put(client, changed, WRITER, **{"If-Match": read.headers["etag"]})
        assert (answer.json()["version"], answer.json()["status"]) == (2, "draft")
        answer = await put(client, bank_question(key="A"), REVIEWER, **{"If-Match": read.headers["etag"]})
        assert code_of(answer) == (412, "version_differs")
        assert code_of(await review(client, REVIEWER, q1=1)) == (412, "question_version_differs")
        earlier = await client.get(path, params={"version": 1}, headers=WRITER)
        assert earlier.json()["question"] == read.json()["question"]
        assert earlier.json()["reviewed_by"] == "reviewer"
        assert code_of(await client.get(path, params={"version": 9}, headers=WRITER))[0] == 404

        assert (await client.post(f"{path}/retire", headers=WRITER)).json()["status"] == "retired"
        assert code_of(await put(client, bank_question())) == (409, "question_retired")
        assert (await client.post(f"{path}/restore", headers=WRITER)).json()["status"] == "draft"
        # Without the questions' keys nobody sees the keys to questions.
        assert (await client.get(path)).status_code == 401


async def test_questions_are_found_and_counted(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (client, _):
        for question in (
            bank_question("a1", text="A+B 等于几？"),
            bank_question("a2", topic="健康", difficulty="hard", text="B 是什么？"),
            bank_question("a3", kind="multiple", key="AB"),
        ):
            assert (await put(client, question)).status_code == 200

        async def ids(**parameters: str | int) -> list[str]:
            answer = await client.get("/bank/questions", params=parameters, headers=WRITER)
            return [one["question"]["id"] for one in answer.json()["questions"]]

        assert await ids() == ["a1", "a2", "a3"]
        assert await ids(topic="天文") == ["a1", "a3"]
        assert await ids(difficulty="hard") == ["a2"]
        assert await ids(kind="multiple") == ["a3"]
        assert await ids(status="reviewed") == []
        assert await ids(words="a+b") == ["a1"]
        first = await client.get("/bank/questions", params={"limit": 2}, headers=WRITER)
        assert await ids(after=first.json()["after"]) == ["a3"]
        counted = (await client.get("/bank/topics", headers=WRITER)).json()["topics"]
        assert {(one["topic"], one["difficulty"], one["status"], one["count"]) for one in counted} == {
            ("天文", "easy", "draft", 2),
            ("健康", "hard", "draft", 1),
        }
        same = bank_question("other", text="a+b  等于几？")
        assert code_of(await put(client, same)) == (409, "question_text_known")


async def test_two_organisers_at_once_make_one_version_each_or_are_refused(
    mongo: str, tmp_path: Path
) -> None:
    async with bank(mongo, tmp_path) as (client, _):
        answers = await asyncio.gather(
            *(put(client, bank_question(f"n{n}", text="同一道题？"), WRITER) for n in range(6))
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5


async def test_a_file_is_imported_whole_or_not_at_all(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (client, database):
        bad = f"{TABLE}天文,没有答案？,是,否,,\n天文,最大的行星是？,木星,火星,,A\n"
        preview = (await upload(client, bad.encode(), format="csv")).json()
        assert [(one["line"], one["code"]) for one in preview["problems"]] == [
            (4, "key_missing"),
            (5, "text_doubled"),
        ]
        assert preview["problems"][0]["message"] == "没有标出正确选项"
        assert (preview["added"], preview["bad"]) == (2, 2)
        refused = await confirm(client, preview["import_id"])
        assert code_of(refused) == (409, "import_has_problems")
        assert await database["bank_questions"].count_documents({}) == 0

        first = (await confirm(client, preview["import_id"], skip=True)).json()
        assert (first["status"], first["added"], first["imported_by"]) == ("imported", 2, "writer")
        assert (await confirm(client, preview["import_id"], skip=True)).json() == first
        assert await database["bank_questions"].count_documents({}) == 2
        # Once more: nothing is new.
        again = (await upload(client, TABLE.encode(), format="csv")).json()
        assert (again["added"], again["unchanged"], again["problems"]) == (0, 2, [])
        read = await client.get(f"/bank/imports/{again['import_id']}", headers=WRITER)
        assert read.json() == again
        assert code_of(await confirm(client, again["import_id"])) == (409, "import_changes_nothing")
        assert code_of(await confirm(client, "no-such-import")) == (404, "import_unknown")


async def test_a_preview_shows_the_questions_as_they_were_read(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (client, _):
        assert (await put(client, bank_question("q1", text="最大的卫星是？"))).status_code == 200
        columns, _, rows = TABLE.partition("\n")
        table = f"编号,{columns}\nq1,天文,最大的卫星是？,木卫三,土卫六,,A\n"
        table += "".join(f",{row}\n" for row in rows.splitlines())
        preview = (await upload(client, table.encode(), format="csv")).json()
        assert (preview["added"], preview["changed"], preview["problems"]) == (2, 1, [])
        path = f"/bank/imports/{preview['import_id']}/questions"

        async def page(**parameters: str | int) -> dict[str, Any]:
            answer = await client.get(path, params=parameters, headers=WRITER)
            assert answer.status_code == 200, answer.text
            content: dict[str, Any] = answer.json()
            return content

        first = await page(limit=2)
        rest = await page(limit=2, after=first["after"])
        assert [(one["line"], one["is_new"]) for one in first["questions"]] == [(3, True), (4, True)]
        assert [(one["line"], one["is_new"]) for one in rest["questions"]] == [(2, False)]
        assert rest["after"] is None
        read = rest["questions"][0]["question"]
        assert (read["id"], read["text"], read["key"]) == ("q1", "最大的卫星是？", "A")
        assert [one["text"] for one in read["options"]] == ["木卫三", "土卫六"]
        # A place that no answer of ours has.
        assert await page(after=after_of(-9)) == await page()
        # Only with the questions' keys.
        assert (await client.get(path)).status_code == 401
        unknown = await client.get("/bank/imports/none/questions", headers=WRITER)
        assert code_of(unknown) == (404, "import_unknown")
        await confirm(client, preview["import_id"])
        assert await page() == {"questions": [], "after": None}


async def test_an_import_that_would_not_do_what_its_preview_says_is_refused(
    mongo: str, tmp_path: Path
) -> None:
    async with bank(mongo, tmp_path) as (client, database):
        preview = (await upload(client, TABLE.encode(), format="csv")).json()
        assert (await put(client, bank_question("mine", text="最大的行星是？"))).status_code == 200
        assert code_of(await confirm(client, preview["import_id"])) == (409, "import_outdated")
        assert await database["bank_questions"].count_documents({}) == 1


async def test_what_is_exported_is_imported_again_as_the_same(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (client, database):
        for question in EXAMPLES:
            assert (await put(client, question)).status_code == 200
        for kind in ("gift", "moodle_xml", "qti22", "qti30", "csv", "xlsx"):
            exported = await client.get("/bank/export", params={"format": kind}, headers=WRITER)
            assert exported.status_code == 200
            again = (await upload(client, exported.content, format=kind)).json()
            assert (again["unchanged"], again["added"], again["bad"]) == (3, 0, 0), kind
        aiken = {"format": "aiken"}
        assert code_of(await client.get("/bank/export", params=aiken, headers=WRITER)) == (
            422,
            "format_cannot_hold",
        )
        one = await client.get("/bank/export", params=aiken | {"kind": "single"}, headers=WRITER)
        assert one.text.endswith("B) 氧气\nC) 氢气\nANSWER: B\n")
        nothing = {"format": "csv", "topic": "没有"}
        assert code_of(await client.get("/bank/export", params=nothing, headers=WRITER)) == (
            422,
            "export_empty",
        )
        await database["bank_questions"].delete_many({})
        for kind in ("gift", "aiken", "moodle_xml", "qti22", "qti30", "csv", "xlsx"):
            template = await client.get("/bank/template", params={"format": kind}, headers=WRITER)
            preview = (await upload(client, template.content, format=kind, topic="天文")).json()
            assert (preview["added"], preview["bad"]) == (2 if kind == "aiken" else 3, 0), kind


async def test_the_locks_are_there_before_the_first_change(mongo: str, tmp_path: Path) -> None:
    async with bank(mongo, tmp_path) as (_, database):
        await BankStore(database).prepare()
        assert await database["bank_locks"].count_documents({}) == 2
