"""Documents as other programs read them: each name is whole, and each file is an archivable PDF."""

import asyncio
import re
import struct
import time
import zlib
from collections.abc import Iterator

import pypdfium2
import pytest
import zxingcpp

from services.awards.documents.defaults import DEFAULTS
from services.awards.documents.fonts import Fonts
from services.awards.documents.typeset import WAITING_MAX, Typesetter, qr_svg
from shared.runtime.errors import Overloaded, Rejected
from tests.awards.documents.builders import AT, URL, block, chunks, page, png, template, texts

NAMES = [
    "李明",
    "欧阳修远",
    "𠮷田一郎",
    "王𠮷",
    "㼆玥",
    "张喆",
    "陶喆",
    "朱镕基",
    "赵龑",
    "李堃",
    "牛犇",
    "马骉",
    "金鑫淼焱垚",
    "曹䶮",
    "刘㛃",
    "周𬭎",
    "吴𫘬",
    "郑𬊤",
    "王𪨰",
    "钱𬤇",
    "孙䲟",
    "李𣲗",
    "陈𬱖",
    "林㑇",
    "何頔",
    "赵燚",
    "葛\U000e0100西",
    "阿卜杜热合曼·买买提",
    "买买提吐尔逊·艾合买提江·吐尔地阿吉·阿卜杜拉·伊敏",
    "阿沛·阿旺晋美",
    "古丽巴哈尔・热西提",
    "Łukasz Őry-Ştefănescu",
    "Żółć Łęcka",
    "Nguyễn Thị Ánh Tuyết",
    "Ærøskøbing Ångström",
    "Иван Щукин",
    "O’Neill, J. R. (Jr.)",
    "Maria José Muñoz-Ibáñez",
    "濮阳市华龙区科学技术协会科技志愿服务总队青少年科普宣讲第一支队及其所属社区工作站与流动科技馆",
    "The Very Long Name of an International Association for the Popularisation of Science",
    "〇〇小学六（1）班",
    "李 明 — 三等",
]

_SOFT = re.compile("[ \u00ad\ufffe-]")


@pytest.fixture(scope="module")
def typesetter() -> Iterator[Typesetter]:
    typesetter = Typesetter(Fonts())
    yield typesetter
    typesetter.close()


async def test_each_name_can_be_read_whole_and_no_part_of_it_lies_beyond_its_box(
    typesetter: Typesetter,
) -> None:
    of = template(paper={"width": 240, "height": 60})
    pdf = await typesetter.document(of, [page(of, name) for name in NAMES], "zh-CN", AT)
    document = pypdfium2.PdfDocument(pdf)
    for name, read, one in zip(NAMES, texts(pdf), document, strict=True):
        # Where a name is broken into lines, the space or hyphen there is read in another way.
        assert _SOFT.sub("", read) == _SOFT.sub("", name)
        left, bottom, right, top = inked(one)
        assert right - left > 10, name
        assert left >= 20 - 1, name
        assert right <= 220 + 1, name
        assert top >= 20 - 2, name
        assert bottom <= 40 + 2, name


def inked(one: pypdfium2.PdfPage) -> tuple[float, float, float, float]:
    """Where something is drawn, in millimetres from the top left: left, bottom, right, top."""
    scale = 2
    bitmap = one.render(scale=scale, grayscale=True)
    width, stride, rows = bitmap.width, bitmap.stride, bytes(bitmap.buffer)
    dark = [
        (x, y)
        for y in range(bitmap.height)
        for x, shade in enumerate(rows[y * stride : y * stride + width])
        if shade < 128
    ]
    in_mm = 25.4 / 72 / scale
    across, down = [x * in_mm for x, _ in dark], [y * in_mm for _, y in dark]
    return min(across), max(down), max(across), min(down)


async def test_a_long_text_is_broken_by_chinese_rules(typesetter: Typesetter) -> None:
    text = "我们荣获了一等奖，" * 12 + "特发此证。"
    for width in range(100, 132):
        of = template(blocks=[block(text, width=width, height=150, size=20, lines="many", indent=True)])
        pdf = await typesetter.document(of, [page(of, "李明")], "zh-CN", AT)
        lines = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range().split("\r\n")
        assert "".join(lines) == text
        assert len(lines) > 3
        assert not [line for line in lines if line[0] in "，。"]


async def test_the_same_pages_give_the_same_bytes_whoever_makes_them_and_whatever_was_made_before(
    typesetter: Typesetter,
) -> None:
    of = DEFAULTS["prize"]
    first = await typesetter.document(of, [page(of, "欧阳𠮷")], "zh-CN", AT)
    await typesetter.document(of, [page(of, "李明"), page(of, "㼆玥")], "zh-CN", AT)
    other = Typesetter(Fonts())
    try:
        assert await other.document(of, [page(of, "欧阳𠮷")], "zh-CN", AT) == first
    finally:
        other.close()
    assert await typesetter.document(of, [page(of, "欧阳𠮷")], "zh-CN", AT) == first


async def test_a_character_that_no_font_has_is_named_and_never_printed_as_a_box(
    typesetter: Typesetter,
) -> None:
    of = template()
    with pytest.raises(Rejected) as refused:
        await typesetter.document(of, [page(of, "王\U0002195d")], "zh-CN", AT)
    assert (refused.value.code, refused.value.values["characters"]) == ("character_without_font", "U+2195D")
    assert "王" not in refused.value.message

    class Careless(Fonts):
        def missing(self, text: str) -> list[str]:
            return []

    careless = Typesetter(Careless())
    try:
        # The compiler refuses too: a PDF/A has no character without a glyph.
        with pytest.raises(Rejected) as refused:
            await careless.document(of, [page(of, "王\U0002195d")], "zh-CN", AT)
    finally:
        careless.close()
    assert refused.value.code == "character_without_font"


@pytest.mark.parametrize("lines", ["one", "many"])
@pytest.mark.parametrize("name", ["‿", "⁀", "Ⓣ\ufe0f\u0315"])
async def test_a_name_that_is_drawn_without_any_width_has_a_page(
    typesetter: Typesetter, name: str, lines: str
) -> None:
    of = template(blocks=[block(lines=lines)])
    assert (await typesetter.document(of, [page(of, name)], "zh-CN", AT)).startswith(b"%PDF")


async def test_what_the_compiler_cannot_make_is_refused_and_it_goes_on(typesetter: Typesetter) -> None:
    # Nobody has checked this picture: its palette ends within a colour, and the compiler panics.
    head = (b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0))
    rest = ((b"PLTE", b"\1\2\3\4"), (b"IDAT", zlib.compress(bytes(3))), (b"IEND", b""))
    broken = template(pictures=[{"x": 1, "y": 1, "width": 30, "png": chunks(head, *rest)}])
    with pytest.raises(Rejected) as refused:
        await typesetter.document(broken, [page(broken, "李明")], "zh-CN", AT)
    assert refused.value.code == "page_not_made"
    assert texts(await typesetter.document(sound := template(), [page(sound, "李明")], "zh-CN", AT)) == [
        "李明"
    ]


async def test_texts_of_organisers_and_names_are_never_read_as_code(typesetter: Typesetter) -> None:
    evil = '#read("/etc/passwd") $x$ *b* \\ @a <l> "q" [c]'
    of = template(blocks=[block(evil, width=250), block("{name}", y=60)])
    pdf = await typesetter.document(of, [page(of, "#image(1)")], "zh-CN", AT)
    read = texts(pdf)[0]
    assert '#read("/etc/passwd")' in read
    assert "#image(1)" in read


async def test_the_qr_code_is_read_by_another_program(typesetter: Typesetter) -> None:
    for kind, of in DEFAULTS.items():
        pdf = await typesetter.document(of, [page(of, "李明", kind=kind)], "zh-CN", AT)
        one = pypdfium2.PdfDocument(pdf)[0]
        bitmap = one.render(scale=1600 / max(one.get_size()), grayscale=True)
        shape = (bitmap.height, bitmap.stride)
        [read] = zxingcpp.read_barcodes(memoryview(bytes(bitmap.buffer)).cast("B", shape))
        assert read.text == f"{URL}/verify/KW-7Q2MA-X4D0P?version=1"


async def test_pictures_are_on_the_page(typesetter: Typesetter) -> None:
    picture = {"x": 200, "y": 150, "width": 30, "png": png()}
    of = template(pictures=[picture, picture | {"x": 100}])
    pdf = await typesetter.document(of, [page(of, "李明")], "zh-CN", AT)
    assert inked(pypdfium2.PdfDocument(pdf)[0])[1] == pytest.approx(170, abs=1)


async def test_the_loop_goes_on_while_documents_are_made_and_too_many_at_once_are_refused(
    typesetter: Typesetter,
) -> None:
    of = DEFAULTS["prize"]
    pages = [page(of, f"李明{number}") for number in range(200)]
    late = 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            late = max(late, time.monotonic() - before)

    watching = asyncio.create_task(watch())
    await typesetter.document(of, pages, "zh-CN", AT)
    watching.cancel()
    # Much less than the document takes. A machine that is busy otherwise has some delay of its own.
    assert late < 0.2

    asked = [typesetter.document(of, pages[:1], "zh-CN", AT) for _ in range(WAITING_MAX + 1)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in answers].count(Overloaded) == 1


def test_the_picture_of_a_code_is_light_around() -> None:
    assert '<rect width="37" height="37" fill="#fff"/>' in qr_svg(f"{URL}/verify/KW")
