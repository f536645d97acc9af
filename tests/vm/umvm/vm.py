# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One virtual machine: its QEMU command, its process, its two ports."""

import os
import shlex
import shutil
import signal
import socket
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME")
                     or os.path.expanduser("~/.cache"), "umem")


class VmError(Exception):
    """A sentence for the user; the tool prints it and gives up."""


def build_dir():
    return os.path.abspath(os.environ.get("UMEM_BUILD") or os.path.join(TOP, "build"))


def kvm_works():
    """KVM only with the CPU's say-so: /dev/kvm alone may open and not run."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        flags = next((l.split() for l in cpuinfo if l.startswith("flags")), [])
    if "vmx" not in flags and "svm" not in flags:
        return False
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    return True


def tool_output(*command):
    """Output of one of our own tools; its errors are already on stderr."""
    result = subprocess.run([os.path.join(TOP, "tests/vm", command[0]), *command[1:]],
                            stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise VmError(f"tests/vm/{' '.join(command)} failed, see above")
    return result.stdout


class Kernel:
    """A kernel in the cache, with its initramfs."""

    def __init__(self, name):
        self.name = name
        words = (word.split("=", 1)
                 for word in shlex.split(tool_output("kernel", name)))
        values = dict(words)
        self.version = values["VERSION"]
        self.vmlinuz = values["VMLINUZ"]
        self.modroot = values["MODROOT"]
        self.debug = "DEBUG" in values
        self.initramfs = tool_output("initramfs", self.version, self.modroot).strip()


class Port:
    """The host's end of a virtio-serial port."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.path = path
        self.sock = None

    def fileno(self):
        return (self.sock or self.listener).fileno()

    def receive(self):
        """Bytes; empty bytes at the end; None when only the connection came."""
        if self.sock is None:
            self.sock, _ = self.listener.accept()
            self.listener.close()
            return None
        try:
            return self.sock.recv(65536)
        except ConnectionResetError:
            return b""

    def send(self, text):
        if self.sock is not None:
            try:
                self.sock.sendall(text.encode())
            except OSError:
                pass        # the VM is gone; its end is noticed elsewhere


class Vm:
    """QEMU with one guest.  `index` counts from 1 and names the guest."""

    def __init__(self, index, options, kernel, sockets, log_dir):
        self.index = index
        self.name = f"host{index}"
        self.options = options
        self.kernel = kernel
        self.dir = os.path.join(log_dir, self.name)
        self.sockets = sockets
        self.kernel_log = os.path.join(self.dir, "kernel.log")
        self.process = None
        self.status = None          # of the command, when the guest told it
        self.stays = False          # after its command, until told to power off
        self.errors = None          # what QEMU itself says
        self.partial = b""          # of a control line
        self.rest = b""             # of an output line
        os.makedirs(self.dir, exist_ok=True)
        self.out = Port(os.path.join(sockets, f"out{index}"))
        self.ctl = Port(os.path.join(sockets, f"ctl{index}"))
        self.output = open(os.path.join(self.dir, "output"), "wb")

    def write_config(self, command, stay):
        """Files that guest/start reads: settings, and the command as a script."""
        build = build_dir()
        config = {
            "UMEM_TOP": TOP,
            "UMEM_CACHE": CACHE,
            "UMEM_BUILD": build,
            "UMEM_KERNEL": self.kernel.name,
            "UMEM_MODULES": os.path.join(build, self.kernel.name),
            "UMEM_MODROOT": self.kernel.modroot,
            "UMEM_DEBUG_KERNEL": "1" if self.kernel.debug else "",
            "UMEM_PATIENCE": os.environ.get("UMEM_PATIENCE", ""),
            "UMEM_HOST": self.name,
            "UMEM_HOSTS": str(self.options.hosts),
            "UMEM_STAY": "1" if stay else "",
            "UMEM_SHELL": "1" if self.options.shell and not stay else "",
        }
        # How much a test is to do, for those that can do more or less.
        config.update((key, value) for key, value in os.environ.items()
                      if key.startswith("UMEM_TEST_"))
        with open(os.path.join(self.dir, "config"), "w", encoding="utf-8") as f:
            for key, value in config.items():
                export = "export " if key.startswith("UMEM_TEST_") else ""
                f.write(f"{export}{key}={shlex.quote(value)}\n")
        with open(os.path.join(self.dir, "cmd"), "w", encoding="utf-8") as f:
            f.write(f"{command}\n")

    def network(self):
        """eth0: a cable to the other VM, or one that ends nowhere."""
        if self.options.hosts == 1:
            # What is sent to where nobody listens is dropped.  A hub without
            # another port would keep it, until the guest sees a dead device.
            local, nobody = (escape(os.path.join(self.sockets, name))
                             for name in (f"net{self.index}", "nobody"))
            netdev = (f"dgram,id=net0,local.type=unix,local.path={local},"
                      f"remote.type=unix,remote.path={nobody}")
        else:
            path = os.path.join(self.sockets, "net")
            server = "on" if self.index == 1 else "off"
            netdev = (f"stream,id=net0,server={server},addr.type=unix,"
                      f"addr.path={path}")
        return ["-netdev", netdev, "-device",
                f"virtio-net-pci,netdev=net0,mac=52:54:00:00:00:0{self.index},"
                "host_mtu=9000,romfile="]

    def swap(self):
        if not self.options.swap:
            return []
        image = os.path.join(self.sockets, f"swap{self.index}")
        with open(image, "wb") as f:
            f.truncate(parse_size(self.options.swap))
        return ["-drive", f"if=none,id=swap,file={image},format=raw,cache=unsafe",
                "-device", "virtio-blk-pci,drive=swap,romfile="]

    def iommu(self):
        """An IOMMU, and behind it a device that reads and writes memory when told.
        QEMU wants the one before the other."""
        if not self.options.iommu:
            return []
        return ["-device", "intel-iommu,intremap=off", "-device", "edu"]

    def accel(self):
        if kvm_works() and not self.options.tcg:
            return ["-accel", "kvm", "-cpu", "host"]
        return ["-accel", "tcg,thread=multi", "-cpu", "max"]

    def stall_seconds(self):
        return 300 if self.kernel.debug else 120    # the kernel takes no more

    def memory(self):
        """Shadows, red zones and records of a debug kernel take their part."""
        scale = 2 if self.kernel.debug else 1
        return str(parse_size(self.options.mem) * scale >> 20)

    def command(self):
        interactive = self.options.shell and not self.stays
        append = ["console=" + ("ttyS1" if interactive else "ttyS0"),
                  "loglevel=7", "printk.time=1", "printk.devkmsg=on", "panic=-1",
                  # The timer check at boot counts on real time, which a busy
                  # host does not give an emulated CPU.
                  "no_timer_check",
                  # With every event that is switched on, the kernel would
                  # patch a breakpoint into its scheduler for a moment, and an
                  # emulated CPU that translates the code just then can stay in
                  # that breakpoint for ever.
                  "trace_options=norecord-cmd",
                  # A clock that is given up in a stall is replaced by patching
                  # code, which is no better.
                  "tsc=nowatchdog",
                  "net.ifnames=0", "random.trust_cpu=on", "mitigations=off",
                  # A loaded machine makes TCG guests wait for long.
                  f"rcupdate.rcu_cpu_stall_timeout={self.stall_seconds()}",
                  "watchdog_thresh=60",
                  *(["intel_iommu=on"] if self.options.iommu else []),
                  *self.options.append]
        serial = (["-serial", "mon:stdio"] if interactive else []) + \
            ["-serial", "file:" + escape(self.kernel_log)]
        return [
            # The kernel ends QEMU when we die, however we die.
            "setpriv", "--pdeathsig", "KILL",
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-machine", "q35", *self.accel(),
            "-smp", str(self.options.cpus), "-m", self.memory(),
            "-kernel", self.kernel.vmlinuz, "-initrd", self.kernel.initramfs,
            "-append", " ".join(append), *serial, *self.iommu(),
            "-virtfs", "local,path=/,mount_tag=root,security_model=none,"
                       "readonly=on,multidevs=remap,id=root",
            "-virtfs", f"local,path={escape(self.dir)},mount_tag=out,"
                       "security_model=none,multidevs=remap,id=out",
            "-device", "virtio-rng-pci",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=out,path={self.out.path}",
            "-device", "virtserialport,chardev=out,name=umem.out",
            "-chardev", f"socket,id=ctl,path={self.ctl.path}",
            "-device", "virtserialport,chardev=ctl,name=umem.ctl",
            *self.network(), *self.swap(),
        ]

    def start(self, command, stay):
        self.stays = stay
        self.write_config(command, stay)
        if not shutil.which("qemu-system-x86_64"):
            raise VmError("no qemu-system-x86_64; run: tests/vm/deps vm")
        self.errors = open(os.path.join(self.dir, "qemu.log"), "w+",
                           encoding="utf-8", errors="replace")
        stdin = None if self.options.shell and not stay else subprocess.DEVNULL
        stdout = None if self.options.shell and not stay else self.errors
        self.process = subprocess.Popen(self.command(), stdin=stdin,
                                        stdout=stdout, stderr=self.errors)

    def control_lines(self, data):
        """Whole lines out of what came from the guest's control port."""
        *lines, self.partial = (self.partial + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def wait(self, seconds):
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def qemu_says(self):
        self.errors.seek(0)
        return self.errors.read().strip()


def escape(path):
    """A comma in a QEMU option's value is written twice."""
    return path.replace(",", ",,")


def parse_size(text):
    """64M -> bytes."""
    scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper())
    try:
        return int(text[:-1]) * scale if scale else int(text)
    except ValueError:
        raise VmError(f"not a size: {text} (say 256M)") from None
