"""Reads reports: a parsed page, the text of a PDF, embedded pictures."""

import base64
from html.parser import HTMLParser
from io import BytesIO

import pypdf

VOID = {"meta", "img", "source", "br", "hr", "link", "input"}
MAX_PICTURE_BYTES = 2 * 2**20


class Page(HTMLParser):
    """A parsed page; fails where a tag is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.headings = [], [], []
        self.quotes, self.words = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"h1", "h2", "h3"}:
            self.headings.append([tag, ""])
        if tag == "blockquote":
            self.quotes.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if self.open and self.open[-1] in {"h1", "h2", "h3"}:
            self.headings[-1][1] += data
        if "blockquote" in self.open:
            self.quotes[-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def section(self, title):
        return [heading for _, heading in self.headings].index(title)


def pdf_text(body):
    reader = pypdf.PdfReader(BytesIO(body))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def pictures(page):
    """The plots of a page, decoded."""
    uris = [one["src"] for one in page.all("img")] + [one["srcset"] for one in page.all("source")]
    assert all(uri.startswith("data:image/svg+xml;base64,") for uri in uris)
    return [base64.b64decode(uri.partition(",")[2]) for uri in uris]
