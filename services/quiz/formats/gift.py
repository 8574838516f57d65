"""
GIFT: Moodle's format of plain text. Choices and true/false become questions; all else is named.

Points of ours do not know weights: with several right options, those that give something are right.

Source: https://docs.moodle.org/en/GIFT_format
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from services.quiz.formats.html_text import text_of_html
from services.quiz.formats.moodle_topics import category_of_topic, topic_of_category, topic_tag
from services.quiz.formats.rules import (
    RAW_CHARS_MAX,
    RAW_OPTIONS_MAX,
    TRUE_FALSE_TEXTS,
    CannotParse,
    Drafted,
    LeftOut,
    Parsed,
    Problem,
    Written,
    kind_named,
    lines_of,
    tagged,
    tags_of,
    usable_id,
)

# A question with all that it may have, its control characters escaped.
QUESTION_CHARS_MAX = 65_536

_CATEGORY = re.compile(r"\$CATEGORY:\s*(.*)")
_NAME = re.compile(r"\s*+::.*?(?<!\\)::", re.DOTALL)
_FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]")
# Also one that never ends: the next one is looked for behind it, so many of them cost no more than their
# length.
_TAG = re.compile(r"\[(id|tag):((?:\\.|[^\[\]\\])*+)(\]?)")
_IN_TAG = re.compile(r"\\([\[\]\\n])")
_TRUE_FALSE = re.compile(r"(TRUE|FALSE|T|F)\s*(#.*)?", re.DOTALL | re.IGNORECASE)
_WEIGHT = re.compile(r"\s*%(-?\d{1,3}(?:\.\d{1,10})?)%")
_NOT_ESCAPED = r"(?<!\\)(?:\\\\)*"
_ANSWER = re.compile(r"([=~])((?:\\.|[^=~\\])*)", re.DOTALL)
_CONTROL = re.compile(r"([~=#{}:\\])")
_ESCAPED = re.compile(r"\\([~=#{}:\\n])")


def read_gift(text: str) -> Parsed:
    """The questions of a file, and what is none."""
    parsed = Parsed()
    topic: str | None = None
    tags: dict[str, str] = {}
    question_id: str | None = None
    for line, comments, words in _blocks(text):
        for name, value, ends in _TAG.findall(comments):
            if not ends:
                continue
            said = _IN_TAG.sub(lambda one: "\n" if one[1] == "n" else one[1], value).strip()
            if name == "id":
                question_id = usable_id(said, parsed.left_out)
            else:
                tags.update(tagged([said]))
        if category := _CATEGORY.match(words.strip()):
            topic = topic_of_category(category[1])
            words = words.strip().partition("\n")[2]
            line += 1
        if not words.strip():
            continue
        try:
            found = _question(line, words, parsed)
            parsed.add(_with(found, topic, tags, question_id))
        except CannotParse as error:
            parsed.add_problem(Problem(line, error.code, dict(error.values)))
        tags, question_id = {}, None
    return parsed


def _with(found: Drafted, topic: str | None, tags: dict[str, str], question_id: str | None) -> Drafted:
    return Drafted(
        line=found.line,
        text=found.text,
        options=found.options,
        right=found.right,
        kind=kind_named(tags.get("kind")) or found.kind,
        question_id=question_id,
        topic=tags.get("topic") or topic,
        difficulty=tags.get("difficulty"),
        explanation=found.explanation,
        source=tags.get("source", ""),
    )


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """What stands between empty lines: the number of its first line, its comments, and the rest."""
    begun, comments, words = 0, [], []
    for number, line in enumerate(chain(lines_of(text), [""]), 1):
        if line.lstrip().startswith("//"):
            comments.append(line)
        elif line.strip():
            begun = begun or number
            words.append(line)
        elif words:
            yield begun, "\n".join(comments), "\n".join(words)
            begun, comments, words = 0, [], []


def _question(line: int, words: str, parsed: Parsed) -> Drafted:
    """
    One question.

    Raises:
        CannotParse: it is no question of ours.
    """
    if len(words) > QUESTION_CHARS_MAX:
        raise CannotParse("text_too_long", most=QUESTION_CHARS_MAX)
    # Only at the beginning: a search would read on to the end from every place.
    name = _NAME.match(words)
    words = words[name.end() :] if name else words
    format_ = _FORMAT.match(words)
    begins, ends = _braces(words)
    # The answers stand at the place of a missing word, unless the question ends with them.
    before, after = words[:begins], words[ends + 1 :]
    whole = before + ("_____" + after if after.strip() else "")
    answers, explanation = _explanation(words[begins + 1 : ends].strip())
    default = format_[1] if format_ else "moodle"
    text = _said(whole, default)
    said_explanation = _said(explanation, default)
    if not answers:
        raise CannotParse("kind_unsupported", kind="essay")
    if answers.startswith("#"):
        raise CannotParse("kind_unsupported", kind="numerical")
    if true_false := _TRUE_FALSE.fullmatch(answers):
        _count(parsed, "feedback", 1 if (true_false[2] or "#").strip("# \n") else 0)
        key = (0,) if true_false[1].upper().startswith("T") else (1,)
        return Drafted(
            line=line,
            text=text,
            options=TRUE_FALSE_TEXTS,
            right=key,
            kind="true_false",
            explanation=said_explanation,
        )
    options, right, is_multiple = _choices(answers, default, parsed)
    # Without a tag of ours, two options that say true and false are such a question.
    return Drafted(
        line=line,
        text=text,
        options=options,
        right=right,
        kind="multiple" if is_multiple else None,
        explanation=said_explanation,
    )


def _braces(words: str) -> tuple[int, int]:
    begins = re.search(_NOT_ESCAPED + r"\{", words)
    ends = re.search(_NOT_ESCAPED + r"\}", words[begins.end() :]) if begins else None
    if begins is None or ends is None:
        raise CannotParse("answers_missing")
    return begins.end() - 1, begins.end() + ends.end() - 1


def _explanation(answers: str) -> tuple[str, str]:
    found = re.search(_NOT_ESCAPED + r"####", answers)
    if found is None:
        return answers, ""
    return answers[: found.end() - 4].strip(), answers[found.end() :]


def _choices(answers: str, format_: str, parsed: Parsed) -> tuple[tuple[str, ...], tuple[int, ...], bool]:
    found = [(sign, said) for sign, said in _ANSWER.findall(answers)]
    if not found:
        raise CannotParse("answers_missing")
    if not any(sign == "~" for sign, _ in found):
        kind = "matching" if all("->" in said for _, said in found) else "short_answer"
        raise CannotParse("kind_unsupported", kind=kind)
    options: list[str] = []
    right: list[int] = []
    is_multiple = not any(sign == "=" for sign, _ in found)
    for sign, said in found[:RAW_OPTIONS_MAX]:
        weight = _WEIGHT.match(said)
        share = float(weight[1]) if weight else (100.0 if sign == "=" else 0.0)
        option, feedback = _split_feedback(said[weight.end() :] if weight else said)
        _count(parsed, "feedback", 1 if feedback.strip() else 0)
        if share > 0:
            if not is_multiple and share < 100:
                raise CannotParse("partial_credit")
            right.append(len(options))
        _count(parsed, "weights", 1 if is_multiple and share < 0 else 0)
        options.append(_said(option, format_))
    return tuple(options), tuple(right), is_multiple


def _split_feedback(said: str) -> tuple[str, str]:
    found = re.search(_NOT_ESCAPED + "#", said)
    return (said[: found.end() - 1], said[found.end() :]) if found else (said, "")


def _said(words: str, format_: str) -> str:
    """A text without its escapes, as plain text."""
    if found := _FORMAT.match(words):
        format_, words = found[1], words[found.end() :]
    words = _ESCAPED.sub(lambda one: "\n" if one[1] == "n" else one[1], words).strip()
    if format_ == "html":
        words = text_of_html(words)
    return words[: RAW_CHARS_MAX + 1]


def _count(parsed: Parsed, what: LeftOut, how_often: int) -> None:
    if how_often:
        parsed.left_out[what] = parsed.left_out.get(what, 0) + how_often


def write_gift(questions: Sequence[Written]) -> str:
    """A file with these questions."""
    written = []
    topic = None
    for question in questions:
        if question.topic != topic:
            topic = question.topic
            written.append(f"$CATEGORY: {category_of_topic(topic)}\n")
        tags = [f"[id:{question.question_id}]"]
        tags += [
            f"[tag:{name}:{_in_tag(value)}]"
            for name, value in (tags_of(question) | topic_tag(question.topic)).items()
        ]
        written.append(f"// {' '.join(tags)}\n[plain]{_escaped(question.text)} {{{_answers(question)}}}\n")
    return "\n".join(written)


def _answers(question: Written) -> str:
    explanation = f"\n####[plain]{_escaped(question.explanation)}\n" if question.explanation else ""
    if question.kind == "true_false" and question.options == TRUE_FALSE_TEXTS:
        return ("TRUE" if question.right == (0,) else "FALSE") + explanation
    lines = []
    share = f"%{100 / len(question.right):.5f}%"
    for place, option in enumerate(question.options):
        is_right = place in question.right
        if question.kind == "multiple":
            lines.append(f"\n~{share if is_right else '%0%'}[plain]{_escaped(option)}")
        else:
            lines.append(f"\n{'=' if is_right else '~'}[plain]{_escaped(option)}")
    return "".join(lines) + (explanation or "\n")


def _escaped(text: str) -> str:
    return _CONTROL.sub(r"\\\1", text).replace("\n", "\\n")


def _in_tag(text: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", text).replace("\n", "\\n")
