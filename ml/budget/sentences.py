"""What is said of limits that exclude each other, and of what would make room."""

from __future__ import annotations

from ml.sentences import Said

NOTHING_WHOLE = Said(
    "no whole number lies between minimum and maximum of {channel}, {minimum:g} and {maximum:g}",
    "{channel}的下限{minimum:g}与上限{maximum:g}之间没有整数",
)
CROSSED = Said(
    "the minimum of {channel}, {minimum:,.10g}, is above its maximum, {maximum:,.10g}",
    "{channel}的下限{minimum:,.10g}高于其上限{maximum:,.10g}",
)
TOO_DEAR = Said(
    "the minimum of {channels} costs {cost:,.2f}, more than the budget of {budget:,.2f}: lower a minimum, or raise the "
    "budget to {enough:,.2f}, what all minima cost",
    "{channels}的下限需要{cost:,.2f}，超过预算{budget:,.2f}：请降低某个下限，或把预算提高到全部下限所需的{enough:,.2f}",
)
TOGETHER_TOO_DEAR = Said(
    "the minima of {channels} together cost {cost:,.2f}, more than the budget of {budget:,.2f}: lower a minimum, or "
    "raise the budget to {enough:,.2f}, what all minima cost",
    "{channels}的下限合计需要{cost:,.2f}，超过预算{budget:,.2f}：请降低某个下限，或把预算提高到全部下限所需的{enough:,.2f}",
)
MINIMUM = Said("{channel} ({count:,.10g} at {price})", "{channel}（{count:,.10g}次，单价{price}）")
BETWEEN, BEFORE_THE_LAST = Said(", ", "、"), Said(" and ", "和")
