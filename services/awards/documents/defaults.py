"""
The templates that are used if organisers put none: one for each kind of award. Pure.

The order is the usual one of Chinese certificates: the title, whom it is given to, what for with an indent,
and at the lower right who gives it, over the date. The seal is put there, by a picture or by hand.
"""

from services.awards.documents.rules import Block, CodePlace, CustomPaper, Frame, Template, Words
from shared.contracts.events import AwardKind

_RED, _GOLD, _INK = "#b01217", "#f6d365", "#1a1a1a"
_GIVEN = Words(
    zh="荣获“{scheme_title}”{tier}，特发此证，以资鼓励。",
    en="has been given the award “{scheme_title}” {tier} in recognition of the achievement.",
)


def _certificate(template_id: str, title: Words) -> Template:
    return Template(
        template_id=template_id,
        title=title.zh,
        paper="A4-landscape",
        frame=Frame(inset=10),
        blocks=(
            _block(30, 26, 237, 26, title, 46, align="center", colour=_RED, bold=True),
            _block(38, 66, 221, 16, Words(zh="{name}：", en="{name}"), 28, bold=True),
            _block(38, 83, 221, 12, Words(zh="{unit}"), 18),
            _block(38, 101, 221, 44, _GIVEN, 22, align="justify", lines="many", indent=True),
            _block(150, 150, 109, 11, Words(zh="{issuer}"), 18, align="center"),
            _block(150, 163, 109, 11, Words(zh="{date_in_characters}", en="{date}"), 17, align="center"),
            _block(64, 172, 90, 6, Words(zh="证书编号：{code}", en="No. {code}"), 10, font="sans"),
            _block(64, 179, 90, 6, Words(zh="扫码可验证真伪", en="Scan to verify"), 9, font="sans"),
        ),
        qr=CodePlace(x=38, y=162, width=23),
    )


def _plaque() -> Template:
    return Template(
        template_id="plaque",
        title="奖牌",
        paper="A3-landscape",
        background="#e3bf6b",
        frame=Frame(inset=14, colour="#7a1014"),
        blocks=(
            _block(40, 42, 340, 30, Words(zh="授予 {name}", en="{name}"), 44, align="center", bold=True),
            _block(40, 78, 340, 16, Words(zh="{unit}"), 26, align="center"),
            _block(
                40,
                104,
                340,
                76,
                Words(zh="{scheme_title}"),
                96,
                align="center",
                lines="many",
                colour=_RED,
                bold=True,
            ),
            _block(40, 184, 340, 18, Words(zh="{tier}"), 36, align="center", colour=_RED),
            _block(110, 220, 200, 16, Words(zh="{issuer}"), 30, align="center"),
            _block(110, 240, 200, 16, Words(zh="{date_in_characters}", en="{date}"), 28, align="center"),
            _block(330, 266, 60, 6, Words(zh="{code}"), 9, align="center", font="sans"),
        ),
        qr=CodePlace(x=347, y=238, width=26),
    )


def _flag() -> Template:
    return Template(
        template_id="flag",
        title="队旗",
        paper=CustomPaper(width=1500, height=1000),
        background="#c8141a",
        blocks=(
            _block(
                120,
                250,
                1260,
                330,
                Words(zh="{scheme_title}"),
                620,
                align="center",
                lines="many",
                colour=_GOLD,
                bold=True,
            ),
            _block(120, 610, 1260, 130, Words(zh="{name}"), 260, align="center", colour=_GOLD, bold=True),
            _block(700, 800, 560, 60, Words(zh="{issuer}"), 130, align="center", colour=_GOLD),
            _block(
                700,
                870,
                560,
                50,
                Words(zh="{date_in_characters}", en="{date}"),
                110,
                align="center",
                colour=_GOLD,
            ),
            _block(100, 945, 500, 20, Words(zh="{code}"), 40, colour=_GOLD, font="sans"),
        ),
        qr=CodePlace(x=100, y=830, width=100),
    )


def _block(
    x: float, y: float, width: float, height: float, text: Words, size: float, **more: object
) -> Block:
    return Block.model_validate(
        {"x": x, "y": y, "width": width, "height": height, "text": text, "size": size, "colour": _INK} | more
    )


DEFAULTS: dict[AwardKind, Template] = {
    "certificate": _certificate("certificate", Words(zh="荣 誉 证 书", en="Certificate")),
    "prize": _certificate("prize", Words(zh="获 奖 证 书", en="Certificate of Award")),
    "plaque": _plaque(),
    "flag": _flag(),
}
