"""The insides of a guest: busybox, one script as its process 1, and for a machine a kernel with its modules.

All kinds of guests run the same script; the hypervisor passes what it shall do in environment variables (a
kernel passes `NAME=value` of its command line to process 1 too).
"""

import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "laboratory"
KERNEL = CACHE / "vmlinuz"
BUSYBOX = Path("/bin/busybox")

_INIT = """#!/bin/busybox sh
# GUEST_NAME: what its page says. GUEST_ASKS: the host name it asks DHCP for. GUEST_DHCP=no: it does not ask.
export PATH=/bin
[ -d /proc/self ] || { mount -t proc proc /proc && mount -t devtmpfs dev /dev; }
[ -f /modules/order ] && for module in $(cat /modules/order); do insmod "/modules/$module.ko"; done
mkdir -p /tmp /www
echo "$GUEST_NAME" >/www/index.html
ip link set lo up
ip link set eth0 up
httpd -h /www
if [ "$GUEST_DHCP" != no ]; then
    udhcpc -i eth0 -f -t 1 -T 1 -A 1 -s /bin/lease ${GUEST_ASKS:+-x hostname:$GUEST_ASKS} &
fi
while :; do sleep 3600; done
"""

_LEASE = """#!/bin/busybox sh
# What udhcpc calls with news of its lease.
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address replace "$ip/$mask" dev eth0
[ -z "$router" ] || ip route replace default via "${router%% *}"
"""

_RUN = """#!/bin/busybox sh
# A page that runs what is posted to it: nobody can run a command in a machine from outside.
printf 'Content-Type: text/plain\\r\\n\\r\\n'
sh -c "$(cat)" 2>&1
echo "$?"
"""


def write_root(root: Path) -> None:
    """Make a guest's root directory."""
    for name in ("bin", "sbin", "dev", "proc", "sys", "etc", "root", "tmp", "run", "var", "www"):
        (root / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin" / "busybox")
    for applet in _applets():
        link = root / "bin" / applet
        if not os.path.lexists(link):
            link.symlink_to("busybox")
    for path, text in {"init": _INIT, "bin/lease": _LEASE}.items():
        (root / path).write_text(text, encoding="ascii")
        (root / path).chmod(0o755)
    (root / "sbin" / "init").symlink_to("/init")


def write_initramfs(root: Path, image: Path) -> None:
    """Pack a root directory with the kernel's modules (uncompressed: the emulated processor is slow).

    The machine's web server also runs commands.
    """
    shutil.copytree(CACHE / "modules", root / "modules")
    (root / "www/cgi-bin").mkdir()
    (root / "www/cgi-bin/run").write_text(_RUN, encoding="ascii")
    (root / "www/cgi-bin/run").chmod(0o755)
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    with image.open("wb") as packed:
        subprocess.run(
            ["cpio", "--create", "--format=newc", "--quiet"],
            input="\n".join(names).encode(),
            stdout=packed,
            cwd=root,
            check=True,
        )


def _applets() -> list[str]:
    listed = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True)
    return listed.stdout.split()
