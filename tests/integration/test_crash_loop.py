"""A guest that starts and stops 500 times costs few UPDATE messages, keeps nobody waiting, and ends as it is."""

import contextlib
import time
from pathlib import Path

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both, reverse, updates
from tests.integration.hypervisor import addresses, define

_STARTS = 500


def test_five_hundred_starts_of_one_guest(tmp_path: Path, lab_programs: None) -> None:  # noqa: ARG001 - as in conftest
    with Lab.up(tmp_path / "lab", daemon=False) as lab, contextlib.closing(lab.libvirt()) as connection:
        config = lab.info.config
        text = config.read_text(encoding="utf-8")
        after = text.replace("on_stop: keep", "on_stop: withdraw").replace("grace: 2s", "grace: 0s")
        assert after != text
        config.write_text(after, encoding="utf-8")
        domain, other = define(connection, "loop"), define(connection, "other")
        name, others_name = (f"{one.name()}.{lab.info.zone}" for one in (domain, other))
        domain.create()
        lab.start("daemon")
        until(lambda: all(both(lab, name)), "the name before the loop", patience=60)
        until(lambda: all(both(lab, reverse(addresses(domain)[0]), "PTR")), "its reverse name", patience=60)

        before, begun = updates(lab), time.monotonic()
        for number in range(_STARTS):
            domain.destroy()
            domain.create()
            if number == _STARTS // 2:
                other.create()
                until(lambda: all(both(lab, others_name)), "the other guest's name in the loop", patience=60)
        (last,) = addresses(domain)
        until(lambda: both(lab, name) == ((last,), (last,)), "the last state", patience=60)
        until(lambda: all(both(lab, reverse(last), "PTR")), "the last state's reverse name", patience=60)
        until(
            lambda: all(both(lab, reverse(addresses(other)[0]), "PTR")),
            "the other's reverse name",
            patience=60,
        )
        sent, seconds = updates(lab) - before, time.monotonic() - begun
        for_the_other = 2
        assert sent <= for_the_other + 2 * (1 + seconds / 2.0), "two zones"
        assert both(lab, name) == ((last,), (last,))
