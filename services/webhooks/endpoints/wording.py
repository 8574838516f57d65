"""What the refusals of this room say in Chinese, by code."""

CHINESE: dict[str, str] = {
    "endpoint_id_differs": "路径和内容中的接收端编号不一致",
    "endpoint_unknown": "没有这个接收端",
    "event_type_unknown": "没有这种可以推送的事件：请查看 GET /event-types",
    "rotation_under_way": "上一次更换密钥还没有结束：请等待，或者用 at_once 立即停用旧密钥",
    "too_many_endpoints": "接收端太多：请先删除不再需要的",
    "url_invalid": "接收端的地址不能用",
}
