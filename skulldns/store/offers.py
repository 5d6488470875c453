"""Remembers which names are offered to whom."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.claims import ClaimId, ClaimState, Offer
from skulldns.store.claimcodec import name_from
from skulldns.store.membertables import claims, offers

_MOST = 200


class OfferBook:
    """Offers within one transaction. One counts while its time lasts and the giver has the name, active."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def at(self, claim: str, now: float) -> Offer | None:
        """The offer of one claim."""
        found = self._standing(now, offers.c.claim == claim)
        return found[0] if found else None

    def to(self, heir: str, now: float) -> Sequence[Offer]:
        """What is offered to a login, the oldest first; of very much not all."""
        return self._standing(now, offers.c.heir == heir)

    def put(self, offer: Offer) -> None:
        """Make an offer in the place of the claim's former one. What was over before it is forgotten."""
        self._connection.execute(delete(offers).where(offers.c.until <= offer.made))
        rest = {"giver": offer.giver, "heir": offer.heir, "made": offer.made, "until": offer.until}
        put = insert(offers).values(claim=offer.claim, **rest)
        self._connection.execute(put.on_conflict_do_update(index_elements=["claim"], set_=rest))

    def drop(self, claim: str) -> None:
        """The claim is offered to nobody any more."""
        self._connection.execute(delete(offers).where(offers.c.claim == claim))

    def _standing(self, now: float, where: ColumnElement[bool]) -> Sequence[Offer]:
        held = (claims.c.id == offers.c.claim) & (claims.c.member == offers.c.giver)
        query = (
            select(offers, claims.c.name)
            .join(claims, held & (claims.c.state == ClaimState.ACTIVE))
            .where(where, offers.c.until > now)
            .order_by(offers.c.made, offers.c.claim)
            .limit(_MOST)
        )
        return [_offer(row) for row in self._connection.execute(query)]


def _offer(row: Row[tuple[object, ...]]) -> Offer:
    return Offer(ClaimId(row.claim), name_from(row.name), row.giver, row.heir, row.made, row.until)
