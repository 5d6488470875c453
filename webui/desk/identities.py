"""Who members are elsewhere: link an account of another service, and sign in with it."""

from dataclasses import dataclass, replace

from skulldns.desired.policy.labels import login as judge_login
from skulldns.errors import Refused
from skulldns.model.members import COMMAND_LINE, DAEMON, Actor, Identity, Member
from skulldns.store.office import Books
from webui.desk.base import Desk, active_member, member_parts, write_down


@dataclass(frozen=True, slots=True)
class Account:
    """An account at another service, as the service tells: ``admin`` None if it says nothing of that.

    ``login`` is what its owner is called there, ``email`` a mail address that the service has verified.
    """

    identity: Identity
    login: str = ""
    name: str = ""
    email: str = ""
    admin: bool | None = None


def arrive(desk: Desk, account: Account, now: float, address: str, *, create: bool) -> Member:
    """The member whose account this is; with ``create`` a new one, if there is none. Raises ``Refused``."""
    with desk.office.writing() as books:
        login = books.signins.member_of(account.identity)
        if login is None:
            return _new(books, account, now, address, create=create)
        former = active_member(books, login)
        member = former if account.admin is None else replace(former, admin=account.admin)
        if member != former:
            books.members.put(member)
            _write_down(books, "set admin", member, former, now, address)
        return member


def link(desk: Desk, actor: Actor, identity: Identity, now: float) -> None:
    """From now on ``actor`` may sign in with that account; again is no error. Raises ``Refused``."""
    with desk.office.writing() as books:
        member = active_member(books, actor.who)
        other = books.signins.member_of(identity)
        if other == member.login:
            return
        if other is not None:
            raise Refused("that account is another member's already", cure="sign out there, and try again")
        books.signins.unlink(member.login)
        books.signins.link(member.login, identity)
        write_down(books, actor, "link account", member.login, now, after={"issuer": identity.issuer})


def unlink(desk: Desk, actor: Actor, now: float) -> None:
    """Nobody signs in with another service's account as ``actor`` any more. Raises ``Refused``."""
    with desk.office.writing() as books:
        member = active_member(books, actor.who)
        signins = books.signins
        if signins.password(member.login) is None and not signins.passkeys(member.login):
            raise Refused("you could not sign in any more", cure="set a password or add a passkey first")
        if signins.unlink(member.login):
            write_down(books, actor, "unlink account", member.login, now)


def _new(books: Books, account: Account, now: float, address: str, *, create: bool) -> Member:
    if not create:
        raise Refused(
            "no member here has that account",
            cure="ask an admin for an invitation, then link it on your account",
        )
    login = judge_login(account.login)
    if books.members.member(login) is not None or login in {COMMAND_LINE, DAEMON}:
        raise Refused(
            f"the login {login} is somebody's here already",
            cure="if it is yours, sign in with your password and link the account; else ask an admin",
        )
    if any(one.login == login and one.expires > now for one in books.members.invitations()):
        raise Refused(f"{login} is invited", cure="open the invitation first, then link the account")
    member = Member(login, now, name=account.name, email=account.email, admin=bool(account.admin))
    books.members.put(member)
    books.signins.link(login, account.identity)
    _write_down(books, "join", member, None, now, address)
    return member


def _write_down(
    books: Books, what: str, member: Member, former: Member | None, now: float, address: str
) -> None:
    before = member_parts(former) if former else None
    actor = Actor(member.login, address)
    write_down(books, actor, what, member.login, now, before=before, after=member_parts(member))
