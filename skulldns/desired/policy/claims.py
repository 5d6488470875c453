"""May this member have this name: one pure answer, the same on the page, by the API and on the command line."""

import datetime as dt

from dns.name import Name

from skulldns.desired.policy.alike import label_skeleton, shown_name, shown_text, skeleton, unicode_labels
from skulldns.desired.policy.domains import judge_domain
from skulldns.desired.policy.reserved import FAMILIES, RESERVED, TRUSTED, reserved_by
from skulldns.desired.policy.rules import Rules
from skulldns.desired.policy.states import Step
from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.claims import Claim, ClaimState, Surroundings
from skulldns.model.policy import Approval
from skulldns.model.views import HeldName

_ANOTHER = "choose another name"
_RESTING = 2
"""How many times their quota a member may have released lately."""


def judge_claim(name: Name, member: str, around: Surroundings, rules: Rules) -> Step:
    """Judge a new claim. Returns its first step from ``requested``; raises ``Refused`` with the reason.

    ``around`` must be of the moment in which the claim is granted.
    """
    judge_name(name, member, around, rules)
    judge_quota(member, around, rules)
    if is_own_domain(name, rules):
        return Step.PUT_UP_FOR_PROOF
    return Step.PUT_UP_FOR_APPROVAL if rules.approval is Approval.ALL else Step.GRANTED


def judge_quota(member: str, around: Surroundings, rules: Rules) -> None:
    """Refuse one more name to a member who has as many as allowed, or keeps too many from others."""
    quota = rules.quota if around.quota is None else around.quota
    if around.count >= quota:
        raise Refused(
            f"you have {around.count} names of {quota}", cure="release one, or ask an admin for more"
        )
    # A released name is kept from others for a while: who claims and releases in turn would keep all from them.
    if around.resting >= _RESTING * max(quota, 1) and not any(one.member == member for one in around.at):
        raise Refused(
            f"{around.resting} names that you released are still kept from others",
            cure="claim one of these again, wait until they are free, or ask an admin",
        )


def judge_name(name: Name, member: str, around: Surroundings, rules: Rules) -> None:
    """Refuse a name that ``member`` may not have, now or when its proof was found or its holder changes.

    ``at`` of the surroundings is without the claim that is judged again.
    """
    if is_own_domain(name, rules):
        judge_domain(name, rules)
    else:
        _judge_in_zone(name, around, rules)
    if rules.page is not None and (name.is_subdomain(rules.page) or rules.page.is_subdomain(name)):
        raise Refused(f"{shown_name(name)} is too near to the address of this page", cure=_ANOTHER)
    _judge_holders(name, member, around)
    _judge_held(name, member, around, rules)


def is_own_domain(name: Name, rules: Rules) -> bool:
    """Whether ``name`` is outside of all our zones, so that it has to be proved."""
    return rules.zone_of(name) is None


def _judge_in_zone(name: Name, around: Surroundings, rules: Rules) -> None:
    zone = rules.zone_of(name)
    if zone is None or zone not in rules.zones:
        raise Refused(f"nobody claims names in the zone of {shown(name)}", cure="choose another zone")
    if name == zone:
        raise Refused(f"{shown(zone)} is the zone itself", cure="choose a name in it")
    *deeper, first = unicode_labels(name.relativize(zone))
    _judge_label(first, (*RESERVED, *FAMILIES), (*rules.reserved, *around.reserved))
    for label in deeper:
        _judge_label(label, TRUSTED, ())


def _judge_label(label: str, reserved: tuple[str, ...], more: tuple[str, ...]) -> None:
    for text, how in ((label, "is"), (label_skeleton(label), "looks like what is")):
        if entry := reserved_by(text, more, reserved):
            raise Refused(f"{shown_text(label)} {how} reserved ({entry})", cure=_ANOTHER)


def _judge_holders(name: Name, member: str, around: Surroundings) -> None:
    for claim in around.at:
        if claim.member == member and claim.state.counts:
            raise Refused(f"you have {shown_name(name)} already", cure="change that claim")
        if claim.state.holds and claim.member != member:
            raise Refused(_held_by(claim), cure=_ANOTHER)
    for others, how in ((around.above, "below"), (around.below, "above"), (around.alike, "like")):
        for claim in others:
            if claim.member != member:
                raise Refused(f"{shown_name(name)} is {_relation(how, claim.name)}", cure=_ANOTHER)


def _held_by(claim: Claim) -> str:
    name = shown_name(claim.name)
    if claim.state is ClaimState.QUARANTINED and claim.until is not None:
        day = dt.datetime.fromtimestamp(claim.until, dt.UTC).date()
        return f"{name} was somebody's until lately and is free on {day}"
    return f"{name} is taken"


def _judge_held(name: Name, member: str, around: Surroundings, rules: Rules) -> None:
    for held in around.held:
        if held.name in rules.zones or held.name in rules.own_zones:
            continue  # an apex is above all names of its zone
        if held.name == name:
            raise Refused(f"{shown_name(name)} belongs to {held.holder}", cure=_ANOTHER)
        if held.owner == member:
            continue
        if name.is_subdomain(held.name):
            raise Refused(f"{shown_name(name)} is {_relation('below', held.name)}", cure=_ANOTHER)
        if held.name.is_subdomain(name):
            raise Refused(f"{shown_name(name)} is {_relation('above', held.name)}", cure=_ANOTHER)
        if _alike(held, name):
            raise Refused(f"{shown_name(name)} is {_relation('like', held.name)}", cure=_ANOTHER)


def _alike(held: HeldName, name: Name) -> bool:
    return (held.skeleton or skeleton(held.name)) == skeleton(name)


def _relation(how: str, other: Name) -> str:
    shape = {"below": "below {}, which is another's", "above": "above {}, which is another's"}
    return shape.get(how, "easily taken for {}, which is another's").format(shown_name(other))
