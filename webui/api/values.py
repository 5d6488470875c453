"""Between the API's bodies and the model's values."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeVar

import dns.exception
import dns.name
from dns.name import Name

from skulldns.desired.policy.addresses import network
from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.hostnames import any_hostname, hostname
from skulldns.desired.policy.proofs import proof_record
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model import claims, sites
from skulldns.model.certificates import shown
from skulldns.model.guests import GuestId, said
from skulldns.model.views import GuestView, NameView
from webui.api import models

Address = TypeVar("Address", IPv4Address, IPv6Address)


def target(wanted: models.Target, former: claims.Target | None, rules: Rules) -> claims.Target:
    """Where a name shall lead; ``former`` is where it does now. Raises ``Refused``."""
    match wanted:
        case models.ToGuest():
            scheme = sites.Scheme(wanted.scheme)
            return claims.GuestTarget(GuestId(wanted.guest), wanted.port, scheme, wanted.direct)
        case models.ToAlias():
            plain = wanted.name.strip().rstrip(".")
            return claims.AliasTarget(any_hostname(plain) if "." in plain else hostname(plain, rules))
        case models.ToUrl():
            return claims.RedirectTarget(wanted.url)
    if wanted.ipv4 is None and wanted.ipv6 is None and isinstance(former, claims.AddressTarget):
        return former
    return claims.AddressTarget(_address(IPv4Address, wanted.ipv4), _address(IPv6Address, wanted.ipv6))


def options(wanted: models.Options, former: sites.SiteOptions) -> sites.SiteOptions:
    """How a site shall be served; passwords that are not said are those of ``former``. Raises ``Refused``."""
    return sites.SiteOptions(
        http=wanted.http,
        hsts=wanted.hsts,
        body_size=wanted.body_size,
        basic_auth=_password(wanted.basic_auth, former.basic_auth),
        allow=tuple(map(_network, wanted.allow)),
        deny=tuple(map(_network, wanted.deny)),
        websockets=wanted.websockets,
        headers=tuple(wanted.headers.items()),
    )


def records(wanted: list[models.Record]) -> tuple[claims.ClaimRecord, ...]:
    """Further records. Raises ``Refused``."""
    return tuple(claims.ClaimRecord(_owner(one.name), one.type, one.ttl, tuple(one.values)) for one in wanted)


def name_short(claim: claims.Claim, view: NameView | None) -> models.NameShort:
    """A claim in a list."""
    return models.NameShort(
        id=claim.id,
        name=shown(claim.name),
        unicode=shown_name(claim.name),
        state=claim.state,
        served=view.state if view else None,
        target=_target_shown(claim.target),
        until=moment(claim.until),
    )


def offer(made: claims.Offer) -> models.Offer:
    """A name that is offered."""
    return models.Offer(
        name=shown(made.name),
        unicode=shown_name(made.name),
        giver=made.giver,
        heir=made.heir,
        made=exactly(made.made),
        until=exactly(made.until),
    )


def name_whole(
    claim: claims.Claim, view: NameView | None, offered: claims.Offer | None = None
) -> models.NameWhole:
    """A claim with all that there is of it, and the offer of it."""
    short = name_short(claim, view)
    return models.NameWhole(
        **dict(short),
        options=_options_shown(claim),
        records=[
            models.Record(name=shown(one.name), type=one.type, ttl=one.ttl, values=list(one.values))  # type: ignore[arg-type]
            for one in claim.records
        ],
        created=exactly(claim.created),
        changed=exactly(claim.changed),
        confirmed=exactly(claim.confirmed),
        because=claim.because,
        proof=_proof_shown(claim),
        offer=None if offered is None else offer(offered),
        links=[
            models.Link(
                title=str(link.get("title") or link.get("link", "")),
                state=str(link.get("state", "")),
                text=str(link.get("text", "")),
                at=moment(link.get("at")),
            )
            for link in (view.body.get("links", []) if view else [])
        ],
    )


def guest(view: GuestView) -> models.Guest:
    """A guest of the member's."""
    return models.Guest(
        id=view.id,
        name=view.name,
        state=view.state,
        port=view.port,
        addresses=[str(address) for address in view.addresses],
        names=[shown(name) for name in view.names],
        refusals=list(view.refusals),
    )


def moment(at: float | None) -> datetime | None:
    """A Unix time, in UTC."""
    return None if at is None else exactly(at)


def exactly(at: float) -> datetime:
    """A Unix time that is there, in UTC."""
    return datetime.fromtimestamp(at, UTC)


def _address(kind: type[Address], text: str | None) -> Address | None:
    try:
        return None if text is None else kind(text)
    except ValueError as error:
        raise Refused(f"{said(text or '')} is no such address", cure="write one as 192.0.2.7") from error


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return network(text)
    except ValueError as error:
        raise Refused(f"{said(text)} is no network", cure="write it as 192.0.2.0/24") from error


def _password(wanted: models.Password | None, former: sites.BasicAuth | None) -> sites.BasicAuth | None:
    if wanted is None:
        return None
    kept = dict(former.users) if former else {}
    found = [(one.login, one.hash or kept.get(one.login, "")) for one in wanted.users]
    return sites.BasicAuth(wanted.realm, tuple(found))


def _owner(text: str) -> Name:
    """A record's name; its labels may begin with an underscore."""
    try:
        if not text.isascii():
            raise Refused(f"{said(text)} is not ASCII", cure="write its labels as xn--...")
        return dns.name.from_text(text.lower(), dns.name.root)
    except dns.exception.DNSException as error:
        raise Refused(f"{said(text)} is no name", cure="write labels with dots between them") from error


def _target_shown(found: claims.Target) -> models.Target:
    match found:
        case claims.GuestTarget(guest, port, scheme, direct):
            return models.ToGuest(
                kind="guest",
                guest=guest,
                port=port,
                scheme="https" if scheme is sites.Scheme.HTTPS else "http",
                direct=direct,
            )
        case claims.AliasTarget(name):
            return models.ToAlias(kind="alias", name=shown(name))
        case claims.RedirectTarget(url):
            return models.ToUrl(kind="redirect", url=url)
        case claims.AddressTarget(ipv4, ipv6):
            return models.ToAddress(
                kind="address", ipv4=str(ipv4) if ipv4 else None, ipv6=str(ipv6) if ipv6 else None
            )


def _options_shown(claim: claims.Claim) -> models.Options:
    found = claim.options
    auth = found.basic_auth
    users = [models.User(login=login, hash=None) for login, _hash in auth.users] if auth else []
    return models.Options(
        http=found.http,
        hsts=found.hsts,
        body_size=found.body_size,
        basic_auth=models.Password(realm=auth.realm, users=users) if auth else None,
        allow=[str(one) for one in found.allow],
        deny=[str(one) for one in found.deny],
        websockets=found.websockets,
        headers=dict(found.headers),
        members_only=claim.members_only,
    )


def _proof_shown(claim: claims.Claim) -> models.Proof | None:
    if claim.proof is None:
        return None
    name, text = proof_record(claim.name, claim.member, claim.proof.nonce)
    proof = claim.proof
    return models.Proof(
        name=shown(name),
        text=text,
        seen=moment(proof.seen),
        looked=moment(proof.looked),
        lost=moment(proof.lost),
    )
