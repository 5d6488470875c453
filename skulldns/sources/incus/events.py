"""What a message of the event websocket means. Pure.

The names of the events: https://linuxcontainers.org/incus/docs/main/events/.
"""

import json
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from skulldns.sources.incus.places import Place

# Of an instance these concern its files, console and copies, not itself.
_BESIDE = ("backup-", "console", "exec", "file-", "log-", "metadata-", "snapshot-")
_WIDE = ("network-", "project-", "cluster-")


@dataclass(frozen=True, slots=True)
class Changed:
    """An instance is new, has changed or is gone (``deleted``); ``before`` is where it was before a rename."""

    place: Place
    before: Place | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Anything:
    """Something that concerns many instances, or that cannot be understood."""


def read(message: str | bytes) -> Changed | Anything | None:
    """Return what a message says; None for what concerns no guest. Raises nothing."""
    try:
        event = json.loads(message)
        if event["type"] != "lifecycle":
            return None
        about = event["metadata"]
        action, source = str(about["action"]), urlsplit(str(about["source"]))
        kind, _, what = action.partition("-")
        if action.startswith(_WIDE):
            return Anything()
        if kind != "instance" or what.startswith(_BESIDE):
            return None
        queried = parse_qs(source.query).get("project", [""])[0]
        project = queried or str(event.get("project") or "default")
        _, version, collection, name = source.path.split("/")
        if (version, collection) != ("1.0", "instances") or not name:
            return Anything()
        place = Place(project, unquote(name))
        old = str((about.get("context") or {}).get("old_name") or "") if what == "renamed" else ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Anything()
    return Changed(place, Place(project, old) if old else None, deleted=what == "deleted")
