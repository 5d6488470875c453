"""Roll-outs against a real nginx: what is written, what is tested, what it survives."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from skulldns.errors import ConfigError, Unavailable
from skulldns.model.sites import Header, Page, SiteOptions
from skulldns.targets.nginx import Commands
from skulldns.targets.vhost.settings import Listen
from tests.contract.proxy_stages import NginxStage
from tests.open_connections import reload_under
from tests.realnginx import (
    LOOPBACK,
    PATIENCE,
    ZONE,
    RealNginx,
    Visitors,
    guest,
    own,
    page,
    web_server,
    wrapped,
)

_UNNAMED = "nothing-here.pem"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with web_server("wiki") as port:
        yield port


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    NginxStage.prepare(tmp_path)
    return tmp_path


@pytest.fixture
def nginx(templates: Path) -> Iterator[RealNginx]:
    with RealNginx(templates) as running:
        yield running


def spoil(templates: Path, *titles: str) -> None:
    (templates / "spoilt.j2").write_text(f"{{% set titles = {json.dumps(titles)} %}}", encoding="utf-8")


# ------------------------------------------------------------------------------------------- quarantine


def test_one_bad_site_of_500_leaves_499(nginx: RealNginx, templates: Path, port: int) -> None:
    sites = [own(f"s{number}.test", port, certificate=ZONE) for number in range(500)]
    spoil(templates, "s250.test")
    rollout = nginx.target().roll_out(sites, nginx.wildcard())
    assert list(rollout.quarantined) == ["s250.test"]
    assert 'unknown directive "nonsense"' in str(rollout.quarantined["s250.test"])
    assert "sites/s250.test.conf:1" in str(rollout.quarantined["s250.test"])
    assert len(list((nginx.current / "sites").iterdir())) == 499
    assert [nginx.get(f"s{number}.test").status for number in (0, 249, 251, 499)] == [200] * 4


def test_a_bad_site_that_nginx_does_not_name_is_found_by_halving(
    nginx: RealNginx, templates: Path, port: int
) -> None:
    site = (templates / "site.conf.j2").read_text(encoding="utf-8")
    missing = f"ssl_trusted_certificate {nginx.home}/{_UNNAMED};"
    (templates / "site.conf.j2").write_text(
        site.replace("    server_name", f"{{% if headers %}}{missing}{{% endif %}}    server_name", 1),
        encoding="utf-8",
    )
    bad = SiteOptions(headers=((Header.X_ROBOTS_TAG, "none"),))
    sites = [
        own(f"s{number}.test", port, bad if number in {3, 17} else None, certificate=ZONE)
        for number in range(20)
    ]
    rollout = nginx.target().roll_out(sites, nginx.wildcard())
    assert sorted(rollout.quarantined) == ["s17.test", "s3.test"]
    assert _UNNAMED in str(rollout.quarantined["s3.test"])
    assert nginx.get("s4.test").status == 200


def test_a_broken_shared_template_leaves_everything_as_it_was(
    nginx: RealNginx, templates: Path, port: int
) -> None:
    target = nginx.target()
    before = target.roll_out([guest("wiki", port)], nginx.wildcard())
    (templates / "client.conf.j2").write_text("    nonsense on;\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="nonsense"):
        target.roll_out([guest("wiki", port), guest("new", port)], nginx.wildcard())
    (templates / "client.conf.j2").write_text("    nonsense {{ nothing }};\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="nothing"):
        target.roll_out([guest("wiki", port), guest("new", port)], nginx.wildcard())
    assert target.running_generation() == before.generation
    assert nginx.current.readlink().name == str(before.generation)
    assert nginx.get("wiki.vmsrv.test").status == 200


# --------------------------------------------------------------------------- what the real nginx says no to


def test_the_admin_s_own_mistake_is_said_so_and_changes_nothing(nginx: RealNginx, port: int) -> None:
    target = nginx.target()
    before = target.roll_out([guest("wiki", port)], nginx.wildcard())
    nginx.configure("nonsense on;")
    with pytest.raises(ConfigError, match='unknown directive "nonsense"'):
        target.roll_out([page("wiki", Page.STOPPED)], nginx.wildcard())
    assert nginx.current.readlink().name == str(before.generation)
    nginx.configure()
    assert target.roll_out([page("wiki", Page.STOPPED)], nginx.wildcard()).generation > before.generation


def test_a_port_that_somebody_took_leaves_the_old_generation(nginx: RealNginx, port: int) -> None:
    before = nginx.target().roll_out([guest("wiki", port)], nginx.wildcard())
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = Listen(LOOPBACK, stranger.getsockname()[1])
        settings = replace(nginx.settings, https=(*nginx.settings.https, taken))
        with pytest.raises(Unavailable, match=r"goes on with generation 1.*Address (already )?in use"):
            nginx.target(settings).roll_out([guest("wiki", port)], nginx.wildcard())
    assert nginx.target().running_generation() == before.generation
    assert nginx.current.readlink().name == str(before.generation)
    assert nginx.get("wiki.vmsrv.test").status == 200
    assert nginx.target(settings).roll_out([guest("wiki", port)], nginx.wildcard()).generation == 3


def test_a_reload_that_does_nothing_is_found_out(nginx: RealNginx, port: int) -> None:
    target = nginx.target()
    before = target.roll_out([guest("wiki", port)], nginx.wildcard())
    nginx.commands = replace(nginx.commands, reload=("true",))
    with pytest.raises(Unavailable, match="its error log does not say why"):
        nginx.target(patience=0.2).roll_out([], nginx.wildcard())
    assert nginx.current.readlink().name == str(before.generation)


def test_an_nginx_that_does_not_include_our_files_is_told_how(nginx: RealNginx, port: int) -> None:
    config = nginx.home / "nginx.conf"
    config.write_text(config.read_text(encoding="utf-8").replace("include", "# include"), encoding="utf-8")
    with pytest.raises(Unavailable, match=r"includes current/skulldns\.conf"):
        nginx.target(patience=0.2).roll_out([guest("wiki", port)], nginx.wildcard())
    nginx.configure()
    assert nginx.target().roll_out([guest("wiki", port)], nginx.wildcard()).generation == 1


def test_a_missing_program_is_named(nginx: RealNginx) -> None:
    nginx.commands = Commands("nginx-is-not-here")
    with pytest.raises(ConfigError, match="nginx-is-not-here is not installed"):
        nginx.target().roll_out([], {})


# ------------------------------------------------------------------------------------------------ files


def test_unchanged_files_share_their_place_on_the_disk(nginx: RealNginx, port: int) -> None:
    target = nginx.target()
    sites = [own(f"s{number}.test", port, certificate=ZONE) for number in range(5)]
    target.roll_out([*sites, guest("a", port)], nginx.wildcard())
    rollout = target.roll_out([*sites, guest("b", port)], nginx.wildcard())
    assert list(rollout.changed) == ["maps.conf"]
    first, second = (nginx.home / "skulldns" / "generations" / number for number in ("1", "2"))
    same = {str(path.relative_to(first)) for path in first.rglob("*") if path.is_file()}
    shared = {name for name in same if (first / name).samefile(second / name)}
    assert same - shared == {"maps.conf", "skulldns.conf", "manifest.json"}


def test_old_generations_are_pruned_and_numbers_never_used_again(nginx: RealNginx, port: int) -> None:
    target = nginx.target()
    for number in range(8):
        target.roll_out([guest(f"g{number}", port)], nginx.wildcard())
    kept = sorted(int(path.name) for path in (nginx.home / "skulldns" / "generations").iterdir())
    assert kept == [4, 5, 6, 7, 8]
    assert nginx.target().roll_out([], nginx.wildcard()).generation == 9


def test_secrets_are_readable_for_nobody_else(nginx: RealNginx, port: int) -> None:
    nginx.target().roll_out([guest("wiki", port)], nginx.wildcard())
    assert (nginx.current / "certificates" / f"{ZONE}.pem").stat().st_mode & 0o777 == 0o600


def test_a_half_written_generation_is_no_hindrance(nginx: RealNginx, port: int) -> None:
    left = nginx.home / "skulldns" / "generations" / ".1.new"
    (left / "sites").mkdir(parents=True)
    (left / "maps.conf").write_text("half", encoding="utf-8")
    (nginx.home / "skulldns" / ".current.new").symlink_to("nowhere")
    assert nginx.target().roll_out([guest("wiki", port)], nginx.wildcard()).generation == 1
    assert nginx.get("wiki.vmsrv.test").status == 200
    assert not left.exists()


def test_added_and_removed_files_are_drift_too(nginx: RealNginx, port: int) -> None:
    target = nginx.target()
    sites = [own("shop.test", port, certificate=ZONE)]
    target.roll_out(sites, nginx.wildcard())
    (nginx.current / "sites" / "extra.conf").write_text("# mine\n", encoding="utf-8")
    (nginx.current / "sites" / "shop.test.conf").unlink()
    assert target.drift() == ["sites/extra.conf", "sites/shop.test.conf"]
    assert target.roll_out(sites, nginx.wildcard()).changed == ["sites/extra.conf", "sites/shop.test.conf"]
    assert target.drift() == []


def test_a_renewed_certificate_is_loaded(nginx: RealNginx, port: int) -> None:
    def shown() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", nginx.https), PATIENCE) as raw,
            wrapped(raw, "a.vmsrv.test") as tls,
        ):
            return tls.getpeercert(binary_form=True) or b""

    target = nginx.target()
    target.roll_out([guest("a", port)], nginx.wildcard())
    before = shown()
    renewed = {ZONE: nginx.certificate(ZONE, f"*.{ZONE}")}
    assert target.roll_out([guest("a", port)], renewed).changed == [f"certificates/{ZONE}.pem"]
    nginx.settled()
    assert shown() != before


def test_the_private_test_opens_no_port_and_leaves_nothing(nginx: RealNginx, port: int) -> None:
    # Nobody may listen on 192.0.2.5 here: nginx -t itself would fail to.
    nginx.commands = replace(nginx.commands, test=("true",), reload=("false",))
    settings = replace(nginx.settings, https=(Listen(ip_address("192.0.2.5"), 443),))
    before = sorted(nginx.home.iterdir())
    with pytest.raises(Unavailable):
        nginx.target(settings, patience=0.1).roll_out([guest("wiki", port)], nginx.wildcard())
    assert {path.name for path in set(nginx.home.iterdir()) - set(before)} == {
        "skulldns",
        f"{ZONE}.chain",
        f"{ZONE}.key",
    }


# ------------------------------------------------------------------------------------------- connections


def test_a_websocket_survives_reloads(nginx: RealNginx, port: int) -> None:
    def echo(connection: ServerConnection) -> None:
        for message in connection:
            assert connection.request is not None
            connection.send(f"{message!s} {connection.request.headers['Host']}")

    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        chat = guest("chat", server.socket.getsockname()[1])
        target = nginx.target()
        target.roll_out([chat], nginx.wildcard())
        nginx.settled()
        with (
            socket.create_connection(("127.0.0.1", nginx.https), PATIENCE) as raw,
            connect("ws://chat.vmsrv.test/", sock=wrapped(raw, "chat.vmsrv.test"), proxy=None) as client,
        ):
            for number in range(5):
                client.send(f"message {number}")
                assert client.recv(PATIENCE) == f"message {number} chat.vmsrv.test:{nginx.https}"
                target.roll_out([chat, guest("wiki", port + number)], nginx.wildcard())
        nginx.settled()
        server.shutdown()
        thread.join()


def test_a_thousand_open_connections_survive_a_reload() -> None:
    # `make bench` does it with ten thousand.
    with RealNginx(connections=2000) as nginx:
        survived = reload_under(nginx, 1000)
    assert (survived.requests, survived.websockets) == (500, 500)


def test_forty_reloads_with_broken_sites_fail_no_request(
    nginx: RealNginx, templates: Path, port: int
) -> None:
    with Visitors(nginx, "wiki.vmsrv.test") as visitors:
        target = nginx.target()
        for number in range(40):
            spoil(templates, *(["bad.test"] if number % 3 == 0 else []))
            sites = [
                guest("wiki", port),
                guest(f"g{number}", port),
                own("bad.test", port, SiteOptions(hsts=number)),
            ]
            rollout = target.roll_out(sites, nginx.wildcard("bad.test"))
            assert list(rollout.quarantined) == (["bad.test"] if number % 3 == 0 else [])
            if number == 0:
                visitors.begin()
    assert visitors.failed == []
    assert visitors.answered > 40
