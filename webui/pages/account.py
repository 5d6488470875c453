"""A member's own account: sessions, password, passkeys, recovery codes."""

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused
from skulldns.store.office import Books
from webui import sessions
from webui.context import desk, now, settings
from webui.desk import members
from webui.desk.base import write_down
from webui.sessions import for_members, present, when_sure
from webui.signin import passkeys, passwords, recovery, slowing
from webui.signin.welcome import turned_away
from webui.texts import _

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@for_members
def index() -> str:
    """How the member signs in, and where."""
    here = present()
    with desk().office.reading() as books:
        return render_template(
            "account/index.html",
            here=here,
            sessions=books.sessions.sessions(here.member.login, now()),
            passkeys=books.signins.passkeys(here.member.login),
            recovery_left=books.signins.recovery_left(here.member.login),
            has_password=books.signins.password(here.member.login) is not None,
            linked=bool(books.signins.identities(here.member.login)),
        )


@blueprint.post("/password")
@when_sure
def set_password() -> AnyResponse:
    """Set a new password, for which the one that there is must be shown; every other session ends."""
    here = present()
    password = request.form.get("password", "")
    _judge_current(here.member.login)
    passwords.judge(password, here.member.login, settings().leaked, settings().words)
    passwords.judge_again(password, request.form.get("again", ""))
    encoded = passwords.encoded(password)
    with desk().office.writing() as books:
        books.signins.set_password(here.member.login, encoded)
        books.sessions.end_all(here.member.login, but=here.session.id)
        _write_down(books, "set password")
    flash(_("Your password is set, and all your other sessions have ended."), "good")
    return redirect(url_for("account.index"))


@blueprint.post("/mail")
@when_sure
def set_mail() -> AnyResponse:
    """Say where notices for the member go."""
    here = present().member
    email = request.form.get("email", "")
    members.edit(desk(), present().actor, here.login, now(), name=here.name, email=email)
    flash(_("It is changed."), "good")
    return redirect(url_for("account.index"))


@blueprint.post("/password/drop")
@when_sure
def drop_password() -> AnyResponse:
    """Do without a password: from now on nobody signs in with less than a passkey, which is two factors."""
    here = present()
    _judge_current(here.member.login)
    with desk().office.writing() as books:
        if not books.signins.passkeys(here.member.login):
            raise Refused(_("you have no passkey yet"), cure=_("add one first"))
        books.signins.set_password(here.member.login, None)
        books.sessions.end_all(here.member.login, but=here.session.id)
        _write_down(books, "drop password")
    flash(_("There is no password any more; you sign in with your passkey."), "good")
    return redirect(url_for("account.index"))


@blueprint.get("/passkeys/options")
@for_members
def passkey_options() -> Response:
    """What the browser needs to make a passkey."""
    return jsonify(passkeys.registration_options(present().member))


@blueprint.post("/passkeys")
@for_members
def add_passkey() -> AnyResponse | tuple[Response, int]:
    """Keep the passkey that the browser made."""
    if present().session.sure_until < now():
        return jsonify(next=url_for("signin.sure", next=url_for("account.index")))
    try:
        answer = passkeys.read(request.form.get("answer", ""))
        passkey = passkeys.registered(present().member, answer, request.form.get("label", ""))
    except Refused as refused:
        return jsonify(error=str(refused)), 400
    with desk().office.writing() as books:
        books.signins.put_passkey(passkey)
        _write_down(books, "add passkey", passkey.label)
    flash(_("The passkey %(label)s works from now on.", label=passkey.label), "good")
    return jsonify(next=url_for("account.index"))


@blueprint.post("/passkeys/drop")
@when_sure
def drop_passkey() -> AnyResponse:
    """Let a passkey work no more."""
    here = present()
    try:
        identity = bytes.fromhex(request.form.get("id", ""))
    except ValueError:
        identity = b""
    with desk().office.writing() as books:
        if books.signins.drop_passkey(here.member.login, identity):
            _judge_way_in(books, here.member.login)
            _write_down(books, "drop passkey")
    return redirect(url_for("account.index"))


@blueprint.post("/recovery-codes")
@when_sure
def new_codes() -> str:
    """New recovery codes in place of the old ones."""
    codes = recovery.draw(present().member.login)
    with desk().office.writing() as books:
        _write_down(books, "draw recovery codes")
    return render_template("signin/codes.html", codes=codes, first=False)


@blueprint.post("/sessions/end")
@when_sure
def end_session() -> AnyResponse:
    """End one of the member's sessions, or all others."""
    here, which = present(), request.form.get("id", "")
    with desk().office.writing() as books:
        own = {one.id for one in books.sessions.sessions(here.member.login, now())}
        if which == "others":
            books.sessions.end_all(here.member.login, but=here.session.id)
        elif which in own:
            books.sessions.end(which)
        _write_down(books, "end sessions")
    if which == here.session.id:
        sessions.end()
        return redirect(url_for("signin.index"))
    return redirect(url_for("account.index"))


def _judge_current(login: str) -> None:
    """Raise ``Refused`` unless the form has the password that there is (OWASP ASVS 5.0, V6.2.3)."""
    slowing.check(login)
    with desk().office.reading() as books:
        kept = books.signins.password(login)
    if kept is not None and not passwords.fits(kept, request.form.get("current", "")):
        slowing.failed(login)
        turned_away(login, "current password")
        raise Refused(
            _("the current password does not fit"), cure=_("if you lost it, sign in with a recovery code")
        )


def _judge_way_in(books: Books, login: str) -> None:
    """Raise ``Refused`` if nothing is left to sign in with, so that what was just dropped stays."""
    service = settings().service
    linked = service is not None and any(
        one.issuer == service.issuer for one in books.signins.identities(login)
    )
    if not linked and not books.signins.passkeys(login) and books.signins.password(login) is None:
        raise Refused(
            _("it is your only way to sign in"), cure=_("set a password or add another passkey first")
        )


def _write_down(books: Books, what: str, label: str | None = None) -> None:
    here = present()
    write_down(books, here.actor, what, here.member.login, now(), after={"label": label} if label else None)
