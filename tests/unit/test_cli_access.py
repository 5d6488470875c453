import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skulldns import wiring
from skulldns.cli.access import looking
from skulldns.config import load
from skulldns.wiring import Installation

_CONFIG = """\
state: state
keys: {skulldns: {algorithm: hmac-sha256, secret_file: tsig.key}}
zones:
  vmsrv.test:
    file: vmsrv.test.yaml
    primary: {address: 127.0.0.1, port: 1, key: skulldns}
    secondaries: [{address: 127.0.0.1, port: 2, key: skulldns}]
"""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Only what nobody refers to is freed."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_what_a_plan_worked_with_is_freed_before_its_text_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "skulldns.yaml").write_text(_CONFIG)
    (tmp_path / "vmsrv.test.yaml").write_text("www: {type: A, value: 192.0.2.1}\n")
    key = tmp_path / "tsig.key"
    key.write_text("bm90IGEgcmVhbCBzZWNyZXQsIG9ubHkgYSB0ZXN0")
    key.chmod(0o600)
    made: list[weakref.ref[Any]] = []
    build = wiring.build

    def watched(*arguments: Any, **options: Any) -> Installation:
        found = build(*arguments, **options)
        made.extend(weakref.ref(one) for one in (found.engine, *found.publishers))
        return found

    monkeypatch.setattr(wiring, "build", watched)
    with looking(load(tmp_path / "skulldns.yaml"), secondaries=False) as verbs:
        assert "plan" in verbs
        del verbs
    assert [one() for one in made] == [None, None]
