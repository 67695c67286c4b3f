"""Who may use the page: the login, and the hosts and sites that it answers."""

from dataclasses import replace

from frontend_space.settings import PageSettings
from shared.http.door import Door
from shared.http.hosts import AllowedHosts, is_loopback
from shared.http.login import Login, new_token

_UNLINKED = ("/gradio_api/",)


class OpenPageError(Exception):
    """The page would be open to other machines; the message says what to set."""


def login_of(settings: PageSettings, host: str) -> Login | None:
    """The login that the settings describe; None: there is none.

    Raises:
        OpenPageError: other machines can reach the page, and nothing says who may use it.
    """
    if settings.page_token or settings.page_login:
        return Login(settings.page_token or new_token())
    if is_loopback(host) or settings.page_public:
        return None
    raise OpenPageError(
        f"The page listens on {host}, so other machines can reach it: add --login, or set "
        "REVIEWLENS_PAGE_TOKEN. REVIEWLENS_PAGE_PUBLIC=true opens it to everybody."
    )


def door_of(settings: PageSettings, host: str) -> Door:
    """The door that the settings describe; beyond loopback, any address may be used."""
    hosts = AllowedHosts.parse(settings.allowed_hosts, addresses=not is_loopback(host))
    return replace(
        settings.door(), hosts=hosts, unlinked=_UNLINKED, frames=bool(settings.page_framed_by)
    )
