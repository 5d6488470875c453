"""What a laboratory needs of this machine."""

import os

import pytest

from tests.laboratory.files import KERNEL
from tests.support import on_ci, require

_PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "libvirtd": "libvirt-daemon",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "lxc-start": "lxc",
    "lxd": "lxd",
    "lxc": "lxd-client",
    "dnsmasq": "dnsmasq-base",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "newuidmap": "uidmap",
}


def require_laboratory() -> None:
    """Skip the test where there can be no laboratory; on CI only root's absence is an excuse."""
    if os.geteuid() != 0:
        pytest.skip("the laboratory of real guests needs root")
    for program, package in _PROGRAMS.items():
        require(program, package=package)
    if not KERNEL.exists():
        reason = "the laboratory has no kernel for its machines: run packaging/install-laboratory"
        if on_ci():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
