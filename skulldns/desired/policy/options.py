"""Which options of a site a member may set."""

import re
from dataclasses import replace

from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.claims import GuestTarget, RedirectTarget, Target
from skulldns.model.guests import said
from skulldns.model.sites import BasicAuth, Header, SiteOptions

_TEXT = re.compile(r"[\x20-\x7e]{1,1000}")
_NOT_IN_TEXT = re.compile(r'["\\$]')
_LOGIN = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH = re.compile(r"\$(?:apr1|2[aby]|5|6|y)\$[A-Za-z0-9./$=,]{8,200}")
_LONGEST_HSTS = 2 * 365 * 86_400
_MOST = 50
_ACCESS = frozenset({"members_only", "basic_auth", "allow", "deny"})
_OF_REDIRECTS = frozenset({"http", "hsts", "headers"})
_OF_SITES = _OF_REDIRECTS | _ACCESS | {"body_size", "websockets"}


def judge_options(options: SiteOptions, rules: Rules) -> SiteOptions:
    """The options as they may be kept. Raises ``Refused``.

    A redirect is a target and no option; who is asked about each request (`forward_auth`) only an admin can say.
    """
    if options.redirect is not None or options.forward_auth is not None:
        raise Refused("this option cannot be set here", cure="choose a redirect as target, or 'members only'")
    if options.hsts is not None and not 0 <= options.hsts <= _LONGEST_HSTS:
        raise Refused(f"{options.hsts} seconds of HSTS are out of range", cure="choose at most two years")
    if options.body_size is not None and not 1 <= options.body_size <= rules.body_size:
        raise Refused(
            f"a body of {options.body_size} bytes is out of range", cure=f"choose 1 to {rules.body_size}"
        )
    if max(len(options.allow), len(options.deny)) > _MOST:
        raise Refused("there are too many networks", cure=f"give at most {_MOST} in each list")
    if options.basic_auth is not None:
        _judge_passwords(options.basic_auth)
    if len({name for name, _ in options.headers}) != len(options.headers):
        raise Refused("a header is there twice", cure="give each once")
    for name, value in options.headers:
        _text(value, f"the value of {Header(name)}")
    return replace(options, headers=tuple(sorted(options.headers)))


def applying(target: Target) -> frozenset[str]:
    """Which options have an effect on a name with this target: fields of ``SiteOptions``, and ``members_only``.

    Our proxy serves a guest's web site. Of a redirect it sends the answer, before nginx asks anybody who they are. It
    never sees who comes to an alias, to an address, or to a guest itself.
    """
    match target:
        case GuestTarget(direct=False):
            return _OF_SITES
        case RedirectTarget():
            return _OF_REDIRECTS
        case _:
            return frozenset()


def judge_access(target: Target, options: SiteOptions, *, members_only: bool) -> None:
    """Refuse to promise that visitors are asked who they are where nobody asks them. Raises ``Refused``."""
    asks = members_only or options.allow or options.deny or options.basic_auth is not None
    if not asks or applying(target) >= _ACCESS:
        return
    everybody = "let everybody in (no networks, no password, not 'members only')"
    if isinstance(target, RedirectTarget):
        raise Refused(
            "a redirect sends everybody on before anybody is asked who they are",
            cure=f"{everybody}, or choose another target",
        )
    raise Refused(
        "our proxy does not see who comes to an alias, an address or a guest itself, so it cannot ask who they are",
        cure=f"{everybody}, or lead the name to a guest's web site",
    )


def _judge_passwords(auth: BasicAuth) -> None:
    _text(auth.realm, "the realm")
    if auth.realm.lower() == "off":  # nginx reads this as no password at all
        raise Refused("the realm cannot be 'off'", cure="choose another word")
    if not 1 <= len(auth.users) <= _MOST:
        raise Refused(
            f"{len(auth.users)} could sign in", cure=f"add 1 to {_MOST} users, or remove the password"
        )
    for login, word in auth.users:
        if not _LOGIN.fullmatch(login) or not _HASH.fullmatch(word):
            raise Refused(f"the user {said(login[:100])} cannot be", cure="set login and password anew")


def _text(value: str, what: str) -> None:
    if not _TEXT.fullmatch(value) or _NOT_IN_TEXT.search(value) or value != value.strip():
        raise Refused(f"{what} cannot be {said(value[:100])}", cure='use printable ASCII without " \\ and $')
