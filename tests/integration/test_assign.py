"""What an admin assigns counts at once, survives a kill, and may be assigned while no daemon runs."""

import contextlib

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both
from tests.integration.hypervisor import define
from tests.integration.served import daemon
from tests.integration.trial import Trial, is_a_sentence_with_cure


def test_an_assignment_is_served_at_once_and_survives_a_kill(lab: Lab) -> None:
    trial = Trial(lab)
    with contextlib.closing(lab.libvirt()) as connection:
        domain = define(connection, "web")
        domain.create()
    trial.until_states("served", "web")

    said = trial.says(
        "guest", "assign", "web", "--owner", "alice", "--port", "8080", "--names", "docs", "--json"
    )
    assert (said.code, said.err) == (0, "")
    assert (said.json["owner"], said.json["port"]) == ("alice", 8080)
    lab.kill("daemon")

    offline = trial.says("guest", "assign", "web", "--https", "auto")
    assert (offline.code, offline.err) == (0, "")
    assert "The daemon is not running" in offline.out
    trial.start_daemon()
    until(lambda: all(both(lab, f"docs.{lab.info.zone}")), "the assigned name", patience=60)
    [one] = daemon(lab, "guests")
    assert (one["owner"], one["port"], one["https"]) == ("alice", 8080, "auto")
    listed, shown = trial.says("guest", "list"), trial.says("guest", "show", one["id"])
    for text in ("alice", "port 8080", "docs.vmsrv.test", *one["macs"]):
        assert text in listed.out
    assert "8080 (assigned)" in shown.out

    for arguments in (("nobody", "--owner", "alice"), ("web", "--port", "0"), ("web", "--names", "ns1")):
        said = trial.says("guest", "assign", *arguments)
        assert (said.code, said.out) == (1, "")
        [line] = said.errors
        assert is_a_sentence_with_cure(line)
    assert trial.says("guest", "assign", "web").code == 2

    cleared = trial.says("guest", "assign", "web", "--clear")
    assert (cleared.code, cleared.err) == (0, "")
    until(lambda: both(lab, f"docs.{lab.info.zone}") == ((), ()), "the end of the assigned name", patience=60)
    assert daemon(lab, "guest", guest="web")["owner"] is None
