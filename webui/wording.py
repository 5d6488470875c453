"""The words of states and of what tokens are good for, as people read them."""

from enum import StrEnum

from flask import Flask

from skulldns.model.claims import Because, ClaimState
from skulldns.model.guests import GuestState
from skulldns.model.members import MemberState
from skulldns.model.namestate import NameState
from skulldns.model.tokens import Scope
from webui.texts import _


def register_filters(app: Flask) -> None:
    """Give templates the filters of this module."""
    app.jinja_env.filters["word"] = word
    app.jinja_env.filters["good_for"] = good_for
    app.jinja_env.filters["good_for_title"] = good_for_title


def word(state: StrEnum) -> str:
    """A state of a claim, a name, a guest or a member."""
    words: dict[StrEnum, str] = {
        ClaimState.REQUESTED: _("requested"),
        ClaimState.AWAITING_APPROVAL: _("awaiting approval"),
        ClaimState.AWAITING_PROOF: _("awaiting proof"),
        ClaimState.ACTIVE: _("active"),
        ClaimState.SUSPENDED: _("suspended"),
        ClaimState.QUARANTINED: _("released, kept for you"),
        ClaimState.RELEASED: _("released"),
        NameState.SERVED: _("served"),
        NameState.PENDING: _("pending"),
        NameState.HELD: _("held"),
        NameState.REFUSED: _("refused"),
        NameState.FOREIGN: _("foreign"),
        NameState.UNKNOWN: _("unknown"),
        GuestState.RUNNING: _("running"),
        GuestState.STOPPED: _("stopped"),
        MemberState.ACTIVE: _("active"),
        MemberState.SUSPENDED: _("suspended"),
        Because.ADMIN: _("an admin suspended it"),
        Because.MEMBER: _("the member is suspended"),
        Because.PROOF: _("its proof is gone"),
        Because.UNCONFIRMED: _("nobody confirmed that it is still in use"),
    }
    return words.get(state, state.value)


def good_for_title(scope: Scope) -> str:
    """What a token may be used for, in a word or two."""
    return {
        Scope.DYNDNS: _("Report addresses"),
        Scope.ACME: _("Get certificates"),
        Scope.CLAIM: _("Manage names"),
        Scope.READ: _("Look"),
        Scope.AUTH: _("Ask who is signed in"),
    }[scope]


def good_for(scope: Scope) -> str:
    """What a token may be used for, as a sentence."""
    return {
        Scope.DYNDNS: _("Your router, or a machine at home, says where it is (dyndns2)."),
        Scope.ACME: _("An ACME client in your guest, such as lego or certbot, proves that a name is yours."),
        Scope.CLAIM: _("A program of yours claims, changes and releases names."),
        Scope.READ: _("A program of yours lists your names and how they are; it changes nothing."),
        Scope.AUTH: _("An nginx of yours asks whether a visitor is a member."),
    }[scope]
