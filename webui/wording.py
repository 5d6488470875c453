"""The words of states and of what tokens are good for, as people read them."""

from enum import StrEnum

from flask import Flask

from skulldns.model.claims import Because, ClaimState
from skulldns.model.guests import GuestState
from skulldns.model.members import MemberState
from skulldns.model.namestate import NameState
from skulldns.model.tokens import Scope
from webui.texts import N_, _

_WORDS: dict[StrEnum, str] = {
    ClaimState.REQUESTED: N_("requested"),
    ClaimState.AWAITING_APPROVAL: N_("awaiting approval"),
    ClaimState.AWAITING_PROOF: N_("awaiting proof"),
    ClaimState.ACTIVE: N_("active"),
    ClaimState.SUSPENDED: N_("suspended"),
    ClaimState.QUARANTINED: N_("released, kept a while"),
    ClaimState.RELEASED: N_("released"),
    NameState.SERVED: N_("served"),
    NameState.PENDING: N_("pending"),
    NameState.HELD: N_("held"),
    NameState.REFUSED: N_("refused"),
    NameState.FOREIGN: N_("foreign"),
    NameState.UNKNOWN: N_("unknown"),
    GuestState.RUNNING: N_("running"),
    GuestState.STOPPED: N_("stopped"),
    MemberState.ACTIVE: N_("active"),
    MemberState.SUSPENDED: N_("suspended"),
    Because.ADMIN: N_("an admin suspended it"),
    Because.MEMBER: N_("the member is suspended"),
    Because.PROOF: N_("its proof is gone"),
    Because.UNCONFIRMED: N_("nobody confirmed that it is still in use"),
}
_TITLES = {
    Scope.DYNDNS: N_("Report addresses"),
    Scope.ACME: N_("Get certificates"),
    Scope.CLAIM: N_("Manage names"),
    Scope.READ: N_("Look"),
    Scope.AUTH: N_("Enter your sites"),
}
_SENTENCES = {
    Scope.DYNDNS: N_("Your router, or a machine at home, says where it is (dyndns2)."),
    Scope.ACME: N_("An ACME client in your guest, such as lego or certbot, proves that a name is yours."),
    Scope.CLAIM: N_("A program of yours claims, changes and releases names."),
    Scope.READ: N_("A program of yours lists your names and how they are; it changes nothing."),
    Scope.AUTH: N_("A program of yours comes in at your own sites that are for members only."),
}


def register_filters(app: Flask) -> None:
    """Give templates the filters of this module."""
    app.jinja_env.filters["word"] = word
    app.jinja_env.filters["good_for"] = good_for
    app.jinja_env.filters["good_for_title"] = good_for_title


def word(state: StrEnum) -> str:
    """A state of a claim, a name, a guest or a member."""
    return _(_WORDS.get(state, state.value))


def good_for_title(scope: Scope) -> str:
    """What a token may be used for, in a word or two."""
    return _(_TITLES[scope])


def good_for(scope: Scope) -> str:
    """What a token may be used for, as a sentence."""
    return _(_SENTENCES[scope])
