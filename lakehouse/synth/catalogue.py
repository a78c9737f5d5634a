"""The product catalogue: a tree of three levels, brands, prices, costs, and the vectors that tastes meet.

product vector  phi_p = [unit vector of its top category, style of its leaf + 0.5 N(0,1)]
popularity      g_p ~ N(0, 0.8)                                     (log scale)
list price      leaf price * exp(brand level + N(0, 0.35))
cost            list price * U(0.45, 0.75)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lakehouse.synth.arrays import Floats, Ints, pick
from lakehouse.synth.population import K_STYLE, K_TOPIC, K
from lakehouse.synth.seasons import DAY_SECONDS, Calendar

#: top category -> second level -> (leaf, leaf in Chinese, typical price in CNY)
TREE: dict[str, dict[str, tuple[tuple[str, str, float], ...]]] = {
    "Women's Fashion": {
        "Dresses": (("Summer Dress", "连衣裙", 239), ("Evening Dress", "礼服", 599)),
        "Tops": (("Blouse", "衬衫", 159), ("Knit Sweater", "针织衫", 219)),
        "Shoes & Bags": (("Heels", "高跟鞋", 329), ("Handbag", "手提包", 459), ("Tote Bag", "托特包", 189)),
    },
    "Men's Fashion": {
        "Tops": (("Polo Shirt", "POLO衫", 169), ("Oxford Shirt", "牛津衬衫", 199)),
        "Outerwear": (("Bomber Jacket", "夹克", 399), ("Down Coat", "羽绒服", 799)),
        "Shoes": (("Leather Shoes", "皮鞋", 499), ("Canvas Sneakers", "帆布鞋", 199)),
    },
    "Beauty": {
        "Skin Care": (
            ("Face Serum", "精华液", 259),
            ("Moisturiser", "面霜", 189),
            ("Sunscreen", "防晒霜", 99),
        ),
        "Make-up": (("Lipstick", "口红", 129), ("Foundation", "粉底液", 219)),
        "Hair & Body": (("Shampoo", "洗发水", 69), ("Body Lotion", "身体乳", 89)),
    },
    "Electronics": {
        "Phones": (
            ("Smartphone", "智能手机", 2799),
            ("Phone Case", "手机壳", 49),
            ("Power Bank", "充电宝", 129),
        ),
        "Audio": (("Earbuds", "蓝牙耳机", 349), ("Smart Speaker", "智能音箱", 299)),
        "Computing": (("Laptop", "笔记本电脑", 5299), ("Mechanical Keyboard", "机械键盘", 399)),
    },
    "Home & Kitchen": {
        "Kitchen": (
            ("Rice Cooker", "电饭煲", 399),
            ("Chef Knife", "菜刀", 159),
            ("Thermos Flask", "保温杯", 119),
        ),
        "Bedding": (("Duvet Cover", "被套", 249), ("Pillow", "枕头", 99)),
        "Living": (("Desk Lamp", "台灯", 139), ("Storage Box", "收纳箱", 59)),
    },
    "Food & Drink": {
        "Snacks": (("Mixed Nuts", "坚果", 79), ("Biscuits", "饼干", 35), ("Dark Chocolate", "黑巧克力", 49)),
        "Drinks": (("Green Tea", "绿茶", 129), ("Ground Coffee", "咖啡粉", 89)),
        "Staples": (("Rice 5 kg", "大米", 69), ("Olive Oil", "橄榄油", 99)),
    },
    "Sports & Outdoors": {
        "Running": (("Running Shoes", "跑步鞋", 459), ("Sports Watch", "运动手表", 999)),
        "Fitness": (("Yoga Mat", "瑜伽垫", 89), ("Dumbbell Set", "哑铃", 199)),
        "Camping": (("Tent", "帐篷", 499), ("Backpack", "登山包", 329)),
    },
    "Baby & Toys": {
        "Baby Care": (
            ("Nappies", "纸尿裤", 129),
            ("Baby Wipes", "婴儿湿巾", 39),
            ("Stroller", "婴儿车", 899),
        ),
        "Toys": (("Building Blocks", "积木", 199), ("Plush Bear", "毛绒玩具", 89)),
        "Books": (("Picture Book", "绘本", 45), ("Puzzle", "拼图", 69)),
    },
}
TOP_CATEGORIES = tuple(TREE)
#: (brand, price level in logs); the second half writes its product names in Chinese.
BRANDS: tuple[tuple[str, float], ...] = (
    ("Lumen", 0.35), ("Northfold", 0.25), ("Aria", 0.15),
    ("Kestrel", 0.30), ("Oakley Lane", 0.0), ("Pebble", -0.2),
    ("Brightwell", -0.1), ("Marlow", 0.1), ("Finch", -0.25),
    ("Cobalt", 0.2), ("Juniper", 0.0), ("Tern", -0.15),
    ("云栖", 0.25), ("山岚", 0.1), ("青禾", -0.1), ("木棉", -0.2), ("星野", 0.2), ("知味", -0.05),
    ("海棠", 0.05), ("长风", -0.15), ("小满", -0.25), ("锦程", 0.3), ("禾木", 0.0), ("乐游", -0.1),
)  # fmt: skip
FIRST_CHINESE_BRAND = 12
BRANDS_PER_TOP = 6
STYLES_EN = ("Classic", "Light", "Premium", "Urban", "Everyday", "Pure", "Studio", "Travel")
STYLES_ZH = ("经典", "轻盈", "臻选", "都市", "日常", "纯净", "旗舰", "旅行")
COLOURS = ("black", "white", "blue", "green", "red", "grey", "natural")


@dataclass(frozen=True)
class Catalogue:
    """Arrays with one entry per product; `leaf_*` with one entry per leaf category."""

    title: list[str]
    category: list[str]  #: `A > B > C`
    brand: list[str]
    colour: list[str]
    top: Ints  #: index of the top category
    leaf: Ints  #: index of the leaf category
    leaf_name: list[str]  #: a search term, one per leaf
    leaf_name_zh: list[str]
    list_price: Floats  #: CNY, two decimals
    cost: Floats
    vector: Floats  #: (products, K)
    popularity: Floats  #: log scale
    relative_price: Floats  #: log(list price / median list price of the leaf)
    listed_day: Ints  #: days since 1970-01-01

    def __len__(self) -> int:
        return len(self.title)


def product_count(customers: int) -> int:
    """How many products a shop of this size carries: 8 * sqrt(customers), at least 60, at most 4,000."""
    return int(np.clip(round(8 * customers**0.5), 60, 4000))


def make_catalogue(rng: np.random.Generator, calendar: Calendar, customers: int) -> Catalogue:
    """Draw the products; all are on sale for the whole window."""
    leaves = [
        (top_index, f"{top} > {second} > {leaf}", leaf, leaf_zh, price)
        for top_index, (top, seconds) in enumerate(TREE.items())
        for second, items in seconds.items()
        for leaf, leaf_zh, price in items
    ]
    count = product_count(customers)
    leaf = np.sort(np.r_[np.arange(len(leaves)), rng.integers(0, len(leaves), count - len(leaves))])
    leaf = leaf.astype(np.int64)
    top = np.array([entry[0] for entry in leaves], dtype=np.int64)[leaf]

    brands_of_top = np.array([rng.permutation(len(BRANDS))[:BRANDS_PER_TOP] for _ in TOP_CATEGORIES])
    brand = brands_of_top[top, pick(rng, np.arange(BRANDS_PER_TOP, 0, -1), count)]
    level = np.array([b[1] for b in BRANDS])[brand] + rng.normal(0.0, 0.35, count)
    typical = np.array([entry[4] for entry in leaves], dtype=np.float64)[leaf]
    list_price = np.round(typical * np.exp(np.clip(level, -1.2, 1.2)), 0) - 0.1
    list_price = np.round(np.maximum(list_price, 5.9), 2)
    median = np.array([np.median(list_price[leaf == index]) for index in range(len(leaves))])[leaf]

    leaf_style = rng.normal(size=(len(leaves), K_STYLE))
    vector = np.zeros((count, K))
    vector[np.arange(count), top] = 1.0
    vector[:, K_TOPIC:] = leaf_style[leaf] + 0.5 * rng.normal(size=(count, K_STYLE))

    style = rng.integers(0, len(STYLES_EN), count)
    model = rng.permutation(count) + 100
    is_chinese = brand >= FIRST_CHINESE_BRAND
    title = [
        f"{BRANDS[b][0]} {STYLES_ZH[s]}{leaves[li][3]} {m}"
        if zh
        else f"{BRANDS[b][0]} {leaves[li][2]}, {STYLES_EN[s]} {m}"
        for b, s, li, m, zh in zip(brand, style, leaf, model, is_chinese, strict=True)
    ]
    return Catalogue(
        title=title,
        category=[leaves[index][1] for index in leaf],
        brand=[BRANDS[index][0] for index in brand],
        colour=[COLOURS[index] for index in rng.integers(0, len(COLOURS), count)],
        top=top,
        leaf=leaf,
        leaf_name=[entry[2].lower() for entry in leaves],
        leaf_name_zh=[entry[3] for entry in leaves],
        list_price=list_price,
        cost=np.round(list_price * rng.uniform(0.45, 0.75, count), 2),
        vector=vector,
        popularity=rng.normal(0.0, 0.8, count),
        relative_price=np.log(list_price / median),
        listed_day=calendar.start_s // DAY_SECONDS - rng.integers(5, 900, count),
    )
