"""ns1 and ns2 fail in every way we know: the cause and cure are said, nothing is lost, and it heals by itself."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration import dnsview
from tests.integration.trial import HEALING, Trial, is_a_sentence_with_cure, stopped

_OTHER_SECRET = "c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM="


@pytest.fixture
def trial(lab: Lab) -> Trial:
    return Trial(lab)


@contextmanager
def _down(trial: Trial, server: str) -> Iterator[None]:
    trial.lab.kill(server)
    try:
        yield
    finally:
        trial.lab.start(server)


@contextmanager
def _frozen(trial: Trial) -> Iterator[None]:
    trial.rndc("ns1", "freeze")
    try:
        yield
    finally:
        trial.rndc("ns1", "thaw")


def _edited(server: str, before: str, after: str) -> Callable[[Trial], AbstractContextManager[None]]:
    return lambda trial: trial.reconfigured(server, lambda text: text.replace(before, after))


def _other_secret(trial: Trial) -> AbstractContextManager[None]:
    return trial.reconfigured("ns1", lambda text: text.replace(trial.lab.info.tsig.secret, _OTHER_SECRET))


def _as_primary(trial: Trial) -> AbstractContextManager[None]:
    return trial.reconfigured(
        "ns2",
        lambda text: re.sub(
            r'(zone "vmsrv\.test" \{\s+file "[^"]+";\s+)type secondary;\s+primaries \{[^}]+\};',
            r"\1type primary;",
            text,
        ),
    )


_FAULTS: dict[str, tuple[Callable[[Trial], AbstractContextManager[None]], tuple[str, ...]]] = {
    "ns1 down": (
        lambda trial: _down(trial, "ns1"),
        ("primary", "nothing listens there", "start the name server"),
    ),
    "ns1 silent": (lambda trial: stopped(trial.lab.info.pid["ns1"]), ("primary", "gave no answer within")),
    "ns1 frozen": (_frozen, ("primary", "frozen", "rndc thaw vmsrv.test")),
    "ns1 has another secret": (_other_secret, ("primary", "another secret", "BADSIG", "same secret")),
    "ns1 lacks the key": (_edited("ns1", '"skulldns"', '"other"'), ("primary", "BADKEY", "add this key")),
    "ns1 lacks the zone": (_edited("ns1", 'zone "vmsrv.test"', 'zone "x.test"'), ("primary", "add the zone")),
    "ns2 down": (lambda trial: _down(trial, "ns2"), ("secondary", "nothing listens there", "start")),
    "ns2 silent": (lambda trial: stopped(trial.lab.info.pid["ns2"]), ("secondary", "gave no answer within")),
    "ns2 lacks the zone": (
        _edited("ns2", 'zone "vmsrv.test"', 'zone "x.test"'),
        ("secondary", "add the zone"),
    ),
    "ns2 lacks the key": (_edited("ns2", '"skulldns"', '"other"'), ("secondary", "BADKEY", "add this key")),
    "ns2 may not transfer": (
        _edited("ns1", 'allow-transfer { key "skulldns"; key "hand"; }', 'allow-transfer { key "hand"; }'),
        ("secondary", "still has serial", "may transfer the zone"),
    ),
    "ns2 is a primary by mistake": (
        _as_primary,
        ("secondary", "still has serial", "secondary of this primary"),
    ),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_fault_of_a_server_is_said_and_heals(trial: Trial, fault: str) -> None:
    begin, words = _FAULTS[fault]
    trial.serve("before")
    healthy = "ns2" if fault.startswith("ns1") else "ns1"
    requests = trial.requests(healthy)
    with begin(trial):
        begun = time.monotonic()
        trial.define("during")
        sentence = trial.until_problem(trial.zone, *words)
        assert is_a_sentence_with_cure(sentence), sentence
        assert len([one for one in trial.problems() if one.startswith(f"{trial.zone} on")]) == 1
        assert _core(words) in trial.says("status").out
        trial.until_states("pending", "during", patience=20)
        until(lambda: _core(words) in trial.names()["during"]["reason"], "the name's own reason", patience=30)
        assert trial.states("before") <= {"served", "pending"}
        assert trial.answers(healthy, "before")
        asked = trial.requests(healthy) - requests
        assert asked < 60 + 10 * (time.monotonic() - begun), f"a storm: {asked} requests"
    healed = trial.until_well()
    print(f"{fault}: healed after {healed:.1f} s")  # noqa: T201 - a figure for `pytest -s`
    assert trial.answers("ns1", "during") == trial.answers("ns2", "during") != []
    assert trial.holds("ns1") == trial.holds("ns2")


def _core(words: tuple[str, ...]) -> str:
    """What the sentence says beside which server it is about."""
    return words[1]


@pytest.mark.parametrize("fault", ["ns1 frozen", "ns1 has another secret", "ns1 lacks the key"])
def test_a_fault_that_lasts_makes_no_storm_and_keeps_its_beginning(trial: Trial, fault: str) -> None:
    begin, words = _FAULTS[fault]
    trial.serve("before")
    with begin(trial):
        trial.define("during")
        trial.until_problem(*words)
        requests, logged, updates = trial.requests("ns1"), len(trial.log().splitlines()), _messages(trial)
        begun = time.time()
        ours = [one for one in trial.status()["servers"] if one["zone"] == trial.zone]
        since = ours[0]["since"]
        # A storm shows only over some time, and so does a beginning that is forgotten at each try.
        until(lambda: time.time() - begun > 12, "twelve seconds")
        trial.until_problem(*words)
        ours = [one for one in trial.status()["servers"] if one["zone"] == trial.zone]
        assert ours[0]["since"] == since
        assert trial.requests("ns1") - requests < 120
        assert _messages(trial) - updates < 20
        assert len(trial.log().splitlines()) - logged <= 2
    trial.until_well()


def _messages(trial: Trial) -> int:
    return int(trial.status()["messages"])


@pytest.mark.timeout(300)
def test_faults_of_tsig_are_told_apart(trial: Trial, tmp_path: Path) -> None:
    sentences: list[str] = []
    for fault in ("ns1 has another secret", "ns1 lacks the key"):
        begin, words = _FAULTS[fault]
        with begin(trial):
            trial.define(f"g{len(sentences)}")
            sentences.append(trial.until_problem(trial.zone, *words))
        trial.until_well()
    trial.lab.stop("daemon")
    with _skewed(trial, tmp_path / "skew", -4000):
        sentences.append(trial.until_problem(trial.zone, "clock"))
    assert len(set(sentences)) == 3
    assert all(is_a_sentence_with_cure(sentence) for sentence in sentences)


# ------------------------------------------------------------------------------------------- the daemon's side


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda trial: trial.lab.info.tsig.secret_file.write_text(_OTHER_SECRET), "BADSIG"),
        (lambda trial: _rewrite(trial.lab.info.config, "skulldns", "stranger"), "BADKEY"),
    ],
    ids=["another secret", "another name"],
)
def test_a_wrong_key_of_ours_deletes_nothing_and_is_named(
    trial: Trial, change: Callable[[Trial], object], word: str
) -> None:
    _, before = trial.settle("web")
    trial.lab.stop("daemon")
    kept = {path: path.read_text() for path in (trial.lab.info.tsig.secret_file, trial.lab.info.config)}
    change(trial)
    trial.start_daemon()
    trial.define("later")
    sentence = trial.until_problem(trial.zone, "primary", word)
    assert is_a_sentence_with_cure(sentence)
    trial.until_states("pending", "later", patience=20)
    assert word in trial.names()["later"]["reason"]
    assert trial.everything() == before
    for path, text in kept.items():  # the cure, while the daemon runs
        path.write_text(text)
    trial.until_states("served", "web", "later")
    trial.until_well()


def _rewrite(config: Path, old: str, new: str) -> None:
    """Give the TSIG key another name everywhere in the config."""
    text = config.read_text()
    text = text.replace(f"  {old}: {{algorithm", f"  {new}: {{algorithm").replace(
        f"key: {old}}}", f"key: {new}}}"
    )
    config.write_text(text)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("skew", [4000, -4000])
def test_a_skewed_clock_is_said_and_heals_when_it_is_set(trial: Trial, tmp_path: Path, skew: int) -> None:
    _, before = trial.settle("before")
    trial.lab.stop("daemon")
    with _skewed(trial, tmp_path / "skew", skew):
        trial.define("during")
        sentence = trial.until_problem(
            trial.zone, "primary", "its clock is", "behind" if skew > 0 else "ahead"
        )
        assert "NTP" in sentence
        assert is_a_sentence_with_cure(sentence)
        trial.until_states("pending", "during", patience=20)
        assert trial.everything() == before
        (tmp_path / "skew").write_text("0")
        trial.until_states("served", "before", "during")
        trial.until_well()


@contextmanager
def _skewed(trial: Trial, skew: Path, seconds: int) -> Iterator[None]:
    """A daemon whose clock is wrong by what the file ``skew`` says at each moment."""
    skew.write_text(str(seconds))
    program = (
        "import sys, time\n"
        "true, path = time.time, sys.argv.pop(1)\n"
        "time.time = lambda: true() + float(open(path).read() or 0)\n"
        "from skulldns.cli import main\n"
        "main()\n"
    )
    log = trial.lab.info.directory / "log" / "skewed.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [
                sys.executable,
                "-W",
                "ignore",
                "-c",
                program,
                str(skew),
                "run",
                "--config",
                str(trial.lab.info.config),
            ],
            stdout=output,
            stderr=output,
        ) as daemon,
    ):
        try:
            until(
                lambda: (trial.state / "daemon.sock").exists() or daemon.poll() is not None,
                "the daemon's start",
            )
            assert daemon.poll() is None, log.read_text()
            yield
        finally:
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()  # nothing of a failed test may stay
                raise


# ----------------------------------------------------------------------------------- other people in our zone


def test_one_name_that_the_server_denies_keeps_no_other_waiting(trial: Trial) -> None:
    rule = 'update-policy {\n        deny "skulldns" name denied.vmsrv.test ANY;'
    with trial.reconfigured("ns1", lambda text: text.replace("update-policy {", rule)):
        names = [f"{letter}{number}" for letter in "gh" for number in range(4)]
        trial.define(*names[:4], "denied", *names[4:])
        trial.until_states("served", *names, patience=20)
        trial.until_states("pending", "denied", patience=20)
        assert "update-policy" in trial.names()["denied"]["reason"]
        assert trial.answers("ns1", "denied") == []
        sentence = trial.until_problem("denied.vmsrv.test", "update-policy", patience=20)
        assert is_a_sentence_with_cure(sentence)
        assert "nothing is wrong" not in trial.says("status").out
        trial.serve("later")
    trial.until_states("served", "denied")
    trial.until_well()


@pytest.mark.timeout(300)
def test_a_record_of_ours_that_somebody_changed_stays_as_they_made_it(trial: Trial) -> None:
    trial.serve("web", "mine")
    address = trial.answers("ns1", "web")

    trial.by_hand("update delete web.vmsrv.test. A", "update add web.vmsrv.test. 300 A 127.7.99.99")
    trial.define("wake")  # our next change notices that the serial moved further than by us
    trial.until_states("foreign", "web", patience=90)
    sentence = trial.until_problem("web.vmsrv.test", "changed by somebody else")
    assert is_a_sentence_with_cure(sentence)
    assert trial.answers("ns1", "web") == ["127.7.99.99"]
    trial.until_states("served", "mine", "wake", patience=20)
    trial.by_hand("update delete web.vmsrv.test. A")
    trial.until_well()
    assert trial.answers("ns1", "web") == address


@pytest.mark.timeout(300)
def test_a_record_in_the_way_of_a_guest_is_not_touched(trial: Trial) -> None:
    trial.by_hand(
        "update add web.vmsrv.test. 300 CNAME elsewhere.example.",
        'update add txt.vmsrv.test. 300 TXT "somebody\'s"',
        "update add same.vmsrv.test. 300 A 127.7.88.88",
    )
    trial.define("web", "txt", "same", "mine")
    trial.until_states("foreign", "web", "txt", "same", patience=90)
    trial.until_states("served", "mine", patience=20)
    for name in ("web", "txt", "same"):
        sentence = trial.until_problem(f"{name}.vmsrv.test", "somebody else")
        assert is_a_sentence_with_cure(sentence)
    assert trial.answers("ns1", "web", "CNAME") == ["elsewhere.example."]
    assert trial.answers("ns1", "txt", "TXT") == ['"somebody\'s"']
    assert trial.answers("ns1", "txt") == []
    assert trial.answers("ns1", "same") == ["127.7.88.88"]

    trial.by_hand(*(f"update delete {name}.vmsrv.test." for name in ("web", "txt", "same")))
    trial.until_well()
    assert all(trial.answers("ns2", name) for name in ("web", "txt", "same"))


@pytest.mark.timeout(300)
def test_a_record_of_ours_that_somebody_deleted_comes_back(trial: Trial) -> None:
    _, before = trial.settle("web")
    trial.by_hand("update delete web.vmsrv.test.")
    assert trial.answers("ns1", "web") == []
    trial.until_states("served", "web")
    until(lambda: trial.everything() == before, "the record's return", patience=HEALING)


# ------------------------------------------------------------------------------------- NOTIFY, serials, transfer


def test_a_secondary_that_refuses_notify_is_said_and_heals(trial: Trial) -> None:
    """BIND always takes NOTIFY from a primary's address, so here ns2 asks ns1 at another one."""
    ns1, ns2 = trial.servers["ns1"], trial.servers["ns2"]

    def other_address(text: str) -> str:
        text = re.sub(r"allow-notify \{[^\n]+\};", "allow-notify { none; };", text)
        return text.replace(
            f"primaries {{ 127.0.0.1 port {ns1.port}", f"primaries {{ 127.0.0.2 port {ns1.port}"
        )

    def both_addresses(text: str) -> str:
        return text.replace(f"listen-on port {ns1.port} {{ ", f"listen-on port {ns1.port} {{ 127.0.0.2; ")

    trial.serve("before")
    with trial.reconfigured("ns1", both_addresses):
        _refresh_rarely(trial)
        with trial.reconfigured("ns2", other_address):
            trial.define("during")
            sentence = trial.until_problem(trial.zone, "secondary", "NOTIFY", "allow-notify")
            assert is_a_sentence_with_cure(sentence)
            trial.until_states("pending", "during", patience=20)
            assert trial.answers("ns2", "during") == []
            asked = trial.requests("ns2")
            begun = time.monotonic()
            until(lambda: time.monotonic() - begun > 10, "ten seconds, over which a storm shows")
            assert trial.requests("ns2") - asked < 60
        trial.until_states("served", "during")
        trial.until_well()
    assert dnsview.ask(ns2, f"during.{trial.zone}")


def _refresh_rarely(trial: Trial) -> None:
    """Let ns2 ask for the serial once a day only, so that it depends on NOTIFY."""
    soa = "ns1.vmsrv.test. hostmaster.vmsrv.test. 1000 86400 86400 604800 5"
    trial.by_hand(f"update add vmsrv.test. 60 SOA {soa}")
    where = trial.servers["ns2"]
    until(lambda: "86400" in "".join(dnsview.ask(where, trial.zone, "SOA")), "the new SOA on ns2")


def test_the_zone_may_not_be_transferred_when_the_daemon_starts(trial: Trial) -> None:
    _, before = trial.settle("before")
    trial.lab.stop("daemon")
    begin, _ = _FAULTS["ns2 may not transfer"]
    with begin(trial):
        trial.start_daemon()
        trial.define("during")
        sentence = trial.until_problem(trial.zone, "primary", "refuses to transfer", "allow-transfer")
        assert is_a_sentence_with_cure(sentence)
        trial.until_states("pending", "during", patience=20)
        assert trial.everything() == before
    trial.until_well()
    trial.until_states("served", "before", "during")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("new", [[], ["later"]], ids=["nothing new", "a new guest at once"])
def test_a_primary_restored_from_an_old_backup_gets_its_names_again(trial: Trial, new: list[str]) -> None:
    """Its serial moved backwards, so ns2 takes nothing from it until somebody transfers the zone anew."""
    trial.rndc("ns1", "sync", "-clean")
    paths = [trial.home("ns1") / f"{zone}.zone" for zone in trial.zones]
    until(lambda: all(not Path(f"{path}.jnl").exists() for path in paths), "the journals' end")
    backup = {path: path.read_bytes() for path in paths}
    names = [f"g{number}" for number in range(5)]
    _, served = trial.settle(*names)
    trial.lab.kill("ns1")
    for path, content in backup.items():
        path.write_bytes(content)
        Path(f"{path}.jnl").unlink(missing_ok=True)
    trial.lab.start("ns1")
    assert trial.answers("ns1", "g0") == [], "the fault did not happen"
    trial.define(*new)
    until(
        lambda: all(trial.answers("ns1", name) for name in [*names, *new]),
        "the names on ns1",
        patience=HEALING,
    )
    if new:
        # Either our own updates lift a zone's serial above ns2's again, or somebody is told to transfer it anew.
        def said(zone: str) -> list[str]:
            return [
                one
                for one in trial.problems()
                if one.startswith(f"{zone} on secondary") and "retransfer" in one
            ]

        def settled(zone: str) -> bool:
            ns1, ns2 = (one for one in trial.status()["servers"] if one["zone"] == zone)
            return (not ns2["pending"] and ns1["serial"] == ns2["serial"]) or bool(said(zone))

        for zone in trial.zones:
            until(lambda zone=zone: settled(zone), "ns2 or a sentence", patience=HEALING)  # type: ignore[misc]
            if sentences := said(zone):
                assert all(map(is_a_sentence_with_cure, sentences))
                trial.rndc("ns2", "retransfer", zone)
    trial.until_well()
    after = trial.everything()
    assert all(records <= after[key] for key, records in served.items())


@pytest.mark.timeout(300)
def test_a_serial_that_only_went_back_heals_by_itself(trial: Trial) -> None:
    _, before = trial.settle("web")
    for zone in trial.zones:
        path = trial.home("ns1") / f"{zone}.zone"
        trial.rndc("ns1", "freeze", zone)
        until(lambda path=path: re.search(r"\b1\s+; serial", path.read_text()) is None, "the dump")  # type: ignore[misc]
        path.write_text(re.sub(r"\d+(\s+; serial)", r"1\1", path.read_text()))
        Path(f"{path}.jnl").unlink(missing_ok=True)
        trial.rndc("ns1", "thaw", zone)
    trial.define("later")
    until(lambda: trial.answers("ns1", "later") != [], "the new name on ns1", patience=HEALING)
    assert trial.states("web", "later") <= {"served", "pending"}
    assert all(records <= trial.everything()[key] for key, records in before.items())
