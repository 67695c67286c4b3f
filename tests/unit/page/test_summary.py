"""The summary of a product on the page: safe, and each count leads to its reviews."""

from types import SimpleNamespace

from frontend_space.summary import summary_html
from local.cli.summary import show_summary
from reviewlens.models import Summary, SummaryCount, SummarySentence
from tests.answers import freshness

EVIL = "<script>x</script> [b]"


def answer(sentences, text="There is only 1 review; a summary needs 5."):
    return Summary(
        product_id="p1", title=None, status="summarised" if sentences else "too_few_reviews",
        text=text, sentences=sentences, reviews=1, analysed=1, first_day=None, last_day=None,
        change_status="unchanged", freshness=freshness(),
    )  # fmt: skip


def sentence(link="/reviews?aspect=hinge"):
    count = SummaryCount(what="complaint", aspect="hinge", reviews=23, of=110, reviews_link=link)
    return SummarySentence(
        kind="complaint", text=f"23 of 110 reviews: “{EVIL}”.", counts=[count], quotes=[],
        review_ids=["r1"],
    )  # fmt: skip


def draw(summary):
    return summary_html(SimpleNamespace(summary=lambda _: summary), "p1")


def test_each_count_is_a_link_to_its_reviews_and_texts_are_escaped():
    html = draw(answer([sentence()]))
    assert 'href="?days=90&amp;evidence=%2Freviews%3Faspect%3Dhinge"' in html
    assert "23 complain (hinge)</a>" in html
    assert "<script>" not in html
    assert "href" not in draw(answer([sentence("javascript:alert(1)")]))


def test_too_few_reviews_are_said_to_be_too_few():
    assert "There is only 1 review" in draw(answer([]))


def test_the_command_prints_the_sentences_and_on_request_their_links(capsys):
    show_summary(answer([sentence()]))
    assert capsys.readouterr().out == f"p1\n23 of 110 reviews: “{EVIL}”.\n"
    show_summary(answer([sentence()]), links=True)
    assert "23 complaint: /reviews?aspect=hinge" in capsys.readouterr().out
    show_summary(answer([]))
    assert "There is only 1 review" in capsys.readouterr().out
