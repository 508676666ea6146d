# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A virtual machine with the Sluice NIC: what `./sluice vm`, the demonstration and the guest tests
start. Everything it needs comes from `./sluice env --json`."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from guest import Guest
from qmp import Qmp
from wire import Namespace, Wire, WireError, private_name

TOP = Path(__file__).resolve().parents[2]
BOOT_TIMEOUT = 120  # seconds; a guest boots in under ten, a loaded machine takes longer

GUEST_IP, PEER_IP = "10.77.0.2", "10.77.0.1"
GUEST_IP6, PEER_IP6 = "fd77::2", "fd77::1"


def environment(kernel):
    """What set-up built for this kernel, as a dictionary of SLUICE_* names."""
    out = subprocess.run([str(TOP / "sluice"), "env", "--json", "--kernel", kernel],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(out)


@functools.cache
def kvm_works(qemu):
    """Do guests run on /dev/kvm? It may open, even create machines, and still run no code: so a
    ROM that does nothing but leave through isa-debug-exit is run. A CPU that does not show its
    virtualization (VMX, SVM) may run that ROM in KVM's emulator and fail on a kernel's code."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    if not re.search(r"^flags\b.*\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text(), re.M):
        return False
    rom = bytearray(b"\xf4" * 0x10000)  # hlt
    rom[0xFFF0:0xFFF7] = bytes.fromhex("ba0105b02aeef4")  # mov dx,0x501; mov al,42; out dx,al; hlt
    with tempfile.NamedTemporaryFile(suffix=".rom") as image:
        image.write(rom)
        image.flush()
        argv = [qemu, "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-nodefaults", "-display",
                "none", "-bios", image.name, "-device", "isa-debug-exit,iobase=0x501,iosize=1"]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=10)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 42 << 1 | 1


def accelerator(qemu):
    """QEMU options: KVM where it works, else multi-threaded TCG."""
    if kvm_works(qemu):
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def disk(name, image):
    """QEMU options of a read-only disk; the guest finds it by its serial number."""
    return ["-drive", f"file={image},format=raw,if=none,id={name},readonly=on",
            "-device", f"virtio-blk-pci,drive={name},serial=sluice-{name},romfile="]


class Vm:
    """One guest, its wire and (where the machine allows) a peer on the wire."""

    def __init__(self, kernel="7.2", device_options="", peer=True, memory="1024", cpus=2,
                 extra=()):
        self.env = environment(kernel)
        self.dir = Path(tempfile.mkdtemp(prefix="sluice-vm-"))
        self.peer = self.no_peer = self.wire = self.proc = self.qmp = self.guest = None
        self.log = self.dir / "console.log"
        try:
            if peer:
                self._make_peer()
            self.wire = Wire(self.env["SLUICE_WIRE"], self.dir, self.peer)
            self._start(device_options, memory, cpus, extra)
        except BaseException:
            self.close()
            raise

    def _make_peer(self):
        try:
            self.peer = Namespace(private_name("sluice"))
        except (WireError, FileNotFoundError) as why:
            self.no_peer = str(why)

    def command(self, device_options, memory, cpus, extra, append=""):
        env = self.env
        argv = [env["SLUICE_QEMU"], "-nodefaults", "-no-user-config", "-display", "none",
                "-machine", "q35", *accelerator(env["SLUICE_QEMU"]), "-smp", str(cpus), "-m", memory]
        for data in env["SLUICE_QEMU_DATA"].split(":"):
            argv += ["-L", data]
        argv += ["-kernel", env["SLUICE_KERNEL"], "-initrd", env["SLUICE_INITRD"],
                 "-append", f"{env['SLUICE_APPEND']} {append}", "-no-reboot",
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
                 # reconnect: QEMU may be there before sluice-wire listens
                 "-netdev", "stream,id=wire,server=off,reconnect-ms=100,addr.type=unix,"
                            f"addr.path={self.wire.path}",
                 "-device", f"sluice-nic,id=nic0,netdev=wire{device_options}",
                 *extra]
        return argv

    def _start(self, device_options, memory, cpus, extra):
        argv = self.command(device_options, memory, cpus, extra)
        with open(self.dir / "qemu.log", "wb") as log:
            self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wire.wait("connected", 20)
            self.qmp = Qmp(self.dir / "qmp.sock")
            self.guest = Guest(self.dir / "qga.sock", BOOT_TIMEOUT)
        except Exception as why:
            raise RuntimeError(f"the virtual machine did not start: {why}\n{self.tails()}") from why

    def tool(self, name):
        """Path of a host tool of ours that set-up built."""
        return Path(self.env["SLUICE_BUILD"]) / "host-tools" / name / name

    def tails(self):
        """The ends of QEMU's and the guest's logs, for a failure's report."""
        parts = []
        for path in (self.dir / "qemu.log", self.log):
            if path.exists():
                text = path.read_text(errors="replace")[-3000:]
                parts.append(f"--- {path.name}\n{text}")
        return "\n".join(parts)

    def network(self, dev="sl0"):
        """Give guest and peer their addresses and wait until they reach each other."""
        self.guest.sh(f"ip addr flush dev {dev} && ip addr add {GUEST_IP}/24 dev {dev} && "
                      f"ip -6 addr add {GUEST_IP6}/64 dev {dev} nodad && ip link set {dev} up")
        if not self.peer:
            return False
        self.peer.sh("ip link set peer0 up && ip addr replace %s/24 dev peer0 && "
                     "ip -6 addr replace %s/64 dev peer0 nodad" % (PEER_IP, PEER_IP6))
        self.guest.sh(f"ping -c1 -W5 -w30 {PEER_IP}")
        return True

    def nic_stats(self, nic="nic0"):
        """The device's own counters, by name."""
        return self.qmp.cmd("qom-get", path=f"/machine/peripheral/{nic}", property="stats")

    def nic_programs(self, nic="nic0"):
        """What is loaded in the device: a dictionary for each program."""
        return self.qmp.cmd("qom-get", path=f"/machine/peripheral/{nic}", property="programs")

    def close(self):
        if self.qmp:
            try:
                self.qmp.cmd("quit", timeout=5)
            except Exception:  # it is going anyway: the wait below decides
                pass
            self.qmp.close()
        if self.guest:
            self.guest.close()
        if self.proc:
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        if self.wire:
            self.wire.close()
        if self.peer:
            self.peer.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
