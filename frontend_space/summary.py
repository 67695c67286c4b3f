"""The summary of a product as HTML: each sentence with links to the reviews behind its counts."""

from collections.abc import Mapping

from frontend_space import markup
from frontend_space.evidence import Place, linked
from reviewlens import Client
from reviewlens.models import SummaryCount, SummarySentence

_LABELS: Mapping[str, str] = {
    "analysed": "analysed",
    "rated": "with stars",
    "read": "read",
    "negative": "negative",
    "neutral": "neutral",
    "positive": "positive",
    "praise": "praise",
    "complaint": "complain",
    "mention": "mention it",
    "complaint_older": "complain, older half",
    "complaint_newer": "complain, newer half",
    "negative_before": "negative before",
    "negative_since": "negative since",
    "complaint_before": "complain before",
    "complaint_since": "complain since",
}


def summary_html(client: Client, product_id: str) -> str:
    """What the reviews of a product say, in counts and quotations."""
    answer = client.summary(product_id)
    if not answer.sentences:
        return markup.note(answer.text, "empty")
    return "".join(map(_sentence, answer.sentences))


def _sentence(sentence: SummarySentence) -> str:
    links = ", ".join(map(_link, sentence.counts))
    return f'<p>{markup.safe(sentence.text)}</p><p class="fresh">Reviews: {links}</p>'


def _link(count: SummaryCount) -> str:
    label = _LABELS.get(count.what, count.what)
    about = f" ({count.aspect})" if count.aspect else ""
    return linked(f"{count.reviews:,} {label}{about}", count.reviews_link, Place())
