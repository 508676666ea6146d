# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What happens to a machine: its memory map changes, it stops, sleeps, moves to another QEMU and dies.
The guest that begins here ends in another process."""

import platform
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from checks_pvsched_host import CPU, ask, attr, boosted, calm, plain
from machine import Machine
from tap import Skip, eventually, expect, equal

TOP = Path(__file__).resolve().parents[2]
SYSFS = "/sys/bus/pci/drivers/sluice_pvsched/0*/pvsched"
CPU_CONTROLLER = Path("/sys/fs/cgroup/cpu")
WEIGHT, SHARES = 800, 8192  # cgroup v1 counts in 1024ths of what v2 has as 100


def negotiations(vm):
    return int(vm.guest.sh(f"cat {SYSFS}/negotiations"))


def connected(vm):
    return vm.guest.sh(f"cat {SYSFS}/connected").strip() == "1"


def without_share(vm):
    """A mounted 9p folder neither migrates nor outlives the reset of a resume: the guest gets a copy."""
    vm.guest.sh("[ -d /run/share ] || { cp -a /sluice /run/share && umount /sluice && "
                "mount --bind /run/share /sluice; }")


def boost_again(vm):
    """The channel works: a hint boosts, its end ends it."""
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    calm(vm)
    eventually(lambda: plain(vm), "the baseline is back")


# ---- the memory map ----

def check_map(vm):
    """a guest that switches memory decode off and on while its vCPUs access devices leaves QEMU alive"""
    # The local APIC is accessed all the time; the device's own registers lie in what comes and goes.
    vm.set_module(False)
    device = vm.guest.sh("dirname $(grep -l 0x51c1 /sys/bus/pci/devices/*/device)").strip()
    load = vm.guest.start("hackbench -p -g 1 -f 4 -l 1000000 >/dev/null 2>&1")
    try:
        # Vendor and device, which are read-only, and the command register: nothing; memory, master.
        vm.guest.sh(f"for i in $(seq 500); do printf '\\064\\022\\301\\121\\000\\000'; "
                    f"printf '\\064\\022\\301\\121\\006\\000'; done >/run/toggles; "
                    f"cd {device}; for i in $(seq 500); do "
                    "printf '\\064\\022\\301\\121\\000\\000' >config; "
                    "printf '\\064\\022\\301\\121\\006\\000' >config; done")
    finally:
        vm.guest.sh("pkill hackbench; true")
        vm.guest.finish(load)
    equal(vm.proc.poll(), None, "QEMU's exit status")
    vm.set_module(True)
    vm.device.set_policy("boost", {})
    boost_again(vm)


# ---- standing still ----

def check_stop(vm):
    """stop mid-boost gives the baseline back, cont the boost: the hint stands in the page"""
    before = negotiations(vm)
    vm.device.set_policy("boost", {})
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    vm.qmp.cmd("stop")
    try:
        eventually(lambda: plain(vm), "the baseline is back")
    finally:
        vm.qmp.cmd("cont")
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    calm(vm)
    eventually(lambda: plain(vm), "the baseline is back")
    equal(negotiations(vm), before, "negotiations")


def sleeps(vm, kind):
    """Have the guest sleep, mid-boost; returns the handle of the command."""
    if kind not in vm.guest.sh("cat /sys/power/mem_sleep 2>/dev/null || true"):
        raise Skip(f"the guest's kernel does not know {kind}")
    ask(vm)
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    return vm.guest.start(f"echo {kind} >/sys/power/mem_sleep && echo mem >/sys/power/state")


def wakes(vm, handle, before):
    result = vm.guest.finish(handle)
    equal(result.rc, 0, f"suspend said {result.err.strip()!r} and ended with")
    expect(connected(vm), "not connected after the resume")
    expect(negotiations(vm) > before, "nothing was negotiated")
    boost_again(vm)


def check_suspend(vm):
    """suspend to RAM mid-boost gives the baseline back; after the wake-up both negotiate again"""
    without_share(vm)
    before = negotiations(vm)
    handle = sleeps(vm, "deep")
    eventually(lambda: vm.qmp.cmd("query-status")["status"] == "suspended", "the guest sleeps", 60)
    expect(plain(vm), f"while it sleeps: {attr(vm)}")
    vm.qmp.cmd("system_wakeup")
    wakes(vm, handle, before)


KEYBOARD = "/sys/devices/platform/i8042/serio0"


def check_suspend_to_idle(vm):
    """suspend to idle mid-boost gives the baseline back; after a key both negotiate again"""
    without_share(vm)
    before = negotiations(vm)
    vm.guest.sh(f"echo enabled >{KEYBOARD}/power/wakeup")
    handle = sleeps(vm, "s2idle")
    eventually(lambda: not vm.device.status()["features"], "the guest sleeps", 60)
    expect(plain(vm), f"while it sleeps: {attr(vm)}")

    def woken():
        # Which key is heard is the guest's affair: one that comes before it sleeps does not wake it.
        vm.qmp.cmd("send-key", keys=[{"type": "qcode", "data": "ctrl"}])
        return vm.device.status()["features"]
    eventually(woken, "the guest is awake", 60)
    wakes(vm, handle, before)


# ---- another QEMU ----

def check_cancelled(vm):
    """a migration that is cancelled leaves the guest boosted and negotiated"""
    without_share(vm)
    vm.device.set_policy("boost", {})
    before = negotiations(vm)
    ask(vm)
    vm.qmp.cmd("migrate-set-parameters", **{"max-bandwidth": 1 << 20})
    vm.qmp.cmd("migrate", uri=f"file:{vm.dir}/nowhere")
    eventually(lambda: vm.qmp.cmd("query-migrate")["status"] == "active", "it is under way")
    vm.qmp.cmd("migrate_cancel")
    eventually(lambda: vm.qmp.cmd("query-migrate")["status"] == "cancelled", "it is cancelled")
    vm.qmp.cmd("migrate-set-parameters", **{"max-bandwidth": 1 << 30})
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    equal(negotiations(vm), before, "negotiations")
    calm(vm)


def check_migrate(vm):
    """live migration of a busy guest mid-boost: baselines at the source, boosts at the destination"""
    without_share(vm)
    vm.device.set_policy("boost", {})
    vm.guest.sh("pvschedctl load publisher")
    vm.guest.start("hackbench -p -g 1 -f 4 -l 1000000 >/dev/null 2>&1")
    generation = vm.guest.sh(f"cat {SYSFS}/generation")
    before = negotiations(vm)
    vm.guest.start(f"chrt -f 20 taskset -c {CPU} sh -c 'echo $$ >/run/task; while :; do :; done'")
    eventually(lambda: boosted(vm), "the vCPU thread is boosted")
    there = Machine(vm.spec, incoming=True)
    vm.successor = there
    there.device.set_policy("boost", {})
    there.take_over(vm, f"unix:{there.dir}/migration")
    expect(plain(vm), f"the source's vCPU thread: {attr(vm)}")
    eventually(lambda: negotiations(there) == before + 1, "one more negotiation")
    expect(connected(there), "not connected")
    expect(there.guest.sh(f"cat {SYSFS}/generation") != generation, "the generation is the same")
    # The task runs on, and the publisher says so to the other host.
    eventually(lambda: boosted(there), "the destination's vCPU thread is boosted")
    expect(plain(vm), f"the source's vCPU thread, later: {attr(vm)}")
    there.guest.sh("kill $(cat /run/task); pkill hackbench; pvschedctl unload publisher")
    eventually(lambda: plain(there), "the baseline is back")


# ---- death ----

WEIGH = f"""#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "sluice/pvsched_policy.h"
PVS_SEC("tick") int on_tick(struct pvs_ctx *ctx)
{{
	if (ctx->hint_status != PVS_HINT_OK || ctx->class != PVS_CLASS_RT)
		return PVS_BASELINE;
	ctx->out.set = PVS_SET_WEIGHT;
	ctx->out.weight = {WEIGHT};
	ctx->out.boost = PVS_BOOST_RT;
	return PVS_APPLY;
}}
char _license[] SEC("license") = "GPL";
"""


def cgroup():
    """A cgroup of version 1 for the machine's threads, or None: this host has none to give."""
    try:
        return tempfile.mkdtemp(prefix="sluice-check-", dir=CPU_CONTROLLER)
    except OSError:
        return None


def remove_cgroup(parent):
    """What the machine's guard has not removed fails the check, and goes all the same."""
    def removed():
        with suppress(OSError):
            Path(parent).rmdir()
        return not Path(parent).exists()
    try:
        eventually(removed, f"{parent} is empty")
    finally:
        for child in Path(parent).glob("*/"):
            with suppress(OSError):
                child.rmdir()
        removed()


def cgroup_of(vm):
    """Of the vCPU's thread, under the cpu controller."""
    for line in Path(f"/proc/{vm.vcpu_tids()[CPU]}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            return CPU_CONTROLLER / path.lstrip("/")
    raise AssertionError("no cpu controller in /proc/TID/cgroup")


def check_weight(vm):
    """a policy's weight is a cgroup with cpu.shares for the vCPU's thread, and kill -9 of QEMU leaves none"""
    parent = vm.spec.device.get("cgroup")
    if not parent:
        raise Skip(f"no cgroup can be made in {CPU_CONTROLLER}")
    clang = shutil.which("clang-19") or shutil.which("clang")
    if not clang:
        raise Skip("there is no clang to compile a policy with")
    parent = Path(parent)
    if vm.successor and vm.successor.guest:
        vm = vm.successor
    home = cgroup_of(vm)
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder) / "weigh.bpf.c", Path(folder) / "weigh.bpf.o"
        source.write_text(WEIGH)
        subprocess.run([clang, "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", TOP / "include",
                        "-I", f"/usr/include/{platform.machine()}-linux-gnu", "-c", source,
                        "-o", built], check=True)
        vm.device.set_policy(str(built), {})
    ask(vm)
    eventually(lambda: cgroup_of(vm).parent == parent, "the thread is in a cgroup of its own")
    equal((cgroup_of(vm) / "cpu.shares").read_text(), f"{SHARES}\n", "its cpu.shares")
    calm(vm)
    eventually(lambda: cgroup_of(vm) == home, "the thread is back")
    ask(vm)
    eventually(lambda: cgroup_of(vm).parent == parent, "the thread is in a cgroup of its own")
    vm.proc.kill()
    vm.proc.wait()
    eventually(lambda: not [p for p in parent.iterdir() if p.is_dir()], "the guard removed its cgroup")


CHECKS = (check_stop, check_suspend, check_suspend_to_idle, check_map, check_cancelled, check_migrate, check_weight)
