"""
Web addresses in names.

Names are shown and sent to people who did not ask for them. So a name must not contain a web address, also
if no program would make a link of it.
"""

import re
import unicodedata

# Chinese characters. People also write a full stop between the parts of a name: 阿依古丽.买买提.
_HAN = "㐀-鿿豈-\ufaff\U00020000-\U000323af"
# Endings of addresses. Only names of one letter, and names in Chinese, need such a list.
_ENDINGS = (
    "com|cn|net|org|top|xyz|info|cc|vip|co|io|app|dev|me|tv|link|site|online|shop|club|fun|ltd|work|pro|mobi|tech"
    "|store|wang|ink|red|biz|gov|edu"
)
_HAN_ENDINGS = (
    "中国|中國|公司|网络|網絡|在线|网址|网站|网店|中文网|集团|商城|商店|商标|我爱你|政务|公益|机构|组织机构|企业|信息|手机|移动"
    "|香港|台湾|台灣|澳门|澳門|新加坡|世界|娱乐|游戏|时尚|健康|慈善|招聘|购物|食品|餐厅|佛山|广东|八卦|点看|书籍"
)
# Readers see an address also where no program makes a link of it. Initials need no space: J.R.Smith.
_LINK = re.compile(
    rf"@|//|(?i:\bwww[.。])|\b\d{{1,3}}(?:[.。]\d{{1,3}}){{3}}\b"
    # A full stop between two characters and a letter with something after it, if one side is not Chinese.
    rf"|[^\s.。]{{2}}(?:(?<![{_HAN}])\.|\.(?![{_HAN}]))[^\W\d_][^\s.,;]"
    rf"|[^\W_]\.[a-z]{{2}}|(?i:[a-z0-9-]\.(?:{_ENDINGS})\b|\.[a-z]{{2,}}/)"
    rf"|(?i:[a-z0-9-]。[a-z]{{2}})|[.。](?:{_HAN_ENDINGS})(?!\w)"
    # Browsers read the Chinese full stop as a dot, also after Chinese. A sentence goes on in Chinese.
    rf"|[^\s.。]。(?:(?:(?![{_HAN}])[^\W\d_]){{2,}}(?!\w)|(?i:com|cn|net|org)(?![a-zA-Z0-9]))"
)
# No link is without one of these.
_LINK_SIGN = re.compile("[.。/@]")
_UNSIGNED = re.compile("[ -\\-0-?A-~一-鿿、《》（），：；！？·—‘’“”]*")
# Characters that show nothing between the letters of a link. Persian and Indic names need the joiners.
_UNSEEN = dict.fromkeys(
    (
        *map(ord, "\u034f\u061c\u115f\u1160\u17b4\u17b5\u200c\u200d\u3164\uffa0"),
        *range(0x180B, 0x1810),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE1000),
    )
)


def looks_like_link(text: str) -> bool:
    """Whether readers of a name may see a web address in it."""
    if _UNSIGNED.fullmatch(text):
        return False
    read = text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_UNSEEN))
    return bool(_LINK_SIGN.search(read) and _LINK.search(read))
