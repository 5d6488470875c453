"""What people and programs are told of claims and certificates, and who is told: decided from what there is now.

Each notice has a key that stays the same as long as its reason does: whoever remembers keys tells nothing twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dns.exception
import dns.name
from dns.name import Name

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.rules import Timing
from skulldns.desired.policy.states import confirm_by, confirm_from
from skulldns.model.alarms import Alarm
from skulldns.model.claims import Claim, ClaimState
from skulldns.model.members import Member, MemberState
from skulldns.model.namestate import NameState
from skulldns.model.notices import ADDRESS, Kind, Notice
from skulldns.model.views import NameView

FRESH = 86_400.0
"""Seconds after its grant in which a name's coming alive is news."""

CERTIFICATE_ALARM = "certificate "
"""How the key of an alarm about a certificate begins."""

_LAST_CALL = 7 * 86_400.0
_FINE = frozenset({"good", "none"})


def may_come_alive(claim: Claim, now: float) -> bool:
    """Whether it would be news that the claim's name is live."""
    return claim.state is ClaimState.ACTIVE and now - claim.confirmed < FRESH


def is_live(view: NameView | None) -> bool:
    """Whether every link of a name's chain is good."""
    links = view.body.get("links", ()) if view else ()
    return view is not None and view.state is NameState.SERVED and all(one["state"] in _FINE for one in links)


def live(claim: Claim, now: float) -> Notice:
    """The claim's name is live."""
    return _notice("live", claim, Kind.LIVE, f"{shown_name(claim.name)} is live", "open it and see", now)


def about(claim: Claim, now: float, times: Timing) -> Iterator[Notice]:
    """What there is to tell of a claim at ``now``, besides that its name is live."""
    name = shown_name(claim.name)
    if claim.state is ClaimState.AWAITING_APPROVAL:
        what = f"{claim.member} wants {name}, and an admin must say yes or no"
        yield Notice(
            f"approval {claim.id} {claim.changed:.0f}",
            Kind.APPROVAL,
            claim.name,
            None,
            what,
            "approve or refuse it",
            "/admin/approvals",
            now,
        )
    if claim.state is not ClaimState.ACTIVE:
        return
    lost = claim.proof.lost if claim.proof else None
    if lost is not None:
        day = _day(lost + times.proof_lost)
        what = f"the TXT record that proves {name} to be yours is not there; on {day} the name is suspended"
        yield _notice(
            f"proof {lost:.0f}", claim, Kind.PROOF, what, "put the record back as the page shows it", now
        )
    by = confirm_by(claim, times)
    if confirm_from(claim, times) <= now < by:
        step = "last" if by - now <= _LAST_CALL else "first"
        what = f"do you still use {name}? If you do not say so, it is suspended on {_day(by)}"
        key = f"confirm {step} {claim.confirmed:.0f}"
        yield _notice(key, claim, Kind.CONFIRMATION, what, "say on its page that it is still yours", now)


def of_alarm(alarm: Alarm, holders: Mapping[Name, Claim], now: float) -> Notice | None:
    """Trouble with a certificate; None for any other alarm, or one about no name."""
    name = certificate_name(alarm)
    if name is None:
        return None
    claim = holders.get(name)
    page = f"/names/{claim.id}" if claim else "/admin/health"
    member, cure = (claim.member if claim else None), "the page says which link is broken and what helps"
    return Notice(alarm.key, Kind.CERTIFICATE, name, member, alarm.what, cure, page, now)


def certificate_name(alarm: Alarm) -> Name | None:
    """The name whose certificate an alarm is about."""
    if not alarm.key.startswith(CERTIFICATE_ALARM):
        return None
    try:
        return dns.name.from_text(alarm.key.removeprefix(CERTIFICATE_ALARM)).canonicalize()
    except dns.exception.DNSException:
        return None


def receivers(
    notice: Notice,
    member: Member | None,
    admins: Sequence[Member],
    hooks: Mapping[str, Iterable[Kind]],
    *,
    mail: bool,
) -> list[str]:
    """Who is told: the member whom it concerns, admins where one must act, and programs that want to know."""
    people = [member] if member is not None else []
    if notice.kind in {Kind.APPROVAL, Kind.CERTIFICATE}:
        people += admins
    addresses = [
        f"mail:{one.email}"
        for one in people
        if mail and one.state is MemberState.ACTIVE and re.fullmatch(ADDRESS, one.email)
    ]
    programs = [f"hook:{url}" for url, kinds in hooks.items() if notice.kind in kinds]
    return [*dict.fromkeys(addresses), *programs]


def _notice(key: str, claim: Claim, kind: Kind, what: str, cure: str, now: float) -> Notice:
    page = f"/names/{claim.id}"
    return Notice(f"{key} {claim.id}", kind, claim.name, claim.member, what, cure, page, now)


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
