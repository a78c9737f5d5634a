"""What customers write to the service desk: subjects and sentences by topic, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """A reason to write, its share, the mean satisfaction it ends with, and the words for it."""

    name: str
    share: float
    satisfaction: float
    subjects: tuple[tuple[str, str], ...]  #: (English, Chinese)
    complaints: tuple[tuple[str, str], ...]  #: `{}` is the product


TOPICS: tuple[Topic, ...] = (
    Topic("late_delivery", 0.26, 2.6,
          (("Where is my parcel?", "包裹还没到"), ("Delivery is late", "物流太慢了")), (
        ("I ordered {} more than a week ago and the tracking has not moved since.",
         "我订的{}已经一个多星期了，物流信息一直没有更新。"),
        ("The courier says {} was delivered, but nobody rang and nothing is here.",
         "快递显示{}已签收，但是没有人联系我，也没有收到东西。"),
        ("You promised {} by Friday and I needed it for a birthday.", "说好{}周五送到，我是要送生日礼物的。"),
    )),
    Topic("defective", 0.22, 2.3, (("Broken on arrival", "收到就是坏的"), ("Poor quality", "质量有问题")), (
        ("{} arrived with a crack and the box was crushed.", "{}收到的时候外壳裂了，包装也压坏了。"),
        ("{} stopped working after two days. I am very disappointed.", "{}用了两天就坏了，非常失望。"),
        ("The stitching of {} came apart the first time I used it.", "{}第一次用就脱线了，质量太差。"),
    )),
    Topic("refund", 0.18, 2.9, (("Refund not received", "退款没到账"), ("Return question", "咨询退货")), (
        ("I sent {} back ten days ago and still have no refund.", "{}退回去十天了，退款还没有到账。"),
        ("How do I return {}? It is not what I expected.", "请问{}怎么退货？和我想的不一样。"),
    )),
    Topic("product_question", 0.16, 4.0,
          (("Question about a product", "商品咨询"), ("Which size fits?", "尺码咨询")), (
        ("Could you tell me whether {} comes with a warranty?", "请问{}有保修吗？"),
        ("Is {} suitable as a gift, and is there a larger one?", "{}适合送礼吗？有没有大一号的？"),
    )),
    Topic("account", 0.10, 3.5, (("Cannot log in", "无法登录"), ("Points are missing", "积分没有到账")), (
        ("After I bought {} my points were not added.", "买了{}之后积分没有增加。"),
        ("The app logs me out whenever I open the page of {}.", "每次打开{}的页面，应用就退出登录。"),
    )),
    Topic("praise", 0.08, 4.8, (("Thank you", "非常满意"), ("Great service", "服务很好")), (
        ("{} is wonderful and came a day early. Thank you!", "{}非常好用，还提前一天送到，谢谢！"),
        ("I love {}. Your colleague on the phone was very kind.", "很喜欢{}，客服态度也很好。"),
    )),
)  # fmt: skip
GREETINGS = (("Hello,", "你好，"), ("Hi there,", "您好，"), ("Good morning,", "客服你好，"))
CLOSINGS = (
    ("Please help as soon as possible.", "请尽快处理，谢谢。"),
    ("I look forward to your answer.", "期待您的回复。"),
    ("Order number is in my account.", "订单号在我的账户里。"),
    ("Thanks.", "谢谢。"),
)
