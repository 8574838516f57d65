"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "contacts_closed": "此进程没有私钥，无法打开姓名和联系方式",
}
