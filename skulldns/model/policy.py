"""Choices of an admin that more than one room acts on."""

from dataclasses import dataclass
from enum import StrEnum

from skulldns.errors import Refused
from skulldns.model.guests import said


class Mode(StrEnum):
    """How far a zone may be changed."""

    SYNC = "sync"
    NO_DELETES = "no-deletes"
    OBSERVE = "observe"


class OnStop(StrEnum):
    """What becomes of a stopped guest's names: they stay, or go after the grace."""

    KEEP = "keep"
    WITHDRAW = "withdraw"


class Publish(StrEnum):
    """Whose addresses a name gets: those of its guest, those of the proxy, or none, so that it is not published."""

    GUEST = "guest"
    PROXY = "proxy"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Publishing:
    """What somebody says about publishing a name: in single ``views``, and in all ``others``; None: nothing.

    As text: ``proxy``, ``inside=guest outside=none``, ``proxy inside=guest``.
    """

    others: Publish | None = None
    views: tuple[tuple[str, Publish], ...] = ()

    def within(self, view: str | None) -> Publish | None:
        """What is said of ``view`` (None: of a zone without views)."""
        return dict(self.views).get(view, self.others) if view is not None else self.others

    def choices(self) -> frozenset[Publish]:
        """Everything that is said somewhere."""
        told = {self.others, *(choice for _, choice in self.views)}
        return frozenset(choice for choice in told if choice is not None)

    def __str__(self) -> str:
        words = [self.others.value] if self.others is not None else []
        return " ".join([*words, *(f"{view}={choice.value}" for view, choice in self.views)])


def publishing(text: str) -> Publishing:
    """What ``str`` of a ``Publishing`` wrote, with blanks or commas between its words. Raises ``Refused``."""
    others: Publish | None = None
    views: dict[str, Publish] = {}
    for word in text.replace(",", " ").split():
        view, told, choice = word.rpartition("=")
        if choice not in list(Publish) or (told and not view) or (view in views if told else others):
            raise Refused(f"{said(word)} is not known here", cure=_CHOICES)
        if told:
            views[view] = Publish(choice)
        else:
            others = Publish(choice)
    if others is None and not views:
        raise Refused("nothing is said", cure=_CHOICES)
    return Publishing(others, tuple(views.items()))


_CHOICES = "write guest, proxy or none, or that for single views: inside=guest outside=none"


class Https(StrEnum):
    """Whether running guests get a site without asking."""

    AUTO = "auto"
    OFF = "off"


class Approval(StrEnum):
    """Which claims wait for an admin."""

    NONE = "none"
    ALL = "all"
