"""Claims as columns and JSON text, and back."""

import json
from dataclasses import asdict
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

import dns.name
from dns.name import Name
from sqlalchemy import Row

from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Because,
    ChallengeValue,
    Claim,
    ClaimId,
    ClaimRecord,
    ClaimState,
    GuestTarget,
    Proof,
    RedirectTarget,
    Target,
)
from skulldns.model.guests import GuestId
from skulldns.model.interned import name_of
from skulldns.model.sites import BasicAuth, Header, Scheme, SiteOptions


def plain_name(name: Name) -> str:
    """An absolute name as these tables hold it: lower case, without the final dot."""
    return name.canonicalize().to_text(omit_final_dot=True)


def name_from(text: str) -> Name:
    """The name that ``plain_name`` wrote."""
    if "\\" in text:
        return dns.name.from_text(text, dns.name.root)
    return name_of((*text.encode().split(b"."), b""))


def reversed_name(name: Name) -> str:
    """The labels from the right, each with a dot: what is below a name begins with the name's own."""
    return "".join(f"{label}." for label in reversed(plain_name(name).split(".")))


def claim_columns(claim: Claim) -> dict[str, Any]:
    """A claim as a row of ``claims``."""
    return {
        "id": claim.id,
        "name": plain_name(claim.name),
        "reversed": reversed_name(claim.name),
        "skeleton": claim.skeleton,
        "member": claim.member,
        "state": claim.state,
        "until": _due(claim),
        "looked": claim.proof.looked if claim.proof else None,
        "proved": claim.proof is not None,
        "guest": claim.target.guest if isinstance(claim.target, GuestTarget) else None,
        "revision": claim.revision,
        "created": claim.created,
        "changed": claim.changed,
        "body": json.dumps(
            {
                "confirmed": claim.confirmed,
                "target": target_parts(claim.target),
                "options": options_parts(claim.options),
                "members_only": claim.members_only,
                "records": [record_parts(one) for one in claim.records],
                "challenges": [[plain_name(one.name), one.value, one.until] for one in claim.challenges],
                "proof": asdict(claim.proof) if claim.proof else None,
                "because": claim.because,
                "until": claim.until,
            }
        ),
    }


def claim_from(row: Row[Any]) -> Claim:
    """The claim of a row of ``claims``."""
    body: dict[str, Any] = json.loads(row.body)
    return Claim(
        id=ClaimId(row.id),
        name=name_from(row.name),
        member=row.member,
        state=ClaimState(row.state),
        target=_target(body["target"]),
        created=row.created,
        changed=row.changed,
        confirmed=body["confirmed"],
        options=_options(body["options"]),
        members_only=body["members_only"],
        records=tuple(_record(parts) for parts in body["records"]),
        challenges=tuple(
            ChallengeValue(name_from(name), value, until) for name, value, until in body["challenges"]
        ),
        proof=Proof(**body["proof"]) if body["proof"] else None,
        because=Because(body["because"]) if body["because"] else None,
        until=body.get("until", row.until),
        skeleton=row.skeleton,
        revision=row.revision,
    )


def target_parts(target: Target) -> dict[str, Any]:
    """A target as JSON values, tagged with its ``kind``."""
    match target:
        case GuestTarget():
            return {"kind": "guest"} | asdict(target)
        case AliasTarget(name):
            return {"kind": "alias", "name": plain_name(name)}
        case AddressTarget(ipv4, ipv6):
            return {"kind": "address", "ipv4": _text(ipv4), "ipv6": _text(ipv6)}
        case RedirectTarget(url):
            return {"kind": "redirect", "url": url}


def options_parts(options: SiteOptions) -> dict[str, Any]:
    """A member's site options as JSON values: only what is not as usual. Forward auth and redirects are not theirs."""
    parts: dict[str, Any] = {
        "http": options.http,
        "hsts": options.hsts,
        "body_size": options.body_size,
        "basic_auth": asdict(options.basic_auth) if options.basic_auth else None,
        "allow": [str(one) for one in options.allow],
        "deny": [str(one) for one in options.deny],
        "websockets": options.websockets,
        "headers": [[name, value] for name, value in options.headers],
    }
    usual = {"http": False, "websockets": True, "hsts": None, "body_size": None, "basic_auth": None}
    return {key: value for key, value in parts.items() if value != usual.get(key, [])}


def record_parts(record: ClaimRecord) -> dict[str, Any]:
    """A record as JSON values."""
    return asdict(record) | {"name": plain_name(record.name)}


def claim_parts(claim: Claim) -> dict[str, Any]:
    """A claim as JSON values, without secrets: of passwords only whose they are."""
    options = options_parts(claim.options)
    if claim.options.basic_auth is not None:
        options["basic_auth"] = [login for login, _ in claim.options.basic_auth.users]
    return {
        "member": claim.member,
        "state": claim.state,
        "target": target_parts(claim.target),
        "options": options,
        "members_only": claim.members_only,
        "records": [record_parts(record) for record in claim.records],
        "challenges": sorted(plain_name(one.name) for one in claim.challenges),
        "because": claim.because,
        "confirmed": claim.confirmed,
        "proved": claim.proof.seen if claim.proof else None,
    }


def differences(before: Claim, after: Claim) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a claim is not as before, as JSON values without secrets: the old and the new."""
    old, new = claim_parts(before), claim_parts(after)
    differing = [key for key in new if old[key] != new[key]]
    return {key: old[key] for key in differing}, {key: new[key] for key in differing}


def _due(claim: Claim) -> float | None:
    """When something of the claim ends by itself: its state, or a challenge that nobody took back."""
    ends = [one.until for one in claim.challenges]
    return min(ends if claim.until is None else [claim.until, *ends], default=None)


def _target(parts: dict[str, Any]) -> Target:
    match parts["kind"]:
        case "guest":
            return GuestTarget(
                GuestId(parts["guest"]), parts["port"], Scheme(parts["scheme"]), parts["direct"]
            )
        case "alias":
            return AliasTarget(name_from(parts["name"]))
        case "address":
            ipv4, ipv6 = parts["ipv4"], parts["ipv6"]
            return AddressTarget(IPv4Address(ipv4) if ipv4 else None, IPv6Address(ipv6) if ipv6 else None)
        case _:
            return RedirectTarget(parts["url"])


def _options(parts: dict[str, Any]) -> SiteOptions:
    auth = parts.get("basic_auth")
    return SiteOptions(
        http=parts.get("http", False),
        hsts=parts.get("hsts"),
        body_size=parts.get("body_size"),
        basic_auth=BasicAuth(auth["realm"], tuple((login, word) for login, word in auth["users"]))
        if auth
        else None,
        websockets=parts.get("websockets", True),
        headers=tuple((Header(name), value) for name, value in parts.get("headers", ())),
        allow=_networks(parts, "allow"),
        deny=_networks(parts, "deny"),
    )


def _networks(parts: dict[str, Any], key: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in parts.get(key, ()))


def _record(parts: dict[str, Any]) -> ClaimRecord:
    return ClaimRecord(name_from(parts["name"]), parts["type"], parts["ttl"], tuple(parts["values"]))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
