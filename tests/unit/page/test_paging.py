"""The way through the pages of a list, forwards and back."""

from frontend_space.tabs.paging import Place, shown


def test_next_and_previous_lead_over_the_same_pages():
    first, previous, following = shown(Place(), "b")
    assert first.position is None
    assert (previous.interactive, following.interactive) == (False, True)
    second, previous, following = shown(first.next(), "c")
    assert second.position == "b"
    assert (previous.interactive, following.interactive) == (True, True)
    third, _, following = shown(second.next(), None)
    assert third.position == "c"
    assert following.interactive is False
    assert third.previous().position == "b"
    assert third.previous().previous().position is None
    assert third.previous().previous().previous().position is None
