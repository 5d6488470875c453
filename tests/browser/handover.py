"""The way from a site for members only to the page and back, step by step, through the lab's nginx."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from skulldns.lab import Lab
from tests.browser.world import HOST
from tests.integration.visitor import Visit, Visitor

_HANDOVER = "/.skulldns/enter"


@dataclass(frozen=True, slots=True)
class Begun:
    """A browser that a site sent to the page: the secret it keeps for the site, and the page's path."""

    secret: str
    path: str


class Handover:
    """Takes single steps, with any cookie. Sites are labels of the lab's zone."""

    def __init__(self, lab: Lab) -> None:
        self._visitor = Visitor(lab)

    def enters(self, site: str, entry: str) -> bool:
        """Whether ``entry`` lets in at a site; who is not let in is led to the page."""
        visit = self._opens(site, "/", "skulldns-entry", entry)
        if visit.status == HTTPStatus.OK:
            return True
        assert visit.status == HTTPStatus.FOUND, visit
        assert urlsplit(visit.headers["location"]).hostname == HOST
        return False

    def begin(self, site: str) -> Begun:
        """Begin at a site, as a browser of its own."""
        visit = self._opens(site, f"{_HANDOVER}?path=/")
        name, _, rest = visit.headers["set-cookie"].partition("=")
        assert name == "__Host-skulldns-begun"
        return Begun(rest.partition(";")[0], _path(visit.headers["location"]))

    def ticket(self, begun: Begun, session: str) -> str:
        """The path with the ticket that the page gives to who is signed in."""
        visit = self._opens(f"{HOST}.", begun.path, "session", session)
        return _path(visit.headers["refresh"].partition("url=")[2])

    def use(self, ticket: str, *, at: str, begun: str) -> int:
        """Use a ticket at a site, in the browser that has this secret; the status."""
        return self._opens(at, ticket, "skulldns-begun", begun).status

    def led(self, url: str) -> int:
        """Ask the page to be led back to ``url``; the status."""
        return self._opens(f"{HOST}.", f"/enter?rd={url}").status

    def _opens(self, name: str, path: str, cookie: str = "", value: str = "") -> Visit:
        headers = {"Cookie": f"__Host-{cookie}={value}"} if cookie else {}
        visit = self._visitor.opens(name, path, headers=headers)
        assert visit is not None, f"no answer at {name}"
        return visit


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
