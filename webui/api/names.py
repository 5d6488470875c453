"""Names by the API. Each is addressed by itself, as typed on the page: one label is in the first zone."""

from dns.name import Name
from flask import Response

from skulldns.desired.policy.claims import is_own_domain
from skulldns.desired.policy.hostnames import hostname
from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.claims import Claim, ClaimState
from skulldns.model.sites import SiteOptions
from skulldns.model.tokens import Scope
from skulldns.model.views import Page
from skulldns.store.audit import AuditFilter
from webui.api import models, problems, values
from webui.api.operations import Answer, operation
from webui.context import desk, now
from webui.desk import claims, handing
from webui.machines.callers import Caller

_LIVING = tuple(state for state in ClaimState if state not in {ClaimState.RELEASED, ClaimState.REQUESTED})
_MOST_NAMES = 10_000
_HISTORY = 50
_USUAL = SiteOptions()


@operation("GET", "/names", Scope.READ, {200: models.Names})
def list_names(found: Caller, query: models.Part) -> Answer:
    """The member's names, those that the token is good for, by name."""
    with desk().office.reading() as books:
        page = _page(found, query)
        views = books.views.names([one.name for one in page.items])
    items = [values.name_short(one, views.get(one.name)) for one in page.items]
    return models.Names(items=items, total=page.total, offset=page.offset)


@operation("GET", "/look", Scope.READ, {200: models.Free})
def look(found: Caller, query: models.Look) -> Answer:
    """Whether a name is free for the member, and if not, why."""
    try:
        name = claims.look(desk(), found.actor.member, query.name)
    except Refused as refused:
        return models.Free(
            name=query.name, free=False, detail=refused.what, cure=refused.cure, proof_needed=False
        )
    needed = is_own_domain(name, desk().rules)
    return models.Free(name=shown(name), free=True, detail=None, cure=None, proof_needed=needed)


@operation("GET", "/names/{name}", Scope.READ, {200: models.NameWhole})
def get_name(found: Caller, name: str) -> Answer:
    """One name with its chain."""
    claim = _own(found, name)
    return claim if isinstance(claim, Response) else whole(claim)


@operation("PUT", "/names/{name}", Scope.CLAIM, {200: models.NameWhole, 201: models.NameWhole})
def put_name(found: Caller, name: str, body: models.Wanted) -> Answer:
    """Claim a name (201), or make one that the member has as it is said here (200). Again changes nothing."""
    place = hostname(name, desk().rules)
    if not found.token.allows(Scope.CLAIM, place):
        return not_for(place)
    former = _claim(found, place)
    if former is None or not former.state.counts:
        return whole(_claimed(found, name, body)), 201
    return whole(_changed(found, former, body))


@operation("DELETE", "/names/{name}", Scope.CLAIM, {200: models.NameWhole})
def release_name(found: Caller, name: str) -> Answer:
    """Let a name go, or withdraw a claim. Again changes nothing while nobody else has it."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    if claim.state is ClaimState.QUARANTINED:
        return whole(claim)
    return whole(claims.release(desk(), found.actor, claim.id, now()))


@operation("PUT", "/names/{name}/target", Scope.CLAIM, {200: models.NameWhole})
def put_target(found: Caller, name: str, body: models.Target) -> Answer:
    """Lead a name to something else."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    target = values.target(body, claim.target, desk().rules)
    return whole(claims.retarget(desk(), found.actor, claim.id, target, now()))


@operation("PUT", "/names/{name}/options", Scope.CLAIM, {200: models.NameWhole})
def put_options(found: Caller, name: str, body: models.Options) -> Answer:
    """Say how a name's site is served; what is not said is as usual."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    options, only = values.options(body, claim.options), body.members_only
    return whole(claims.set_options(desk(), found.actor, claim.id, options, now(), members_only=only))


@operation("PUT", "/names/{name}/records", Scope.CLAIM, {200: models.NameWhole})
def put_records(found: Caller, name: str, body: models.Records) -> Answer:
    """Put just these further records at a name and below it."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    records = values.records(body.records)
    return whole(claims.set_records(desk(), found.actor, claim.id, records, now()))


@operation("PUT", "/names/{name}/holder", Scope.CLAIM, {202: models.Offer})
def put_holder(found: Caller, name: str, body: models.Holder) -> Answer:
    """Offer a name to another member, who may accept it for 7 days; until then it stays. Again changes nothing."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    made = handing.offer(desk(), found.actor, claim.id, body.login.strip().lower(), now())
    return values.offer(made), 202


@operation("DELETE", "/names/{name}/offer", Scope.CLAIM, {200: models.NameWhole})
def withdraw_offer(found: Caller, name: str) -> Answer:
    """Offer a name to nobody any more. Again changes nothing."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    return whole(handing.withdraw(desk(), found.actor, claim.id, now()))


@operation("PUT", "/names/{name}/confirmation", Scope.CLAIM, {200: models.NameWhole})
def confirm_name(found: Caller, name: str) -> Answer:
    """Say that a name is still in use."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    return whole(claims.confirm(desk(), found.actor, claim.id, now()))


@operation("GET", "/names/{name}/history", Scope.READ, {200: models.History})
def get_history(found: Caller, name: str) -> Answer:
    """What was done to a name since the member claimed it, the newest first."""
    claim = _own(found, name)
    if isinstance(claim, Response):
        return claim
    wanted = AuditFilter(subject=shown(claim.name), since=claim.created)
    with desk().office.reading() as books:
        acts = [row.act for row in books.audit.rows(wanted, limit=_HISTORY)]
    items = [models.Event(at=values.exactly(act.at), who=act.who, what=act.what) for act in acts]
    return models.History(items=items)


def _own(found: Caller, text: str) -> Claim | Response:
    """The member's claim at a name that the token is good for, or the answer that there is none."""
    try:
        name = hostname(text, desk().rules)
    except Refused as refused:
        return problems.not_found(refused.what)
    if not found.token.allows(Scope.READ, name) and not found.token.allows(Scope.CLAIM, name):
        return not_for(name)
    claim = _claim(found, name)
    return problems.not_found("you have no such claim") if claim is None else claim


def _claim(found: Caller, name: Name) -> Claim | None:
    with desk().office.reading() as books:
        own = [one for one in books.claims.at(name) if one.member == found.actor.member]
    return own[0] if own else None


def _claimed(found: Caller, name: str, body: models.Wanted) -> Claim:
    wanted = body.options or models.Options()
    return claims.claim(
        desk(),
        found.actor,
        name,
        values.target(body.target, None, desk().rules),
        now(),
        options=values.options(wanted, _USUAL),
        members_only=wanted.members_only,
        records=values.records(body.records or []),
    )


def _changed(found: Caller, claim: Claim, body: models.Wanted) -> Claim:
    wanted = body.options
    return claims.change_all(
        desk(),
        found.actor,
        claim.id,
        now(),
        target=values.target(body.target, claim.target, desk().rules),
        options=claim.options if wanted is None else values.options(wanted, claim.options),
        members_only=claim.members_only if wanted is None else wanted.members_only,
        records=claim.records if body.records is None else values.records(body.records),
    )


def _page(found: Caller, query: models.Part) -> Page[Claim]:
    """The part of the list that was asked for; of a token for some names only these count."""
    member, text = found.actor.member, query.q.strip().lower()
    with desk().office.reading() as books:
        if not found.token.names:
            return books.claims.search(
                text, member=member, states=_LIVING, offset=query.offset, limit=query.limit
            )
        everything = books.claims.search(text, member=member, states=_LIVING, limit=_MOST_NAMES).items
    own = [one for one in everything if found.token.allows(Scope.READ, one.name)]
    return Page(own[query.offset : query.offset + query.limit], len(own), query.offset)


def whole(claim: Claim) -> models.NameWhole:
    """A claim as it is answered."""
    with desk().office.reading() as books:
        return values.name_whole(claim, books.views.name(claim.name), books.offers.at(claim.id, now()))


def not_for(name: Name) -> Response:
    """The answer for a name that the token is not good for."""
    return problems.problem(403, f"the token is not for {shown(name)}", "make another on the page")
