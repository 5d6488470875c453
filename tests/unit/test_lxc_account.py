"""As whom LXC's programs run."""

import os
import subprocess
from pathlib import Path

import pytest

from skulldns.sources.lxc.account import as_their_user, first_user

_OTHER = 64321
_SECRET = {"PATH": "/usr/bin:/bin", "TOKEN": "secret"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory that is not root's."""
    directory = tmp_path / "home"
    directory.mkdir()
    if os.geteuid() == 0:
        os.chown(directory, _OTHER, _OTHER)
    return directory


def test_the_first_owner_but_root_on_the_way_counts(home: Path) -> None:
    owner = home.stat().st_uid
    inside = home / "lxc"
    inside.symlink_to("/")  # root's, but whoever has the home can change it
    assert first_user(Path("/")) == 0
    assert first_user(inside) == first_user(home / "missing/lxc") == owner


def test_root_becomes_the_user_and_takes_nothing_along(home: Path) -> None:
    prefix = as_their_user(home, 0, _SECRET)
    assert prefix[:2] == ("env", "-i")
    assert f"--reuid={home.stat().st_uid}" in prefix
    assert "secret" not in " ".join(prefix)


def test_root_needs_nothing_for_its_own() -> None:
    assert as_their_user(Path("/"), 0, _SECRET) == ()


def test_another_user_stays_who_it_is(home: Path) -> None:
    assert "setpriv" not in as_their_user(home, _OTHER, _SECRET)
    assert as_their_user(home, _OTHER, {"XDG_RUNTIME_DIR": "/run/user/1"}) == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_program_has_the_users_rights_alone(home: Path) -> None:
    ask = "id -u; id -g; id -G; echo $TOKEN; grep -E '^(CapEff|NoNewPrivs):' /proc/self/status"
    done = subprocess.run(
        [*as_their_user(home, 0, _SECRET), "sh", "-c", ask],
        check=True,
        capture_output=True,
        text=True,
        env=_SECRET,
    )
    assert done.stdout.split() == [
        *([str(_OTHER)] * 3),
        "CapEff:",
        "0000000000000000",
        "NoNewPrivs:",
        "1",
    ]
