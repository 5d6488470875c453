"""How a URI is opened so that nobody is asked for anything."""

import pytest

from skulldns.sources.libvirt.connection import without_prompts


@pytest.mark.parametrize(
    ("uri", "opened"),
    [
        ("qemu+ssh://host.test/system", "qemu+ssh://host.test/system?no_tty=1"),
        ("qemu+ssh:///system?keyfile=/k", "qemu+ssh:///system?keyfile=/k&no_tty=1"),
        ("qemu+ssh://host.test/system?no_tty=1", "qemu+ssh://host.test/system?no_tty=1"),
        ("qemu+libssh://host.test/system", "qemu+libssh://host.test/system"),
        ("qemu+tls://host.test/system?pkipath=/p", "qemu+tls://host.test/system?pkipath=/p"),
        ("qemu:///system", "qemu:///system"),
    ],
)
def test_ssh_never_opens_the_terminal(uri: str, opened: str) -> None:
    assert without_prompts(uri) == opened
