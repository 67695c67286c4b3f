"""Tab Overview: how things are, what changed, what it costs and what waits; every figure a link."""

from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, client_of
from frontend_space.causes import quote_html
from frontend_space.evidence import DEFAULT_PERIOD, PERIODS, Place, linked
from frontend_space.impact import cost
from frontend_space.problems import PageError
from frontend_space.tabs.frame import HIDDEN, showing_errors
from frontend_space.tabs.picking import filled_segments, segment_picker
from reviewlens import ApiError, Client
from reviewlens.models import Aspect, Compared, ExplainedMover, Overview, Period, Waiting

_MAX_PROOFS = 20
_REMEMBER = """(category, days) => {
  const place = new URL(window.location);
  place.searchParams.delete('evidence');
  for (const [name, value] of [['category', category], ['days', days]])
    value ? place.searchParams.set(name, value) : place.searchParams.delete(name);
  history.replaceState(null, '', place);
  return [category, days]; }"""
"""Writes the choices into the address, so that a link shows the same."""


def build(backend: Backend, page: gr.Blocks, tab: gr.Tab, banner: gr.HTML) -> None:
    """Draw the tab; it is filled when the page is opened, and anew when the state changes."""
    with gr.Row():
        category = segment_picker("overview", "category")
        days = gr.Dropdown(
            PERIODS, value=DEFAULT_PERIOD, label="Compared period", min_width=150,
            elem_id="overview-days",
        )  # fmt: skip
    proof = gr.HTML("", elem_id="evidence", elem_classes=["live"])
    shown = gr.HTML(markup.note("Loading…", "empty"), elem_id="overview", elem_classes=["live"])

    @showing_errors()
    def show_choice(name: str, length: str) -> str:
        return overview_html(client_of(backend), Place(name or "", length))

    @showing_errors()
    def show_address(request: gr.Request) -> str:
        """Unlike the pickers, the address is right from the beginning."""
        return overview_html(client_of(backend), _place(request))

    @showing_errors()
    def prove(request: gr.Request) -> str:
        link = _place(request).evidence
        return evidence_html(client_of(backend), link) if link else ""

    def choose(request: gr.Request) -> tuple[Any, Any]:
        place = _place(request)
        try:
            segments = client_of(backend).segments("category")
        except (ApiError, PageError):  # the overview shows the error
            return gr.skip(), place.days
        return filled_segments(segments, "category", place.category), place.days

    event: dict[str, Any] = {"concurrency_id": "reads", **HIDDEN}
    page.load(show_address, None, shown, **event)
    page.load(prove, None, proof, **event)
    page.load(choose, None, [category, days], **event)
    for picker in (category, days):
        picker.input(show_choice, [category, days], shown, js=_REMEMBER, **event)
        picker.input(lambda: "", None, proof, **HIDDEN)
    gr.on([tab.select, banner.change], show_address, None, shown, **event)


def _place(request: gr.Request) -> Place:
    return Place.of({name: str(value) for name, value in request.query_params.items()})


def evidence_html(client: Client, link: str) -> str:
    """The reviews behind a figure that was followed."""
    page = client.linked_reviews(link, limit=_MAX_PROOFS).page()
    cards = markup.cards([markup.card(review) for review in page.reviews], "No review matches.")
    more = '<p class="fresh">The newest 20 are shown.</p>' if page.next_cursor else ""
    return markup.section("Reviews behind this figure", cards + more)


def overview_html(client: Client, place: Place) -> str:
    """The overview of all products or of a category."""
    answer = client.overview(category=place.category or None, days=int(place.days))
    return "".join(
        (
            _now(answer, place),
            _movers("Got worse", answer.worse, answer, place),
            _movers("Got better", answer.better, answer, place),
            _costly(answer, place),
            _waiting(answer.waiting),
            markup.fresh(answer.freshness),
        )
    )


def _now(answer: Overview, place: Place) -> str:
    now, before = answer.now, answer.before
    if now is None or before is None:
        return markup.note("No review has a date yet, so nothing can be compared.", "empty")
    rows = (
        ("reviews", f"{now.reviews:,}", f"{before.reviews:,}"),
        ("net sentiment", markup.net(now.net_sentiment), markup.net(before.net_sentiment)),
        ("mean stars", markup.mean(now.mean_rating), markup.mean(before.mean_rating)),
        ("negative", _negative(now), _negative(before)),
    )
    facts = "".join(
        f'<div class="fact"><dt>{name}</dt><dd>{linked(value, now.reviews_link, place)}'
        f" <small>{linked(f'{earlier} before', before.reviews_link, place)}</small></dd></div>"
        for name, value, earlier in rows
    )
    days = f"{markup.day(now.first_day)} to {markup.day(now.last_day)}"
    earlier = f"{markup.day(before.first_day)} to {markup.day(before.last_day)}"
    return markup.section(
        "How it is now",
        f'<dl class="figures">{facts}</dl>'
        f'<p class="fresh">{days}, against {earlier}. {markup.safe(markup.base(now))}.</p>',
    )


def _negative(period: Period) -> str:
    return markup.share(period.sentiment_shares.negative if period.sentiment_shares else None)


def _movers(title: str, movers: list[ExplainedMover], answer: Overview, place: Place) -> str:
    if not movers:
        tested = f"{answer.products_tested:,} tested"
        note = f"No product {title.lower()} by more than chance explains ({tested})."
        return markup.section(title, markup.note(note, "empty"))
    return markup.section(title, markup.cards([_mover(each, place) for each in movers], ""))


def _mover(mover: ExplainedMover, place: Place) -> str:
    change, cause = mover.change, mover.cause
    shares = (
        f"{markup.share(change.negative_before)} → {markup.share(change.negative_after)} negative"
    )
    why = ""
    if cause is not None:
        text = (
            f"{cause.aspect}: {cause.complaints_before:,} → {cause.complaints_after:,} complaints"
        )
        why = f"<p><strong>{linked(text, cause.reviews_link, place)}</strong></p>"
        quotes = cause.quotes_after if change.direction == "worse" else cause.quotes_before
        why += "".join(map(quote_html, quotes[:1]))
    return (
        f'<li class="card aspect"><div class="facts"><span class="move {change.direction}">'
        f"{change.direction} since {markup.day(change.day)}</span></div>"
        f"<h4>{markup.safe(mover.title or mover.product_id)}</h4>"
        f"<p>{linked(shares, change.reviews_link, place)}</p>{why}</li>"
    )


def _costly(answer: Overview, place: Place) -> str:
    title = "What costs most"
    if answer.compared is None or not answer.aspects:
        note = "No complaint surely costs anything, or there are too few reviews to say."
        return markup.section(title, markup.note(note, "empty"))
    scale = answer.compared.scale
    head = ("Aspect", "On the mean", "Complaints", "Their mean", "Mean of praise", "A complaint")
    unit = "stars" if scale == "stars" else "points of net sentiment"
    about = (
        f"In {unit}, from {answer.compared.reviews:,} reviews. A complaint: what it takes from a"
        " review by itself, with its interval of 95%. On the mean: what all of them take."
    )
    rows = [_cost_cells(aspect, answer.compared, place) for aspect in answer.aspects]
    table = markup.table(head, rows, "Aspects whose complaints cost most")
    return markup.section(title, f'<p class="fresh">{about}</p><div class="numbers">{table}</div>')


def _cost_cells(aspect: Aspect, compared: Compared, place: Place) -> tuple[str, ...]:
    impact = aspect.impact
    if impact is None:
        return (markup.safe(aspect.aspect), *("",) * 5)
    low, high = (cost(value, compared.scale) for value in (impact.effect_low, impact.effect_high))
    return (
        linked(aspect.aspect, aspect.reviews_link, place),
        cost(impact.cost, compared.scale),
        linked(f"{impact.complaining.reviews:,}", impact.complaints_link, place),
        markup.mean(impact.complaining.mean),
        markup.mean(impact.praising.mean),
        markup.safe(f"{cost(impact.effect, compared.scale)} ({low} to {high})"),
    )


def _waiting(waiting: Waiting) -> str:
    parts = []
    if waiting.ingests:
        parts.append(
            f"{waiting.ingests:,} uploads are in work, {waiting.reviews:,} reviews wait for the"
            " model."
        )
    if waiting.failed_shards:
        parts.append(
            f"{waiting.failed_shards:,} batches of {waiting.failed_ingests:,} uploads failed; the"
            " tab Upload says why."
        )
    if not parts:
        return markup.section("What waits", markup.note("Nothing waits.", "empty"))
    kind = "warning" if waiting.failed_shards else "info"
    return markup.section("What waits", markup.note(" ".join(parts), kind))
