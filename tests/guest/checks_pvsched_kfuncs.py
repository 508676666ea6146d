# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The kfuncs that concern other CPUs, times and the host, and the function that is there to be
hooked. In the machine of checks_pvsched, whose CPU 2 is vCPU 3."""

import json
import re
import struct
from contextlib import contextmanager

from checks_pvsched import compile_object, guest_page, reset_hints, view, word
from tap import equal, eventually, expect

DIR = "/sys/fs/bpf/pvs_more"
DOORBELL, KICK = 0x78, 0x4000
RT_WAITER = 0x80
NOTIFY = 208  # and reads, 32 bits each

ANSWERS = {"pending_other": 0, "pending_same": 0, "pending_bits": -22, "pending_no_cpu": -2,
           "generations": 1, "deadline": 0, "deadline_order": -22, "deadline_period": -22,
           "next_event": 0, "notify": 0, "notify_bits": -22, "emit": 0, "doorbell": 0,
           "doorbell_no_cpu": -2, "kick": 0, "kick_no_cpu": -2, "host_present": 1, "host_large": 0,
           "host_no_cpu": 0, "reads_own": 0, "reads_other": 1}


def variables(vm):
    """The program's global variables by name."""
    dump = json.loads(vm.guest.sh("bpftool -j map dump name pvs_kfun.bss"))
    return {key: value for item in dump[0]["formatted"]["value"][".bss"]
            for key, value in item.items()}


@contextmanager
def writes(vm):
    """The guest's stores to doorbell and kick registers meanwhile, as QEMU traces them: a list of
    offset and vCPU, filled at the end."""
    def trace(how):
        vm.qmp.cmd("human-monitor-command",
                   **{"command-line": f"trace-event pvsched_kick {how}"})

    log, found = vm.dir / "qemu.log", []
    begin = log.stat().st_size
    trace("on")
    yield found
    trace("off")
    found += [(int(offset, 16), int(vcpu)) for offset, vcpu in
              re.findall(r"pvsched_kick \S+ offset 0x(\w+) .* vCPU (-?\d+)",
                         log.read_bytes()[begin:].decode())]


def kfuncs_store_and_tell(vm):
    """kfuncs: flags of another CPU, deadlines, doorbell, kick, notify and the host's page"""
    reset_hints(vm)
    obj = compile_object(vm, "pvs_kfuncs_more")
    vm.guest.sh(f"bpftool prog loadall {obj} {DIR} autoattach")
    try:
        with writes(vm) as found:
            vm.guest.sh("taskset 4 sh -c 'printf pvs_caller >/proc/$$/comm; sleep 0.01; true'")
        values = variables(vm)
        equal(values["done"], 1, "the program ran")
        answers = values["answers"]
        ticket = answers.pop("ticket")
        expect(ticket > 0, "no ticket")
        equal(answers, ANSWERS, "answers")
        equal(found, [(DOORBELL, 3), (KICK + 4 * 3, 3)], "stores to doorbell and kick registers")
        pages_say(vm)
        eventually(lambda: view(vm, 3)["host"]["ring-tail"] == view(vm, 3)["guest"]["ring-head"],
                   "the ring is emptied")
        eventually(lambda: view(vm, 3)["host"]["ticket"] == ticket, "the ticket is answered")
        eventually(lambda: variables(vm)["notified"][2] > 0, "sluice_pvs_notified(2) is called")
        equal([n for cpu, n in enumerate(variables(vm)["notified"]) if cpu != 2], [0, 0, 0],
              "calls for other CPUs")
    finally:
        vm.guest.sh(f"rm -r {DIR}")
        reset_hints(vm)


def pages_say(vm):
    equal(word(guest_page(vm, 0), 0) >> 17 & 0x7fff, RT_WAITER, "pending of vCPU 0")
    page = guest_page(vm, 3)
    seq, *line = struct.unpack_from("<IIQQQQ", page, 128)
    equal((seq & 1, line), (0, [0, 1000, 2000, 3000, 123456789]), "line 2 of vCPU 3")
    equal(struct.unpack_from("<I", page, NOTIFY)[0], 1, "notify of vCPU 3")


CHECKS = (kfuncs_store_and_tell,)
