"""What a report says of missing parts, wrong answers and wrong input."""

from datetime import date

import pytest

from tests.functional.report.contract_server import change
from tests.functional.report.pages import Page, pdf_text


@pytest.mark.parametrize(
    ("route", "title"),
    [
        ("trends", "Sentiment over time"),
        ("movers", "Products that changed"),
        ("aspects", "What people praise and complain about"),
        ("duplicates", "Repeated and copied reviews"),
        ("segments", "Categories and sources"),
    ],
)
def test_a_part_that_the_key_does_not_permit_is_named_and_the_rest_is_there(
    report, shop, tmp_path, route, title
):
    shop.forbidden.add(route)
    result = report("--json")
    page = Page((tmp_path / "report.html").read_text())
    assert f"Not available: The API does not provide it. GET /{route}: the key" in page.text
    assert "Worst reviews" in page.text
    assert title in result["not_available"]
    assert result["bytes"] == (tmp_path / "report.html").stat().st_size


def test_a_pdf_names_missing_parts(report, shop):
    shop.routes -= {"aspects", "trends"}
    text = pdf_text(report(to="r.pdf"))
    assert "Not available: The API does not provide it. GET /aspects: No route" in text


def test_an_invalid_answer_affects_its_section_only(report, shop):
    shop.changes = {None: {"day": "soon"}}
    page = Page(report())
    assert "GET /trends: the answer is not valid (change.day)" in page.text
    assert "folding hinge" in page.text


def test_a_link_to_another_server_is_not_followed(report, shop):
    shop.changes = {
        "RL-1": change("RL-1", date(2026, 3, 16), 0.2, 0.7, reviews_link="http://192.0.2.1/reviews")
    }
    page = Page(report("--product", "RL-1"))
    assert "is not a link to reviews of this API" in page.text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--product", "RL-9"), 2, "There is no product 'RL-9'"),
        (("--product", "../etc?x=1#y"), 2, "There is no product"),
        (("--category", "Garden"), 2, "There is no product of the category 'Garden'"),
        (("--product", "RL-1", "--category", "Audio"), 2, "not both"),
        (("--product", " "), 2, "--product is empty"),
        (("--from", "yesterday"), 2, "'yesterday' is not a date"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), 2, "--from must not be after --to"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(report, tmp_path, arguments, code, words):
    assert words in report(*arguments, expect=code)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("report.docx", "must end in .html or .pdf"),
        ("report", "must end in .html or .pdf"),
        ("no/such/report.html", "is in a folder that does not exist"),
    ],
)
def test_an_invalid_output_is_refused_before_any_request(report, shop, to, words):
    assert words in report("--product", "RL-1", to=to, expect=2)
    assert shop.requests == []


@pytest.mark.parametrize(("to", "library"), [("r.html", "seaborn"), ("r.pdf", "reportlab")])
def test_without_the_libraries_the_message_names_the_extra(report, monkeypatch, to, library):
    import sys

    for name in [name for name in sys.modules if name.startswith("reports")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Refuse(library), *sys.meta_path])
    message = report("--product", "RL-1", to=to, expect=2)
    assert f"Reports need {library}" in message
    assert "reviewlens[report]" in message


class Refuse:
    """Hides one library."""

    def __init__(self, name):
        self.name = name

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_an_earlier_report_is_replaced_as_a_whole(report, tmp_path):
    (tmp_path / "report.html").write_text("old" * 10**6)
    assert report("--product", "RL-1").rstrip().endswith("</html>")
    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == ["report.html"]
