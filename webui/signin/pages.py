"""The pages for signing in and out, for invitations, and for showing again who one is."""

from typing import Any

from flask import Blueprint, Response, flash, g, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused
from skulldns.model.members import MemberState
from webui import sessions
from webui.context import desk, now, settings
from webui.desk import members
from webui.sessions import for_members, present
from webui.signin import passkeys, passwords, recovery, slowing
from webui.signin.welcome import turned_away, welcome
from webui.texts import _

blueprint = Blueprint("signin", __name__)
blueprint.after_app_request(slowing.send_cookie)


@blueprint.get("/sign-in")
def index() -> str | AnyResponse:
    """Sign in, with whatever one has."""
    if g.signed_in:
        return redirect(url_for("names.index"))
    return render_template("signin/index.html", next=request.args.get("next", ""), login="")


@blueprint.post("/sign-in")
def with_password() -> str | AnyResponse | tuple[str, int]:
    """Sign in with login and password."""
    login = request.form.get("login", "").strip().lower()
    try:
        slowing.check(login)
    except TooManyRequests as slow:  # with the other ways to sign in below
        return _sign_in_again(login, slow.description or ""), 429
    kept = _fitting(login, request.form.get("password", ""))
    if kept is None:
        slowing.failed(login)
        turned_away(login, "password")
        return _sign_in_again(login, _("Login and password do not fit.")), 401
    return welcome(
        login, "password", request.form.get("next"), lambda books: books.signins.password(login) == kept
    )


@blueprint.route("/sign-in/recovery", methods=["GET", "POST"])
def with_recovery_code() -> str | AnyResponse | tuple[str, int]:
    """Sign in with a recovery code; the next step is a new password."""
    if request.method == "GET":
        return render_template("signin/recovery.html", login="")
    login = request.form.get("login", "").strip().lower()
    slowing.check_code()
    if not recovery.use(login, request.form.get("code", "")):
        slowing.failed_code()
        turned_away(login, "recovery code")
        error = _("Login and code do not fit, or the code was used before.")
        return render_template("signin/recovery.html", login=login, error=error), 401
    flash(_("That code is used up, and your old password is gone. Set a new one, or add a passkey."), "wait")
    return welcome(login, "recovery code", url_for("account.index"))


@blueprint.get("/sign-in/passkey")
def passkey_options() -> Response:
    """What the browser needs to sign in with a passkey."""
    return jsonify(passkeys.sign_in_options())


@blueprint.post("/sign-in/passkey")
def with_passkey() -> AnyResponse | tuple[Response, int]:
    """Sign in with what the authenticator answered (field ``answer``, JSON)."""
    try:
        login, passkey = passkeys.signed_in(_answer())
        goal = welcome(
            login,
            "passkey",
            request.form.get("next"),
            lambda books: books.signins.passkey(passkey) is not None,
        )
    except Refused as refused:
        turned_away("", "passkey")
        return jsonify(error=str(refused)), 401
    return jsonify(next=goal.location)


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """Sign out here."""
    sessions.end()
    answer = redirect(url_for("signin.index"))
    # Not "cookies": the browser stays known, so that nobody's failures elsewhere slow it down.
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@blueprint.get("/invitation")
def invited() -> str:
    """Where the link of an invitation leads: its code stands behind the #, so that it is in no log of any proxy."""
    return render_template("signin/invited.html")


@blueprint.post("/invitation")
def invitation() -> str | tuple[str, int]:
    """What an invitation is for, and the form to accept it."""
    secret = request.form.get("secret", "").strip()
    try:
        found = members.invitation(desk(), secret, now())
    except Refused as refused:
        return _over(refused)
    return render_template("signin/invitation.html", invitation=found, secret=secret)


@blueprint.post("/invitation/accept")
def accept() -> str | AnyResponse | tuple[str, int]:
    """Become a member: set a password, and get recovery codes."""
    secret = request.form.get("secret", "")
    try:
        found = members.invitation(desk(), secret, now())
    except Refused as refused:
        return _over(refused)
    password = request.form.get("password", "")
    try:
        passwords.judge(password, found.login, settings().leaked, settings().words)
        passwords.judge_again(password, request.form.get("again", ""))
        encoded = passwords.encoded(password)
        member = members.accept(desk(), secret, now(), sessions.client_address(), password=encoded)
    except Refused as refused:
        page = render_template("signin/invitation.html", invitation=found, secret=secret, error=str(refused))
        return page, 400
    welcome(member.login, "invitation", None)
    return render_template("signin/codes.html", codes=recovery.draw(member.login), first=True)


@blueprint.route("/sure", methods=["GET", "POST"])
@for_members
def sure() -> str | AnyResponse | tuple[str, int]:
    """Show again who one is, before something dangerous."""
    here, goal = present(), request.values.get("next", "")
    if request.method == "GET":
        return render_template("signin/sure.html", next=goal)
    slowing.check(here.member.login)
    if _fitting(here.member.login, request.form.get("password", "")) is None:
        slowing.failed(here.member.login)
        turned_away(here.member.login, "password again")
        return render_template("signin/sure.html", next=goal, error=_("The password does not fit.")), 401
    sessions.make_sure(here)
    return redirect(sessions.local_path(goal))


@blueprint.post("/sure/passkey")
@for_members
def sure_with_passkey() -> AnyResponse | tuple[Response, int]:
    """Show again who one is, with a passkey."""
    try:
        login, _passkey = passkeys.signed_in(_answer())
    except Refused as refused:
        return jsonify(error=str(refused)), 401
    if login != present().member.login:
        return jsonify(error=_("That passkey is another member's.")), 401
    sessions.make_sure(present())
    return jsonify(next=sessions.local_path(request.form.get("next")))


def _sign_in_again(login: str, error: str) -> str:
    return render_template("signin/index.html", next=request.form.get("next", ""), login=login, error=error)


def _fitting(login: str, password: str) -> str | None:
    """The password of an active member as it is kept, if it is this one."""
    with desk().office.reading() as books:
        kept, member = books.signins.password(login), books.members.member(login)
    if not passwords.fits(kept, password) or kept is None or member is None:
        return None
    if passwords.is_dated(kept):
        anew = passwords.encoded(password)
        with desk().office.writing() as books:
            if books.signins.password(login) == kept:  # not if it was changed meanwhile
                books.signins.set_password(login, anew)
                kept = anew
    return kept if member.state is MemberState.ACTIVE else None


def _answer() -> dict[str, Any]:
    """The authenticator's answer in the form. Raises ``Refused``."""
    return passkeys.read(request.form.get("answer", ""))


def _over(refused: Refused) -> tuple[str, int]:
    return render_template("error.html", title=_("This invitation is over"), text=str(refused)), 404
