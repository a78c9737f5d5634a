"""Cities in which the shop's customers live: real names and centres, invented shares."""

from __future__ import annotations

from typing import NamedTuple


class City(NamedTuple):
    """One city: `weight` is its relative number of customers, `tier` 1 (richest) to 3."""

    name: str
    name_zh: str
    region: str
    country: str
    latitude: float
    longitude: float
    weight: float
    tier: int
    area_code: str  #: first six digits of an identity card issued there; empty abroad
    stores: int  #: stores of the chain in a full-size world
    phone_prefix: str  #: what a mobile number there starts with, in front of `phone_digits` free digits
    phone_digits: int


CITIES: tuple[City, ...] = (
    City("Shanghai", "上海", "Shanghai", "CN", 31.2304, 121.4737, 12.0, 1, "310101", 5, "", 9),
    City("Beijing", "北京", "Beijing", "CN", 39.9042, 116.4074, 11.0, 1, "110105", 4, "", 9),
    City("Shenzhen", "深圳", "Guangdong", "CN", 22.5431, 114.0579, 8.0, 1, "440304", 3, "", 9),
    City("Guangzhou", "广州", "Guangdong", "CN", 23.1291, 113.2644, 8.0, 1, "440106", 3, "", 9),
    City("Hangzhou", "杭州", "Zhejiang", "CN", 30.2741, 120.1551, 6.0, 1, "330106", 2, "", 9),
    City("Chengdu", "成都", "Sichuan", "CN", 30.5728, 104.0668, 6.0, 2, "510107", 2, "", 9),
    City("Nanjing", "南京", "Jiangsu", "CN", 32.0603, 118.7969, 4.0, 2, "320102", 2, "", 9),
    City("Suzhou", "苏州", "Jiangsu", "CN", 31.2989, 120.5853, 4.0, 2, "320508", 1, "", 9),
    City("Wuhan", "武汉", "Hubei", "CN", 30.5928, 114.3055, 4.0, 2, "420106", 2, "", 9),
    City("Xi'an", "西安", "Shaanxi", "CN", 34.3416, 108.9398, 3.5, 2, "610113", 1, "", 9),
    City("Chongqing", "重庆", "Chongqing", "CN", 29.5630, 106.5516, 4.0, 2, "500103", 2, "", 9),
    City("Tianjin", "天津", "Tianjin", "CN", 39.3434, 117.3616, 3.0, 2, "120101", 1, "", 9),
    City("Qingdao", "青岛", "Shandong", "CN", 36.0671, 120.3826, 2.5, 2, "370202", 1, "", 9),
    City("Jinan", "济南", "Shandong", "CN", 36.6512, 117.1201, 2.0, 3, "370102", 0, "", 9),
    City("Changsha", "长沙", "Hunan", "CN", 28.2282, 112.9388, 3.0, 2, "430102", 1, "", 9),
    City("Zhengzhou", "郑州", "Henan", "CN", 34.7466, 113.6254, 2.5, 3, "410105", 0, "", 9),
    City("Shenyang", "沈阳", "Liaoning", "CN", 41.8057, 123.4315, 2.0, 3, "210102", 1, "", 9),
    City("Xiamen", "厦门", "Fujian", "CN", 24.4798, 118.0894, 2.0, 2, "350203", 1, "", 9),
    City("Kunming", "昆明", "Yunnan", "CN", 25.0389, 102.7183, 1.5, 3, "530102", 0, "", 9),
    City("Harbin", "哈尔滨", "Heilongjiang", "CN", 45.8038, 126.5350, 1.2, 3, "230102", 0, "", 9),
    City("Hong Kong", "香港", "Hong Kong", "HK", 22.3193, 114.1694, 1.5, 1, "", 0, "+8529", 7),
    City("Singapore", "新加坡", "Singapore", "SG", 1.3521, 103.8198, 1.2, 1, "", 0, "+659", 7),
    City("London", "伦敦", "England", "GB", 51.5074, -0.1278, 1.2, 1, "", 0, "+447", 9),
    City("New York", "纽约", "New York", "US", 40.7128, -74.0060, 1.2, 1, "", 0, "+1646", 7),
    City("San Francisco", "旧金山", "California", "US", 37.7749, -122.4194, 0.8, 1, "", 0, "+1415", 7),
    City("Sydney", "悉尼", "New South Wales", "AU", -33.8688, 151.2093, 0.8, 1, "", 0, "+614", 8),
    City("Paris", "巴黎", "Île-de-France", "FR", 48.8566, 2.3522, 0.6, 1, "", 0, "+336", 8),
    City("Tokyo", "东京", "Tokyo", "JP", 35.6762, 139.6503, 0.7, 1, "", 0, "+8190", 8),
)

HOME_COUNTRY = "CN"

STREETS_ZH = (
    "人民路", "中山路", "解放路", "建设街", "和平路", "长江路", "黄河路", "文化路", "学院路", "滨江大道",
    "科技路", "翠湖路", "云林街", "青年路", "复兴路", "花园路", "东风路", "新华街", "朝阳路", "望江路",
)  # fmt: skip
STREETS_EN = (
    "High Street", "Station Road", "Church Lane", "Park Avenue", "Mill Road", "King Street", "Queen Street",
    "Victoria Road", "Oak Avenue", "Maple Drive",
    "Harbour Road", "River Lane", "Hill Street", "Market Street",
)  # fmt: skip
