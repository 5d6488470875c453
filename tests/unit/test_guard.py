"""The guard: which deletions go at once, which count, and which wait."""

from collections.abc import Mapping

import dns.name
import dns.rdatatype
import pytest

from skulldns.model.changes import Change
from skulldns.model.desired import Evidence, Farewell
from skulldns.model.plan import Block, Plan
from skulldns.model.policy import Mode
from skulldns.model.records import rrset
from skulldns.model.zones import ZoneId
from skulldns.plan.guard import ANNOUNCED_FREE, Circumstances, guarded

_ZONE = dns.name.from_text("vmsrv.test.")
_SOURCE = "claims"


def _judged(
    deletions: Mapping[str, Evidence],
    *,
    owned: int,
    deleted: Mapping[tuple[str, Evidence], int] | None = None,
    silent: tuple[str, ...] = (),
    mode: Mode = Mode.SYNC,
) -> Plan:
    """The plan that deletes one RRset of each owner, all from one source that has ``owned``."""
    changes = [
        Change(
            rrset(dns.name.from_text(owner, _ZONE), dns.rdatatype.A, 60, ["192.0.2.10"]),
            None,
            owner,
            _SOURCE,
            "it was wanted",
        )
        for owner in deletions
    ]
    around = Circumstances(mode, 30, {_SOURCE: owned}, deleted or {}, silent_sources=silent)
    return guarded(ZoneId(_ZONE), changes, (), lambda owner: Farewell("why", deletions[owner]), around)


def _gone(plan: Plan) -> set[str]:
    return {change.owner for change in plan.changes}


def _held(plan: Plan, block: Block) -> set[str]:
    return {one.change.owner for one in plan.blocked if one.block is block}


def test_what_a_person_ended_goes_however_much_it_is() -> None:
    many = {f"c{number}": Evidence.DECIDED for number in range(5 * ANNOUNCED_FREE)}
    plan = _judged(many, owned=len(many))
    assert _gone(plan) == set(many)
    assert not plan.blocked


@pytest.mark.parametrize("evidence", [Evidence.ANNOUNCED, Evidence.UNSEEN])
def test_what_a_person_ended_takes_nothing_of_what_others_may_lose(evidence: Evidence) -> None:
    just_enough = 30 if evidence is Evidence.UNSEEN else 50
    decided = {f"c{number}": Evidence.DECIDED for number in range(40)}
    others = {f"o{number}": evidence for number in range(just_enough)}
    deleted = {(_SOURCE, Evidence.DECIDED): 500}
    assert _gone(_judged(decided | others, owned=100, deleted=deleted)) == {*decided, *others}


@pytest.mark.parametrize("evidence", [Evidence.ANNOUNCED, Evidence.UNSEEN])
def test_what_others_lose_holds_up_nothing_that_a_person_ended(evidence: Evidence) -> None:
    vanished = {f"o{number}": evidence for number in range(60)}
    plan = _judged({**vanished, "released": Evidence.DECIDED}, owned=61)
    assert _gone(plan) == {"released"}
    assert _held(plan, Block.GUARD) == set(vanished)


def test_what_a_person_ended_waits_for_no_source() -> None:
    plan = _judged(
        {"ended": Evidence.DECIDED, "announced": Evidence.ANNOUNCED, "moved": Evidence.MOVED},
        owned=3,
        silent=("a hypervisor",),
    )
    assert _gone(plan) == {"ended"}
    assert _held(plan, Block.WAITING) == {"announced", "moved"}


@pytest.mark.parametrize("mode", [Mode.NO_DELETES, Mode.OBSERVE])
def test_a_zone_s_mode_holds_for_everybody(mode: Mode) -> None:
    plan = _judged({"ended": Evidence.DECIDED}, owned=1, mode=mode)
    assert not plan.changes
    assert _held(plan, Block.MODE) == {"ended"}
