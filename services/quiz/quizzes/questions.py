"""A question and its options, as an organiser writes them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.checked import Id, Line, Text, line, same_to_readers
from shared.contracts.events import Difficulty, Letters, QuestionKind

OPTION_LETTERS = "ABCDEFGH"
OPTIONS_MAX = len(OPTION_LETTERS)
# Of a question. A paper may be worth more (blueprint.py).
POINTS_MAX = 20


def not_blank(text: str) -> str:
    """
    The text, if something of it is visible.

    Raises:
        ValueError: nothing is.
    """
    # `line` refuses invisible text, but it does not accept line ends and tabs.
    line(text.replace("\n", " ").replace("\t", " "))
    return text


PointsOfQuestion = Annotated[float, Field(ge=0.5, le=POINTS_MAX, multiple_of=0.5)]
QuestionText = Annotated[Text, AfterValidator(not_blank)]


class Option(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=rf"^[{OPTION_LETTERS}]$")]
    text: Line


class PlainQuestion(BaseModel):
    """
    A question with its key: the letters of all right options, in alphabetical order.

    A multiple choice may have only one right option. Otherwise everyone would know that at least two are
    right (docs/decisions/0020-points.md).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    topic: Line
    kind: QuestionKind
    text: QuestionText
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=OPTIONS_MAX)]
    key: Letters
    explanation: Text = ""
    source: Text = ""

    @model_validator(mode="after")
    def _options_can_be_told_apart(self) -> "PlainQuestion":
        letters = "".join(option.id for option in self.options)
        if letters != OPTION_LETTERS[: len(letters)]:
            raise PydanticCustomError("option_letters", "the options' letters are not A, B, C and so on")
        if len({same_to_readers(option.text) for option in self.options}) != len(self.options):
            raise PydanticCustomError("options_alike", "two options have the same text")
        if self.kind == "true_false" and len(self.options) != 2:
            raise PydanticCustomError("true_false_options", "a true_false question has two options")
        return self

    @model_validator(mode="after")
    def _key_fits_options(self) -> "PlainQuestion":
        if not set(self.key) <= {option.id for option in self.options}:
            raise PydanticCustomError("key_beyond_options", "the key names an option that does not exist")
        if list(self.key) != sorted(set(self.key)):
            raise PydanticCustomError("key_order", "the key's letters are not in alphabetical order")
        if self.kind != "multiple" and len(self.key) != 1:
            raise PydanticCustomError("key_of_one", "a question of this kind has exactly one right option")
        return self


class Question(PlainQuestion):
    """A question of a quiz. Its points are those of its kind in the quiz, if it does not say its own."""

    points: Annotated[
        PointsOfQuestion | None, Field(description="in steps of 0.5; null: those of its kind in the quiz")
    ] = None
    difficulty: Difficulty | None = None

    def asks_as(self, other: "Question") -> bool:
        """True if the other one asks the same, with the same key, whatever it is worth."""
        return self is other or _are_alike(self, other, _ASKED)

    def is_marked_as(self, other: "Question") -> bool:
        """True if the other one is the same on a paper, and answers to it get the same points."""
        return self is other or _are_alike(self, other, _MARKED)


# Nobody answers these. A new field is not among them until somebody adds it.
UNASKED = frozenset({"explanation", "source"})
_MARKED = tuple(name for name in Question.model_fields if name not in UNASKED)
_ASKED = tuple(name for name in _MARKED if name not in ("points", "difficulty"))


def _are_alike(one: Question, other: Question, names: tuple[str, ...]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in names)
