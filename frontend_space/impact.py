"""What an aspect costs, as sentences."""

from frontend_space import markup
from reviewlens.models import Aspect, Compared, ImpactGroup, ImpactScale

_UNITS: dict[ImpactScale, str] = {"stars": "stars", "sentiment": "points of net sentiment"}
_DIGITS: dict[ImpactScale, int] = {"stars": 1, "sentiment": 0}
_LEAST_COST: dict[ImpactScale, float] = {"stars": 0.005, "sentiment": 0.5}
"""Less is shown as no cost."""


def against_category(aspect: Aspect) -> str:
    """Its share of negative sentences, and that of the other products of the category."""
    text = f"{markup.share(aspect.negative_share)} negative"
    if aspect.category_negative_share is not None:
        text += f", {markup.share(aspect.category_negative_share)} in its category"
    return text


def impact_html(aspect: Aspect, compared: Compared | None) -> str:
    """What reviews that complain and that praise give, and what the complaints cost."""
    impact = aspect.impact
    if impact is None or compared is None or not impact.complaining.reviews:
        return ""
    scale = compared.scale
    low, high = (signed(value, scale) for value in (impact.effect_low, impact.effect_high))
    sentences = [
        f"A complaint: {signed(impact.effect, scale)} {_UNITS[scale]} ({low} to {high}).",
        f"All of them: {cost(impact.cost, scale)} on the mean.",
        _means(impact.complaining, impact.praising, impact.not_mentioning, scale=scale),
    ]
    return f'<p class="why">{markup.safe(" ".join(sentences))}</p>'


def cost(value: float, scale: ImpactScale) -> str:
    """A cost with its sign and two digits, as costs are small."""
    if abs(value) < _LEAST_COST[scale]:
        return "nothing"
    return f"{value:+.{_DIGITS[scale] + 1}f}".replace("-", "−")  # noqa: RUF001 - a minus sign


def signed(value: float, scale: ImpactScale) -> str:
    """A difference on a scale, with its sign."""
    return f"{value:+.{_DIGITS[scale]}f}".replace("-", "−")  # noqa: RUF001 - a minus sign


def _means(*groups: ImpactGroup, scale: ImpactScale) -> str:
    names = ("complain", "praise", "do not mention it")
    parts = [
        f"{group.mean:.{_DIGITS[scale]}f} in {group.reviews:,} reviews that {name}"
        for group, name in zip(groups, names, strict=True)
        if group.mean is not None
    ]
    return f"Mean: {', '.join(parts)}."
