"""Plans as values for JSON: each change with who wants it, and why something goes."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from skulldns.model.changes import Change
from skulldns.model.desired import Farewell
from skulldns.model.plan import Plan
from skulldns.model.records import RRset, type_text


def shown(
    plans: Sequence[Plan],
    failures: Sequence[str],
    farewell: Callable[[str], Farewell],
    files: Iterable[str] = (),
) -> dict[str, Any]:
    """All plans under one checksum.

    ``failures`` say what could not be read or made, ``files`` which files have an error and count as they were.
    """
    zones = [_plan(plan, farewell) for plan in plans]
    parts = " ".join(zone["checksum"] for zone in zones)
    return {
        "zones": zones,
        "checksum": hashlib.sha256(parts.encode()).hexdigest()[:12],
        "changes": sum(len(plan.changes) for plan in plans),
        "needs_agreement": any(plan.needs_agreement for plan in plans),
        "failures": list(failures),
        "files": list(files),
    }


def _plan(plan: Plan, farewell: Callable[[str], Farewell]) -> dict[str, Any]:
    return {
        "zone": plan.zone.name.to_text(omit_final_dot=True),
        "view": plan.zone.view,
        "checksum": plan.checksum,
        "changes": [_change(change, farewell) for change in plan.changes],
        "blocked": [
            _change(one.change, farewell) | {"block": one.block.value, "because": one.reason}
            for one in plan.blocked
        ],
        "conflicts": [
            {
                "key": str(key),
                "name": key.name.to_text(omit_final_dot=True),
                "type": type_text(key.type),
                "reason": reason,
            }
            for key, reason in plan.conflicts
        ],
    }


def _change(change: Change, farewell: Callable[[str], Farewell]) -> dict[str, Any]:
    """``evidence`` says what speaks for a deletion; None for other changes."""
    key = change.key
    return {
        "action": change.action.value,
        "name": key.name.to_text(omit_final_dot=True),
        "type": type_text(key.type),
        "before": _side(change.before),
        "after": _side(change.after),
        "owner": change.owner,
        "source": change.source,
        "reason": change.reason,
        "evidence": farewell(change.owner).evidence.value if change.after is None else None,
    }


def _side(rrset: RRset | None) -> dict[str, Any] | None:
    return None if rrset is None else {"ttl": rrset.ttl, "values": rrset.values()}
