"""
Moodle XML and QTI: choices are read, all else is named, and no document costs more than its bounds.

The inputs follow moodle/moodle, question/format/xml/tests/fixtures, and 1EdTech/qti-examples,
qtiv2p2-examples/items and QTI3_*_Examples/items.
"""

import time

import pytest

from services.quiz.formats.html_text import HTML_CHARS_MAX, text_of_html
from services.quiz.formats.moodle_xml import read_moodle_xml
from services.quiz.formats.qti import UNPACKED_BYTES_MAX, read_qti
from services.quiz.formats.rules import Parsed
from services.quiz.formats.xml_tree import DEPTH_MAX, ELEMENTS_MAX, TAG_BYTES_MAX
from shared.runtime.errors import Rejected
from tests.quiz.formats.builders import package

MOODLE = """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
  <question type="category">
  <category><text>$course$/Default for testhead/TrueFalse</text></category></question>
  <question type="truefalse">
    <name><text>Moodle acronym (False)</text></name>
    <questiontext format="html"><text><![CDATA[<p>Moodle is an acronym.</p>]]></text></questiontext>
    <generalfeedback format="html"><text><![CDATA[<p>See the documentation.</p>]]></text></generalfeedback>
    <answer fraction="0" format="moodle_auto_format"><text>true</text>
      <feedback format="html"><text>wrong</text></feedback></answer>
    <answer fraction="100" format="moodle_auto_format"><text>false</text></answer>
  </question>
  <question type="multichoice">
    <questiontext format="html"><text><![CDATA[<p>Listen:</p>]]></text>
      <file name="bonjour.mp3" encoding="base64">SUQzAw==</file></questiontext>
    <answer fraction="100"><text>French</text></answer><answer fraction="0"><text>German</text></answer>
  </question>
  <question type="multichoice">
    <idnumber>T &amp; F</idnumber><single>false</single>
    <questiontext><text>Which are &lt;b&gt;prime&lt;/b&gt;?</text></questiontext>
    <answer fraction="50"><text>2</text></answer><answer fraction="50"><text>3</text></answer>
    <answer fraction="-100"><text>4</text></answer>
  </question>
  <question type="essay"><questiontext><text>Why?</text></questiontext></question>
</quiz>"""
QTI_2 = """<?xml version="1.0" encoding="UTF-8"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" identifier="choiceMultiple"
 title="Composition of Water" adaptive="false" timeDependent="false">
  <responseDeclaration identifier="RESPONSE" cardinality="multiple" baseType="identifier">
    <correctResponse><value>H</value><value>O</value></correctResponse>
    <mapping lowerBound="0" upperBound="2" defaultValue="-2"><mapEntry mapKey="H" mappedValue="1"/></mapping>
  </responseDeclaration>
  <outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>
  <itemBody>
    <choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="0">
      <prompt>Which of the following elements are used to form water?</prompt>
      <simpleChoice identifier="H" fixed="false">Hydrogen</simpleChoice>
      <simpleChoice identifier="He" fixed="false">Helium</simpleChoice>
      <simpleChoice identifier="O" fixed="false">Oxygen</simpleChoice>
    </choiceInteraction>
  </itemBody>
</assessmentItem>"""
QTI_3 = """<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="firstexample"
 title="First Example" time-dependent="false">
 <qti-response-declaration base-type="identifier" cardinality="single" identifier="RESPONSE">
  <qti-correct-response><qti-value>A</qti-value></qti-correct-response>
 </qti-response-declaration>
 <qti-item-body>
  <p>Of the following hormones, which is produced by the adrenal glands?</p>
  <qti-choice-interaction max-choices="1" min-choices="1" response-identifier="RESPONSE">
   <qti-simple-choice identifier="A">Epinephrine</qti-simple-choice>
   <qti-simple-choice identifier="B">Glucagon</qti-simple-choice>
  </qti-choice-interaction>
 </qti-item-body>
</qti-assessment-item>"""


def codes(parsed: Parsed) -> list[tuple[int, str]]:
    return [(one.line, one.code) for one in parsed.problems]


def test_a_file_of_moodle_is_read_and_what_would_be_lost_is_named() -> None:
    parsed = read_moodle_xml(MOODLE.encode())
    first, second = parsed.drafted
    assert (first.kind, first.right, first.text) == ("true_false", (1,), "Moodle is an acronym.")
    assert (first.topic, first.explanation) == ("TrueFalse", "See the documentation.")
    assert (second.kind, second.right, second.text) == ("multiple", (0, 1), "Which are prime?")
    assert codes(parsed) == [(13, "media_unsupported"), (24, "kind_unsupported")]
    # html_chars_in_idnumbers.xml: an id of another program is no id of ours.
    assert second.question_id is None
    assert parsed.left_out == {"feedback": 1, "ids": 1}


def test_items_of_both_versions_are_read() -> None:
    [second] = read_qti(QTI_2.encode()).drafted
    assert second.text == "Which of the following elements are used to form water?"
    assert (second.kind, second.options) == ("multiple", ("Hydrogen", "Helium", "Oxygen"))
    assert second.right == (0, 2)
    # An identifier of another program is no id of our bank.
    assert second.question_id is None
    [third] = read_qti(QTI_3.encode()).drafted
    assert third.text == "Of the following hormones, which is produced by the adrenal glands?"
    assert (third.options, third.right) == (("Epinephrine", "Glucagon"), (0,))


def test_the_reading_of_a_character_stands_behind_it() -> None:
    # choice_ruby.xml
    ruby = "<prompt>村田<ruby><rb>真</rb><rp>(</rp><rt>まこと</rt><rp>)</rp></ruby>の出身地は"
    [found] = read_qti(QTI_2.replace("<prompt>Which", ruby).encode()).drafted
    assert found.text.startswith("村田真（まこと）の出身地は")


def test_feedback_within_an_option_is_no_part_of_it() -> None:
    # Example02-feedbackInline.xml
    inline = 'Hydrogen <feedbackInline identifier="H" showHide="show">That is right</feedbackInline>'
    parsed = read_qti(QTI_2.replace("Hydrogen", inline).encode())
    assert parsed.drafted[0].options[0] == "Hydrogen"
    assert parsed.left_out == {"feedback": 1}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<prompt>Which", '<prompt><img src="images/sign.png" alt=""/>Which', "media_unsupported"),
        ("choiceInteraction", "orderInteraction", "kind_unsupported"),
        ("<itemBody>", "<itemBody><textEntryInteraction/>", "kind_unsupported"),
        ("<outcomeDeclaration", "<templateDeclaration/><outcomeDeclaration", "kind_unsupported"),
        ('adaptive="false"', 'adaptive="true"', "kind_unsupported"),
        ('responseIdentifier="RESPONSE"', 'responseIdentifier="R2"', "key_missing"),
    ],
)
def test_other_items_are_named_by_part_and_line(old: str, new: str, code: str) -> None:
    parts = {"imsmanifest.xml": "<manifest/>", "good.xml": QTI_3, "other.xml": QTI_2.replace(old, new)}
    parsed = read_qti(package(parts))
    assert [(one.part, one.code) for one in parsed.problems] == [("other.xml", code)]
    assert [one.part for one in parsed.drafted] == ["good.xml"]


def test_a_key_that_no_option_has_is_beyond_them() -> None:
    [found] = read_qti(QTI_3.replace("<qti-value>A<", "<qti-value>Z<").encode()).drafted
    assert found.right == (2,)


ENTITIES = '<!DOCTYPE quiz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE quiz [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("document_type", [ENTITIES, OUTSIDE, "<!DOCTYPE quiz>"])
def test_no_document_has_entities_of_its_own(document_type: str) -> None:
    content = f"{document_type}<quiz><question type='essay'>&a;</question></quiz>".encode()
    with pytest.raises(Rejected) as refused:
        read_moodle_xml(content)
    assert refused.value.code == "file_unreadable"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<quiz>" + "<a/>" * ELEMENTS_MAX + "</quiz>", "file_unpacked"),
        ("<quiz>" + "<a>" * DEPTH_MAX + "</a>" * DEPTH_MAX + "</quiz>", "file_unpacked"),
        ("<quiz a='" + "x" * 3 * TAG_BYTES_MAX + "'/>", "file_unpacked"),
        ("<quiz><question></quiz>", "file_unreadable"),
        ("<html/>", "file_unreadable"),
        ("", "file_unreadable"),
    ],
)
def test_a_document_too_large_or_broken_is_refused(content: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_moodle_xml(content.encode())
    assert refused.value.code == code


@pytest.mark.parametrize("words", ["<", "<a ", "<!--", "<![CDATA[", "</", "&#", "<?", '<a b="'])
def test_html_that_never_ends_costs_no_more_than_its_length(words: str) -> None:
    html = (words * HTML_CHARS_MAX)[:HTML_CHARS_MAX]
    began = time.process_time()
    text_of_html(html)
    # Some 0.03 s; the parser of Python takes minutes for one of them.
    assert time.process_time() - began < 5


def test_html_without_tags_is_what_it_says() -> None:
    assert text_of_html("a<!-- <p> -->b x < 3 &amp; <P CLASS='x'>y</P>") == "ab x < 3 &\ny"


def test_a_package_that_grows_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(Rejected) as refused:
        read_qti(package({"a.xml": " " * (UNPACKED_BYTES_MAX + 1)}))
    assert refused.value.code == "file_unpacked"
