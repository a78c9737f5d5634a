"""What to do with the customers of each segment, by segment id."""

from __future__ import annotations

from ml.sentences import Said

ACTIONS = {
    0: Said("Treat alike until there is more history", "历史数据还少，暂时一视同仁"),
    1: Said(
        "Reward them: early access, a personal contact, ask for a referral",
        "奖励他们：抢先体验、专人联系、邀请推荐新客",
    ),
    2: Said(
        "Keep them: loyalty points, cross-sell the next category",
        "留住他们：会员积分、交叉推荐下一个品类",
    ),
    3: Said("Grow them: bundles and a second-category offer", "培养他们：组合套装、第二品类的优惠"),
    4: Said(
        "Welcome them: onboarding series and an offer for the second order",
        "欢迎他们：新手引导系列、第二单优惠",
    ),
    5: Said(
        "Remind them: what is new in their categories, a time-limited offer",
        "提醒他们：所购品类的新品、限时优惠",
    ),
    6: Said(
        "Win them back now: a personal offer and a call for the most valuable",
        "立即挽回：专属优惠，最有价值的客户电话联系",
    ),
    7: Said("Wake them cheaply: seasonal mailings only", "低成本唤醒：只发应季邮件"),
    8: Said("Do not spend on them: one last survey, then suppress", "不再投入：最后做一次调查，之后停止触达"),
}
