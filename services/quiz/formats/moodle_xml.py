"""
Moodle XML: questions of the kinds multichoice and truefalse; all others are named.

Source: https://docs.moodle.org/en/Moodle_XML_format
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from services.quiz.formats.html_text import text_of_html
from services.quiz.formats.moodle_topics import category_of_topic, topic_of_category, topic_tag
from services.quiz.formats.rules import (
    RAW_CHARS_MAX,
    RAW_OPTIONS_MAX,
    TRUE_FALSE_TEXTS,
    CannotParse,
    Drafted,
    Parsed,
    Problem,
    Written,
    kind_named,
    tagged,
    tags_of,
    usable_id,
)
from services.quiz.formats.xml_tree import Element, TreeReader
from shared.runtime.errors import Rejected

_KINDS = ("multichoice", "truefalse")


def read_moodle_xml(document: bytes) -> Parsed:
    """
    The questions of a file, and what is none.

    Raises:
        Rejected: it is no XML, or no file of Moodle (`file_unreadable`), or is too large (`file_unpacked`).
    """
    root = TreeReader().read(document)
    if root.name != "quiz":
        raise Rejected("the file has no <quiz>", code="file_unreadable", line=root.line)
    parsed = Parsed()
    topic = None
    for question in root.elements("question"):
        kind = question.attributes.get("type", "")
        if kind == "category":
            topic = topic_of_category(_inner(question.first("category")))
            continue
        try:
            parsed.add(_question(question, kind, topic, parsed))
        except CannotParse as error:
            parsed.add_problem(Problem(question.line, error.code, dict(error.values)))
    return parsed


def _question(question: Element, kind: str, topic: str | None, parsed: Parsed) -> Drafted:
    """
    One question.

    Raises:
        CannotParse: it is no question of ours.
    """
    if kind not in _KINDS:
        raise CannotParse("kind_unsupported", kind=kind[:40] or "?")
    answers = list(question.elements("answer"))[:RAW_OPTIONS_MAX]
    shares = [_share(answer) for answer in answers]
    right = tuple(place for place, share in enumerate(shares) if share > 0)
    tags = tagged([_inner(tag) for tags in question.elements("tags") for tag in tags.elements("tag")])
    is_single = kind == "truefalse" or _plain(question.first("single")) in ("", "true", "1")
    if is_single and any(0 < share < 100 for share in shares):
        raise CannotParse("partial_credit")
    if kind == "truefalse":
        said = [_inner(answer).strip().lower() for answer in answers]
        if sorted(said) != ["false", "true"]:
            raise CannotParse("true_false_options")
        right = tuple(0 if said[place] == "true" else 1 for place in right)
        options: tuple[str, ...] = TRUE_FALSE_TEXTS
    else:
        options = tuple(_formatted(answer) for answer in answers)
    feedback = sum(1 for answer in answers if _inner(answer.first("feedback")).strip())
    if feedback:
        parsed.left_out["feedback"] = parsed.left_out.get("feedback", 0) + feedback
    named = "true_false" if kind == "truefalse" else (None if is_single else "multiple")
    return Drafted(
        line=question.line,
        text=_formatted(question.first("questiontext")),
        options=options,
        right=right,
        kind=kind_named(tags.get("kind") or named),
        question_id=usable_id(_plain(question.first("idnumber")), parsed.left_out),
        topic=tags.get("topic") or topic,
        difficulty=tags.get("difficulty"),
        explanation=_formatted(question.first("generalfeedback")),
        source=tags.get("source", ""),
    )


def _share(answer: Element) -> float:
    try:
        return float(answer.attributes.get("fraction", "0"))
    except ValueError:
        raise CannotParse("share_unreadable") from None


def _plain(element: Element | None) -> str:
    return element.text().strip() if element else ""


def _inner(element: Element | None) -> str:
    """What <text> within it says, or it itself."""
    if element is None:
        return ""
    found = element.first("text")
    return found.text() if found else element.text()


def _formatted(element: Element | None) -> str:
    """What it says, as plain text. A file beside it is a picture or a sound."""
    if element is None:
        return ""
    if element.first("file"):
        raise CannotParse("media_unsupported", tag="file")
    said = _inner(element)
    if element.attributes.get("format", "html") == "html":
        said = text_of_html(said)
    return said.strip()[: RAW_CHARS_MAX + 1]


def write_moodle_xml(questions: Sequence[Written]) -> str:
    """A file with these questions."""
    written = ['<?xml version="1.0" encoding="UTF-8"?>\n<quiz>']
    topic = None
    for question in questions:
        if question.topic != topic:
            topic = question.topic
            category = escape(category_of_topic(topic))
            written.append(
                f'<question type="category"><category><text>{category}</text></category></question>'
            )
        written.append(_written(question))
    return "\n".join([*written, "</quiz>\n"])


def _written(question: Written) -> str:
    is_plain_choice = question.kind != "true_false" or question.options != TRUE_FALSE_TEXTS
    kind = "multichoice" if is_plain_choice else "truefalse"
    said = tags_of(question) | topic_tag(question.topic)
    tags = "".join(f"<tag><text>{escape(f'{name}:{value}')}</text></tag>" for name, value in said.items())
    lines = [
        f'<question type="{kind}">',
        f"<name><text>{escape(question.question_id)}</text></name>",
        f'<questiontext format="plain_text"><text>{escape(question.text)}</text></questiontext>',
        f'<generalfeedback format="plain_text"><text>{escape(question.explanation)}</text></generalfeedback>',
        "<defaultgrade>1</defaultgrade><penalty>0</penalty><hidden>0</hidden>",
        f"<idnumber>{escape(question.question_id)}</idnumber>",
    ]
    if is_plain_choice:
        single = "false" if question.kind == "multiple" else "true"
        lines.append(f"<single>{single}</single><shuffleanswers>0</shuffleanswers>")
    share = "100" if len(question.right) == 1 else f"{100 / len(question.right):.5f}"
    for place, option in enumerate(question.options):
        text = option if is_plain_choice else ("true", "false")[place]
        fraction = share if place in question.right else "0"
        lines.append(
            f'<answer fraction="{fraction}" format="plain_text"><text>{escape(text)}</text></answer>'
        )
    lines.append(f"<tags>{tags}</tags>" if tags else "")
    return "\n".join([*filter(None, lines), "</question>"])
