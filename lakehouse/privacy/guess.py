"""Proposed classes for the columns of a file that nobody has looked at yet; a person confirms them.

Values speak before names: a column called `note` full of phone numbers is a phone. What a number is, is decided by its
check digit (identity cards by GB 11643, bank cards by Luhn) or by the numbering plans of libphonenumber.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from lakehouse.errors import InputError

ENOUGH = 0.8
"""Share of the values that must look alike; files have typing errors and stand-ins for nothing."""
PROFILED = 5_000
"""Values of a column that are looked at."""
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范"
    "汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向汤"
)
"""The hundred most frequent family names of China, and how a full name begins."""
SEXES = frozenset(
    ("m", "f", "male", "female", "man", "woman", "men", "women", "herr", "frau", "mr", "mrs", "ms", "u", "unknown")
    + ("男", "女", "男性", "女性", "未知")
)
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[a-z]{2,}", re.IGNORECASE)
CHINESE_PLACE = re.compile(r"(省|市|区|县|镇|乡|路|街|道|巷|弄|号|室|栋|单元).*\d|[省市区县].*[路街道巷号]")
STREET = re.compile(r"\d+\w? \w|\w \d+\w?$")
PHONE_LIKE = re.compile(r"[+(]?[\d\s().\-/+]{6,24}")
DECIMALS = re.compile(r"[-+]?\d{1,3}\.\d{3,}")


@dataclass(frozen=True)
class Guess:
    """A proposal: the class, what the column seems to hold, why, and the share of its values that look like that.

    `share` is None where only the name speaks.
    """

    column: str
    kind: str
    what: str
    why: str
    share: float | None = None


@dataclass(frozen=True)
class _Sign:
    """What values look like: `looks` judges one value, `name` is a pattern of the column's name.

    A sign that `needs_name` counts only where the name says so too; `by_name` is enough without any value.
    """

    what: str
    kind: str
    looks: Callable[[str], bool] | None
    name: str = ""
    needs_name: bool = False
    by_name: bool = False


def guess_columns(columns: Mapping[str, Sequence[str | None]], regions: Collection[str] = ("CN",)) -> list[Guess]:
    """A proposal for each column.

    Args:
        columns: name -> values as text, of which the first `PROFILED` that are not empty are looked at.
        regions: countries (ISO 3166) whose phone numbers may stand without a country code.
    """
    signs = _signs(frozenset(regions))
    return [_guess(name, _told(values), signs) for name, values in columns.items()]


def looks_personal(keys: Sequence[str]) -> str | None:
    """What keys are that say who somebody is: an e-mail address, identity card or phone number; None for other keys."""
    told = _told(keys)

    def are_likely(looks: Callable[[str], object]) -> bool:
        return bool(told) and sum(map(bool, map(looks, told))) >= ENOUGH * len(told)

    if are_likely(_is_email):
        return "an e-mail address"
    if are_likely(is_id_card):
        return "an identity card"
    # Asked first, for libphonenumber takes a while to load.
    if are_likely(PHONE_LIKE.fullmatch) and are_likely(phone_judge(frozenset({"CN"}), True)):
        return "a phone number"
    return None


def known_region(code: str) -> str:
    """A country as libphonenumber knows it.

    Raises:
        InputError: it does not.
    """
    import phonenumbers

    if code.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise InputError(f"--region {code!r} is no country code of two letters, such as CN, US or DE")
    return code.upper()


def _told(values: Sequence[str | None]) -> list[str]:
    told = []
    for value in values:
        text = "" if value is None else value.strip()
        if text and text.lower() not in ("null", "none", "nan", "n/a", "na", "-"):
            told.append(text)
            if len(told) == PROFILED:
                break
    return told


def _guess(column: str, values: list[str], signs: Sequence[_Sign]) -> Guess:
    words = _words(column)
    for sign in signs:
        is_named = bool(sign.name) and re.search(sign.name, words) is not None
        if sign.needs_name and not is_named:
            continue
        share = sum(map(sign.looks, values)) / len(values) if sign.looks and values else None
        if share is not None and share >= ENOUGH:
            named = f"; its name says so too ({column})" if is_named and not sign.needs_name else ""
            return Guess(column, sign.kind, sign.what, f"values look like it{named}", share)
        if is_named and sign.by_name:
            return Guess(column, sign.kind, sign.what, f"by its name ({column})", share)
    if _is_written(values):
        return Guess(column, "sensitive", "words of a person", "sentences, hardly any twice", 1.0)
    return Guess(column, "none", "", "nothing in its name or values speaks of a person")


def _words(column: str) -> str:
    """A column's name in lower case, its words apart: `CustomerID` and `customer-id` are `customer_id`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", column.strip())
    return re.sub(r"[^0-9a-z一-鿿]+", "_", apart.lower()).strip("_")


def _is_written(values: list[str]) -> bool:
    """Whether values are sentences: long, with blanks or Chinese marks between words, hardly any twice."""
    if len(values) < 10 or len(set(values)) < 0.5 * len(values):
        return False
    long = sum(len(v.split()) >= 5 or (len(v) >= 8 and re.search("[，。！？,!?]", v) is not None) for v in values)
    return long >= 0.5 * len(values) and sum(map(len, values)) / len(values) >= 20


def is_id_card(value: str) -> bool:
    """By its form, date of birth and check digit: districts come and go."""
    if not re.fullmatch(r"[1-8]\d{5}(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]", value):
        return False
    from stdnum.iso7064 import mod_11_2

    return bool(mod_11_2.is_valid(value.upper()))


def is_bank_card(value: str) -> bool:
    """By its length and Luhn's check digit."""
    from stdnum import luhn

    digits = re.sub(r"[ -]", "", value)
    return digits.isdigit() and 13 <= len(digits) <= 19 and len(set(digits)) > 2 and bool(luhn.is_valid(digits))


def _is_ip(value: str) -> bool:
    try:
        ip_address(re.sub(r"\*$", "0", value))
    except ValueError:
        return False
    return True


@lru_cache(maxsize=8)
def phone_judge(regions: frozenset[str], is_strict: bool) -> Callable[[str], bool]:
    """A judge of whether a value is a phone number.

    Strict: a bare row of digits must be a mobile number of a region, for many keys are numbers of a landline as well.
    """
    import phonenumbers
    from phonenumbers import PhoneNumberType

    @lru_cache(maxsize=PROFILED)
    def looks(value: str) -> bool:
        if not PHONE_LIKE.fullmatch(value) or re.fullmatch(r"[\d.]*\.\d+|\d{4}-\d\d?-\d\d?.*", value):
            return False
        for region in [None] if value.startswith(("+", "00")) else regions:
            try:
                number = phonenumbers.parse(re.sub("^00", "+", value), region)
            except phonenumbers.NumberParseException:
                continue
            if region is None and phonenumbers.is_possible_number(number):
                return True
            if phonenumbers.is_valid_number(number):
                kind = phonenumbers.number_type(number)
                if not (is_strict and value.isdigit()) or kind == PhoneNumberType.MOBILE:
                    return True
        return False

    return looks


def _is_chinese_name(value: str) -> bool:
    return re.fullmatch("[一-鿿]{2,4}", value) is not None and value[0] in SURNAMES


def _is_latin_name(value: str) -> bool:
    return re.fullmatch(r"[^\W\d_][^\W\d_.'’-]*([ .'’-]+[^\W\d_]+){0,4}\.?", value) is not None


def _is_name(value: str) -> bool:
    return _is_chinese_name(value) or _is_latin_name(value)


def _is_address(value: str) -> bool:
    return _is_chinese_place(value) or STREET.search(value) is not None


def _is_place(value: str) -> bool:
    return DECIMALS.fullmatch(value) is not None and abs(float(value)) <= 180


@lru_cache(maxsize=4)
def _signs(regions: frozenset[str]) -> tuple[_Sign, ...]:
    """What is looked for, the surest first."""
    who = r"(customer|cust|client|user|buyer|member|subscriber|household|person|contact|shopper|visitor|owner|holder)"
    direct, quasi = "direct_identifier", "quasi_identifier"
    name = rf"(^|_)(full|first|last|given|family|sur|middle|nick)_?name|{who}_?name|姓名|^name$|(^|_)contact$"
    place = (
        r"(^|_)(city|town|zip|postcode|post_code|postal|state|province|region|county|country|area_code)(_|$)|城市|省份"
    )
    life = (
        r"marital|nationality|ethnic|religion|occupation|(^|_)job(_|$)|kids|children|household_(size|comp)|education|"
        r"(^|_)lang(uage)?$|home_ownership|foreign|婚姻|职业|学历"
    )
    money = r"(^|_)(income|salary|debt|assets|savings|credit_limit|balance|wealth)(_|$)|收入|工资|余额"
    words = r"(^|_)(review|comment|message|body|query|notes?)(_|$)|评论|留言"
    key = rf"{who}_?(id|key|no|number|code)$|(^|_)(cookie|device|session)_?id$|客户号"
    phone, street = r"phone|mobile|(^|_)tel|电话|手机", r"(^|_)(street|address|addr)(_|\d|$)|地址"
    return (
        _Sign("e-mail address", direct, _is_email, r"e_?mail|邮箱"),
        _Sign("identity card", direct, is_id_card, r"id_?(card|no|number)|identity|身份证"),
        _Sign("bank card", "sensitive", is_bank_card, r"card_?(no|num)|iban|银行卡|卡号"),
        _Sign("IP address", "pseudonym", _is_ip, r"(^|_)ip(_|$)", by_name=True),
        _Sign("phone number", direct, phone_judge(regions, True), phone),
        _Sign("phone number", direct, phone_judge(regions, False), phone, needs_name=True),
        _Sign("name of a person", direct, _is_name, name, needs_name=True),
        _Sign("name of a person", direct, _is_chinese_name),
        _Sign("coordinate", direct, _is_place, r"(^|_)(lat|lng|lon|long)(itude)?(_|$)|经度|纬度", needs_name=True),
        _Sign("address", direct, _is_address, street, needs_name=True, by_name=True),
        _Sign("address", direct, _is_chinese_place),
        _Sign("gender", quasi, _is_gender, r"gender|(^|_)sex(_|$)|性别", by_name=True),
        _Sign("date of birth", quasi, None, r"birth|(^|_)dob(_|$)|出生|生日", by_name=True),
        _Sign("age", quasi, None, r"(^|_)age(_(band|group|range))?$|年龄", by_name=True),
        _Sign("place of living", quasi, None, place, by_name=True),
        _Sign("circumstances", quasi, None, life, by_name=True),
        _Sign("money of a person", "sensitive", None, money, by_name=True),
        _Sign("health", "sensitive", None, r"health|disease|diagnos|medic|disab|病", by_name=True),
        _Sign("words of a person", "sensitive", None, words, by_name=True),
        _Sign("key of a person", "pseudonym", None, key, by_name=True),
    )


def _is_email(value: str) -> bool:
    return EMAIL.fullmatch(value) is not None


def _is_gender(value: str) -> bool:
    return value.lower() in SEXES


def _is_chinese_place(value: str) -> bool:
    return CHINESE_PLACE.search(value) is not None
