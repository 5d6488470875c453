import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest
from click.testing import CliRunner, Result

import skulldns.cli
from skulldns.cli import main
from skulldns.errors import ConfigError, ConfigErrors, Unavailable
from tests.rooms import ROOT

_CONFIG = """\
keys:
  skulldns: {algorithm: hmac-sha256, secret_file: tsig.key}
zones:
  vmsrv.test:
    file: zones/vmsrv.test.yaml
    primary: {address: 192.0.2.53, key: skulldns}
"""

_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `skulldns` in a directory with a good config."""
    monkeypatch.chdir(tmp_path)
    Path("skulldns.yaml").write_text(_CONFIG)
    Path("tsig.key").write_text("bm90IGEgcmVhbCBzZWNyZXQsIG9ubHkgYSB0ZXN0")
    Path("tsig.key").chmod(0o600)
    Path("zones").mkdir()
    Path("zones/vmsrv.test.yaml").write_text("www: {type: A, value: 192.0.2.1}\n...\n")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run


def test_a_good_installation(run: Run) -> None:
    result = run("check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "vmsrv.test: 1 static RRsets\nok\n", "")


def test_each_error_is_one_line_with_place_and_cure(run: Run, tmp_path: Path) -> None:
    Path("zones/vmsrv.test.yaml").write_text("ns: no\nwww: {type: CNAME, value: mail}\n")
    result = run("check")
    file = tmp_path / "zones/vmsrv.test.yaml"
    assert result.stderr == (
        f'{file}:1:5: the record of "ns" is yes or no;'
        " write '{type: A, value: 192.0.2.1}' or a list of such\n"
        f"{file}:2:27: CNAME value \"mail\" has no trailing dot; write 'mail.' or 'mail.vmsrv.test.'\n"
    )
    assert (result.exit_code, result.stdout) == (2, "")


def test_an_error_of_the_config(run: Run) -> None:
    Path("skulldns.yaml").write_text(_CONFIG + "    guets: true\n")
    result = run("check")
    assert result.stderr == "skulldns.yaml:7:5: unknown key \"guets\"; did you mean 'guests'?\n"
    assert result.exit_code == 2


def test_a_file_that_no_zone_names_is_a_warning(run: Run, tmp_path: Path) -> None:
    Path("zones/old.test.yaml").write_text("{}")
    result = run("check")
    assert result.stderr == (
        f"warning: {tmp_path}/zones/old.test.yaml: no configured zone names this file;"
        " add the zone, or take the file away\n"
    )
    assert (result.exit_code, result.stdout) == (0, "vmsrv.test: 1 static RRsets\nok\n")


def test_json(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "zones/vmsrv.test.yaml")
    good = {"ok": True, "config": "skulldns.yaml", "endless": [], "warnings": [], "errors": []}
    zones = [{"name": "vmsrv.test", "views": [], "file": file, "records": 1}]
    assert json.loads(run("check", "--json").stdout) == {**good, "zones": zones}
    Path(file).write_text("")
    result = run("check", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["warnings"] == [
        {
            "file": file,
            "line": 1,
            "column": 1,
            "what": "the file is empty",
            "cure": "write {} if nothing is what it should say",
        }
    ]


@pytest.mark.parametrize("before", [True, False])
def test_the_config_is_named_before_or_after_the_verb(run: Run, *, before: bool) -> None:
    Path("skulldns.yaml").rename("other.yaml")
    option = ("--config", "other.yaml")
    assert run(*((*option, "check") if before else ("check", *option))).exit_code == 0


def test_without_any_config(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(skulldns.cli, "CONFIG_FILES", (tmp_path / "a", tmp_path / "b"))
    result = run("check")
    assert result.stderr == (
        f"there is no {tmp_path}/a or {tmp_path}/b; run 'skulldns init', or name one with --config\n"
    )
    assert result.exit_code == 2


def test_the_first_default_wins(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("second.yaml").write_text("[]")
    monkeypatch.setattr(skulldns.cli, "CONFIG_FILES", (Path("skulldns.yaml"), Path("second.yaml")))
    assert run("check").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("chekc",), "No such command 'chekc'"),
        (("check", "--jsn"), "No such option"),
        (("status", "more"), "Got unexpected extra argument (more)"),
    ],
)
def test_a_usage_error_is_one_line(run: Run, arguments: tuple[str, ...], error: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(error)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (
            ConfigError("wrong", file="f", line=1, column=2, cure="correct it"),
            2,
            "f:1:2: wrong; correct it\n",
        ),
        (ConfigErrors([ConfigError("a", cure="b"), ConfigError("c", cure="d")]), 2, "a; b\nc; d\n"),
        (
            Unavailable("no answer", where="192.0.2.53:53", cure="start it"),
            1,
            "192.0.2.53:53: no answer; start it\n",
        ),
        (KeyboardInterrupt(), 130, "\n"),
    ],
)
def test_errors_of_verbs(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str
) -> None:
    @click.command()
    def plan() -> None:
        raise error

    monkeypatch.setattr(main, "get_command", lambda _ctx, _name: plan)
    result = run("plan")
    assert (result.exit_code, result.stderr) == (code, line)


def test_a_verb_that_is_not_installed_breaks_no_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert run("--help").exit_code == 0
    result = run("why")
    assert (result.exit_code, result.stderr) == (
        1,
        "why needs the Python module skulldns.cli.why; install it\n",
    )


def test_help_lists_every_verb(run: Run) -> None:
    words = run("--help").stdout.split()
    assert {"init", "check", "plan", "apply", "run", "status", "why", "guest", "lab"} <= set(words)
    assert {"doctor", "metrics", "cert"} <= set(words)
    assert run().exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["check"], "libvirt sqlalchemy alembic rich jinja2 psutil watchfiles"),
        (["--help"], "libvirt sqlalchemy pydantic dns yaml"),
    ],
)
def test_a_verb_imports_only_what_it_uses(run: Run, arguments: list[str], absent: str) -> None:
    del run  # it wrote the files
    script = (
        "import sys\nfrom skulldns.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: code = end.code\n"
        f"print(code, [name for name in {absent.split()!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=_ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stderr == "0 []\n"


@pytest.mark.parametrize(
    ("arguments", "code"), [(["check"], 0), (["check", "nothing.yaml"], 2), (["nope"], 2), (["--help"], 0)]
)
def test_a_process_of_its_own_ends_as_its_verb_does(run: Run, arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "skulldns", *arguments],
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    inside = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (code, inside.stdout, inside.stderr)
    assert inside.exit_code == code


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["--help"]])
def test_a_full_disk_is_told(run: Run, arguments: list[str]) -> None:
    del run
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "skulldns", *arguments],
            env=_ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "the answer could not be written: No space left on device; make room, or send it elsewhere\n",
    )


def test_a_reader_that_goes_away_makes_no_noise(run: Run) -> None:
    del run
    script = "import sys; from skulldns.cli import main; main(['check', '--json'])"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait() == 1


_SECRETS = """\
web:
  url: https://names.example.org
  oidc: {name: Club, issuer: "https://id.example.org", client_id: names, client_secret_file: oidc.secret}
notices:
  smtp: {host: mail.example.org, login: names, password_file: mail.secret}
  sender: names@example.org
  webhooks:
    - {url: "https://hook.example.org/a", secret_file: hook.secret}
    - {url: "https://hook.example.org/b", secret_file: hook.secret}
"""


def test_secrets_of_page_and_notices_are_there_and_private(run: Run, tmp_path: Path) -> None:
    Path("skulldns.yaml").write_text(_CONFIG + _SECRETS)
    for name, text, mode in (
        ("oidc", "a secret\n", 0o640),
        ("mail", "a secret\n", 0o644),
        ("hook", "", 0o600),
    ):
        Path(f"{name}.secret").write_text(text)
        Path(f"{name}.secret").chmod(mode)
    mail, hook, oidc = (tmp_path / f"{name}.secret" for name in ("mail", "hook", "oidc"))
    result = run("check")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"{mail}: it can be read by everyone; run 'chmod o= {mail}'",
        f"{hook}: it does not hold one line with a secret; write the secret into it",
    ]
    mail.chmod(0o600)
    hook.write_text("a secret\n")
    oidc.unlink()
    result = run("check")
    assert result.stderr == f"{oidc}: there is no such file; create it, or correct the path\n"
    assert run("check", "--no-secrets").exit_code == 0
    oidc.write_text("a secret")
    oidc.chmod(0o600)
    assert run("check").exit_code == 0


def test_what_servers_would_refuse_is_a_warning(run: Run, tmp_path: Path) -> None:
    Path("zones/vmsrv.test.yaml").write_text("my_host: {type: A, value: 192.0.2.1}\n...\n")
    result = run("check")
    assert result.stderr.startswith(f"warning: {tmp_path}/zones/vmsrv.test.yaml:1:10: my_host.vmsrv.test A: ")
    assert (result.exit_code, result.stderr.count("\n")) == (0, 1)


def test_a_file_without_an_end_is_told_how_to_get_one(run: Run) -> None:
    Path("zones/vmsrv.test.yaml").write_text("www: {type: A, value: 192.0.2.1}\n")
    result = run("check")
    assert result.stdout == (
        "vmsrv.test: 1 static RRsets\n"
        "hint: half a save could be taken for a whole one; end the file with a line '...': zones/vmsrv.test.yaml\n"
        "ok\n"
    )
    assert [Path(file).name for file in json.loads(run("check", "--json").stdout)["endless"]] == [
        "vmsrv.test.yaml"
    ]


def test_a_zone_file_is_checked_without_a_config(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skulldns.cli, "CONFIG_FILES", ())
    result = run("check", "zones/vmsrv.test.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "vmsrv.test: 1 static RRsets\nok\n", "")
    Path("zones/vmsrv.test.yaml").write_text("www: {type: CNAME, value: mail}\n")
    result = run("check", "zones/vmsrv.test.yaml")
    assert result.stderr == (
        'zones/vmsrv.test.yaml:1:27: CNAME value "mail" has no trailing dot;'
        " write 'mail.' or 'mail.vmsrv.test.'\n"
    )
    assert result.exit_code == 2
    Path("a..b.yaml").write_text("{}")
    assert run("check", "a..b.yaml").stderr == (
        "a..b.yaml: the file is not called after a zone;"
        " call it like vmsrv.example.org.yaml, or name it in a config\n"
    )


def test_a_zone_file_that_the_config_names_is_read_by_its_rules(run: Run) -> None:
    Path("zones/vmsrv.test.yaml").rename("zones/other.yaml")
    Path("skulldns.yaml").write_text(_CONFIG.replace("zones/vmsrv.test.yaml", "zones/other.yaml"))
    Path("tsig.key").unlink()
    assert run("check", "zones/other.yaml").stdout == "vmsrv.test: 1 static RRsets\nok\n"
    assert run("check", "skulldns.yaml").stderr == (
        "skulldns.yaml: this is the config, and no zone file; check it without naming a file\n"
    )


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user may look into."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_secret_that_only_the_page_s_user_reads_is_a_warning(run: Run, open_directory: Path) -> None:
    secret = open_directory / "oidc.secret"
    secret.write_text("a secret")
    secret.chmod(0o400 if os.geteuid() == 0 else 0)
    text = _SECRETS.split("notices:", maxsplit=1)[0].replace("oidc.secret", str(secret))
    Path("skulldns.yaml").write_text(_CONFIG + text)
    with _another_user():
        result = run("check")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "ok")
    warning = f"{secret}: this user may not read it, so nobody looked at it; check as root, too"
    assert result.stderr == f"warning: {warning}\n"


@contextmanager
def _another_user() -> Iterator[None]:
    """Access is judged as that of a user who is not root; others have no way to be another."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 0, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
