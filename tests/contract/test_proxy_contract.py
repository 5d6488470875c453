"""What `skulldns.targets.proxy.Proxy` promises, asked of the fake and of a real nginx alike."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from skulldns.errors import Unavailable
from skulldns.model.sites import Page
from tests.contract.proxy_stages import FakeStage, NginxStage, Stage
from tests.realnginx import RealNginx, guest, own, page, web_server


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    with web_server(None) as first, web_server(None) as second:
        yield first, second


@pytest.fixture(params=["fake", "nginx"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    NginxStage.prepare(tmp_path)
    with RealNginx(tmp_path) as nginx:
        stage = NginxStage(nginx, tmp_path, request.getfixturevalue("ports"))
        stage.release()
        yield stage


def test_what_is_rolled_out_runs_when_the_call_returns(stage: Stage) -> None:
    first, second = stage.ports
    sites = [guest("wiki", first), page("off", Page.STOPPED), own("shop.test", second)]
    rollout = stage.proxy.roll_out(sites, stage.certificates)
    assert (rollout.quarantined, rollout.certificates) == ({}, {})
    assert rollout.changed
    assert stage.proxy.running_generation() == rollout.generation
    assert [stage.shows(f"{label}.vmsrv.test") for label in ("wiki", "off", "nobody")] == [
        first,
        "stopped",
        "unknown",
    ]
    assert [stage.shows(name) for name in ("shop.test", "other.test")] == [second, None]


def test_a_stopped_guest_s_name_never_shows_who_has_its_address_now(stage: Stage) -> None:
    first, _ = stage.ports
    stage.proxy.roll_out([guest("old", first)], stage.certificates)
    stage.proxy.roll_out([page("old", Page.STOPPED), guest("new", first)], stage.certificates)
    assert [stage.shows(f"{label}.vmsrv.test") for label in ("old", "new")] == ["stopped", first]


def test_the_same_again_changes_nothing(stage: Stage) -> None:
    sites = [guest("wiki", stage.ports[0])]
    first = stage.proxy.roll_out(sites, stage.certificates)
    again = stage.proxy.roll_out(sites, stage.certificates)
    assert (again.generation, list(again.changed)) == (first.generation, [])


def test_one_bad_site_does_not_stop_the_others(stage: Stage) -> None:
    first, second = stage.ports
    stage.spoil("shop.test")
    rollout = stage.proxy.roll_out([guest("wiki", first), own("shop.test", second)], stage.certificates)
    assert list(rollout.quarantined) == ["shop.test"]
    assert (stage.shows("wiki.vmsrv.test"), stage.shows("shop.test")) == (first, None)
    stage.spoil()
    assert not stage.proxy.roll_out([own("shop.test", second)], stage.certificates).quarantined
    assert stage.shows("shop.test") == second


def test_the_last_good_state_of_a_bad_site_is_served_while_it_leads_to_the_same_guest(stage: Stage) -> None:
    first, second = stage.ports
    site = own("shop.test", first)
    stage.proxy.roll_out([site], stage.certificates)
    stage.spoil("shop.test")
    changed = replace(site, options=replace(site.options, hsts=60))
    assert list(stage.proxy.roll_out([changed], stage.certificates).quarantined) == ["shop.test"]
    assert stage.shows("shop.test") == first
    assert list(stage.proxy.roll_out([own("shop.test", second)], stage.certificates).quarantined) == [
        "shop.test"
    ]
    assert stage.shows("shop.test") is None


def test_a_certificate_without_its_key_is_not_used(stage: Stage) -> None:
    first, _ = stage.ports
    stage.proxy.roll_out([own("shop.test", first)], stage.certificates)
    stage.mismatch("shop.test")
    rollout = stage.proxy.roll_out([own("shop.test", first)], stage.certificates)
    assert "not the key of the certificate" in str(rollout.certificates["shop.test"])
    assert stage.shows("shop.test") == first


def test_a_proxy_that_does_not_run_is_said_so_and_runs_the_newest_once_it_is_started(stage: Stage) -> None:
    first, second = stage.ports
    stage.proxy.roll_out([guest("wiki", first)], stage.certificates)
    stage.stop()
    with pytest.raises(Unavailable):
        stage.proxy.running_generation()
    with pytest.raises(Unavailable):
        stage.proxy.roll_out([guest("wiki", second)], stage.certificates)
    stage.start()
    stage.proxy.roll_out([guest("wiki", second)], stage.certificates)
    assert stage.shows("wiki.vmsrv.test") == second


def test_a_proxy_that_says_yes_and_goes_on_with_the_old_is_found_out(stage: Stage) -> None:
    first, second = stage.ports
    old = stage.proxy.roll_out([guest("wiki", first)], stage.certificates)
    stage.hold()
    with pytest.raises(Unavailable, match="goes on with"):
        stage.proxy.roll_out([guest("wiki", second)], stage.certificates)
    assert stage.proxy.running_generation() == old.generation
    assert stage.shows("wiki.vmsrv.test") == first
    stage.release()
    assert stage.proxy.roll_out([guest("wiki", second)], stage.certificates).generation > old.generation
    assert stage.shows("wiki.vmsrv.test") == second


def test_an_edited_file_is_reported_and_written_anew(stage: Stage) -> None:
    sites = [guest("wiki", stage.ports[0])]
    stage.proxy.roll_out(sites, stage.certificates)
    assert list(stage.proxy.drift()) == []
    name = stage.edit()
    assert list(stage.proxy.drift()) == [name]
    assert name in stage.proxy.roll_out(sites, stage.certificates).changed
    assert list(stage.proxy.drift()) == []
