"""The question bank over HTTP, for organisers alone: its questions have their keys."""

from collections import Counter
from typing import Annotated

from fastapi import Body, Query, Request, Response
from pydantic import StringConstraints

from services.quiz.bank.bodies import (
    EntriesOut,
    EntryOut,
    ForQuizIn,
    ForQuizOut,
    ImportConfirmationIn,
    PreviewedOut,
    PreviewedQuestionsOut,
    QuestionImportOut,
    ReviewIn,
    ReviewOut,
    TopicCountOut,
    TopicsOut,
)
from services.quiz.bank.change import BankChanges
from services.quiz.bank.check import Defaults
from services.quiz.bank.export import Exports
from services.quiz.bank.files import FILE_ANSWER, FILE_BODY, AcceptLanguage, OfFormat, file_answer
from services.quiz.bank.import_questions import QuestionImports
from services.quiz.bank.imports import import_unknown
from services.quiz.bank.rules import BankQuestion, Entry, EntryStatus, question_unknown
from services.quiz.bank.store import BankStore, Wanted
from services.quiz.bank.turns import BankTurns
from services.quiz.formats.rules import QUESTION_FILE_BYTES_MAX
from shared.contracts.checked import Line
from shared.contracts.events import Difficulty, QuestionKind
from shared.runtime.acting import current
from shared.web.forms import PAGE, After, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, ByOrganiser
from shared.web.problems import answered
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching
from shared.web.wording import language_of

# The ids of as many questions as a quiz has.
SELECTION_BYTES_MAX = 131_072
SEARCH_CHARS_MAX = 100
# A question with all that it may have, its Chinese written as escapes.
BANK_QUESTION_BYTES_MAX = 65_536

routes = Routes(tags=["question bank"])

Bank = Annotated[BankStore, provided(BankStore)]
Changes = Annotated[BankChanges, provided(BankChanges)]
Importing = Annotated[QuestionImports, provided(QuestionImports)]
Exporting = Annotated[Exports, provided(Exports)]
Turns = Annotated[BankTurns, provided(BankTurns)]

OneTopic = Annotated[Line | None, Query(description="only of this topic", examples=["天文"])]
OneDifficulty = Annotated[Difficulty | None, Query(description="only of this difficulty")]
OneStatus = Annotated[EntryStatus | None, Query(description="only with this status")]
OneKind = Annotated[QuestionKind | None, Query(description="only of this kind")]
Words = Annotated[
    Annotated[Line, StringConstraints(max_length=SEARCH_CHARS_MAX)] | None,
    Query(description="only with these words in the text"),
]


@routes.get("/bank/questions", summary="Questions of the bank, by their ids")
async def list_questions(
    by: ByOrganiser,
    bank: Bank,
    turns: Turns,
    topic: OneTopic = None,
    difficulty: OneDifficulty = None,
    status: OneStatus = None,
    kind: OneKind = None,
    words: Words = None,
    limit: Limit = PAGE,
    after: After = None,
) -> EntriesOut:
    """Page by page, with their keys. All conditions have to hold. 503 `overloaded`."""
    place = place_after(after, str)
    wanted = Wanted(topic, difficulty, status, kind, words)
    async with turns.search(by.name):
        page, following = await one_page(
            lambda most: bank.page(wanted, place[0] if place else None, most),
            limit,
            lambda entry: (entry.question_id,),
        )
    return EntriesOut(questions=[EntryOut.of(entry) for entry in page], after=following)


@routes.get("/bank/topics", summary="How many questions there are of each topic")
async def count_topics(by: ByOrganiser, bank: Bank, turns: Turns) -> TopicsOut:
    """By topic, difficulty and status: what a blueprint can ask for. 503 `overloaded`."""
    async with turns.search(by.name):
        counts = await bank.counts()
    return TopicsOut(
        topics=[
            TopicCountOut(topic=topic, difficulty=difficulty, status=status, count=count)
            for topic, difficulty, status, count in counts
        ]
    )


@routes.get(
    "/bank/questions/{question_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED,
    summary="One question of the bank",
)
async def read_question(
    question_id: IdInPath,
    bank: Bank,
    response: Response,
    version: Annotated[int | None, Query(ge=1, le=2**31, description="an earlier version")] = None,
) -> EntryOut:
    """
    As it is now, with its `ETag`; or an earlier version, without one. `question` can be put as it is.

    404 `bank_question_unknown`.
    """
    entry = await (bank.read(question_id) if version is None else bank.read_version(question_id, version))
    if entry is None:
        raise question_unknown(question_id)
    if version is None:
        response.headers["etag"] = etag(entry.revision)
    return EntryOut.of(entry)


@routes.put(
    "/bank/questions/{question_id}",
    dependencies=[AsOrganiser],
    max_body_size=BANK_QUESTION_BYTES_MAX,
    responses=TAGGED | CHANGED,
    summary="Put a question into the bank, or change one",
)
async def put_question(
    question_id: IdInPath,
    form: Annotated[BankQuestion, Body()],
    changes: Changes,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> EntryOut:
    """
    A change is a new version, and a draft: somebody else has to review it. The same again changes nothing.

    Quizzes that took an earlier version keep it. 409 `question_text_known` (another question has this text),
    `question_retired`, `question_versions_too_many`, `bank_full`; 412 `version_differs`; 422 `id_differs`.
    """
    check_same_id(form.id, question_id)
    return _answer(await changes.put(form, current().act.who, matching(if_match, if_none_match)), response)


@routes.post(
    "/bank/reviews",
    dependencies=[AsOrganiser],
    responses={412: answered("Refused: a question has another version by now")},
    summary="Review questions that somebody else wrote",
)
async def review_questions(form: Annotated[ReviewIn, Body()], changes: Changes) -> ReviewOut:
    """
    All of them, or none. Only reviewed questions go into a quiz. Repeating it changes nothing.

    404 `bank_question_unknown`; 409 `review_by_author`, `question_retired`; 412 `question_version_differs`.
    """
    await current().note(questions=len(form.versions))
    return ReviewOut(reviewed=len(await changes.review(form.versions, current().act.who)))


@routes.post("/bank/questions/{question_id}/retire", dependencies=[AsOrganiser], summary="Retire a question")
async def retire_question(question_id: IdInPath, changes: Changes, response: Response) -> EntryOut:
    """No new quiz takes it; others keep it. Repeating it changes nothing. 404 `bank_question_unknown`."""
    return _answer(await changes.retire(question_id, current().act.who), response)


@routes.post(
    "/bank/questions/{question_id}/restore",
    dependencies=[AsOrganiser],
    summary="Take a question back from retirement",
)
async def restore_question(question_id: IdInPath, changes: Changes, response: Response) -> EntryOut:
    """It is a draft again. Repeating it changes nothing. 404 `bank_question_unknown`."""
    return _answer(await changes.restore(question_id), response)


@routes.post(
    "/bank/imports",
    dependencies=[AsOrganiser],
    status_code=201,
    max_body_size=QUESTION_FILE_BYTES_MAX,
    openapi_extra=FILE_BODY,
    summary="Preview a file of questions",
)
async def preview_questions(
    request: Request,
    importing: Importing,
    kind: OfFormat,
    topic: Annotated[Line | None, Query(description="of questions for which the file names none")] = None,
    difficulty: Annotated[Difficulty | None, Query(description="of questions without one")] = None,
    source: Annotated[Line | None, Query(description="of questions without one")] = None,
    accept_language: AcceptLanguage = "",
) -> QuestionImportOut:
    """
    The body is the file. Nothing is imported yet: the answer lists every problem by its line. QTI: an item,
    or a package of items. CSV and XLSX: docs/organising.md has the columns. A preview waits a day for its
    confirmation. If those of all keys are too many, the oldest of the key that has most is deleted.

    409 `bank_previews_too_many`, `bank_full`; 422 `file_unreadable`, `file_encoding`, `file_too_long`,
    `file_too_wide`, `file_unpacked`, `file_empty`, `file_column_missing`, `file_column_doubled`; 503
    `overloaded`.
    """
    defaults = Defaults(topic, difficulty, source or "")
    preview = await importing.preview(await request.body(), kind, defaults, current().act.who)
    return QuestionImportOut.of(preview, language_of(accept_language.encode("latin-1", "replace")))


@routes.get(
    "/bank/imports/{import_id}", dependencies=[AsOrganiser], summary="A preview, or what became of it"
)
async def read_question_import(
    import_id: IdInPath, bank: Bank, accept_language: AcceptLanguage = ""
) -> QuestionImportOut:
    """404 `import_unknown`."""
    if (found := await bank.read_import(import_id)) is None:
        raise import_unknown(import_id)
    return QuestionImportOut.of(found, language_of(accept_language.encode("latin-1", "replace")))


@routes.get("/bank/imports/{import_id}/questions", summary="The questions of a preview, as they were read")
async def read_previewed_questions(
    by: ByOrganiser,
    import_id: IdInPath,
    importing: Importing,
    turns: Turns,
    limit: Limit = PAGE,
    after: After = None,
) -> PreviewedQuestionsOut:
    """
    Page by page, with their keys: those that are new, then those that would be changed. None once they are
    imported.

    404 `import_unknown`; 503 `overloaded`.
    """
    place = place_after(after, int)
    first = max(0, place[0] + 1) if place else 0
    async with turns.search(by.name):
        page, following = await one_page(
            lambda most: importing.questions(import_id, first, most), limit, lambda one: (one.place,)
        )
    return PreviewedQuestionsOut(questions=[PreviewedOut.of(one) for one in page], after=following)


@routes.post(
    "/bank/imports/{import_id}/confirmation",
    dependencies=[AsOrganiser],
    summary="Import what was previewed: all of it, or nothing",
)
async def confirm_question_import(
    import_id: IdInPath,
    importing: Importing,
    form: Annotated[ImportConfirmationIn, Body()],
    accept_language: AcceptLanguage = "",
) -> QuestionImportOut:
    """
    All questions are drafts, whose author is who confirms. Repeating it changes nothing.

    404 `import_unknown`; 409 `import_has_problems`, `bank_full`; 409 `import_changes_nothing`,
    `import_outdated` (the bank has changed since): then the preview is deleted; 503 `overloaded`.
    """
    imported = await importing.confirm(import_id, current().act.who, skip_problems=form.skip_problems)
    return QuestionImportOut.of(imported, language_of(accept_language.encode("latin-1", "replace")))


@routes.delete(
    "/bank/imports/{import_id}", dependencies=[AsOrganiser], status_code=204, summary="Delete a preview"
)
async def delete_question_import(import_id: IdInPath, importing: Importing) -> None:
    """So that another file can wait in its place. Repeating it changes nothing. 409 `import_done`."""
    await importing.delete(import_id)


@routes.get(
    "/bank/export",
    response_class=Response,
    responses=FILE_ANSWER,
    summary="Questions of the bank as a file",
)
async def export_questions(
    by: ByOrganiser,
    exporting: Exporting,
    kind: OfFormat,
    topic: OneTopic = None,
    difficulty: OneDifficulty = None,
    status: OneStatus = None,
    question_kind: Annotated[
        QuestionKind | None, Query(alias="kind", description="only of this kind")
    ] = None,
    words: Words = None,
) -> Response:
    """
    With their keys. What is exported can be imported again, and is the same: the file is read again first.
    Aiken has a place only for text, options and one right option.

    422 `export_too_long`, `export_empty`, `format_cannot_hold`; 503 `overloaded`.
    """
    wanted = Wanted(topic, difficulty, status, question_kind, words)
    return file_answer(await exporting.file(by.name, wanted, kind), kind, "questions")


@routes.get(
    "/bank/template",
    response_class=Response,
    responses=FILE_ANSWER,
    summary="A file with examples, to fill in",
)
async def read_template(by: ByOrganiser, exporting: Exporting, kind: OfFormat) -> Response:
    """It can be imported as it is."""
    return file_answer(await exporting.template(by.name, kind), kind, "template")


@routes.post(
    "/bank/quiz-questions",
    dependencies=[AsOrganiser],
    max_body_size=SELECTION_BYTES_MAX,
    responses={412: answered("Refused: a question has another version by now")},
    summary="Reviewed questions as those of a quiz",
)
async def take_for_quiz(
    by: ByOrganiser, form: Annotated[ForQuizIn, Body()], exporting: Exporting
) -> ForQuizOut:
    """
    In the shape that `PUT /quizzes/{quiz_id}` takes, in the order in which they are named.

    404 `bank_question_unknown`; 409 `question_not_reviewed`, `question_retired`; 412
    `question_version_differs`; 503 `overloaded`.
    """
    questions = await exporting.for_quiz(by.name, form.versions)
    return ForQuizOut(questions=questions, topics=Counter(question.topic for question in questions))


def _answer(entry: Entry, response: Response) -> EntryOut:
    response.headers["etag"] = etag(entry.revision)
    return EntryOut.of(entry)
