# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A run: one or two VMs from power-on to the verdict."""

import argparse
import os
import queue
import selectors
import shutil
import sys
import tempfile
import threading
import time

from . import klog
from .vm import Kernel, Vm, VmError

# Exit statuses of our own, above what commands use.
TIMED_OUT = 124
VM_FAILED = 125

LOOK_SECONDS = 10   # between two looks at whether all is well
SILENT_SECONDS = 60     # with a CPU that is stuck, nothing more will come
KEEP_RUNS = 30      # directories of runs under build/vm
POWEROFF_SECONDS = 60
TAIL = 40


class Printer(threading.Thread):
    """Writes to stdout from a queue.

    A guest that writes to a virtio-serial port spins with interrupts off until
    the host has taken the bytes, so a slow reader of our output must not be felt
    there.
    """

    def __init__(self, sink=None):
        super().__init__(daemon=True)
        self.queue = queue.Queue()
        self.sink = sink or sys.stdout.buffer

    def run(self):
        broken = False
        while (data := self.queue.get()) is not None:
            if broken:
                continue
            try:
                self.sink.write(data)
                self.sink.flush()
            except (BrokenPipeError, ValueError):
                broken = True

    def write(self, data):
        self.queue.put(data)

    def finish(self):
        self.queue.put(None)
        self.join()


def prune(parent):
    """Logs of old runs go, the last ones stay."""
    runs = sorted((e for e in os.scandir(parent) if e.name.startswith("run-")),
                  key=lambda e: e.stat(follow_symlinks=False).st_mtime)
    for entry in runs[:-KEEP_RUNS]:
        shutil.rmtree(entry.path, ignore_errors=True)


def new_log_dir(build):
    parent = os.path.join(build, "vm")
    os.makedirs(parent, exist_ok=True)
    prune(parent)
    path = tempfile.mkdtemp(prefix=time.strftime("run-%H%M%S-"), dir=parent)
    os.chmod(path, 0o755)
    return path


def default_options(**settings):
    """What tests/vm/run has as options, for those that use a Session directly."""
    options = argparse.Namespace(
        kernel="6.1", hosts=1, mem="1G", cpus=2, timeout=600, swap=None, append=[],
        iommu=False, allow=None, tcg=False, shell=False, judge_log=True)
    vars(options).update(settings)
    return options


class Session:
    """`options` as parsed by tests/vm/run; `main` and `host1` are sh commands.

    `sink` takes the output of the main command (default: our stdout); `late`
    says in words what takes longer than it may, or nothing.  The outcome:
    `status` to exit with, `problems` as [(headline, lines)].
    """

    def __init__(self, options, log_dir, main, host1=None, sink=None, late=None):
        self.options = options
        self.log_dir = log_dir
        self.main_command = main
        self.host1_command = host1 or "true"
        self.printer = Printer(sink)
        self.late = late or (lambda: None)
        self.vms = []
        self.problems = []
        self.status = None

    def problem(self, headline, lines=(), status=VM_FAILED):
        self.problems.append((headline, list(lines)))
        if not self.status:
            self.status = status

    def run(self):
        """Boot, run, power off, judge.  Leaves no process behind."""
        # Unix sockets have short names; the log directory may be deep.
        self.sockets = tempfile.mkdtemp(prefix="umem-vm-", dir="/tmp")
        self.printer.start()
        try:
            self.boot()
            self.converse()
            self.power_off()
        finally:
            for vm in self.vms:
                vm.kill()
                vm.output.close()
            self.printer.finish()
            shutil.rmtree(self.sockets, ignore_errors=True)
        self.judge()
        return self.status

    def boot(self):
        kernel = Kernel(self.options.kernel)
        for index in range(1, self.options.hosts + 1):
            self.vms.append(Vm(index, self.options, kernel, self.sockets,
                               self.log_dir))
        self.main = self.vms[-1]
        # The clock is not for downloads of a kernel image, so it starts here.
        self.heard = self.looked = time.monotonic()
        self.deadline = self.heard + self.options.timeout
        self.main_status = None
        for vm in self.vms:
            stay = vm is not self.main
            vm.start(self.host1_command if stay else self.main_command, stay)
            if stay:
                self.await_network(vm)

    def await_network(self, vm):
        """The first VM listens on the cable's socket before the second plugs in."""
        path = os.path.join(self.sockets, "net")
        while not os.path.exists(path) and vm.alive():
            time.sleep(0.02)

    def converse(self):
        """Pass output on until the main command ended, or must be ended."""
        with selectors.DefaultSelector() as selector:
            for vm in self.vms:
                for port in (vm.out, vm.ctl):
                    self.watch(selector, port, vm)
            while self.main_status is None and self.dead() is None:
                reason = self.overdue()
                if reason:
                    self.cut(reason)
                    return
                self.pump(selector, 0.5)
            # What the guest wrote before it spoke its status comes first.
            while self.pump(selector, 0.1):
                pass
        if self.main_status is None:
            self.died(self.dead())
        else:
            self.status = self.main_status

    def overdue(self):
        """Why the run must be ended now, or nothing."""
        now = time.monotonic()
        if now > self.deadline:
            return f"no end after {self.options.timeout:g} s"
        if now < self.looked + LOOK_SECONDS:
            return None
        self.looked = now
        if now > self.heard + SILENT_SECONDS:
            for vm in self.vms:
                if klog.stalled(klog.read(vm.kernel_log)):
                    return f"a CPU of {vm.name} is stuck"
        return self.late()

    def watch(self, selector, port, vm):
        selector.register(port.fileno(), selectors.EVENT_READ, (port, vm))

    def dead(self):
        return next((vm for vm in self.vms if not vm.alive()), None)

    def pump(self, selector, seconds):
        """Handle what came within `seconds`; false when nothing did."""
        events = selector.select(seconds)
        busy = False
        for key, _ in events:
            port, vm = key.data
            data = port.receive()
            if data is None:                # now connected: another descriptor
                selector.unregister(key.fileobj)
                self.watch(selector, port, vm)
            elif not data:
                selector.unregister(key.fileobj)
            elif port is vm.out:
                self.show(vm, data)
                busy = True
            else:
                for line in vm.control_lines(data):
                    self.control(vm, line)
                busy = True
        return busy

    def show(self, vm, data):
        vm.output.write(data)
        vm.output.flush()
        self.heard = time.monotonic()
        if vm is self.main:
            self.printer.write(data)
            return
        # Lines of host 1 are marked; a partial one may wait for its rest.
        *lines, vm.rest = (vm.rest + data).split(b"\n")
        for line in lines:
            self.printer.write(b"host1| " + line + b"\n")

    def control(self, vm, line):
        word, _, rest = line.partition(" ")
        if word == "exit" and rest.isdigit():
            vm.status = int(rest)
            if vm is self.main:
                self.main_status = vm.status
            elif vm.status:
                self.printer.write(b"host1| command ended with status %d\n" % vm.status)
                self.main.ctl.send("signal host1-failed\n")
        elif word == "signal":
            for peer in self.vms:
                peer.ctl.send(f"signal {rest}\n")

    def cut(self, reason):
        self.problem(f"{reason}, killed", status=TIMED_OUT)
        # Where they hang: a guest that still hears us lists its blocked tasks.
        for vm in self.vms:
            vm.ctl.send("sysrq w\n")
        time.sleep(3)
        for vm in self.vms:
            lines = klog.read(vm.kernel_log)
            blocked = next((n for n, line in enumerate(lines)
                            if "sysrq: Show Blocked State" in line), len(lines))
            self.problem(f"{vm.name}: end of the kernel log ({vm.kernel_log})",
                         lines[max(0, blocked - TAIL):blocked + 3 * TAIL])
        self.problem(f"{self.main.name}: end of the output",
                     klog.read(self.main.output.name)[-TAIL:])

    def died(self, vm):
        self.problem(f"{vm.name} ended before the command did", [vm.qemu_says()])
        lines = klog.read(vm.kernel_log)
        complaint = klog.excerpt(lines)
        what = "the kernel complained" if complaint else "end of the kernel log"
        self.problem(f"{vm.name}: {what} ({vm.kernel_log})",
                     complaint or lines[-TAIL:])

    def power_off(self):
        if self.main_status is None:
            return
        for vm in self.vms:
            if vm is not self.main:
                vm.ctl.send("poweroff\n")
        for vm in self.vms:
            if not vm.wait(POWEROFF_SECONDS):
                self.problem(f"{vm.name} does not power off; end of its kernel log",
                             klog.read(vm.kernel_log)[-TAIL:])

    def judge(self):
        # The log of a run that was cut is shown already.
        judged = self.vms if self.options.judge_log and self.main_status is not None else []
        for vm in judged:
            lines = klog.excerpt(klog.read(vm.kernel_log), self.options.allow)
            if lines:
                self.problem(f"{vm.name}: the kernel complained ({vm.kernel_log})",
                             lines)
        if self.status is None:
            self.status = VM_FAILED


def report(problems, stream=sys.stderr):
    for headline, lines in problems:
        stream.write(f"umem-vm: {headline}\n")
        for line in lines:
            stream.write(f"    {line}\n")
    stream.flush()


__all__ = ["Session", "VmError", "default_options", "new_log_dir", "report",
           "TIMED_OUT", "VM_FAILED"]
