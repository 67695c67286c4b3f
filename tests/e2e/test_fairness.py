"""A small dump does not wait for a large one."""

import pytest

from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import counts, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SMALL = b"""text,rating,product_id
The gyroscope of this ship model wobbles.,2,SMALL-1
A gyroscope that spins for minutes.,5,SMALL-1
The gyroscope arrived without its string.,3,SMALL-1
"""


def test_a_small_dump_can_be_searched_while_a_large_one_is_processed(new_stack):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="500").start()
    large = stack.put("large.json", amazon_2014(10_000, flawed=False).body)
    wait_until(lambda: (r := stack.report(large)) and r.shards == 20, what="collected shards")
    small = stack.put("small.csv", SMALL)
    assert counts(stack.wait_for(small)) == (3, 3, 0, 0)

    def products():
        return {hit.product_id for hit in stack.api.search("a wobbling gyroscope", top_k=3).results}

    wait_until(lambda: products() == {"SMALL-1"}, what="the small dump in search results")
    report = stack.report(large)
    assert report.shards_processed < report.shards / 2
