# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The scheduler of policy-host=scx, in a guest that stands for the host: its kernel has sched_ext, which
the host's need not have. What runs there is the unit test of it, in a folder with all it loads."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from machine import Machine
from scenario import Machine as Spec
from tap import Skip

TESTS = os.environ.get("SLUICE_PVS_TESTS", "")  # the folder in which the unit tests were built
OBJECTS = ("live.bpf.o", "live_hint_only.bpf.o")
MOUNTS = ("dev", "proc", "sys", "tmp")


def libraries(program):
    """Files that the dynamic loader maps for it, itself included."""
    out = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", out)


def fill(folder):
    """Make of `folder` a root in which the test runs."""
    program = Path(TESTS) / "test_pvs_scx"
    for name in MOUNTS:
        (folder / name).mkdir()
    for path in [*libraries(program), program, *(Path(TESTS) / name for name in OBJECTS)]:
        to = folder / str(path).lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    return program


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
    """Boot once and run the whole test program, in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-pvsched-scx-"))
    try:
        tap.check("sched_ext: the scheduler follows decisions in a kernel that has it", in_guest,
                  folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_guest(folder):
    if not TESTS:
        raise Skip("SLUICE_PVS_TESTS does not say where unit tests were built")
    if not (Path(TESTS) / OBJECTS[0]).exists():
        raise Skip("built without clang: there is no scheduler to be tried")
    program = fill(folder)
    with WithFolder(folder) as vm:
        vm.enter()
        result = vm.guest.run(f"CMOCKA_MESSAGE_OUTPUT=STDOUT PVS_OBJECTS={TESTS} "
                              f"chroot /run/root {program} 2>&1", timeout=240)
        if result.rc or "[  SKIPPED ]" in result.out or "is_the_scheduler" not in result.out:
            raise AssertionError(f"status {result.rc}\n{result.out}\n{vm.tails()}")
