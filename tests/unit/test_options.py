"""Owner, port and options of a guest: who says what, who wins, and what cannot be."""

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.name
import pytest

from skulldns.daemon import guests
from skulldns.desired.options import Told, options
from skulldns.desired.policy import login
from skulldns.desired.settings import GuestSettings
from skulldns.errors import Refused
from skulldns.model.assignments import FIELDS, Assignment
from skulldns.model.guests import GuestOptions, shortened
from skulldns.model.policy import Https, Publish, Publishing
from tests.unit.loopworld import ZONE, LoopWorld, guest

_PROXY: dict[str, Any] = {"proxy_addresses": (ip_address("203.0.113.5"),)}
_CONFIG = Path("skulldns.yaml")


def _settings(**more: Any) -> GuestSettings:
    return GuestSettings(ZONE, 60, (), **more)


def _world(**settings: Any) -> LoopWorld:
    world = LoopWorld(**settings)
    world.source.put(guest("web", "192.0.2.10", options=GuestOptions(owner="bob", names=("shop",))))
    world.run(3)
    return world


def _assign(world: LoopWorld, name: str = "web", clear: Sequence[str] = (), **given: str) -> dict[str, Any]:
    return guests.assign(world.engine, _CONFIG, name, given, clear)


def _shown(world: LoopWorld, name: str) -> dict[str, Any]:
    registry = world.engine.registry
    return guests.shown(registry, guests.found(registry, name))


def test_the_config_wins_over_the_assignment_and_that_over_the_hypervisor() -> None:
    web = guest("web", options=GuestOptions("carol", 1, ("shop",), "guest", "off"))
    settings = _settings(assigned={"web": Assignment(owner="alice")}, publish=Publish.PROXY, **_PROXY)
    found = options(web, Assignment(owner="bob", port=2, names=()), settings)
    assert (found.owner, found.port, found.names, found.publish, found.https) == (
        "alice",
        2,
        (),
        Publishing(Publish.GUEST),
        Https.OFF,
    )
    assert found.told == (Told.CONFIG, Told.ASSIGNED, Told.ASSIGNED, Told.HYPERVISOR, Told.HYPERVISOR)
    assert found.refusals == ()


def test_what_was_cut_because_it_is_too_long_is_refused_with_a_reason() -> None:
    long = shortened("8" * 256)
    web = guest("web", options=GuestOptions(owner=long, port=long, publish=long, https=long))
    refusals = options(web, Assignment(), _settings()).refusals
    assert [refusal.what.partition(" ")[0] for refusal in refusals] == ["owner", "port", "publish", "https"]
    assert all(refusal.reason for refusal in refusals)


def test_where_nobody_says_anything_the_config_s_general_word_counts() -> None:
    found = options(guest("web"), Assignment(), _settings(publish=Publish.PROXY, https=Https.OFF))
    assert (found.owner, found.port, found.publish, found.https) == (
        None,
        80,
        Publishing(Publish.PROXY),
        Https.OFF,
    )
    assert set(found.told) == {Told.DEFAULT}


def test_the_config_s_key_may_be_the_identity_which_goes_before_the_name() -> None:
    settings = _settings(assigned={"web": Assignment(owner="alice"), "id-web": Assignment(owner="bob")})
    assert options(guest("web"), Assignment(), settings).owner == "bob"


@pytest.mark.parametrize(
    ("written", "what"),
    [
        (GuestOptions(port=0), "port 0: 0 is not a port; write a number from 1 to 65535"),
        (GuestOptions(port=65536), "port 65536: "),
        (GuestOptions(port="-1"), "port '-1': "),
        (GuestOptions(port="80;"), "port '80;': "),
        (GuestOptions(port="\u0661"), "port '\\u0661': "),
        (
            GuestOptions(publish="maybe"),
            "publish maybe: maybe is not known here; write guest, proxy or none, or ",
        ),
        (GuestOptions(publish="proxy"), "publish proxy: there is no proxy to publish; "),
        (GuestOptions(https="on"), "https on: on is not known here; write auto or off"),
        (GuestOptions(owner="Alice"), "owner Alice: Alice is not a login; "),
        (GuestOptions(owner="a\nb"), "owner 'a\\nb': "),
    ],
)
def test_what_the_hypervisor_says_and_cannot_be_is_refused(written: GuestOptions, what: str) -> None:
    world = LoopWorld()
    world.source.put(guest("web", "192.0.2.10", options=written))
    world.run(3)
    assert world.served() == {"web.vmsrv.test A": ["192.0.2.10"]}
    [refusal] = world.refusals("web")
    assert refusal.startswith(what)
    shown = _shown(world, "web")
    assert (shown["owner"], shown["port"], shown["publish"], shown["https"]) == (None, 80, "guest", "auto")


@pytest.mark.parametrize("text", ["a", "0", "alice", "a.b-c_d", "a" * 32])
def test_logins(text: str) -> None:
    assert login(text) == text


@pytest.mark.parametrize("text", ["", "A", "a" * 33, "-a", ".a", "_a", "a b", "a\n", "\u0430", "alice\n"])
def test_no_logins(text: str) -> None:
    with pytest.raises(Refused):
        login(text)


def test_an_assignment_counts_at_once_and_survives_stop_and_restart() -> None:
    world = _world()
    shown = _assign(world, owner="alice", port="8080", names="docs, wiki")
    assert (shown["owner"], shown["port"]) == ("alice", 8080)
    world.run(3)
    assert set(world.served()) == {f"{label}.vmsrv.test A" for label in ("web", "docs", "wiki")}
    world.source.put(guest("web", running=False))
    world.begin()
    world.run(3)
    shown = _shown(world, "web")
    assert (shown["owner"], shown["port"], shown["state"]) == ("alice", 8080, "stopped")
    assert set(world.served()) == {f"{label}.vmsrv.test A" for label in ("web", "docs", "wiki")}
    shown = _assign(world, "id-web", clear=("names", "port"))
    assert (shown["owner"], shown["port"], shown["told"]["owner"]) == ("alice", 80, "assigned")
    shown = _assign(world, clear=FIELDS)
    assert shown["owner"] is None
    world.source.put(guest("web", "192.0.2.10", options=GuestOptions(owner="bob")))
    world.run(3)
    assert _shown(world, "web")["owner"] == "bob"


def test_an_assignment_goes_with_its_guest() -> None:
    world = _world(grace=5)
    _assign(world, owner="alice")
    world.source.remove(guest("web").id)
    world.run(150)
    assert world.engine.registry.known(guest("web").id) is None
    world.begin()
    world.source.put(guest("web", "192.0.2.10"))
    world.run(3)
    assert _shown(world, "web")["owner"] is None


def test_one_guest_may_publish_the_proxy_and_another_not() -> None:
    world = _world(**_PROXY)
    world.source.put(guest("db", "192.0.2.11"))
    world.source.put(guest("wiki", "192.0.2.12", options=GuestOptions(publish="proxy")))
    _assign(world, publish="proxy", names="")
    world.run(3)
    assert world.served() == {
        "web.vmsrv.test A": ["203.0.113.5"],
        "db.vmsrv.test A": ["192.0.2.11"],
        "wiki.vmsrv.test A": ["203.0.113.5"],
    }
    world.run(15)
    assert world.pointers()["10"] == ["web.vmsrv.test."]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "nobody", "owner": "alice"}, "there is no guest nobody; see `skulldns guest list`"),
        ({"owner": "Alice"}, "Alice is not a login; "),
        ({"port": "0"}, "0 is not a port; write a number from 1 to 65535"),
        ({"port": "99999999999999"}, "99999999999999 is not a port; "),
        ({"names": "ns1"}, "'ns1' is reserved (ns*); "),
        ({"names": "a..b"}, "'' is not a host name label; "),
        ({"publish": "proxy"}, "there is no proxy to publish; add the section 'proxy:' to the config"),
        ({"https": "on"}, "on is not known here; write auto or off"),
        ({"shoe": "big"}, "there is no shoe to assign; write one of owner, port, names, publish, https"),
    ],
)
def test_what_cannot_be_assigned_is_refused_with_the_cure(given: dict[str, str], sentence: str) -> None:
    world = _world()
    name = given.get("name", "web")
    given = {field: value for field, value in given.items() if field != "name"}
    with pytest.raises(Refused) as refused:
        guests.assign(world.engine, _CONFIG, name, given, ())
    assert str(refused.value).startswith(sentence)
    assert _shown(world, "web")["owner"] == "bob"


def test_what_the_config_says_is_left_to_it() -> None:
    world = LoopWorld(assigned={"web": Assignment(owner="carol")})
    world.source.put(guest("web", "192.0.2.10"))
    world.run(3)
    for given, clear in (({"owner": "alice"}, ()), ({}, ("owner",))):
        with pytest.raises(Refused) as refused:
            guests.assign(world.engine, _CONFIG, "web", given, clear)
        assert str(refused.value) == (
            "skulldns.yaml: the config says guests.assign.web.owner, which wins; change it there"
        )
    assert _assign(world, port="8080")["owner"] == "carol"


def test_a_name_that_several_guests_have_names_none() -> None:
    world = _world()
    other = world.other_source
    other.put(guest("web", "192.0.2.11", identity="two", source=other.name))
    world.run(3)
    with pytest.raises(Refused) as refused:
        _assign(world, owner="alice")
    assert str(refused.value) == (
        "several guests are called web; name one by its identity: id-web (fake), two (other)"
    )
    assert _assign(world, "two", owner="alice")["id"] == "two"
    assert dns.name.from_text("web", ZONE) in world.engine.registry.wishes(guest("web").id).names
