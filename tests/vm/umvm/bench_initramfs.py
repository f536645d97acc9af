# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab's initramfs: programs with their libraries, packed the same way every time."""

import os
import shutil
import subprocess


def libraries(program):
    """Shared libraries of a program, and the loader."""
    out = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True)
    for word in out.stdout.split():
        if word.startswith("/"):
            yield word


def add(root, source, target=None, mode=0o755):
    target = os.path.join(root, (target or source).lstrip("/"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)
    os.chmod(target, mode)


def add_program(root, source, target=None):
    """A program, or a library that is loaded by name."""
    add(root, source, target)
    for library in libraries(source):
        add(root, library)


def pack(root, path):
    """The same files give the same archive, and so the same boot."""
    names = sorted(os.path.relpath(os.path.join(d, n), root)
                   for d, dirs, files in os.walk(root) for n in dirs + files)
    for name in names:
        os.utime(os.path.join(root, name), (0, 0), follow_symlinks=False)
    with open(path, "wb") as f:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "--reproducible",
                        "-R", "0:0"], cwd=root, input="\n".join(names).encode(),
                       stdout=f, check=True)
