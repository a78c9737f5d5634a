"""What a trait is said by, with more of a feature than is usual and with less; none of the sentences holds a name."""

from __future__ import annotations

from ml.sentences import Said
from ml.traits.gender import BEHAVIOUR, BOTH, NAME

TOLD = Said("A source tells it", "数据来源中已注明")
NOTHING_KNOWN = Said("Nothing is known that would tell", "没有可供判断的信息")
BY_NAME_ALONE = Said("By the given name alone", "仅凭名字判断")
NAME_MOST = Said("The given name most, and what they look at or buy", "主要凭名字，也凭其浏览或购买")
NAME_AGREES = Said("{fact}; the given name agrees", "{fact}；名字也与此相符")
LIKE_MOST = Said(
    "Most customers are, and nothing about them speaks more for it", "多数客户如此，其自身没有更突出的依据"
)

MORE = {
    "category_level_1": Said("Looks at or buys {value} more than is usual", "浏览或购买“{value}”比一般客户多"),
    "category": Said("Looks at or buys {value} more than is usual", "浏览或购买“{value}”比一般客户多"),
    "brand": Said("Looks at or buys {value} more than is usual", "浏览或购买“{value}”比一般客户多"),
    "device_type": Said("Comes by {value} more than is usual", "用{value}访问比一般客户多"),
    "day_part": Said("Comes in the {value} more than is usual", "在{value}访问比一般客户多"),
    "amount_per_buying_month": Said(
        "Spent more than is usual in a month with a purchase", "有购买的月份里平均消费高于一般客户"
    ),
    "amount_per_sale_day": Said("Spent more than is usual on a day with a purchase", "购买当日平均消费高于一般客户"),
    "amount": Said("Spent more than is usual in all", "总消费高于一般客户"),
    "largest_day_amount": Said("Spent more than is usual on their dearest day", "单日最高消费高于一般客户"),
    "sale_days": Said("Bought more often than is usual", "购买次数多于一般客户"),
    "units_per_line": Said("Buys more pieces at a time than is usual", "每次购买的件数多于一般客户"),
    "discount_rate": Said("Buys at more of a discount than is usual", "购买时享受的折扣高于一般客户"),
    "no_sales": Said("Has bought nothing lately", "近期没有购买"),
}
LESS = {
    "category_level_1": Said("Looks at or buys {value} less than is usual", "浏览或购买“{value}”比一般客户少"),
    "category": Said("Looks at or buys {value} less than is usual", "浏览或购买“{value}”比一般客户少"),
    "brand": Said("Looks at or buys {value} less than is usual", "浏览或购买“{value}”比一般客户少"),
    "device_type": Said("Comes by {value} less than is usual", "用{value}访问比一般客户少"),
    "day_part": Said("Comes in the {value} less than is usual", "在{value}访问比一般客户少"),
    "amount_per_buying_month": Said(
        "Spent less than is usual in a month with a purchase", "有购买的月份里平均消费低于一般客户"
    ),
    "amount_per_sale_day": Said("Spent less than is usual on a day with a purchase", "购买当日平均消费低于一般客户"),
    "amount": Said("Spent less than is usual in all", "总消费低于一般客户"),
    "largest_day_amount": Said("Spent less than is usual on their dearest day", "单日最高消费低于一般客户"),
    "sale_days": Said("Bought less often than is usual", "购买次数少于一般客户"),
    "units_per_line": Said("Buys fewer pieces at a time than is usual", "每次购买的件数少于一般客户"),
    "discount_rate": Said("Buys at less of a discount than is usual", "购买时享受的折扣低于一般客户"),
    "no_sales": Said("Has bought something lately", "近期有过购买"),
}
DAY_PARTS = {
    "night": Said("night", "凌晨"),
    "morning": Said("morning", "上午"),
    "afternoon": Said("afternoon", "下午"),
    "evening": Said("evening", "晚上"),
}
VALUES = {
    "female": Said("female", "女性"),
    "male": Said("male", "男性"),
    "low": Said("low", "低档"),
    "medium": Said("medium", "中档"),
    "high": Said("high", "高档"),
}
EVIDENCE = {
    BEHAVIOUR: Said("what they do", "其行为"),
    NAME: Said("a given name alone", "名字一项"),
    BOTH: Said("a given name and what they do", "名字和其行为"),
}
NEVER_STATED = Said(
    "Not certain: {value} at {percent} %; by {evidence} nothing can be stated",
    "不确定：{value}的可能性为{percent}%；仅凭{evidence}无法判定",
)
STATED_FROM = Said(
    "Not certain: {value} at {percent} %; by {evidence} it is stated from {needed} % on",
    "不确定：{value}的可能性为{percent}%；凭{evidence}须达到{needed}%才判定",
)
