"""Zone files in git: the hook for pre-commit and the CI jobs that docs/zones.md shows."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rooms import ROOT

_CONFIG = """\
keys:
  skulldns: {algorithm: hmac-sha256, secret_file: /nowhere/tsig.key}
zones:
  vmsrv.test:
    file: zones/vmsrv.test.yaml
    primary: {address: 192.0.2.53, key: skulldns}
"""
_GOOD = "www: {type: A, value: 192.0.2.1}\n"
_PAGE = (ROOT / "docs" / "zones.md").read_text()
_SHOWN: Mapping[str, str] = dict(re.findall(r"```yaml\n# (\.\S+)\n(.*?)```", _PAGE, re.DOTALL))


def _hook() -> dict[str, Any]:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(hook, dict)
    return hook


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a config, a zone file and, as it should be, no key."""
    (tmp_path / "zones").mkdir()
    (tmp_path / "skulldns.yaml").write_text(_CONFIG)
    (tmp_path / "zones" / "vmsrv.test.yaml").write_text(_GOOD)
    bin_directory = tmp_path.parent / f"{tmp_path.name}-bin"
    bin_directory.mkdir()
    program = bin_directory / "skulldns"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m skulldns "$@"\n')
    program.chmod(0o755)
    (tmp_path / ".pre-commit-config.yaml").write_text(_SHOWN[".pre-commit-config.yaml"])
    _run(tmp_path, "git init -q && git add -A")
    return tmp_path


def _run(repository: Path, command: str) -> subprocess.CompletedProcess[str]:
    path = f"{repository.parent / f'{repository.name}-bin'}:{os.environ['PATH']}"
    home = {"PRE_COMMIT_HOME": str(repository.parent / f"{repository.name}-home"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **home, "PATH": path},
    )


def _commands() -> list[str]:
    """What a hook and each CI job run, as they stand in the repository and in the docs."""
    [local] = yaml.safe_load(_SHOWN[".pre-commit-config.yaml"])["repos"][0]["hooks"]
    gitlab = yaml.safe_load(_SHOWN[".gitlab-ci.yml"])["zones"]["script"]
    steps = yaml.safe_load(_SHOWN[".github/workflows/zones.yaml"])["jobs"]["check"]["steps"]
    return list(dict.fromkeys([_hook()["entry"], local["entry"], *gitlab, steps[-1]["run"]]))


def test_the_docs_show_the_hook_that_the_repository_has() -> None:
    [local] = yaml.safe_load(_SHOWN[".pre-commit-config.yaml"])["repos"][0]["hooks"]
    assert local.items() <= _hook().items()


@pytest.mark.parametrize("command", _commands())
def test_the_commands_of_hook_and_ci_need_no_key_and_say_each_error_with_its_place(
    repository: Path, command: str
) -> None:
    done = _run(repository, command)
    assert (done.returncode, done.stderr) == (0, "")
    file = repository / "zones" / "vmsrv.test.yaml"
    file.write_text(_GOOD + "mail: {type: MX, value: 10 mail}\nwww: {type: A, value: 192.0.2.2}\n")
    done = _run(repository, command)
    assert done.returncode == 2
    places = [line.partition(": ")[0] for line in done.stderr.splitlines()]
    assert places == [f"{file}:2:25", f"{file}:3:1"]


def test_pre_commit_runs_it(repository: Path) -> None:
    pytest.importorskip("pre_commit")
    command = f"{shlex.quote(sys.executable)} -m pre_commit run --all-files"
    done = _run(repository, command)
    assert done.returncode == 0, done.stdout + done.stderr
    (repository / "zones" / "vmsrv.test.yaml").write_text("www: {type: A, value: mail}\n")
    done = _run(repository, command)
    assert done.returncode == 1
    assert "zones/vmsrv.test.yaml:1:23:" in done.stdout


def test_a_key_that_is_not_there_is_an_error_where_the_installation_is_checked(repository: Path) -> None:
    done = _run(repository, "skulldns check")
    assert done.returncode == 2
    assert "tsig.key" in done.stderr
