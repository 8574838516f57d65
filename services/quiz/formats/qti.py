"""
QTI 2.2 and 3.0: an item with one choice, or a package of such items. All other kinds of items are named.

QTI 3 says the same in other words: qti-simple-choice for simpleChoice. xml_tree.py reads both alike.

Source: https://www.imsglobal.org/spec/qti/v3p0/impl, https://www.imsglobal.org/question/index.html
"""

import io
import re
import string
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from services.quiz.formats.html_text import TextOfTags
from services.quiz.formats.rules import (
    QUESTIONS_A_FILE_MAX,
    RAW_CHARS_MAX,
    RAW_OPTIONS_MAX,
    CannotParse,
    Drafted,
    Parsed,
    Problem,
    Written,
    kind_named,
)
from services.quiz.formats.xml_tree import Element, TreeReader, attribute
from shared.runtime.errors import Rejected

Version = Literal["qti22", "qti30"]

# Items, their manifest, and the files beside them, which are not read.
PARTS_MAX = QUESTIONS_A_FILE_MAX + 200
UNPACKED_BYTES_MAX = 16_777_216
PART_NAME_CHARS_MAX = 100
OPTION_NAMES = string.ascii_uppercase
# By this an item of ours is known: only then its identifier is that of a question in the bank.
OURS = "kepu"

_ZIP = b"PK\x03\x04"
# The others that an archive may use take far more memory.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_INTERACTION = re.compile(r"[a-z][A-Za-z]*Interaction|endAttemptInteraction")
_SIMPLE = re.compile(r"\S+(?: \S+)*(?:\n\S+(?: \S+)*)*")
# Not what the participant reads at first.
_ASIDE = ("feedbackBlock", "feedbackInline", "rubricBlock", "templateBlock", "templateInline", "stylesheet")


def read_qti(content: bytes) -> Parsed:
    """
    The items of a file or of a package, and what is no question of ours.

    Raises:
        Rejected: it is no XML and no package (`file_unreadable`), or too much is in it (`file_unpacked`,
            `file_too_long`).
    """
    parsed, trees = Parsed(), TreeReader()
    for part, document in _documents(content):
        root = trees.read(document)
        if root.name != "assessmentItem":
            # A manifest or a test: of what it names, the items count.
            if part is None:
                raise Rejected("the file has no <assessmentItem>", code="file_unreadable", line=root.line)
            continue
        try:
            parsed.add(_item(root, part, parsed))
        except CannotParse as error:
            parsed.add_problem(Problem(root.line, error.code, dict(error.values), part))
    return parsed


def _documents(content: bytes) -> Iterator[tuple[str | None, bytes]]:
    if not content.startswith(_ZIP):
        yield None, content
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            # Checked before anything is unpacked: the unpacker never gives more than a part says it has.
            if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
                raise Rejected("the package is too large once it is unpacked", code="file_unpacked")
            for part in parts:
                if part.compress_type not in _COMPRESSIONS:
                    raise ValueError("an archive of another kind")
                if part.filename.lower().endswith(".xml"):
                    yield part.filename[-PART_NAME_CHARS_MAX:], archive.read(part)
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, OSError, RuntimeError, ValueError):
        raise Rejected("the file is no package that can be read", code="file_unreadable", line=1) from None


def _item(item: Element, part: str | None, parsed: Parsed) -> Drafted:
    """
    One item.

    Raises:
        CannotParse: it is no question of ours.
    """
    body = item.first("itemBody")
    if body is None:
        raise CannotParse("options_missing")
    if item.first("templateDeclaration") or attribute(item, "adaptive") == "true":
        raise CannotParse("kind_unsupported", kind="template")
    interactions = [one for one in body.all() if _INTERACTION.fullmatch(one.name)]
    others = [one.name for one in interactions if one.name != "choiceInteraction"]
    if others or len(interactions) != 1:
        raise CannotParse("kind_unsupported", kind=others[0][:40] if others else "several")
    choice = interactions[0]
    declared = next(
        (
            one
            for one in item.elements("responseDeclaration")
            if attribute(one, "identifier") == attribute(choice, "responseIdentifier")
        ),
        None,
    )
    if declared is None:
        raise CannotParse("key_missing")
    options = list(choice.elements("simpleChoice"))[:RAW_OPTIONS_MAX]
    places = {attribute(option, "identifier"): place for place, option in enumerate(options)}
    correct = declared.first("correctResponse")
    named = [value.text().strip() for value in correct.elements("value")] if correct else []
    marks = next(body.everywhere("div"), body).attributes
    is_multiple = attribute(declared, "cardinality") == "multiple"
    feedback = sum(1 for _ in body.everywhere(*_ASIDE))
    if feedback:
        parsed.left_out["feedback"] = parsed.left_out.get("feedback", 0) + feedback
    is_ours = attribute(item, "toolName") == OURS
    return Drafted(
        line=choice.line,
        part=part,
        text=_text_of(body)[: RAW_CHARS_MAX + 1],
        options=tuple(_text_of(option)[: RAW_CHARS_MAX + 1] for option in options),
        # An identifier that no option has is a place beyond them.
        right=tuple(sorted(places.get(one, len(options)) for one in named)),
        kind=kind_named(marks.get("data-kind")) or ("multiple" if is_multiple else None),
        question_id=attribute(item, "identifier") if is_ours else None,
        topic=marks.get("data-topic"),
        difficulty=marks.get("data-difficulty"),
        explanation=_explanation(item),
        source=marks.get("data-source", ""),
    )


def _explanation(item: Element) -> str:
    for one in item.elements("modalFeedback"):
        if attribute(one, "identifier") == "explanation":
            return _text_of(one)[: RAW_CHARS_MAX + 1]
    return ""


def _text_of(element: Element) -> str:
    """The text of the body with the prompt but without the options; or of an option."""
    found = TextOfTags()

    def read(within: Element) -> None:
        for one in within.content:
            if isinstance(one, str):
                found.says(one)
            elif one.name == "choiceInteraction":
                for prompt in one.elements("prompt"):
                    found.begins("p")
                    read(prompt)
                    found.ends("p")
            elif one.name not in _ASIDE:
                found.begins(one.name)
                read(one)
                found.ends(one.name)

    read(element)
    return found.text()


def write_qti(questions: Sequence[Written], version: Version) -> bytes:
    """A package with an item for each question."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imsmanifest.xml", _manifest(questions, version))
        for question in questions:
            archive.writestr(f"items/{question.question_id}.xml", _written(question, version))
    return file.getvalue()


def _manifest(questions: Sequence[Written], version: Version) -> str:
    kind, schema = {
        "qti22": ("imsqti_item_xmlv2p2", "http://www.imsglobal.org/xsd/imscp_v1p1"),
        "qti30": ("imsqti_item_xmlv3p0", "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"),
    }[version]
    resources = "\n".join(
        f'<resource identifier="r-{one.question_id}" type="{kind}" href="items/{one.question_id}.xml">'
        f'<file href="items/{one.question_id}.xml"/></resource>'
        for one in questions
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<manifest xmlns="{schema}" identifier="kepu"><organizations/>\n'
        f"<resources>\n{resources}\n</resources></manifest>\n"
    )


# In the words of QTI 2. The words of a question are put in after the names are those of the version.
_ITEM = """<?xml version="1.0" encoding="UTF-8"?>
<assessmentItem xmlns="{namespace}" identifier="{id}" title="{id}" adaptive="false" timeDependent="false"\
 toolName="{ours}">
<responseDeclaration identifier="RESPONSE" cardinality="{cardinality}" baseType="identifier">
<correctResponse>{values}</correctResponse></responseDeclaration>
<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>
<outcomeDeclaration identifier="FEEDBACK" cardinality="single" baseType="identifier"/>
<itemBody>
<div{marks}>{text}</div>
<choiceInteraction responseIdentifier="RESPONSE" shuffle="false" maxChoices="{most}">
{choices}
</choiceInteraction>
</itemBody>
<responseProcessing template="{template}/rptemplates/match_correct"/>
{feedback}</assessmentItem>
"""
_CHOICE = '<simpleChoice identifier="{name}">{text}</simpleChoice>'
_VALUE = "<value>{name}</value>"
_FEEDBACK = """<modalFeedback outcomeIdentifier="FEEDBACK" identifier="explanation" showHide="show">\
{text}</modalFeedback>
"""
_NAMESPACES: Mapping[Version, str] = {
    "qti22": "http://www.imsglobal.org/xsd/imsqti_v2p2",
    "qti30": "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
}
_TEMPLATES: Mapping[Version, str] = {
    "qti22": "http://www.imsglobal.org/question/qti_v2p2",
    "qti30": "https://purl.imsglobal.org/spec/qti/v3p0",
}
_ELEMENT_NAME = re.compile(r"(</?)([a-z]+[A-Z][A-Za-z]*|value)\b")
_ATTRIBUTE_NAME = re.compile(r' ([a-z]+(?:[A-Z][a-z]+)+)="')


def _in(version: Version, words: str) -> str:
    """The same in the words of QTI 3: with hyphens, and with qti- before the names of elements."""
    if version == "qti22":
        return words
    words = _ELEMENT_NAME.sub(lambda one: f"{one[1]}qti-{_hyphened(one[2])}", words)
    return _ATTRIBUTE_NAME.sub(lambda one: f' {_hyphened(one[1])}="', words)


def _hyphened(name: str) -> str:
    return re.sub("[A-Z]", lambda one: f"-{one[0].lower()}", name)


def _written(question: Written, version: Version) -> str:
    choice, value, feedback = (_in(version, words) for words in (_CHOICE, _VALUE, _FEEDBACK))
    marks = {"topic": question.topic, "difficulty": question.difficulty, "source": question.source}
    marks["kind"] = question.kind
    is_multiple = question.kind == "multiple"
    return _in(version, _ITEM).format(
        namespace=_NAMESPACES[version],
        template=_TEMPLATES[version],
        id=question.question_id,
        ours=OURS,
        cardinality="multiple" if is_multiple else "single",
        most=0 if is_multiple else 1,
        values="".join(value.format(name=OPTION_NAMES[place]) for place in question.right),
        marks="".join(f" data-{name}={_quoted(said)}" for name, said in marks.items() if said),
        text=_body_text(question.text, block=True),
        choices="\n".join(
            choice.format(name=name, text=_body_text(option, block=False))
            for name, option in zip(OPTION_NAMES, question.options, strict=False)
        ),
        feedback=feedback.format(text=_body_text(question.explanation, block=True))
        if question.explanation
        else "",
    )


def _quoted(text: str) -> str:
    # A tab and a line break in an attribute would be read as spaces.
    return quoteattr(text, {"\t": "&#9;"})


def _body_text(text: str, *, block: bool) -> str:
    """Lines as paragraphs. Where spaces matter, as preformatted text."""
    if not _SIMPLE.fullmatch(text) or "\t" in text or "\xa0" in text:
        return f"<pre>{escape(text)}</pre>"
    return "".join(f"<p>{escape(line)}</p>" for line in text.split("\n")) if block else escape(text)
