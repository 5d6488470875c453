"""What the messages of the event websocket mean, and who an instance is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.model.guests import GuestId
from skulldns.sources.incus.events import Anything, Changed, read
from skulldns.sources.incus.places import Place, Places, named

_WEB = Place("default", "web")
_UUID = GuestId("67e553a5-76d2-4059-a7c5-d8f7e411da05")


def message(action: str, source: str, project: str = "default", **context: str) -> str:
    about = {"action": action, "source": source, "context": context, "requestor": {"protocol": "unix"}}
    return json.dumps({"type": "lifecycle", "project": project, "location": "none", "metadata": about})


@pytest.mark.parametrize(
    "action",
    [
        "created",
        "started",
        "stopped",
        "shutdown",
        "restarted",
        "updated",
        "paused",
        "resumed",
        "restored",
        "ready",
    ],
)
def test_an_event_of_an_instance_names_it(action: str) -> None:
    assert read(message(f"instance-{action}", "/1.0/instances/web")) == Changed(_WEB)


def test_the_end_of_an_instance_is_told() -> None:
    assert read(message("instance-deleted", "/1.0/instances/web")) == Changed(_WEB, deleted=True)


def test_a_rename_tells_where_it_was() -> None:
    told = message("instance-renamed", "/1.0/instances/web?project=p", "p", old_name="old")
    assert read(told) == Changed(Place("p", "web"), Place("p", "old"))


def test_the_project_of_the_path_counts_before_that_of_the_message() -> None:
    told = read(message("instance-started", "/1.0/instances/web?project=p%201", "default"))
    assert told == Changed(Place("p 1", "web"))
    assert read(message("instance-started", "/1.0/instances/web", "q")) == Changed(Place("q", "web"))


@pytest.mark.parametrize(
    ("action", "source"),
    [
        ("instance-exec", "/1.0/instances/web"),
        ("instance-console-retrieved", "/1.0/instances/web"),
        ("instance-file-pushed", "/1.0/instances/web"),
        ("instance-log-retrieved", "/1.0/instances/web/backups/b"),
        ("instance-snapshot-created", "/1.0/instances/web/snapshots/s"),
        ("instance-backup-created", "/1.0/instances/web/backups/b"),
        ("instance-metadata-updated", "/1.0/instances/web"),
        ("image-created", "/1.0/images/0123"),
        ("profile-updated", "/1.0/profiles/default"),  # each of its instances has an event of its own
        ("storage-volume-created", "/1.0/storage-pools/default/volumes/custom/v"),
    ],
)
def test_what_concerns_no_guest_is_nothing(action: str, source: str) -> None:
    assert read(message(action, source)) is None


@pytest.mark.parametrize(
    ("action", "source"),
    [
        ("network-updated", "/1.0/networks/lxdbr0"),
        ("network-forward-created", "/1.0/networks/lxdbr0/forwards/192.0.2.9"),
        ("project-renamed", "/1.0/projects/p"),
        ("cluster-member-updated", "/1.0/cluster/members/a"),
        ("instance-started", "/1.0/instances/web/more"),
        ("instance-started", "/2.0/instances/web"),
        ("instance-started", ""),
    ],
)
def test_what_concerns_many_or_is_not_understood_is_anything(action: str, source: str) -> None:
    assert read(message(action, source)) == Anything()


def test_operations_and_logs_are_nothing() -> None:
    assert read('{"type": "operation", "metadata": {}}') is None


@given(st.text() | st.binary())
def test_any_message_is_read(text: str | bytes) -> None:
    assert isinstance(read(text), Anything)


@pytest.mark.parametrize(
    "text", ["5", "[]", "null", "{}", '{"type": "lifecycle", "metadata": []}', "[" * 100_000]
)
def test_json_that_is_no_event_is_anything(text: str) -> None:
    assert read(text) == Anything()


# ---------------------------------------------------------------------------------------------------------- places


def test_an_unknown_instance_is_known_by_its_name() -> None:
    places = Places()
    assert places.identity(_WEB) == "incus:default/web"
    assert places.place(GuestId("incus:default/web")) == _WEB
    assert places.remove(_WEB) == "incus:default/web"
    assert not places.is_settled(GuestId("incus:default/web"))


def test_an_identity_goes_with_the_rename() -> None:
    places = Places()
    places.put(_WEB, _UUID)
    new = Place("default", "new")
    places.rename(_WEB, new)
    assert (places.identity(new), places.place(_UUID)) == (_UUID, new)
    assert places.identity(_WEB) == "incus:default/web"
    assert places.remove(new) == _UUID
    assert places.place(_UUID) is None


def test_a_guest_is_at_one_place_only() -> None:
    places = Places()
    places.put(_WEB, _UUID)
    places.put(Place("p", "web"), _UUID)
    assert places.identity(_WEB) == _WEB.provisional
    places.replace({_WEB: _UUID})
    assert places.place(_UUID) == _WEB
    places.forget(_UUID)
    assert places.place(_UUID) is None


@pytest.mark.parametrize(
    "identity",
    ["", "incus:", "incus:p", "incus:/web", "incus:p/", "incus:p/a/b", "lxc:p/web", _UUID, "default/web"],
)
def test_other_identities_name_no_place(identity: str) -> None:
    assert named(GuestId(identity)) is None
