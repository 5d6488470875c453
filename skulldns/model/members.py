"""Members, how they sign in, and who acts, as frozen values. Times are Unix time."""

from dataclasses import dataclass
from enum import StrEnum


class MemberState(StrEnum):
    """Whether a member may act. The names of a suspended one are suspended with them."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may claim names. ``login`` is the identity, the same that guests call their owner.

    ``quota`` is how many names this member may hold; None: as many as policy says. ``email`` may be empty.
    """

    login: str
    created: float
    name: str = ""
    email: str = ""
    admin: bool = False
    state: MemberState = MemberState.ACTIVE
    quota: int | None = None
    last_seen: float | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that makes its finder the member ``login``, once, until ``expires``.

    ``id`` is the SHA-256 of the link's secret, in hexadecimal. For a member that exists it sets sign-in anew.
    """

    id: str
    login: str
    invited_by: str
    created: float
    expires: float
    admin: bool = False
    email: str = ""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential: ``id`` and ``public_key`` (COSE) as the authenticator gave them, and its counter."""

    id: bytes
    member: str
    public_key: bytes
    sign_count: int
    label: str
    created: float
    last_used: float | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a member is elsewhere: OpenID Connect's ``iss`` and ``sub``."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in.

    ``id`` is the SHA-256 of the cookie's secret, in hexadecimal; ``sure_until``: until when the member counts as having
    just signed in, for dangerous acts; ``acting_as``: for whom an admin acts, if for somebody else.
    """

    id: str
    member: str
    created: float
    last_seen: float
    expires: float
    address: str
    agent: str
    sure_until: float = 0.0
    acting_as: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, for the rules and the audit.

    ``who`` is a login, or what acts without one: ``the command line``, ``the daemon``. ``address`` is where from.
    ``acting_as`` is the member for whom an admin acts; ``token`` the id of the token used, if any.
    """

    who: str
    address: str = ""
    admin: bool = False
    acting_as: str | None = None
    token: str | None = None

    @property
    def member(self) -> str:
        """Whose names are meant."""
        return self.acting_as or self.who


COMMAND_LINE = "the command line"
DAEMON = "the daemon"
