"""What is shown of a value that says who somebody is: made once, while a file is landed; silver passes it on.

Each function takes a column of text as a source wrote it and gives one as long: null for null, for blanks and for what
cannot be such a value. None gives a value back whole.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

HIDDEN = "***"
"""In the place of a value of which nothing is shown."""
_BLANKS = " \t\r\n\u00a0\u3000\ufeff"
_NONE = pa.scalar(None, pa.string())
_GAPS = "[ \u3000·]"
_HAN = "[㐀-鿿]"
_DOUBLE_SURNAMES = (
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|宗政|濮阳|公冶|太叔|申屠|公孙|慕容|仲孙|钟离|"
    "长孙|宇文|司徒|鲜于|司空|令狐"
)
_PROVINCE = "(?:[一-鿿]{2,8}?(?:省|自治区|特别行政区))?"
_CITY = "(?:[一-鿿]{2,10}?(?:市|自治州|地区|盟))?"
_DISTRICT = "(?:[一-鿿]{0,8}?[^小社园校宅业市区](?:区|县|[左右前后中]旗))?"
"""Not what a house may be called: 小区, 社区, 园区, 校区, 住宅区, 工业区."""
_NUMBER = r"^[-+]?(?:\d+[.]?\d*|[.]\d+)(?:[eE][-+]?\d+)?$"
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"


def tidy(column: pa.Array) -> pa.Array:
    """Without blanks around it; null where nothing is left."""
    text = pc.utf8_trim(column.cast(pa.string()), _BLANKS)
    return pc.if_else(pc.equal(text, ""), _NONE, text)


def phone(column: pa.Array) -> pa.Array:
    """`+8613800138000` for a Chinese mobile however written, `+<country><number>` where the country is stated."""
    digits = pc.replace_substring_regex(tidy(column), "[^0-9+]", "")
    is_chinese = pc.match_substring_regex(digits, "^(?:[+]?86|0086)?1[3-9][0-9]{9}$")
    is_foreign = pc.match_substring_regex(digits, "^(?:[+]|00)[1-9][0-9]{6,14}$")
    chinese = _joined("+86", pc.utf8_slice_codeunits(digits, -11))
    foreign = _joined("+", pc.replace_substring_regex(digits, "^(?:[+]|00)", ""))
    return pc.if_else(is_chinese, chinese, pc.if_else(is_foreign, foreign, _NONE))


def masked_phone(column: pa.Array) -> pa.Array:
    """`138****5678`, others as country code and last digits: `+44****0958`."""
    whole = phone(column)
    is_chinese = pc.match_substring_regex(whole, "^[+]861[0-9]{10}$")
    begin = pc.if_else(is_chinese, pc.utf8_slice_codeunits(whole, 3, 6), pc.utf8_slice_codeunits(whole, 0, 3))
    is_long = pc.greater_equal(pc.utf8_length(whole), 11)
    end = pc.if_else(is_long, pc.utf8_slice_codeunits(whole, -4), pc.utf8_slice_codeunits(whole, -2))
    return _joined(begin, "****", end)


def e164(column: pa.Array) -> pa.Array:
    """Phone numbers in the one form that two sources can be compared by; what `phone` cannot read is null."""
    whole = phone(column)
    foreign = pc.invert(pc.fill_null(pc.match_substring_regex(whole, "^[+]861[0-9]{10}$"), True))
    if not pc.any(foreign).as_py():
        return whole
    written = column.filter(foreign).cast(pa.string()).to_pylist()
    return pc.replace_with_mask(whole, foreign, pa.array([_e164(text) for text in written], pa.string()))


@lru_cache(maxsize=1 << 16)
def _e164(text: str) -> str | None:
    """By libphonenumber, which knows that the 0 of `+44 (0)20` is not dialled; null where it finds no number."""
    import phonenumbers

    digits = "".join(character for character in text if character in "0123456789+()")
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    try:
        number = phonenumbers.parse(digits)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(column: pa.Array) -> pa.Array:
    """In lower case without blanks; null for what cannot be an address."""
    address = pc.replace_substring(lower(tidy(column)), " ", "")
    form = "^[a-z0-9._%+-]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,}$"
    return pc.if_else(pc.match_substring_regex(address, form), address, _NONE)


def masked_email(column: pa.Array) -> pa.Array:
    """`ann@example.com` as `a***@example.com`; of a name of one or two characters nothing: `***@example.com`."""
    address = email(column)
    begin = pc.if_else(pc.greater(pc.find_substring(address, "@"), 2), pc.utf8_slice_codeunits(address, 0, 1), "")
    return _joined(begin, "***", pc.replace_substring_regex(address, "^[^@]*", ""))


def masked_name(column: pa.Array) -> pa.Array:
    """The last character of a Chinese name (`**芳`), the first of another (`É**`); of a name of one character nothing.

    The family name is what stays hidden, for silver has the given name beside.
    """
    whole = pc.replace_substring_regex(tidy(column), _GAPS, "")
    is_han = pc.match_substring_regex(whole, f"^{_HAN}+$")
    shown = pc.if_else(
        is_han, _joined("**", pc.utf8_slice_codeunits(whole, -1)), _joined(pc.utf8_slice_codeunits(whole, 0, 1), "**")
    )
    return pc.if_else(pc.less_equal(pc.utf8_length(whole), 1), "**", shown)


def given_name(column: pa.Array) -> pa.Array:
    """What may tell a gender: of a Chinese name what follows the family name, else the first of several words."""
    name = tidy(column)
    whole = pc.replace_substring_regex(name, _GAPS, "")
    is_han = pc.match_substring_regex(whole, f"^{_HAN}{{2,}}$")
    of_han = pc.struct_field(pc.extract_regex(whole, f"^(?:{_DOUBLE_SURNAMES}|.)(?P<given>.+)$"), "given")
    latin = pc.extract_regex(lower(name), "^ *(?P<given>[a-zß-ɏ]{2,}) [^,]*[a-zß-ɏ]")
    return pc.if_else(is_han, of_han, pc.struct_field(latin, "given"))


def district_of(column: pa.Array) -> pa.Array:
    """Of a Chinese address the province, city and district that it begins with; null where it begins otherwise."""
    found = pc.struct_field(pc.extract_regex(tidy(column), f"^(?P<d>{_PROVINCE}{_CITY}{_DISTRICT})"), "d")
    return pc.if_else(pc.equal(found, ""), _NONE, found)


def hidden(column: pa.Array) -> pa.Array:
    """`***` where there is anything."""
    return pc.if_else(pc.is_valid(tidy(column)), HIDDEN, _NONE)


def year_of(column: pa.Array) -> pa.Array:
    """The year of a day, in any form that silver reads times in, from 1900 to 2999; null for none."""
    text = tidy(column)
    if text.null_count == len(text):
        return text
    told = text.dictionary_encode()
    years = pa.array([_year(value) for value in told.dictionary.to_pylist()], pa.string())
    return years.take(told.indices)


@lru_cache(maxsize=1 << 16)
def _year(text: str) -> str | None:
    from datetime import date, datetime, timezone

    if len(text) > 4 and text[4] in "-/":
        text = text.replace("/", "-") if text[4] == "/" else text
        parts = text.split(" ")[0].split("T")[0].split("-")
    elif text.isascii() and text.isdigit():
        if len(text) in (10, 13):
            moment = int(text) / (1 if len(text) == 10 else 1000)
            return str(datetime.fromtimestamp(moment, timezone.utc).year)
        parts = [text[:4], text[4:6], text[6:8]] if len(text) in (8, 14, 17) else []
    else:
        day, _, rest = text.partition("-")
        month, _, rest = rest.partition("-")
        is_so = len(day) in (1, 2) and len(month) == 3 and month.lower() in _MONTHS
        rest = rest.split(" ")[0].split("T")[0]
        parts = [rest, str((_MONTHS.index(month.lower()) + 3) // 3), day] if is_so else []
    if not 1 < len(parts) < 4 or not all(p.isascii() and p.isdigit() for p in parts):
        return None
    if len(parts[0]) != 4 or any(len(part) > 2 for part in parts[1:]):
        return None
    try:
        year = date(*map(int, [*parts, "1"][:3])).year
    except ValueError:
        return None
    return str(year) if 1900 <= year < 3000 else None


def cell_of(column: pa.Array) -> pa.Array:
    """The lower edge of the cell of a hundredth of a degree (1.1 km from south to north) that a coordinate is in."""
    text = tidy(column)
    plain = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, _NONE)
    degrees = pc.replace_substring_regex(plain, "^[+]", "").cast(pa.float64())
    cells = np.floor(degrees.to_numpy(zero_copy_only=False) * 100) / 100 + 0.0
    return pa.array(cells, from_pandas=True).cast(pa.string())


def normalised_key(column: pa.Array) -> pa.Array:
    """Keys that are identifiers in the form that pseudonyms are made of: e-mails in lower case, phones in E.164."""
    return pc.coalesce(email(column), e164(column), tidy(column))


def normalised(key: str) -> str:
    """One key in that form."""
    return str(normalised_key(pa.array([key], pa.string()))[0].as_py())


def lower(text: pa.Array) -> pa.Array:
    """In lower case as Unicode has it in full: `İ` is two characters then, which Arrow makes one."""
    return pc.utf8_lower(pc.replace_substring(text, "İ", "i̇"))


def _joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")
