# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Virtual machines of an experiment: QEMU with the device sluice-pvsched, and what is in the guest."""

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import threads
from device import Device
from guest import Guest, GuestError
from insns import MAX_VCPUS, InstructionCounter
from load import apart
from qmp import Qmp
from vm import BOOT_TIMEOUT, TOP, accelerator, disk, environment, kvm_works


class MachineError(Exception):
    """A virtual machine that does not do what the scenario asks; the text says why."""


# setpriv(1): no capability is left, and none comes back by an exec, for whatever user.
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]


class Machine:
    """One guest of an experiment."""

    def __init__(self, spec, manager=None, incoming=False):
        """`incoming`: it waits for another one's guest, take_over()."""
        self.spec, self.incoming = spec, incoming
        self.successor = None
        self.env = environment(spec.kernel)
        self.dir = Path(tempfile.mkdtemp(prefix="sluice-pvsched-"))
        self.log = self.dir / "console.log"
        self.proc = self.qmp = self.guest = self.insns = self.device = None
        self.loaded, self.module = [], False
        try:
            self._start(self.command(manager))
            self.device = Device(self.qmp, self.proc.pid, manager)
            if spec.count_instructions:
                self.insns = InstructionCounter(self.dir / "insns")
            self.pin()
            if not incoming:
                self.hurry_agent()
        except BaseException:
            self.close()
            raise

    def command(self, manager):
        env, spec = self.env, self.spec
        argv = [] if spec.privileged else list(WITHOUT_CAPABILITIES)
        argv += [env["SLUICE_QEMU"], "-name", spec.name, "-nodefaults", "-no-user-config",
                 "-display", "none", "-machine", "q35", *accelerator(env["SLUICE_QEMU"]),
                 "-smp", str(spec.cpus), "-m", str(spec.memory)]
        for data in env["SLUICE_QEMU_DATA"].split(":"):
            argv += ["-L", data]
        argv += ["-kernel", env["SLUICE_KERNEL"], "-initrd", env["SLUICE_INITRD"],
                 "-append", f"{env['SLUICE_APPEND']} sluice.noload", "-no-reboot",
                 *disk("root", env["SLUICE_ROOTFS"]), *disk("modules", env["SLUICE_MODULES"]),
                 "-fsdev", f"local,id=share,path={env['SLUICE_SHARE']},security_model=none,"
                           "readonly=on",
                 "-device", "virtio-9p-pci,fsdev=share,mount_tag=sluice,romfile=",
                 "-object", "rng-random,id=rng,filename=/dev/urandom",
                 "-device", "virtio-rng-pci,rng=rng,romfile=",
                 "-device", "virtio-serial-pci,romfile=",
                 "-chardev", f"socket,id=qga,path={self.dir}/qga.sock,server=on,wait=off",
                 "-device", "virtserialport,chardev=qga,name=org.qemu.guest_agent.0",
                 "-qmp", f"unix:{self.dir}/qmp.sock,server=on,wait=off",
                 "-serial", f"file:{self.log}",
                 "-device", Device.option(spec.device, manager)]
        if spec.count_instructions:
            argv += ["-plugin", f"{self._plugin()},out={self.dir}/insns"]
        if self.incoming:
            argv += ["-incoming", "defer"]
        return argv

    def _plugin(self):
        if self.accelerator() != "tcg":
            raise MachineError("count_instructions takes TCG: KVM executes without QEMU's counting")
        if self.spec.cpus > MAX_VCPUS:
            raise MachineError(f"count_instructions takes at most {MAX_VCPUS} vCPUs")
        return self.env["SLUICE_INSN_PLUGIN"]

    def accelerator(self):
        return "kvm" if kvm_works(self.env["SLUICE_QEMU"]) else "tcg"

    def _start(self, argv):
        with open(self.dir / "qemu.log", "wb") as log:
            guard = Path(self.env["SLUICE_BUILD"]) / "host-tools/sluice-pvsd/sluice-pvs-guard"
            self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         env={"SLUICE_PVS_GUARD": str(guard), **os.environ},
                                         preexec_fn=apart)
        try:
            self._await_qmp()
            self.qmp = Qmp(self.dir / "qmp.sock")
            if not self.incoming:
                self.guest = Guest(self.dir / "qga.sock", BOOT_TIMEOUT)
        except Exception as why:
            raise MachineError(f"{self.spec.name} did not start: {why}\n{self.tails()}") from why

    def _await_qmp(self, timeout=60):
        """A QEMU that refuses its options ends at once: nobody waits for its socket then."""
        deadline = time.monotonic() + timeout
        while not (self.dir / "qmp.sock").exists() and time.monotonic() < deadline:
            if self.proc.poll() is not None:
                raise MachineError(f"QEMU ended with status {self.proc.returncode}")
            time.sleep(0.01)

    def take_over(self, other, uri, timeout=60):
        """Live migration of another machine's guest to this one, which waits for it; the other one
        stands still then."""
        self.qmp.cmd("migrate-incoming", uri=uri)
        other.qmp.cmd("migrate", uri=uri)
        other.successor = self
        deadline = time.monotonic() + timeout
        for machine in (other, self):
            while (state := machine.qmp.cmd("query-migrate")).get("status") != "completed":
                if state.get("status") == "failed" or time.monotonic() > deadline:
                    raise MachineError(f"{machine.spec.name} did not migrate: {state}\n"
                                       f"{machine.tails()}")
                time.sleep(0.02)
        self.guest = Guest(self.dir / "qga.sock", BOOT_TIMEOUT)
        self.module, self.loaded = other.module, other.loaded

    def tails(self):
        """The ends of QEMU's and the guest's logs, for a failure's report."""
        parts = []
        for path in (self.dir / "qemu.log", self.log):
            if path.exists():
                parts.append(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}")
        return "\n".join(parts)

    # ---- threads ----

    def vcpu_tids(self):
        """Thread ids by vCPU."""
        cpus = sorted(self.qmp.cmd("query-cpus-fast"), key=lambda cpu: cpu["cpu-index"])
        return [cpu["thread-id"] for cpu in cpus]

    def other_tids(self):
        """All of QEMU's threads that are no vCPU's: the main loop is QEMU's process id."""
        vcpus = set(self.vcpu_tids())
        return [tid for tid in threads.tasks(self.proc.pid) if tid not in vcpus]

    def pin(self):
        for tid, cpus in zip(self.vcpu_tids(), self.spec.pin):
            os.sched_setaffinity(tid, cpus)
        if self.spec.main_loop:
            for tid in self.other_tids():
                os.sched_setaffinity(tid, self.spec.main_loop)

    def host_cpus(self):
        """Host CPUs that its vCPUs may use."""
        return sorted(set().union(*(os.sched_getaffinity(tid) for tid in self.vcpu_tids())))

    # ---- in the guest ----

    def set_module(self, wanted):
        if wanted and not self.module:
            self.guest.sh("insmod /sluice/modules/$(uname -r)/sluice_pvsched.ko")
        elif self.module and not wanted:
            # The kernel lets go of programs that were unloaded a moment later.
            self.guest.sh("for i in $(seq 200); do rmmod sluice_pvsched 2>/dev/null && exit 0; "
                          "sleep 0.05; done; exec rmmod sluice_pvsched")
        self.module = wanted

    def set_programs(self, wanted):
        """Have exactly these guest programs loaded: "NAME OPTIONS", as pvschedctl takes them."""
        if wanted == self.loaded:
            return
        for line in reversed(self.loaded):
            self.guest.sh(f"pvschedctl unload {line.split()[0]}")
        self.loaded = []
        for line in wanted:
            self.guest.sh(f"pvschedctl load {line}")
            self.loaded.append(line)

    def need(self, program):
        if self.guest.run(f"command -v {program}").rc:
            raise MachineError(f"{program} is not in the guest {self.spec.name}; guest-tools/image/"
                               "packages.list says what is, another workload does without")

    def hurry_agent(self):
        """The agent, through which workloads are started, goes before them: else a measurement
        takes as long as the agent waits. What it starts has nice -20 unless it is told otherwise."""
        self.guest.sh("for p in $(pidof qemu-ga); do renice -n -20 -p $p; done >/dev/null")

    def facts(self):
        """What the guest is, for the report."""
        try:
            return self.guest.sh("uname -r").strip()
        except GuestError as why:
            return str(why)

    def close(self):
        if self.successor:
            self.successor.close()
        if self.qmp:
            try:
                self.qmp.cmd("quit", timeout=5)
            except Exception:  # it is going anyway: the wait below decides
                pass
            self.qmp.close()
        if self.guest:
            self.guest.close()
        if self.insns:
            self.insns.close()
        if self.proc:
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


# ---- the host ----

def _read(path, default=""):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return default


def commit():
    """The checkout's commit, with + if files differ from it; "unknown" outside of git."""
    def git(*args):
        return subprocess.run(["git", "-C", str(TOP), *args], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
    name = git("rev-parse", "--short=12", "HEAD") if shutil.which("git") else ""
    if not name:
        return "unknown"
    return name + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def describe(accelerator_name):
    """What a figure was measured on."""
    model = re.search(r"^model name\s*: (.*)$", _read("/proc/cpuinfo"), re.M)
    return {"accelerator": accelerator_name, "host_kernel": platform.release(),
            "host_cpus": os.cpu_count(), "cpu": model[1] if model else platform.machine(),
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": commit(),
            "autogroup": _read("/proc/sys/kernel/sched_autogroup_enabled", "none"),
            "sched_ext": "yes" if os.path.exists("/sys/kernel/sched_ext") else "no",
            "root": "yes" if os.geteuid() == 0 else "no"}
