# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the lab's guest needs for rows that read by RDMA.

Both ends are in the one guest: Soft-RoCE on one end of a veth pair answers its own
address without the network's stack.
"""

import glob
import os
import shutil
import subprocess

from .bench_initramfs import add, add_program
from .vm import TOP, VmError, build_dir

SOURCE = "rdma://10.9.0.1:7471/7"       # as bench-rdma-up has it
DEVICE = "/dev/nvme0n1"

MODULES = ("crc32_generic", "veth", "rdma_rxe", "ib_uverbs", "rdma_ucm", "ib_umad",
           "brd", "nvmet_rdma", "nvme_rdma")
# busybox is all of these.
APPLETS = ("cat", "dd", "grep", "head", "insmod", "ln", "ls", "mkdir", "mkfifo", "modprobe",
           "mount", "sleep", "tail", "uname")


def paths(kernel):
    """Files of the modules and of those they need."""
    out = subprocess.run(["modprobe", "-d", kernel.modroot, "-S", kernel.version,
                          "--show-depends", "-a", *MODULES],
                         stdout=subprocess.PIPE, text=True, check=True)
    for line in out.stdout.splitlines():
        words = line.split()
        if words[0] == "insmod":
            yield words[1]


def add_modules(root, kernel):
    base = f"lib/modules/{kernel.version}"
    for path in sorted(set(paths(kernel))):
        relative = path[path.index(base):]
        if not path.endswith(".xz"):
            add(root, path, relative, 0o644)
            continue
        target = os.path.join(root, relative[:-3])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as f:
            subprocess.run(["xz", "-dc", path], stdout=f, check=True)
    subprocess.run(["depmod", "-b", root, kernel.version], check=True,
                   stderr=subprocess.DEVNULL)


def tool(name):
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if not path:
        raise VmError(f"no program {name} here; run: tests/vm/deps vm")
    return path


def add_all(root, kernel):
    build = build_dir()
    add_modules(root, kernel)
    for name in APPLETS:
        os.symlink("busybox", os.path.join(root, "bin", name))
    for name in ("ip", "rdma"):
        add_program(root, tool(name), f"/bin/{name}")
    for name in ("umem-serve", "umem-provider"):
        add_program(root, os.path.join(build, "bin", name), f"/bin/{name}")
    plugins = glob.glob("/usr/lib/*/libibverbs/librxe-*.so")
    if not plugins:
        raise VmError("no librxe of libibverbs here; run: tests/vm/deps vm")
    for plugin in plugins:
        add_program(root, plugin)
    add(root, "/etc/libibverbs.d/rxe.driver", mode=0o644)
    add(root, os.path.join(TOP, "tests/vm/guest/rxe-up"), "/bin/rxe-up")
    add(root, os.path.join(TOP, "tests/vm/bench-rdma-up"), "/rdma-up")
    add(root, os.path.join(build, kernel.name, "umem_rdma.ko"), "/umem_rdma.ko", 0o644)
