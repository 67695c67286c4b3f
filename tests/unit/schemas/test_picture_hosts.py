"""The list of hosts whose pictures are fetched for stored reviews."""

import pytest

from shared.errors import PictureError
from shared.schemas.picture_hosts import check_host, check_hosts
from shared.settings.pictures import ReviewPictureSettings

HOSTS = "m.media.example, *.images.example"


@pytest.mark.parametrize("host", ["m.media.example", "M.MEDIA.example", "a.b.images.example"])
def test_a_host_on_the_list_is_allowed(host):
    check_host(host, HOSTS)


@pytest.mark.parametrize(
    "host", ["", "media.example", "x.m.media.example", "images.example", "evilimages.example", "*"]
)
def test_any_other_host_is_refused(host):
    with pytest.raises(PictureError) as raised:
        check_host(host, HOSTS)
    assert raised.value.code == "address_refused"


@pytest.mark.parametrize("entry", ["*", "http://a.example", "a..b", "a.*", "a b", "*.", "a/"])
def test_an_entry_that_is_not_a_host_is_named(entry):
    with pytest.raises(ValueError, match="is not a host"):
        check_hosts(f"a.example,{entry}")
    with pytest.raises(ValueError, match="is not a host"):
        ReviewPictureSettings(picture_hosts=entry)
