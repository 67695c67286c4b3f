"""The sentences of a summary, each with the counts, quotes and reviews that prove it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from lambdas.insights import wording
from lambdas.insights.figures import reviews_link
from lambdas.insights.opinions import SENTIMENTS, Opinions, Reading, Side, Trend
from lambdas.insights.summary_quotes import QuoteChooser
from shared.db.insights.reviews import ReviewFilters
from shared.db.insights.trends import DaySums
from shared.schemas.causes import Cause, Explanation
from shared.schemas.insights import Change
from shared.schemas.quotes import Quote
from shared.schemas.summary import Counted, SentenceKind, SummaryCount, SummarySentence

MAX_IDS = 100
_MIN_RATED = 2
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SummaryWriter:
    """Writes sentences about the reviews of a product."""

    filters: ReviewFilters
    """All reviews that were asked for."""
    window: ReviewFilters
    """Those of them that were read for aspects: all, or the newest."""
    is_cut: bool
    """Whether there are more than were read."""
    readings: Sequence[Reading]
    quotes: QuoteChooser
    read_ids: Callable[[ReviewFilters], list[str]]
    """Reads the ids of the newest reviews, at most 100."""

    def overall(self, sums: DaySums) -> SummarySentence:
        """How many reviews are positive and negative, and their mean stars."""
        analysed = sums.analysed
        kinds: tuple[Counted, Counted] = ("positive", "negative")
        numbers = {"positive": sums.positive, "negative": sums.negative, "neutral": sums.neutral}
        if sums.negative > sums.positive:
            kinds = ("negative", "positive")
        first, second = kinds
        if numbers[first] == 0:
            first = "neutral"
        counts = [self._of_sentiment(first, numbers[first], analysed)]
        if numbers[first] == analysed:
            text = f"All {analysed:,} reviews are {first}"
        else:
            verb = "is" if numbers[first] == 1 else "are"
            text = f"{wording.part(numbers[first], analysed)} {verb} {first}"
            counts.append(self._of_sentiment(second, numbers[second], analysed))
            text += " and " + _rest(numbers[second], analysed, second)
        if sums.rated >= _MIN_RATED:
            mean = sums.rating_sum / sums.rated
            counts.append(
                SummaryCount(
                    what="rated", reviews=sums.rated, mean_rating=mean, reviews_link=self._link()
                )
            )
            text += f"; the average is {mean:.1f} stars"
        ids = self.read_ids(replace(self.filters, sentiment=first))
        return _sentence("overall", f"{text}.", counts, ids)

    def nothing(self) -> SummarySentence:
        """That no aspect stands out."""
        read = len(self.readings)
        count = SummaryCount(what="read", reviews=read, reviews_link=self._link(self.window))
        text = f"No aspect stands out in what {wording.reviews(read)} praise or criticise."
        return _sentence("praise", text, [count], _ids(self.readings))

    def opinion(self, leading: Sequence[Opinions], side: Side, *, also: bool) -> SummarySentence:
        """What is praised or complained about most.

        Args:
            leading: the aspects, the most frequent first; at least one.
            side: praise or complaints.
            also: the other side is about the same aspect.
        """
        first, *others = leading
        quote = self.quotes.choose(first.aspect, side)
        name = self.quotes.name(first.aspect)
        count = len(first.of(side))
        number = self._count_of(count)
        if side == "praise":
            text = f"People praise {name} most, in {number}"
        else:
            text = f"The most common complaint is {'also ' * also}about {name}, in {number}"
        if others:
            text += f", then {wording.joined([self._follower(each, side) for each in others])}"
        counts = [self._of_aspect(each, side) for each in leading]
        text += wording.quotation(quote)
        return _sentence(side, text, counts, _ids(first.of(side)), quote)

    def trend(self, opinions: Opinions, trend: Trend) -> SummarySentence:
        """How the most common complaint developed."""
        name = self.quotes.name(opinions.aspect)
        older = wording.part(trend.complaints_older, trend.older, "older reviews")
        newer = wording.part(trend.complaints_newer, trend.newer, "newer ones")
        if trend.direction == 0:
            text = f"There is no clear trend in complaints about {name}: {older} and {newer}."
        else:
            way = "more frequent" if trend.direction > 0 else "rarer"
            text = f"Complaints about {name} have become {way}: from {older} to {newer}."
        cut = trend.newer_from
        since = replace(self.filters, first_day=cut)
        before = replace(self.window, last_day=cut - _DAY)
        counts = [
            self._of_complaints(
                "complaint_newer", opinions.aspect, trend.complaints_newer, trend.newer, since
            ),
            self._of_complaints(
                "complaint_older", opinions.aspect, trend.complaints_older, trend.older, before
            ),
        ]
        newest = [each for each in opinions.complaint if each.day and each.day >= cut]
        return _sentence("trend", text, counts, _ids(newest))

    def disagreement(self, opinions: Opinions, side: Side) -> SummarySentence:
        """Who does not agree with most about an aspect."""
        quote = self.quotes.choose(opinions.aspect, side)
        name = self.quotes.name(opinions.aspect)
        says = "are pleased" if side == "praise" else "find fault"
        count, mentions = len(opinions.of(side)), len(opinions.mention)
        if 2 * count > mentions:
            number = wording.part(count, mentions)
            text = f"But most reviews that mention {name} {says}: {number}"
        else:
            number = f"{count:,} of the {wording.reviews(mentions)} on this"
            text = f"Not everyone agrees about {name}: {number} {says}"
        text += f"{wording.in_brackets(quote)}."
        mention = SummaryCount(
            what="mention",
            aspect=opinions.aspect,
            reviews=len(opinions.mention),
            reviews_link=self._link(self.window, aspect=opinions.aspect),
        )
        counts = [self._of_aspect(opinions, side, of=len(opinions.mention)), mention]
        return _sentence("disagreement", text, counts, _ids(opinions.of(side)), quote)

    def change(self, change: Change, explanation: Explanation | None) -> SummarySentence:
        """Since when the reviews are worse or better, and the aspect that explains it."""
        is_worse = change.direction == "worse"
        before = round(change.negative_before * change.reviews_before)
        since = round(change.negative_after * change.reviews_after)
        text = (
            f"Since {wording.day(change.day)} the reviews are {change.direction}:"
            f" {wording.part(since, change.reviews_after, '')}"
            f" {'is' if since == 1 else 'are'} negative,"
            f" against {wording.part(before, change.reviews_before, '')} before"
        )
        after = replace(self.filters, first_day=change.day)
        earlier = replace(self.filters, last_day=change.day - _DAY)
        counts = [
            self._of_sentiment("negative", since, change.reviews_after, after, "negative_since"),
            self._of_sentiment(
                "negative", before, change.reviews_before, earlier, "negative_before"
            ),
        ]
        quote = None
        if explanation is not None and explanation.causes:
            cause = explanation.causes[0]
            quote = self.quotes.choose_from(
                cause.quotes_after, "complaint" if is_worse else "praise"
            )
            text += _because(cause, explanation, self.quotes.name(cause.aspect))
            text += wording.in_brackets(quote)
            counts += self._of_cause(cause, explanation, change)
        ids = self.read_ids(replace(after, sentiment="negative"))
        return _sentence("change", f"{text}.", counts, ids, quote)

    def _count_of(self, count: int) -> str:
        newest = "the newest" if self.window.first_day != self.filters.first_day else "the first"
        which = newest if self.is_cut else ""
        return wording.part(count, len(self.readings), which=which)

    def _follower(self, opinions: Opinions, side: Side) -> str:
        return f"{self.quotes.name(opinions.aspect)} ({len(opinions.of(side)):,})"

    def _of_sentiment(
        self,
        sentiment: Counted,
        count: int,
        of: int,
        filters: ReviewFilters | None = None,
        what: Counted | None = None,
    ) -> SummaryCount:
        link = self._link(filters, sentiment=sentiment)
        return SummaryCount(what=what or sentiment, reviews=count, of=of, reviews_link=link)

    def _of_aspect(self, opinions: Opinions, side: Side, of: int | None = None) -> SummaryCount:
        return SummaryCount(
            what=side,
            aspect=opinions.aspect,
            reviews=len(opinions.of(side)),
            of=len(self.readings) if of is None else of,
            reviews_link=self._link(
                self.window, aspect=opinions.aspect, aspect_sentiment=SENTIMENTS[side]
            ),
        )

    def _of_complaints(
        self, what: Counted, aspect: str, count: int, of: int, filters: ReviewFilters
    ) -> SummaryCount:
        link = self._link(filters, aspect=aspect, aspect_sentiment="negative")
        return SummaryCount(what=what, aspect=aspect, reviews=count, of=of, reviews_link=link)

    def _of_cause(
        self, cause: Cause, explanation: Explanation, change: Change
    ) -> list[SummaryCount]:
        days = replace(self.filters, first_day=explanation.first_day, last_day=explanation.last_day)
        since = replace(days, first_day=change.day)
        before = replace(days, last_day=change.day - _DAY)
        numbers = explanation.reviews_after, explanation.reviews_before
        return [
            self._of_complaints(
                "complaint_since", cause.aspect, cause.complaints_after, numbers[0], since
            ),
            self._of_complaints(
                "complaint_before", cause.aspect, cause.complaints_before, numbers[1], before
            ),
        ]

    def _link(self, filters: ReviewFilters | None = None, **more: str) -> str:
        filters = filters or self.filters
        return reviews_link(
            product_id=filters.product_id,
            **more,
            first_day=filters.first_day,
            last_day=filters.last_day,
        )


def _rest(count: int, total: int, sentiment: str) -> str:
    if not count:
        return f"none is {sentiment}"
    verb = "is" if count == 1 else "are"
    return f"{count:,} ({wording.share(count, total)}) {verb} {sentiment}"


def _because(cause: Cause, explanation: Explanation, name: str) -> str:
    before = wording.share(cause.complaints_before, explanation.reviews_before)
    after = wording.share(cause.complaints_after, explanation.reviews_after)
    way = "rose" if cause.share_after > cause.share_before else "fell"
    return f"; complaints about {name} {way} from {before} to {after} of reviews"


def _ids(reviews: Sequence[Reading]) -> list[str]:
    return [each.review_id for each in reviews[:MAX_IDS]]


def _sentence(
    kind: SentenceKind,
    text: str,
    counts: list[SummaryCount],
    review_ids: list[str],
    quote: Quote | None = None,
) -> SummarySentence:
    return SummarySentence(
        kind=kind,
        text=text,
        counts=counts,
        quotes=[quote] if quote else [],
        review_ids=review_ids,
    )
