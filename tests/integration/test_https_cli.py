"""What the command line says of a proxy and certificates, and does with them: on one lab that serves sites.

The tests stand in their order: the last one takes nginx away.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from skulldns.cli import main
from skulldns.daemon.control import ask
from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.parts import HTTPS
from skulldns.lab.waiting import until
from tests.integration import hypervisor
from tests.integration.trial import Trial
from tests.support import require

pytestmark = pytest.mark.timeout(300)

_PATIENCE = 90.0
_SITE_LINKS = ["site", "certificate", "upstream", "https"]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Trial]:  # noqa: ARG001 - as in conftest
    """A lab with a guest that is served under a deeper name too, one that is stopped, and one without a web server."""
    require("nginx", package="nginx")
    require("pebble", package="pebble")
    with Lab.up(tmp_path_factory.mktemp("https-cli") / "lab", extra=HTTPS) as lab:
        trial = Trial(lab)
        trial.until_answering()
        with lab.hypervisor() as connection:
            web = hypervisor.define(connection, "web")
            hypervisor.set_names(web, "deep.web")
            web.create()
            hypervisor.define(connection, "mute").create()
            hypervisor.define(connection, "idle").create()
        trial.until_states("served", "web", "deep.web", "mute", "idle")
        lab.guest("idle").stop()
        ask(trial.state, "assign", guest="mute", given={"port": "81"}, cleared=[])
        for name, links in {
            "web": ["good", "good", "good", "good"],
            "deep.web": ["good", "good", "good", "good"],
            "idle": ["waiting", "good", "none", "good"],
            "mute": ["good", "good", "broken", "broken"],
        }.items():
            _until_links(trial, name, links)
        yield trial


def _visit(trial: Trial, name: str) -> dict[str, dict[str, Any]]:
    """The links of `why` behind the name servers."""
    chain = ask(trial.state, "why", name=name)
    return {link["link"]: link for link in chain["links"] if link["link"] in _SITE_LINKS}


def _until_links(trial: Trial, name: str, states: list[str]) -> None:
    seen: list[Any] = []

    def so() -> bool:
        seen[:] = [_visit(trial, name)]
        return [link["state"] for link in seen[0].values()] == states

    try:
        until(so, f"{name} being {states}", patience=_PATIENCE)
    except Unavailable as error:
        raise AssertionError(f"{error}; {seen}") from error


def _certificate(trial: Trial, identity: str) -> dict[str, Any]:
    found = ask(trial.state, "certificates")
    return next(one for one in found if one["identity"] == identity)


def _says(trial: Trial, *arguments: str) -> Result:
    """What the command line answers, without the cost of a process."""
    return CliRunner().invoke(main, [*arguments, "--config", str(trial.lab.info.config)])


def _text(trial: Trial, *arguments: str) -> str:
    said = _says(trial, *arguments)
    assert (said.exit_code, said.stderr) == (0, ""), said.output
    return said.stdout


def _ca_says(trial: Trial, serial: str) -> str:
    """What the CA tells of a certificate."""
    home = trial.lab.info.directory / "ca"
    where = json.loads((home / "pebble.json").read_text(encoding="utf-8"))["pebble"][
        "managementListenAddress"
    ]
    url = f"https://{where}/cert-status-by-serial/{serial}"
    found = requests.get(url, verify=str(home / "tls.pem"), timeout=10).json()
    return str(found["Status"])


def test_why_a_site_is_served(trial: Trial) -> None:
    visit = _visit(trial, "web")
    assert list(visit) == _SITE_LINKS
    assert "in the map of its zone" in visit["site"]["text"]
    assert "vmsrv.test, by " in visit["certificate"]["text"]
    assert "200" in visit["upstream"]["text"]
    assert "200" in visit["https"]["text"]
    assert "cause:" not in _text(trial, "why", "web")


def test_why_a_deeper_name_is_served(trial: Trial) -> None:
    visit = _visit(trial, "deep.web")
    assert "with a server block of its own" in visit["site"]["text"]
    assert visit["certificate"]["text"].startswith("deep.web.vmsrv.test, by ")


def test_why_a_stopped_guest_shows_its_page(trial: Trial) -> None:
    visit = _visit(trial, "idle")
    assert "its guest is stopped, or another's by now; start it" in visit["site"]["text"]
    assert "503" in visit["https"]["text"]
    assert (
        "its guest is stopped, or another's by now; start it"
        in _text(trial, "why", "idle").partition("cause: ")[2]
    )


def test_why_a_guest_without_a_web_server_shows_none(trial: Trial) -> None:
    visit = _visit(trial, "mute")
    assert ":81: nothing listens there; start a web server" in visit["upstream"]["text"]
    assert "502" in visit["https"]["text"]
    assert "nothing listens there" in _text(trial, "why", "mute").partition("cause: ")[2]


def test_a_name_without_a_site_ends_at_the_name_servers(trial: Trial) -> None:
    assert _visit(trial, "info") == {}


def test_status_tells_of_the_proxy_and_of_certificates(trial: Trial) -> None:
    status = json.loads(_text(trial, "status", "--json"))
    proxy = status["proxy"]
    assert (proxy["state"], proxy["sites"], proxy["quarantined"], proxy["drift"]) == ("ready", 4, {}, [])
    assert proxy["generation"] >= 1
    assert {one["identity"] for one in status["certificates"]} == {"vmsrv.test", "deep.web.vmsrv.test"}
    text = _text(trial, "status")
    assert f"generation {proxy['generation']}, 4 sites" in text
    assert "2 valid; the first ends in 89 d" in text


def test_cert_list(trial: Trial) -> None:
    found = {one["identity"]: one for one in json.loads(_text(trial, "cert", "list", "--json"))}
    wildcard = found["vmsrv.test"]
    assert wildcard["names"] == ["*.vmsrv.test"]
    assert wildcard["ca"] == trial.lab.info.raw["acme"]["directory"]
    assert wildcard["not_before"] < wildcard["due_at"] < wildcard["not_after"]
    assert (wildcard["because"], wildcard["failures"], wildcard["alarm"]) == ("usual", 0, False)
    text = _text(trial, "cert", "list")
    assert "59 d (usual)" in text
    assert wildcard["issuer"] in text


def test_cert_budget(trial: Trial) -> None:
    rows = json.loads(_text(trial, "cert", "budget", "--json"))
    [orders] = [row for row in rows if row["limit"] == "order"]
    assert orders["spent"] >= 2
    assert orders["left"] == orders["count"] - orders["spent"] == 300 - orders["spent"]
    assert orders["free_at"]
    assert "300 in 3 h" in _text(trial, "cert", "budget")


def test_cert_renew_by_a_host_name(trial: Trial) -> None:
    before = _certificate(trial, "vmsrv.test")
    assert "✓ vmsrv.test has a new certificate" in _text(trial, "cert", "renew", "web", "--wait")
    assert _certificate(trial, "vmsrv.test")["serial"] != before["serial"]
    _until_links(trial, "web", ["good"] * 4)


def test_cert_renew_of_what_is_not_there(trial: Trial) -> None:
    said = _says(trial, "cert", "renew", "elsewhere.test.")
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr == "there is no certificate 'elsewhere.test.'; see `skulldns cert list`\n"


def test_cert_revoke_asks_first(trial: Trial) -> None:
    before = _certificate(trial, "deep.web.vmsrv.test")
    said = _says(trial, "cert", "revoke", "deep.web")
    assert said.exit_code == 2
    assert "--yes" in said.stderr
    assert _certificate(trial, "deep.web.vmsrv.test") == before


def test_cert_revoke(trial: Trial) -> None:
    before = _certificate(trial, "deep.web.vmsrv.test")
    assert _ca_says(trial, before["serial"]) == "Valid"
    _text(trial, "cert", "revoke", "deep.web", "--yes", "--wait", "--reason", "key-compromise")
    assert _certificate(trial, "deep.web.vmsrv.test")["serial"] != before["serial"]
    assert _ca_says(trial, before["serial"]) == "Revoked"


def test_an_account_gets_a_new_key(trial: Trial) -> None:
    [before] = json.loads(_text(trial, "cert", "account", "list", "--json"))
    assert before["ca"] == trial.lab.info.raw["acme"]["directory"]
    assert f"✓ our account at {before['ca']} has a new key" in _text(trial, "cert", "account", "new-key")
    [after] = json.loads(_text(trial, "cert", "account", "list", "--json"))
    assert (after["url"], after["ca"]) == (before["url"], before["ca"])
    assert after["key_since"] > before["key_since"]
    assert "has a new certificate" in _text(trial, "cert", "renew", "web", "--wait")


def test_metrics(trial: Trial) -> None:
    families = {one.name: one for one in text_string_to_metric_families(_text(trial, "metrics"))}
    assert {sample.value for sample in families["skulldns_ping"].samples} == {1.0}
    assert [sample.value for sample in families["skulldns_sites"].samples] == [4.0]
    assert len(families["skulldns_certificate_not_after_seconds"].samples) == 2
    left = {sample.labels["limit"]: sample.value for sample in families["skulldns_ca_limit_left"].samples}
    assert 0 < left["order"] < 300


def test_doctor_finds_all_well(trial: Trial) -> None:
    found = json.loads(_text(trial, "doctor", "--json"))
    assert [one for one in found["pings"] if not one["good"]] == []
    assert {one["kind"] for one in found["pings"]} == {
        *("config", "daemon", "zone file", "source", "server"),
        *("database", "disk", "clock", "proxy", "certificate"),
        *("dnssec", "serial", "delegation", "recursion", "transfer"),
    }
    text = _text(trial, "doctor")
    assert f"all {len(found['pings'])} are well" in text
    assert "✗" not in text


def test_doctor_finds_an_edited_file(trial: Trial) -> None:
    current = trial.lab.info.directory / "proxy" / "current"

    def found() -> bool:
        """Edit a file for the length of one look; a roll-out that comes between writes it anew."""
        path = current.resolve() / "maps.conf"
        before = path.read_bytes()
        path.write_bytes(before + b"# by hand\n")
        said = _says(trial, "doctor", "--json")
        path.write_bytes(before)
        ill = [one for one in json.loads(said.stdout)["pings"] if not one["good"]]
        assert said.exit_code == bool(ill)
        return ["maps.conf" in one["text"] for one in ill] == [True]

    until(found, "an edited file being found", patience=_PATIENCE)
    until(lambda: _says(trial, "doctor").exit_code == 0, "healing", patience=_PATIENCE)


def test_doctor_finds_a_proxy_that_does_not_run(trial: Trial) -> None:
    trial.lab.stop("nginx")
    said = _says(trial, "doctor")
    assert said.exit_code == 1
    [line] = [line for line in said.stdout.splitlines() if line.startswith("✗")]
    assert "proxy" in line
    assert "→ see that nginx runs" in said.stdout
    assert [one["state"] for one in _visit(trial, "web").values()] == ["broken", "good", "good", "broken"]
    assert trial.until_problem("the proxy: ", "nginx")


def test_without_the_daemon_doctor_says_so_and_looks_at_the_rest(trial: Trial) -> None:
    trial.lab.stop("daemon")
    said = trial.says("doctor", "--json")
    assert said.code == 1
    ill = [one for one in said.json["pings"] if not one["good"]]
    assert [(one["kind"], one["cure"]) for one in ill] == [("daemon", "start `skulldns run`")]
    assert "deep.web.vmsrv.test" in trial.says("cert", "list").out
    renewed = trial.says("cert", "renew", "web")
    assert renewed.code == 1
    assert "the daemon is not running" in renewed.err
