from pathlib import Path

import pytest

from tests.support import require


def test_require_finds_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "some-server"
    command.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert require("some-server", package="some-package") == str(command)


def test_require_skips_and_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"^no-such \(Debian package no-package\) is"):
        require("no-such", package="no-package")


def test_require_fails_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-package"):
        require("no-such", package="no-package")
