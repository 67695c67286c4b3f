"""The part of the tab Upload before anything is uploaded: preview and choice of columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from frontend_space.backend import Backend, client_of
from frontend_space.columns import Detected, mapping_of
from frontend_space.previews import details, headline, problem_html, request_preview
from frontend_space.problems import PageError
from frontend_space.tabs import mapping_lists
from frontend_space.tabs.frame import HIDDEN
from reviewlens import ApiError
from reviewlens.models import MAPPING_OPTIONS


@dataclass(frozen=True, slots=True)
class Inspected:
    """The file and the written mapping that the lists of columns are about."""

    path: str
    written: str
    detected: Detected


class UploadPreview:
    """Shows how the chosen file would be read, again after each change of a column."""

    def __init__(self, backend: Backend, file: gr.File, *, max_bytes: int) -> None:
        """Draw the preview, hidden until a file is chosen."""
        self._backend, self._max_bytes = backend, max_bytes
        head = gr.HTML("", elem_id="preview-note", elem_classes=["live"])
        columns = mapping_lists.MappingLists()
        body = gr.HTML("", elem_id="preview")
        with gr.Accordion("Advanced options", open=False):
            written = gr.Textbox(
                label="Options and columns, written out",
                placeholder="rating_scale=10, sheet=Reviews",
                info=f"Options: {', '.join(MAPPING_OPTIONS)}. Columns: text=Opinion, rating=Grade.",
                max_length=2000,
                elem_id="mapping",
            )
        inspected = gr.State(None)
        self.inputs = [file, written, inspected, *columns.lists]
        """What ``choice`` needs."""
        outputs = [head, body, inspected, *columns.outputs]
        event: dict[str, Any] = {"concurrency_id": "reads", **HIDDEN}
        gr.on(
            [file.change, written.submit, written.blur],
            self._inspect,
            self.inputs[:3],
            outputs,
            **event,
        )
        gr.on(
            [each.input for each in columns.lists],
            self._refresh,
            self.inputs,
            [head, body],
            trigger_mode="always_last",
            **event,
        )

    def choice(
        self, path: str | None, written: str, inspected: Inspected | None, *lists: str | None
    ) -> tuple[Path, dict[str, str] | None]:
        """The file to send and its mapping.

        Raises:
            PageError: there is no file, no column for the text, or the mapping is not written well.
        """
        if not path:
            raise PageError("Choose a file first.")
        mapping = mapping_of(written)
        if inspected is None or (inspected.path, inspected.written) != (path, written):
            return Path(path), mapping  # there was no preview
        chosen = mapping_lists.chosen(lists)
        return Path(path), inspected.detected.mapping(chosen, mapping)

    def _inspect(self, path: str | None, written: str, before: Inspected | None) -> Any:
        """Preview a file with the detected columns, and offer its columns in the lists."""
        if not path:
            return "", "", None, *mapping_lists.shown(None)
        if before and (before.path, before.written) == (path, written):
            return [gr.skip()] * (3 + len(mapping_lists.shown(None)))
        try:
            check_size(Path(path), self._max_bytes)
            preview = request_preview(client_of(self._backend), Path(path), mapping_of(written))
        except (ApiError, PageError) as error:
            return problem_html(error), "", None, *mapping_lists.shown(None)
        detected = Detected.of(preview)
        inspected = Inspected(path, written, detected)
        return headline(preview), details(preview), inspected, *mapping_lists.shown(detected)

    def _refresh(self, *inputs: Any) -> tuple[str, str]:
        """Preview the file with the chosen columns."""
        try:
            path, mapping = self.choice(*inputs)
            preview = request_preview(client_of(self._backend), path, mapping)
        except (ApiError, PageError) as error:
            return problem_html(error), ""
        return headline(preview), details(preview)


def check_size(path: Path, max_bytes: int) -> int:
    """The size of a file.

    Raises:
        PageError: it is too large.
    """
    size = path.stat().st_size
    if size > max_bytes:
        raise PageError(f"This file is too large: the limit is {max_bytes // 2**20:,} MB.")
    return size
