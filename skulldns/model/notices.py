"""What members, admins and their programs are told, as frozen values. Times are Unix time."""

from dataclasses import dataclass
from enum import StrEnum

from dns.name import Name

ADDRESS = r"[^\s@,;:<>()\[\]\"\\]{1,64}@[^\s@,;:<>()\[\]\"\\]{1,190}"
"""One mail address, as a regular expression: nothing that a mail header reads as a second one (RFC 5322)."""


class Kind(StrEnum):
    """What a notice is about."""

    LIVE = "name live"
    CERTIFICATE = "certificate trouble"
    PROOF = "proof lost"
    CONFIRMATION = "confirmation due"
    APPROVAL = "approval wanted"


class Protection(StrEnum):
    """How a connection to a mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell, once for each ``key``.

    ``member`` is whom it concerns, None for admins. ``what`` is one sentence, ``cure`` what to do, ``page`` the path of
    the page about it.
    """

    key: str
    kind: Kind
    name: Name
    member: str | None
    what: str
    cure: str
    page: str
    at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way ``to`` one receiver: ``mail:ADDRESS`` or ``hook:URL``; ``tries`` have failed so far."""

    id: int
    to: str
    notice: Notice
    tries: int = 0
