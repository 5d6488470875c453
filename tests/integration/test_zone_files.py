"""An admin saves zone files while the daemon runs, and takes over what stood in the zone before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.trial import Trial, is_a_sentence_with_cure

pytestmark = pytest.mark.timeout(300)

_INFO = "info: {type: TXT, value: a private lab on loopback}\n"
"""The record by which the lab sees that its daemon is ready."""

_STATICS = _INFO + "".join(f"s{number}: {{type: A, value: 127.7.201.{number + 1}}}\n" for number in range(9))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Trial]:  # noqa: ARG001 - it only has to be there
    """A lab with the daemon, shared by the tests of this module."""
    with Lab.up(tmp_path_factory.mktemp("zones") / "lab") as running:
        yield Trial(running)


@pytest.fixture
def trial(shared: Trial) -> Trial:
    """Nine static records are served, and nothing else."""
    path = _zone_file(shared)
    path.write_text(_STATICS)
    if shared.says("zone", "accept", shared.zone).code:  # what another test added looks cut off
        raise AssertionError(shared.problems())
    shared.until_states("served", "info", "s0", "s8", patience=30)
    shared.until_well(patience=60)
    return shared


def _zone_file(trial: Trial) -> Path:
    return trial.lab.info.directory / "zones" / f"{trial.zone}.yaml"


def test_half_a_file_removes_nothing_until_a_person_accepts_it(trial: Trial) -> None:
    path = _zone_file(trial)
    good, before = path.read_text(), trial.everything()
    path.write_text(good[: good.index("s8:")])
    sentence = trial.until_problem(f"{path}:", "as if it were cut", patience=20)
    assert is_a_sentence_with_cure(sentence)
    assert "nothing to change" in trial.says("plan").out
    assert trial.everything() == before
    path.write_text(good)
    trial.until_well(patience=30)
    path.write_text(good[: good.index("s8:")])
    trial.until_problem("as if it were cut", patience=20)
    said = trial.says("zone", "accept", trial.zone)
    assert said.code == 0, said.err
    until(lambda: trial.answers("ns2", "s8") == [], "the end of a record that a person took out", patience=20)
    trial.until_well(patience=30)
    assert trial.holds("ns1") == before["ns1", trial.zone] - {f"s8.{trial.zone}. 60 IN A 127.7.201.9"}


def test_a_daemon_that_starts_with_a_broken_file_goes_on_with_what_was_in_force(trial: Trial) -> None:
    path = _zone_file(trial)
    good, before = path.read_text(), trial.everything()
    trial.lab.stop("daemon")
    path.write_text(good + "s9: {type: A, value: 127.7.201.999}\n")
    line = good.count("\n") + 1
    assert f"{path}:{line}:" in trial.says("status").out  # also while no daemon runs
    trial.start_daemon()
    sentence = trial.until_problem(f"{path}:{line}:", patience=20)
    assert "the last good version" in sentence
    trial.define("s3")  # the name of a static record, which still holds it
    trial.until_states("served", "s3", patience=30)
    assert trial.answers("ns1", "s3") == ["127.7.201.4"]
    assert trial.holds("ns2") == before["ns2", trial.zone]
    path.write_text(good)
    until(lambda: f"{path}:{line}:" not in str(trial.problems()), "the end of the error", patience=20)
    assert trial.holds("ns1") == before["ns1", trial.zone]
    trial.lab.guest("s3").destroy()
    trial.until_well(patience=60)


def test_what_stood_in_the_zone_before_becomes_ours_only_when_asked(trial: Trial) -> None:
    path = _zone_file(trial)
    trial.by_hand(
        f"update add old.{trial.zone}. 60 A 127.7.202.1", f"update add mx.{trial.zone}. 300 A 127.7.202.2"
    )
    path.write_text(
        path.read_text() + "mx: {type: A, value: 127.7.202.2}\nold: {type: A, value: 127.7.202.1}\n"
    )
    trial.until_states("foreign", "mx", "old", patience=20)
    assert "nothing to change" in trial.says("plan").out
    listed = trial.says("zone", "adopt", "--dry-run", "--json").json
    assert [(one["name"], one["ttl"], one["wanted_ttl"]) for one in listed["adopted"]] == [
        (f"mx.{trial.zone}", 300, 60),
        (f"old.{trial.zone}", 60, 60),
    ]
    assert trial.says("zone", "adopt").code == 2  # nobody is there to ask
    trial.until_states("foreign", "mx", "old", patience=20)
    assert "1 RRset is ours now" in trial.says("zone", "adopt", "mx", "A", "--yes").out
    trial.until_states("served", "mx", patience=20)
    assert f"mx.{trial.zone}. 60 IN A 127.7.202.2" in trial.holds("ns1")
    assert trial.states("old") == {"foreign"}
    trial.lab.stop("daemon")
    said = trial.says("zone", "adopt", trial.zone, "--yes", "--json")
    assert [one["name"] for one in said.json["adopted"]] == [f"old.{trial.zone}"]
    trial.start_daemon()
    trial.until_states("served", "mx", "old", patience=30)
    path.write_text(path.read_text().replace("old:", "new:"))
    trial.until_states("served", "new", patience=20)
    until(lambda: trial.answers("ns2", "old") == [], "the end of what became ours", patience=20)


def test_show_tells_what_each_server_answers_and_whose_it_is(trial: Trial) -> None:
    trial.by_hand(f"update add hand.{trial.zone}. 300 A 127.7.66.66")
    trial.serve("web")
    until(lambda: trial.answers("ns2", "hand") != [], "the foreign record on ns2", patience=20)
    path = _zone_file(trial)
    shown = trial.says("zone", "show", trial.zone, "--json").json["zones"]
    assert [server["error"] for server in shown[0]["servers"]] == [None, None]
    rows = {(trial.short(one["name"]), one["type"]): one for one in shown[0]["rrsets"]}
    assert rows["s1", "A"]["answers"] == [{"ttl": 60, "values": ["127.7.201.2"]}] * 2
    assert rows["s1", "A"]["owner"] == "static"
    assert rows["s1", "A"]["detail"].startswith(f"zones/{path.name}:")
    assert rows["hand", "A"]["owner"] == "foreign"
    assert rows["web", "A"]["owner"] == "guest"
    assert rows["web", "A"]["detail"].startswith("web (")
    assert (trial.zone, "NS") in rows
    [line] = [line for line in trial.says("zone", "show", "s1").out.splitlines() if "127.7.201.2" in line]
    assert line.split()[:6] == [f"s1.{trial.zone}", "A", "60", "127.7.201.2", "✓", "✓"]
    trial.by_hand(f"update delete hand.{trial.zone}.")
    trial.lab.guest("web").destroy()
    trial.until_well(patience=60)


def test_a_challenge_of_the_file_stands_beside_those_of_others(trial: Trial) -> None:
    """The last of this module: the guard would hold one more deletion within its hour, so the values stay."""
    name, path = "_acme-challenge.s1", _zone_file(trial)
    path.write_text(f"{name}: {{type: TXT, value: one}}\n{_STATICS}")
    trial.until_states("served", name, patience=20)
    trial.by_hand(f"update add {name}.{trial.zone}. 10 TXT theirs")
    path.write_text(f"# moved\n{name}: {{type: TXT, value: two}}\n{_STATICS}")
    until(lambda: _texts(trial, name) == {'"theirs"', '"two"'}, "the file's new value", patience=30)
    trial.until_states("served", name, patience=30)
    trial.until_well(patience=30)
    [row] = trial.says("zone", "show", name, "--json").json["zones"][0]["rrsets"]
    assert (row["owner"], row["detail"]) == ("static", f"zones/{path.name}:2; 1 of 2 values")
    path.write_text(f"# moved\n# again\n{name}: {{type: TXT, value: two}}\n{_STATICS}")

    def places() -> list[str]:
        rows = trial.says("zone", "show", "s1", "--json").json["zones"][0]["rrsets"]
        return [one["detail"] for one in rows]

    until(lambda: places() == [f"zones/{path.name}:6"], "the place in the file as it is now", patience=20)


def _texts(trial: Trial, name: str) -> set[str]:
    """The TXT values at ``name`` that the secondary answers."""
    return set(trial.answers("ns2", name, "TXT"))
