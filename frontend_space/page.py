"""The whole page: six tabs over one back end."""

from pathlib import Path
from typing import Any

import gradio as gr

from frontend_space import markup, programs
from frontend_space.addresses import refuse_addresses
from frontend_space.backend import Backend
from frontend_space.settings import PageSettings
from frontend_space.tabs import analyze, explore, overview, products, trends, upload
from frontend_space.tabs.frame import HIDDEN

STYLE = Path(__file__).with_name("page.css")
_KEEP_SECONDS = 3600
_ANALYZE = "analyze"
_LIVE = """() => { const live = () => document.querySelectorAll('.live').forEach(
  (part) => part.setAttribute('aria-live', 'polite'));
  live(); new MutationObserver(live).observe(document.body, {childList: true, subtree: true});
  document.documentElement.lang = 'en'; }"""
_HEAD = """<header><h1>Reviewlens</h1><p>What customers say: sentiment, similar experiences,
 and when things changed.</p></header>"""


def build(backend: Backend, settings: PageSettings) -> gr.Blocks:
    """Build the page; nothing is started and no request is sent yet."""
    with gr.Blocks(
        title="Reviewlens",
        analytics_enabled=False,
        delete_cache=(_KEEP_SECONDS, _KEEP_SECONDS),
    ) as page:
        gr.HTML(_HEAD)
        banner = gr.HTML("", elem_id="banner", elem_classes=["live"])
        clock = gr.Timer(1.0)
        with gr.Tabs() as tabs:
            with gr.Tab("Overview") as tab:
                overview.build(backend, page, tab, banner)
            with gr.Tab("Analyze", id=_ANALYZE):
                analyze.build(backend, page)
            with gr.Tab("Explore"):
                explore.build(backend)
            with gr.Tab("Trends") as tab:
                trends.build(backend, tab)
            with gr.Tab("Products") as tab:
                products.build(backend, tab)
            with gr.Tab("Upload"):
                upload.build(backend, max_bytes=settings.page_max_upload_bytes)

        def show_tab(request: gr.Request) -> Any:
            """A link to a text opens the tab of texts."""
            return gr.Tabs(selected=_ANALYZE) if analyze.is_shared(request) else gr.skip()

        def show_state() -> tuple[Any, Any]:
            state = backend.state()
            kind = "error" if state.name == "failed" else "info"
            note = gr.HTML(markup.note(state.message, kind), visible=bool(state.message))
            return note, gr.Timer(active=state.name in {"starting", "filling"})

        quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, **HIDDEN}
        clock.tick(show_state, None, [banner, clock], **quiet)
        page.load(show_tab, None, tabs, **quiet)
        page.load(None, None, None, js=_LIVE, **HIDDEN)
        programs.add_endpoints(backend)
    page.queue(default_concurrency_limit=settings.page_concurrency, max_size=settings.page_queue)
    refuse_addresses(page)
    blocks: gr.Blocks = page
    return blocks


def theme() -> gr.themes.Base:
    """Calm colours with enough contrast in both modes, and system fonts."""
    sans = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    return gr.themes.Soft(
        primary_hue="indigo",
        neutral_hue="slate",
        font=sans,
        font_mono=("ui-monospace", "Consolas", "monospace"),
    ).set(
        block_padding="*spacing_md 0",
        block_background_fill_dark="transparent",
        block_title_text_color="*primary_700",
        block_label_text_color="*primary_700",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        input_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_600",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_secondary_border_color="*neutral_300",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_border_width="1px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
    )
