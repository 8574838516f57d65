"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "beyond_page": "模板中有内容超出了页面范围，请调整位置或大小",
    "character_without_font": "现有字体中没有这些字符：{characters}，请由运维人员添加含有它们的字体",
    "document_of_erased": "该获奖者的个人信息已删除，不再提供证书文件",
    "document_of_revoked": "该奖项已被撤销，不再提供证书文件",
    "page_not_made": "用这些文字和图片无法生成页面，请修改后重试，或联系主办方",
    "picture_refused": "图片不符合要求：请使用 8 位、非隔行的 PNG，不超过 256 KiB、一百万像素",
    "placeholder_unknown": "模板文字中有无法识别的占位符，可用的有：{known}",
    "print_file_unknown": "没有这个打印文件，或者它已过期，或因其中有人要求删除个人信息而被移除，请重新生成",
    "print_unknown": "没有这次打印，或者它已过期",
    "scheme_has_template": "其中某个奖项方案已有其他模板，请先从那个模板中移除",
    "scheme_twice": "模板中重复列出了同一个奖项方案",
    "template_id_differs": "路径中的模板编号与内容中的不一致",
    "template_unknown": "没有这个模板",
    "too_many_prints": "打印任务的数量已达到上限，请删除旧的打印任务，或等待其过期",
    "too_many_templates": "模板的数量已达到上限",
}
