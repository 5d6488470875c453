"""The config's sites as rules: names made whole, and password files read."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path

from dns.name import Name

from skulldns.config.reading import read_text
from skulldns.config.sitesections import BasicAuthSection, ForwardAuthSection, SiteSection, UpstreamSection
from skulldns.errors import ConfigError
from skulldns.model.sites import BasicAuth, ForwardAuth, SiteOptions, SiteRule, Upstream

_MAX_USERS_FILE = 1_000_000
"""Bytes of a password file that are read at most."""

Note = Callable[[tuple[str | int, ...], str, str], None]
"""Takes down an error: its place in the file, what is wrong, and the cure."""


def site_rules(sites: Mapping[str, tuple[Name, SiteSection]], home: Path, note: Note) -> tuple[SiteRule, ...]:
    """The rules of ``sites``, by how they are written; relative paths start at ``home``."""
    taken: dict[Name, str] = {}
    rules = []
    for label, (name, section) in sites.items():
        names = (name, *section.names)
        for one in names:
            if one in taken:
                what = f"{one.to_text(omit_final_dot=True)} is a name of the site {taken[one]} already"
                note(("sites", label), what, "write it once")
            taken[one] = label
        _check(label, section, note)
        rules.append(_rule(label, names, section, home, note))
    return tuple(rules)


def _check(label: str, section: SiteSection, note: Note) -> None:
    targets = [key for key in ("guest", "upstream", "redirect") if getattr(section, key) is not None]
    if len(targets) > 1:
        note(("sites", label, targets[1]), f"the site leads to its {targets[0]} already", "write one of them")
    if section.redirect and (section.basic_auth or section.allow or section.deny or section.forward_auth):
        what = "nginx redirects before it asks who may enter"
        note(("sites", label, "redirect"), what, "leave out basic_auth, allow, deny and forward_auth")


def _rule(label: str, names: tuple[Name, ...], section: SiteSection, home: Path, note: Note) -> SiteRule:
    options = SiteOptions(
        http=section.http,
        redirect=section.redirect,
        hsts=None if section.hsts is None else int(section.hsts),
        body_size=section.body_size,
        basic_auth=_basic_auth(label, section.basic_auth, home, note),
        allow=section.allow,
        deny=section.deny,
        websockets=section.websockets,
        forward_auth=_forward_auth(section.forward_auth),
        headers=tuple(sorted(section.headers.items())),
    )
    return SiteRule(names, section.guest, _upstream(section.upstream), section.scheme, options)


def _upstream(section: UpstreamSection | None) -> Upstream | None:
    if section is None:
        return None
    return Upstream(ip_address(section.address), section.port, section.scheme, section.verify)


def _basic_auth(label: str, section: BasicAuthSection | None, home: Path, note: Note) -> BasicAuth | None:
    if section is None:
        return None
    path = home / section.users_file
    place = ("sites", label, "basic_auth", "users_file")
    try:
        lines = read_text(path, _MAX_USERS_FILE).splitlines()
    except ConfigError as error:
        note(place, f"{path}: {error.what}", error.cure or "correct it")
        return None
    users = [line.partition(":") for line in lines if line.strip() and not line.startswith("#")]
    if not users or not all(login and word for login, _, word in users):
        note(place, f"{path} has lines that are not login:hash", "make them with `htpasswd -B`")
    return BasicAuth(section.realm, tuple((login, word) for login, _, word in users))


def _forward_auth(section: ForwardAuthSection | None) -> ForwardAuth | None:
    if section is None:
        return None
    return ForwardAuth(Upstream(ip_address(section.address), section.port), section.path, section.login)
