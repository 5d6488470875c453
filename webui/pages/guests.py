"""A member's guests: what they do, what they publish, and what was refused."""

from flask import Blueprint, render_template, request

from skulldns.model.claims import ClaimState
from skulldns.model.views import Page
from webui.context import desk
from webui.pages.lists import SIZE, offset, paged
from webui.sessions import for_members, present

blueprint = Blueprint("guests", __name__, url_prefix="/guests")


@blueprint.get("")
@for_members
def index() -> str:
    """The member's guests, each with its names and how they are."""
    member, text, start = present().actor.member, request.args.get("q", "").strip(), offset()
    with desk().office.reading() as books:
        every = books.views.guests_of(member)
        having = [guest for guest in every if text in guest.name] if text else every
        page = Page(having[start : start + SIZE], len(having), start)
        claims = {
            guest.id: [
                claim
                for claim in books.claims.leading_to(guest.id)
                if claim.member == member and claim.state is not ClaimState.QUARANTINED
            ]
            for guest in page.items
        }
        names = [name for guest in page.items for name in guest.names]
        names += [claim.name for found in claims.values() for claim in found]
        views = books.views.names(names)
    return render_template(
        "guests/index.html", page=page, claims=claims, views=views, q=text, **paged("guests.index", page)
    )
