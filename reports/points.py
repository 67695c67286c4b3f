"""Intervals of a trend, merged where there are more than a plot can show."""

from collections.abc import Sequence

from reviewlens.models import Point, SentimentSplit


def merge_points(points: Sequence[Point], limit: int) -> list[Point]:
    """Up to ``limit`` points: neighbours are merged, weighted by their reviews."""
    step = -(-len(points) // limit)
    if step <= 1:
        return list(points)
    return [_merged(points[place : place + step]) for place in range(0, len(points), step)]


def _merged(points: Sequence[Point]) -> Point:
    shares = _mean_shares(points)
    return Point(
        start=points[0].start,
        end=points[-1].end,
        reviews=sum(point.reviews for point in points),
        analysed=sum(point.analysed for point in points),
        not_understood=sum(point.not_understood for point in points),
        not_analysed=sum(point.not_analysed for point in points),
        rated=sum(point.rated for point in points),
        mean_rating=_mean_rating(points),
        sentiment_shares=shares,
        net_sentiment=100 * (shares.positive - shares.negative) if shares else None,
        reviews_link=points[0].reviews_link,
    )


def _mean_shares(points: Sequence[Point]) -> SentimentSplit | None:
    split = [(point.sentiment_shares, point.analysed) for point in points if point.sentiment_shares]
    analysed = sum(count for _, count in split)
    if not analysed:
        return None
    means = {
        name: sum(getattr(shares, name) * count for shares, count in split) / analysed
        for name in SentimentSplit.model_fields
    }
    return SentimentSplit(**means)


def _mean_rating(points: Sequence[Point]) -> float | None:
    means = [(point.mean_rating, point.rated) for point in points if point.mean_rating is not None]
    rated = sum(count for _, count in means)
    return sum(mean * count for mean, count in means) / rated if rated else None
