"""`why NAME` walks the chain and ends at the first link that does not hold; also where no daemon runs."""

from collections.abc import Iterator
from typing import Any

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration import hypervisor
from tests.integration.trial import Said, Trial, is_a_sentence_with_cure

pytestmark = pytest.mark.timeout(300)

_BAD = {"broken", "waiting"}


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Trial]:  # noqa: ARG001 - as in conftest
    """A lab with a name in each state but `held`; the tests of this module only look, in their order."""
    with Lab.up(tmp_path_factory.mktemp("why") / "lab") as lab:
        trial = Trial(lab)
        trial.by_hand(
            "update add taken.vmsrv.test. 300 A 127.7.88.88", 'update add hand.vmsrv.test. 300 TXT "by hand"'
        )
        with lab.hypervisor() as connection:
            hypervisor.define(connection, "homeless", networks=()).create()
            hypervisor.define(connection, "idle")
        trial.define("web", "WEB", "wpad", "taken")
        trial.until_states("served", "web", "info")
        trial.until_states("foreign", "taken")
        yield trial


def _why(trial: Trial, name: str) -> dict[str, Any]:
    """The chain as JSON, after a look that text and JSON agree."""
    said, text = _standing_still(trial, name)
    assert (said.code, text.code, said.err, text.err) == (0, 0, "", "")
    chain: dict[str, Any] = said.json
    report = chain["report"]
    assert text.out.splitlines()[0] == f"{report['name']} is {report['state']}"
    for link in chain["links"]:
        assert link["link"] in text.out
    broken = [link for link in chain["links"] if link["state"] in _BAD]
    assert ("cause: " in text.out) == bool(broken)
    if broken:
        assert chain["report"]["reason"] in text.out
    return chain


def _standing_still(trial: Trial, name: str) -> tuple[Said, Said]:
    """What `why` says as JSON and as text of a world that does not move meanwhile, as when a source retries."""
    said = trial.says("why", name, "--json")
    for _ in range(10):
        text, again = trial.says("why", name), trial.says("why", name, "--json")
        if _timeless(said.json) == _timeless(again.json):
            return said, text
        said = again
    pytest.fail(f"the chain of {name} does not stand still: {said.out}")


def _timeless(chain: dict[str, Any]) -> dict[str, Any]:
    """The chain without its ``since``, which for a look without a daemon is the look's own moment."""
    return chain | {"report": chain["report"] | {"since": None}}


def _first_bad(chain: dict[str, Any]) -> dict[str, str] | None:
    return next((link for link in chain["links"] if link["state"] in _BAD), None)


def _links(chain: dict[str, Any]) -> list[str]:
    return [link["link"] for link in chain["links"]]


def _see(chain: dict[str, Any], link: str) -> dict[str, str]:
    [found] = [one for one in chain["links"] if one["link"] == link]
    return dict(found)


def test_served(trial: Trial) -> None:
    chain = _why(trial, "web")
    assert chain["report"]["state"] == "served"
    assert _links(chain)[:2] == ["zone", "source"]
    assert _links(chain)[-4:] == ["policy", "ns1", "ns2", "dnssec"]
    assert {"guest", "address"} < set(_links(chain))
    [address] = trial.answers("ns2", "web")
    for server in ("ns1", "ns2"):
        link = _see(chain, server)
        assert link["state"] == "good"
        assert f"answers A {address}" in link["text"]
    assert chain["history"]


@pytest.mark.parametrize("spelling", ["web.vmsrv.test", "web.vmsrv.test.", "WEB", " web "])
def test_a_name_may_be_spelt_in_many_ways(trial: Trial, spelling: str) -> None:
    assert _why(trial, spelling)["report"]["name"] == "web.vmsrv.test"


def test_static(trial: Trial) -> None:
    chain = _why(trial, "info")
    assert chain["report"]["state"] == "served"
    assert "source" not in _links(chain)
    assert f"{trial.zone}.yaml:" in _see(chain, "zone file")["text"]
    assert _first_bad(chain) is None


def test_a_reverse_name(trial: Trial) -> None:
    [address] = trial.answers("ns1", "web")
    name = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    chain = _why(trial, name)
    assert chain["report"]["state"] == "served"
    assert "PTR web.vmsrv.test." in _see(chain, "ns2")["text"]


def test_pending_for_want_of_an_address(trial: Trial) -> None:
    chain = _why(trial, "homeless")
    assert chain["report"]["state"] == "pending"
    bad = _first_bad(chain)
    assert bad is not None
    assert bad["link"] == "address"
    assert is_a_sentence_with_cure(chain["report"]["reason"]) or is_a_sentence_with_cure(bad["text"])


def test_pending_for_want_of_a_start(trial: Trial) -> None:
    chain = _why(trial, "idle")
    assert chain["report"]["state"] == "pending"
    assert "stopped" in chain["report"]["reason"]
    assert is_a_sentence_with_cure(chain["report"]["reason"]) or is_a_sentence_with_cure(
        (_first_bad(chain) or {}).get("text", "")
    )


def test_refused(trial: Trial) -> None:
    chain = _why(trial, "wpad")
    assert chain["report"]["state"] == "refused"
    bad = _first_bad(chain)
    assert bad is not None
    assert bad["link"] in {"refused", "policy"}
    assert is_a_sentence_with_cure(bad["text"])
    assert trial.answers("ns1", "wpad") == []


def test_two_guests_of_one_name(trial: Trial) -> None:
    """The name is served for the first; the second is refused, and its sentence names the first."""
    guests = {guest["name"]: guest for guest in trial.says("guest", "list", "--json").json}
    loser = next(guest for guest in guests.values() if guest["refused"] and guest["name"].lower() == "web")
    winner = guests["WEB" if loser["name"] == "web" else "web"]
    assert winner["names"] == ["web.vmsrv.test"]
    assert loser["names"] == []
    reason = loser["refused"][0]["reason"]
    assert winner["id"] in reason
    assert is_a_sentence_with_cure(reason)
    assert reason in trial.says("status").out


def test_foreign_where_a_guest_wants_the_name(trial: Trial) -> None:
    chain = _why(trial, "taken")
    assert chain["report"]["state"] == "foreign"
    assert is_a_sentence_with_cure(chain["report"]["reason"])
    assert (_first_bad(chain) or {})["link"] == "policy"
    assert "127.7.88.88" in _see(chain, "ns1")["text"]


def test_foreign_that_nobody_wants(trial: Trial) -> None:
    chain = _why(trial, "hand")
    assert chain["report"]["state"] == "foreign"
    assert "somebody else" in chain["report"]["reason"]
    assert "by hand" in _see(chain, "ns1")["text"]


def test_unknown(trial: Trial) -> None:
    chain = _why(trial, "nobody")
    assert chain["report"]["state"] == "unknown"
    assert "nobody asks for it" in chain["report"]["reason"]
    assert _see(chain, "ns1")["state"] == "none"


def test_a_name_of_no_zone(trial: Trial) -> None:
    chain = _why(trial, "www.elsewhere.test.")
    assert chain["report"]["state"] == "unknown"
    [link] = chain["links"]
    assert link["link"] == "zone"
    assert is_a_sentence_with_cure(link["text"])


@pytest.mark.parametrize("text", ["a..b", "x" * 64, ".".join(["x" * 60] * 5), "\\999"])
def test_what_is_no_name_is_refused_in_one_line(trial: Trial, text: str) -> None:
    said = trial.says("why", text)
    assert said.code == 1
    assert said.out == ""
    [line] = said.errors
    assert "is not a name" in line


def test_without_a_name_it_is_wrong_usage(trial: Trial) -> None:
    said = trial.says("why")
    assert said.code == 2
    assert len(said.errors) == 1


def test_held(trial: Trial) -> None:
    trial.lab.kill("libvirtd")
    trial.until_states("held", "web", patience=30)
    chain = _why(trial, "web")
    bad = _first_bad(chain)
    assert bad is not None
    assert bad["link"] == "source"
    assert "start libvirt's daemon" in bad["text"]
    assert "start libvirt's daemon" in chain["report"]["reason"]
    assert _see(chain, "ns2")["state"] == "good"


@pytest.mark.parametrize(("server", "first"), [("ns1", "ns1"), ("ns2", "ns2")], ids=["ns1 down", "ns2 down"])
def test_a_server_that_is_down_is_the_broken_link(lab: Lab, server: str, first: str) -> None:
    trial = Trial(lab)
    trial.serve("web")
    lab.kill(server)
    trial.define("later")
    trial.until_states("pending", "later", patience=30)
    for name in ("later", "web"):
        chain = _why(trial, name)
        bad = _first_bad(chain)
        assert bad is not None
        assert bad["link"] == first
        assert "start the name server" in bad["text"]
    lab.start(server)
    trial.until_well()
    assert _first_bad(_why(trial, "later")) is None


# -------------------------------------------------------------------------------------------- without the daemon


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Trial]:  # noqa: ARG001 - as above
    """A lab whose daemon has served two guests and was stopped."""
    with Lab.up(tmp_path_factory.mktemp("alone") / "lab") as lab:
        trial = Trial(lab)
        trial.serve("web", "db")
        trial.by_hand('update add hand.vmsrv.test. 300 TXT "by hand"')
        lab.stop("daemon")
        yield trial


def test_alone_why(alone: Trial) -> None:
    before = alone.everything()
    for name, state in {"web": "served", "info": "served", "hand": "foreign", "nobody": "unknown"}.items():
        assert _why(alone, name)["report"]["state"] == state
    assert _first_bad(_why(alone, "web")) is None
    assert alone.everything() == before


def test_alone_status_says_that_no_daemon_runs(alone: Trial) -> None:
    said = alone.says("status")
    assert said.code == 0
    assert "The daemon is not running" in said.out
    assert "dnssec  not looked at yet; `skulldns doctor` looks at once" in said.out
    found = alone.says("status", "--json").json
    assert found["daemon"] is False
    assert found["counts"]["served"] == 5
    assert {server["state"] for server in found["servers"]} == {"ready"}


def test_alone_guest_list(alone: Trial) -> None:
    said = alone.says("guest", "list")
    assert said.code == 0
    assert "web.vmsrv.test" in said.out
    assert {guest["name"] for guest in alone.says("guest", "list", "--json").json} == {"web", "db"}


def test_alone_nothing_is_planned_and_nothing_written(alone: Trial) -> None:
    before = alone.everything()
    files = {path: path.read_bytes() for path in alone.state.rglob("*.db")}
    plan = alone.says("plan", "--exit-code")
    assert (plan.code, plan.out.strip()) == (0, "nothing to change")
    assert alone.says("apply").code == 0
    assert alone.everything() == before
    assert {path: path.read_bytes() for path in alone.state.rglob("*.db")}.keys() == files.keys()


def test_alone_plan_and_apply_publish(alone: Trial) -> None:
    alone.define("fresh")
    planned = alone.says("plan", "--exit-code")
    assert planned.code == 3
    assert "fresh.vmsrv.test" in planned.out
    assert "+ A" in planned.out
    assert alone.answers("ns1", "fresh") == []
    chain = _why(alone, "fresh")
    assert chain["report"]["state"] == "pending"
    assert (_first_bad(chain) or {})["link"] in {"ns1", "policy"}
    checksum = alone.says("plan", "--json").json["checksum"]
    assert checksum in planned.out
    done = alone.says("apply", "--checksum", checksum)
    assert done.code == 0, done
    assert alone.answers("ns1", "fresh") == alone.answers("ns2", "fresh") != []
    assert alone.says("plan", "--exit-code").code == 0


def test_alone_apply_with_ns2_down_says_so(alone: Trial) -> None:
    alone.lab.kill("ns2")
    try:
        alone.define("half")
        done = alone.says("apply")
        assert done.code == 1
        assert "nothing listens there" in done.out + done.err
        assert alone.answers("ns1", "half")
    finally:
        alone.lab.start("ns2")
    until(lambda: alone.answers("ns2", "half") != [], "ns2's own look", patience=30)
    assert alone.says("apply").code == 0


def test_alone_with_ns1_down_every_verb_says_so(alone: Trial) -> None:
    alone.lab.kill("ns1")
    try:
        for verb in ("plan", "apply"):
            said = alone.says(verb)
            assert said.code == 1
            assert "nothing listens there" in said.out + said.err
            assert "Traceback" not in said.err
        status = alone.says("status")
        assert status.code == 0
        assert "nothing listens there" in status.out
        assert (_first_bad(_why(alone, "web")) or {})["link"] == "ns1"
    finally:
        alone.lab.start("ns1")


def test_alone_without_the_hypervisor_everything_is_held(alone: Trial) -> None:
    before = alone.everything()
    alone.lab.kill("libvirtd")
    assert alone.says("plan", "--exit-code").code == 0
    assert alone.says("apply").code == 0
    assert _why(alone, "web")["report"]["state"] == "held"
    assert "start libvirt's daemon" in alone.says("status").out
    assert alone.everything() == before
