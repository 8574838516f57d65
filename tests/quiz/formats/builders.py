"""Questions as files say them, for the tests of the formats."""

import io
import zipfile
from collections.abc import Mapping

import msgspec

from services.quiz.formats.rules import Drafted, Written, kind_of


def written(question_id: str = "q1", **changes: object) -> Written:
    """A single choice of three options, the second is right."""
    fields: dict[str, object] = {
        "question_id": question_id,
        "topic": "天文",
        "difficulty": "medium",
        "kind": "single",
        "text": "离太阳最近的行星是？",
        "options": ("金星", "水星", "火星"),
        "right": (1,),
        "explanation": "水星离太阳约 5,800 万千米。",
        "source": "天文学教程",
    }
    return msgspec.convert(fields | changes, Written)


def as_read(drafted: Drafted) -> Written:
    """What a reader found, in the form of what was written."""
    return Written(
        question_id=drafted.question_id or "",
        topic=drafted.topic or "",
        difficulty=drafted.difficulty or "",
        kind=drafted.kind or kind_of(drafted.options, drafted.right),
        text=drafted.text,
        options=drafted.options,
        right=drafted.right,
        explanation=drafted.explanation,
        source=drafted.source,
    )


def package(parts: Mapping[str, str]) -> bytes:
    """An archive of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()
