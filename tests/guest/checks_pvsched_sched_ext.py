# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the host's kernel need not have, in a guest that stands for the host: sched_ext, for the scheduler of
policy-host=scx, and cgroups of version 2 with the cpu controller. What runs there are the unit tests
of them, in a folder with all they load."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from machine import Machine
from scenario import Machine as Spec
from tap import Skip, expect

TESTS = os.environ.get("SLUICE_PVS_TESTS", "")  # the folder in which the unit tests were built
PROGRAMS = ("test_pvs_scx", "test_pvs_cgroup")
OBJECTS = ("live.bpf.o", "live_hint_only.bpf.o")
MOUNTS = ("dev", "proc", "sys", "tmp")


def libraries(program):
    """Files that the dynamic loader maps for it, itself included."""
    out = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", out)


def fill(folder):
    """Make of `folder` a root in which the tests run."""
    for name in MOUNTS:
        (folder / name).mkdir()
    programs = [Path(TESTS) / name for name in PROGRAMS]
    loaded = {path for program in programs for path in libraries(program)}
    for path in [*loaded, *programs, *(Path(TESTS) / name for name in OBJECTS)]:
        to = folder / str(path).lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)


class WithFolder(Machine):
    """A guest that has a folder of the host's as /run/root, to be read."""

    def __init__(self, folder):
        self.folder = folder
        super().__init__(Spec(name="scx", cpus=2, memory=1024))

    def command(self, manager):
        return [*super().command(manager),
                "-fsdev", f"local,id=root,path={self.folder},security_model=none,readonly=on",
                "-device", "virtio-9p-pci,fsdev=root,mount_tag=root,romfile="]

    def enter(self):
        self.guest.sh("mkdir /run/root && mount -t 9p -o trans=virtio,ro,cache=loose root /run/root "
                      "&& mount -t tmpfs none /run/root/tmp && "
                      "for d in dev proc sys; do mount --rbind /$d /run/root/$d; done")


def check(tap):
    """Boot once and run whole test programs, in a folder that goes with them."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-pvsched-scx-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        made = []
        if not tap.check("sched_ext: a guest that stands for a host boots", boot, stack, folder, made):
            return
        if not made:
            return
        tap.check("sched_ext: the scheduler follows decisions in a kernel that has it", scheduler,
                  made[0])
        tap.check("sched_ext: weights are cgroups of version 2", cgroups, made[0])


def boot(stack, folder, made):
    if not TESTS:
        raise Skip("SLUICE_PVS_TESTS does not say where unit tests were built")
    if not (Path(TESTS) / OBJECTS[0]).exists():
        raise Skip("built without clang: there is no scheduler to be tried")
    fill(folder)
    vm = stack.enter_context(WithFolder(folder))
    vm.enter()
    made.append(vm)


def run(vm, program):
    """The test's output; it is to pass."""
    result = vm.guest.run(f"CMOCKA_MESSAGE_OUTPUT=STDOUT PVS_OBJECTS={TESTS} "
                          f"chroot /run/root {TESTS}/{program} 2>&1", timeout=240)
    if result.rc or "[  SKIPPED ]" in result.out:
        raise AssertionError(f"status {result.rc}\n{result.out}\n{vm.tails()}")
    return result.out


def scheduler(vm):
    expect("is_the_scheduler" in run(vm, "test_pvs_scx"), "not the tests with sched_ext")


def cgroups(vm):
    run(vm, "test_pvs_cgroup")
