"""The multi-domain blocks that look like XML."""

import time


def block(number: int, text: str = "Keeps tea & coffee warm", rating: str = "5.0") -> str:
    return (
        f"<review>\n<unique_id>\nB{number}:good:someone\n</unique_id>\n<asin>\nB{number}\n</asin>\n"
        "<product_name>\nFlask: Kitchen & Housewares\n</product_name>\n"
        "<product_type>\nkitchen & housewares\n</product_type>\n<helpful>\n3 of 5\n</helpful>\n"
        f"<rating>\n{rating}\n</rating>\n<title>\nGood <flask>\n</title>\n"
        '<date>\nNovember 14, 2006\n</date>\n<reviewer>\nSome "One"\n</reviewer>\n'
        f"<review_text>\n{text}\n</review_text>\n</review>\n"
    )


def test_a_block_is_a_review(read):
    for body in (block(1), "<data>\n" + block(1) + "</data>\n"):
        for chunk in (None, 9):
            got = read(body, chunk=chunk)
            (row,) = got.rows
            assert row["text"] == "Keeps tea & coffee warm"
            assert row["product_id"] == "B1"
            assert row["category"] == "kitchen & housewares"
            assert row["rating"] == 5.0
            assert row["helpful_votes"] == 3
            assert row["reviewed_at"].date().isoformat() == "2006-11-14"
            assert got.dump.profile.dump_schema == "multidomain"
            assert got.rejects == []


def test_one_id_with_two_texts_is_two_reviews(read):
    got = read(block(1, "First opinion") + block(1, "Second opinion") + block(1, "First opinion"))
    assert len({row["review_id"] for row in got.rows}) == 2


def test_bytes_that_are_not_utf8_do_not_matter(read):
    body = block(1, "Caf? warm").encode().replace(b"?", b"\xe9") + block(2, "Café too").encode()
    assert read(body).texts == ["Café warm", "Café too"]


def test_flawed_blocks_cost_themselves_only(read):
    unclosed = block(2).replace("</review>\n", "")
    no_text_end = block(3).replace("</review_text>\n", "")
    headless = block(5).replace("<review>\n", "", 1)
    got = read(block(1) + unclosed + no_text_end + block(4) + headless + block(6, "")[:-12])
    assert [row["product_id"] for row in got.rows] == ["B1", "B4"]
    assert got.reasons == [
        (2, "malformed_record"),
        (3, "malformed_record"),
        (5, "malformed_record"),
        (6, "truncated_record"),
    ]
    assert got.rejects[0].line == 1 + block(1).count("\n")


def test_ratings_and_texts_are_checked(read):
    rated = "".join(block(number) for number in range(5, 25))
    got = read(block(1, rating="7.0") + block(2, rating="many") + block(3, "  ") + rated)
    assert got.reasons == [(3, "text_missing")]
    assert [row["rating"] for row in got.rows][:2] == [None, None]
    assert "2 ratings are not on the scale 1..5, such as '7.0', 'many'" in got.dump.warnings


def test_a_block_over_the_limit_is_refused_and_the_next_one_read(read):
    for chunk in (200, None):
        got = read(
            block(1) + block(2, "word " * 2000) + block(3), max_record_bytes=3000, chunk=chunk
        )
        assert [row["product_id"] for row in got.rows] == ["B1", "B3"]
        assert got.reasons == [(2, "record_too_long")]


def test_elements_that_are_not_closed_cost_linear_time(read):
    began = time.process_time()
    got = read(block(1) + block(2, "<a>" * 100_000 + "fine" + "<b1></b2>" * 50_000) + block(3))
    assert time.process_time() - began < 5
    assert [row["product_id"] for row in got.rows] == ["B1", "B2", "B3"]
    assert got.rows[1]["text"].startswith("fine")


def test_an_unclosed_element_does_not_swallow_the_next(read):
    body = block(2, "right").replace("</title>", "").replace("<title>", "<title>\n<i>")
    (row,) = read(body).rows
    assert (row["title"], row["text"]) == (None, "right")
