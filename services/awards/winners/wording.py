"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "names_closed": "此进程没有私钥，无法打开姓名和地址",
}
