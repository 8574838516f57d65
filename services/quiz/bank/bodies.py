"""What is sent and answered about the question bank."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.quiz.bank.imports import PROBLEMS_KEPT, Import, ImportStatus, Previewed
from services.quiz.bank.rules import BANK_QUESTIONS_MAX, BankQuestion, Entry, EntryStatus
from services.quiz.formats.rules import Format, LeftOut, Problem
from services.quiz.formats.wording import PROBLEMS
from services.quiz.quizzes.questions import Question
from shared.contracts.checked import Id, Ordinal
from shared.contracts.events import QUESTIONS_MAX, Difficulty
from shared.web.forms import PAGE_MAX, Form
from shared.web.wording import Language, field_words, field_wrong, filled

REVIEWED_MAX = 200


class EntryOut(BaseModel):
    """A question of the bank. `question` is what a PUT takes."""

    question: BankQuestion
    version: int = Field(description="counts the changes of the question", examples=[1])
    status: EntryStatus = Field(description="of this version: draft, reviewed, retired")
    author: str = Field(description="the key that wrote this version", examples=["question-desk"])
    changed_at: datetime
    reviewed_by: str | None = Field(examples=["science-association"])
    reviewed_at: datetime | None
    retired_by: str | None = Field(examples=[None])

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        return cls(
            question=entry.question,
            version=entry.version,
            status=entry.status,
            author=entry.author,
            changed_at=entry.changed_at,
            reviewed_by=entry.reviewed_by,
            reviewed_at=entry.reviewed_at,
            retired_by=entry.retired_by,
        )


class EntriesOut(BaseModel):
    """A page of questions."""

    questions: list[EntryOut]
    after: str | None = Field(description="where the next page begins; null on the last one")


class ReviewIn(Form):
    """The versions that somebody has read, with their keys, and finds good."""

    versions: Annotated[
        dict[Id, Ordinal],
        Field(
            min_length=1,
            max_length=REVIEWED_MAX,
            description="by the ids of the questions",
            examples=[{"photosynthesis-gas": 1}],
        ),
    ]


class ReviewOut(BaseModel):
    """Which questions are reviewed now."""

    reviewed: int = Field(examples=[1])


class TopicCountOut(BaseModel):
    topic: str = Field(examples=["生命与健康"])
    difficulty: Difficulty
    status: EntryStatus
    count: int = Field(examples=[12])


class TopicsOut(BaseModel):
    """How many questions the bank has."""

    topics: list[TopicCountOut] = Field(max_length=BANK_QUESTIONS_MAX)


class ForQuizIn(Form):
    """Which questions a quiz takes, in this order."""

    versions: Annotated[
        dict[Id, Ordinal | None],
        Field(
            min_length=1,
            max_length=QUESTIONS_MAX,
            description="by the ids of the questions; null: the present version",
            examples=[{"photosynthesis-gas": 1}],
        ),
    ]


class ForQuizOut(BaseModel):
    """What `questions` of `PUT /quizzes/{quiz_id}` takes."""

    questions: list[Question] = Field(max_length=QUESTIONS_MAX)
    topics: dict[str, int] = Field(
        max_length=QUESTIONS_MAX,
        description="how many of each topic: the most that a blueprint may ask for",
        examples=[{"生命与健康": 1}],
    )


class ProblemOut(BaseModel):
    """What is wrong with a question of a file; never what stands there."""

    line: int = Field(
        description="where the question begins; in a table as a spreadsheet counts", examples=[18]
    )
    part: str | None = Field(description="the file in a package", examples=[None])
    field: str | None = Field(description="which part; null: the whole question", examples=["key"])
    code: str = Field(description="for programs", examples=["key_beyond_options"])
    message: str = Field(description="for people", examples=["答案中有不存在的选项"])

    @classmethod
    def of(cls, problem: Problem, language: Language) -> "ProblemOut":
        ours = PROBLEMS.get(problem.code)
        words = filled(ours[language == "zh-CN"], problem.values) if ours else None
        words = words or field_words(problem.code, problem.values, language) or field_wrong(language)
        return cls(
            line=problem.line, part=problem.part, field=problem.field, code=problem.code, message=words
        )


class QuestionImportOut(BaseModel):
    """A file that was uploaded: its preview, and later what it did."""

    import_id: str
    format: Format
    status: ImportStatus = Field(description="previewed: nothing is imported yet; imported")
    uploaded_at: datetime
    uploaded_by: str = Field(examples=["question-desk"])
    imported_by: str | None = Field(examples=[None])
    expires_at: datetime = Field(description="until then a preview can be confirmed; later it is deleted")
    added: int = Field(description="questions that are new", examples=[40])
    changed: int = Field(description="questions that would get a new version", examples=[0])
    unchanged: int = Field(description="questions that the bank has already", examples=[0])
    bad: int = Field(description="questions with a problem", examples=[2])
    problems: list[ProblemOut] = Field(max_length=PROBLEMS_KEPT, description="in the order of the lines")
    problems_count: int = Field(description="how many there are, if not all are listed", examples=[2])
    left_out: dict[LeftOut, int] = Field(
        description="how often the file says what a question here has no place for",
        examples=[{"feedback": 3}],
    )

    @classmethod
    def of(cls, one: Import, language: Language) -> "QuestionImportOut":
        return cls(
            import_id=one.import_id,
            format=one.format,
            status=one.status,
            uploaded_at=one.uploaded_at,
            uploaded_by=one.uploaded_by,
            imported_by=one.imported_by,
            expires_at=one.expires_at,
            added=one.added,
            changed=one.changed,
            unchanged=one.unchanged,
            bad=one.bad,
            problems=[ProblemOut.of(problem, language) for problem in one.problems],
            problems_count=one.problems_count,
            left_out=one.left_out,
        )


class PreviewedOut(BaseModel):
    """A question as it was read from a file."""

    line: int = Field(description="where it begins; in a table as a spreadsheet counts", examples=[18])
    part: str | None = Field(description="the file in a package", examples=[None])
    is_new: bool = Field(description="false: it would change a question of the bank")
    question: BankQuestion

    @classmethod
    def of(cls, one: Previewed) -> "PreviewedOut":
        return cls(line=one.line, part=one.part, is_new=one.is_new, question=one.question)


class PreviewedQuestionsOut(BaseModel):
    """A page of a preview's questions."""

    questions: list[PreviewedOut] = Field(max_length=PAGE_MAX)
    after: str | None = Field(description="where the next page begins; null on the last one")


class ImportConfirmationIn(Form):
    """What becomes of questions with a problem."""

    skip_problems: bool = Field(
        False, description="import the good questions although others have a problem", examples=[False]
    )
