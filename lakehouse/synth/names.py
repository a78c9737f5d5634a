"""Names of people, and how a partner's clerk would spell the Chinese ones (pinyin)."""

from __future__ import annotations

SURNAMES: tuple[tuple[str, str], ...] = (
    ("王", "Wang"), ("李", "Li"), ("张", "Zhang"),
    ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"), ("黄", "Huang"),
    ("赵", "Zhao"), ("吴", "Wu"), ("周", "Zhou"), ("徐", "Xu"), ("孙", "Sun"), ("马", "Ma"), ("朱", "Zhu"),
    ("胡", "Hu"), ("郭", "Guo"), ("何", "He"), ("高", "Gao"), ("林", "Lin"), ("罗", "Luo"), ("郑", "Zheng"),
    ("梁", "Liang"), ("谢", "Xie"), ("宋", "Song"),
    ("唐", "Tang"), ("许", "Xu"), ("韩", "Han"), ("冯", "Feng"),
    ("邓", "Deng"), ("曹", "Cao"), ("彭", "Peng"),
    ("曾", "Zeng"), ("萧", "Xiao"), ("田", "Tian"), ("董", "Dong"),
    ("潘", "Pan"), ("袁", "Yuan"), ("蔡", "Cai"), ("蒋", "Jiang"), ("余", "Yu"),
)  # fmt: skip
#: Relative frequency falls like 1 / (rank + 3), roughly as in the census.
GIVEN_FEMALE: tuple[tuple[str, str], ...] = (
    ("芳", "fang"), ("娜", "na"), ("静", "jing"), ("敏", "min"), ("丽", "li"), ("艳", "yan"), ("雪", "xue"),
    ("婷", "ting"), ("欣怡", "xinyi"), ("雨涵", "yuhan"),
    ("思琪", "siqi"), ("梦瑶", "mengyao"), ("佳慧", "jiahui"),
    ("晓燕", "xiaoyan"), ("美玲", "meiling"), ("秀英", "xiuying"), ("子涵", "zihan"), ("诗雨", "shiyu"),
    ("嘉怡", "jiayi"), ("海燕", "haiyan"), ("琳", "lin"), ("洁", "jie"), ("慧", "hui"), ("玉兰", "yulan"),
)  # fmt: skip
GIVEN_MALE: tuple[tuple[str, str], ...] = (
    ("伟", "wei"), ("强", "qiang"), ("磊", "lei"),
    ("军", "jun"), ("勇", "yong"), ("杰", "jie"), ("涛", "tao"),
    ("明", "ming"), ("浩然", "haoran"), ("子轩", "zixuan"),
    ("宇航", "yuhang"), ("俊杰", "junjie"), ("志强", "zhiqiang"),
    ("建国", "jianguo"), ("文博", "wenbo"), ("天宇", "tianyu"),
    ("国栋", "guodong"), ("鹏", "peng"), ("超", "chao"),
    ("晨", "chen"), ("嘉豪", "jiahao"), ("思远", "siyuan"), ("立新", "lixin"), ("永康", "yongkang"),
)  # fmt: skip

WESTERN_SURNAMES = (
    "Smith", "Johnson", "Brown", "Taylor", "Wilson", "Davies",
    "Evans", "Thomas", "Walker", "Wright", "Green", "Hall",
    "Clarke", "Martin", "Dubois", "Moreau", "Schmidt", "Weber",
    "Rossi", "Garcia", "Lopez", "Novak", "Larsen", "Murphy",
)  # fmt: skip
WESTERN_FEMALE = (
    "Emma", "Olivia", "Sophie", "Charlotte", "Amelia", "Grace",
    "Hannah", "Julia", "Laura", "Alice", "Camille", "Nina",
)  # fmt: skip
WESTERN_MALE = (
    "James", "Oliver", "Thomas", "William", "Daniel", "Lucas",
    "Samuel", "Peter", "Adam", "Hugo", "Simon", "Victor",
)  # fmt: skip

EMAIL_DOMAINS = ("example.com", "mail.example.cn", "example.org", "post.example.net", "example.cn")
