# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Paravirtual scheduling from the guest: the module, its pages as the host has them, kfuncs,
pvschedctl; what happens to them at resets, removals and CPU hot plug. The machine has vCPUs 0, 1
and 3 of four, so that a CPU's number is not always its vCPU's."""

import json
import re
import struct
import subprocess

from programs import clang
from tap import Skip, equal, eventually, expect
from vm import TOP, accelerator

STRIDE = 4096
REG_GUEST_PAGES = 0x30
NOBODY = 0xFFFFFFFF
PLUG = {"socket-id": 3, "core-id": 0, "thread-id": 0}
MODULE = "/sluice/modules/$(uname -r)/sluice_pvsched.ko"
SYSFS = "/sys/bus/pci/drivers/sluice_pvsched/0*"


def cpu_type(qemu):
    """The hot-pluggable type of the CPUs that the laboratory's machines have."""
    return accelerator(qemu)[-1] + "-x86_64-cpu"


def machine(qemu):
    """Keywords for Vm: three of four possible vCPUs, the last in the last socket."""
    plug = ",".join(f"{key}={value}" for key, value in PLUG.items())
    return {"cpus": "2,maxcpus=4,sockets=4,cores=1", "peer": False,
            "extra": ("-device", f"{cpu_type(qemu)},id=plug,{plug}",
                      "-device", "sluice-pvsched,id=pvs0")}


# ---- The guest's and the host's view --------------------------------------------------------

def ctl(vm, command):
    """pvschedctl's output; GuestError, with what it says, unless it exits with 0."""
    return vm.guest.sh(f"pvschedctl {command}")


def ctl_json(vm, command):
    return json.loads(ctl(vm, command + " -j"))


def view(vm, vcpu):
    """One vCPU as the guest's tool shows it."""
    return ctl_json(vm, f"show -v {vcpu}")[0]


def refused(vm, command, code, *words):
    """pvschedctl must exit with `code` and say each of `words`."""
    result = vm.guest.run(f"pvschedctl {command}")
    equal(result.rc, code, f"exit code of pvschedctl {command} ({result.err.strip()})")
    for word in words:
        expect(word in result.err, f"pvschedctl {command} says {result.err!r}, not {word!r}")


def bar(vm, number):
    """Where the guest put a BAR."""
    lines = vm.guest.sh(f"cat {SYSFS}/resource").splitlines()
    return int(lines[number].split()[0], 16)


def guest_pages(vm):
    """Guest-physical address of the guest's pages: a BAR, or what the register says."""
    if ctl_json(vm, "status")["pages"] == "bar":
        return bar(vm, 2)
    answer = vm.qmp.cmd("human-monitor-command",
                        **{"command-line": f"xp /2wx {bar(vm, 0) + REG_GUEST_PAGES:#x}"})
    low, high = (int(text, 16) for text in answer.split(":")[1].split())
    return high << 32 | low


def guest_page(vm, vcpu):
    """A vCPU's page as the host's memory has it."""
    path = vm.dir / "page"
    vm.qmp.cmd("pmemsave", val=guest_pages(vm) + vcpu * STRIDE, size=STRIDE, filename=str(path))
    return path.read_bytes()


def word(page, offset):
    return struct.unpack_from("<Q", page, offset)[0]


def reset_hints(vm):
    for cpu in range(3):
        ctl(vm, f"hint -c {cpu} reset")


# ---- Negotiation ----------------------------------------------------------------------------

def negotiates(vm):
    """pvsched: the module negotiates at boot, and sysfs and pvschedctl agree"""
    status = ctl_json(vm, "status")
    equal(status["connected"], True, "connected")
    equal(status["status"], ["acknowledge", "driver", "features-ok", "driver-ok"], "status")
    equal(status["result"], "ok", "result")
    equal(status["vcpus"], 4, "vCPUs")
    equal(status["vectors"], 5, "interrupt vectors")
    equal(status["bad-access"], 0, "refused accesses")
    equal(set(status["offered"]) - set(status["features"]) - {"guest-ram"}, set(),
          "features offered and not used")
    equal(vm.guest.sh(f"cat {SYSFS}/pvsched/generation").strip(), str(status["generation"]),
          "generation in sysfs")
    equal(vm.guest.sh(f"cat {SYSFS}/pvsched/memory").split()[0], status["pages"],
          "place of the pages in sysfs")


def memory_is_told(vm):
    """pvsched: pages are write-back, or the device has nowhere better for them"""
    status = ctl_json(vm, "status")
    expect(status["guest-memory"] == "write-back" or "guest-ram" not in status["offered"],
           f"pages are {status['guest-memory']} although the device offers guest RAM")


def cpus_find_their_pages(vm):
    """pvsched: each CPU has the page of its vCPU, whatever the order they came in"""
    equal([(v["vcpu"], v["cpu"]) for v in ctl_json(vm, "show")], [(0, 0), (1, 1), (3, 2)],
          "vCPUs and CPUs")


def clock_is_measured(vm):
    """pvsched: the clocks' offset is known, and stays"""
    first = ctl_json(vm, "clock -m")
    second = ctl_json(vm, "clock -m")
    expect(0 < first["error-ns"] < 1000000, f"error {first['error-ns']} ns")
    expect(abs(first["offset-ns"] - second["offset-ns"]) <
           first["error-ns"] + second["error-ns"] + 1000000, f"{first}, then {second}")


def root_only(vm):
    """pvsched: only root opens the device, and is told so"""
    result = vm.guest.run("setpriv --reuid 65534 --clear-groups pvschedctl status")
    equal(result.rc, 1, "exit code")
    expect("needs root" in result.err, f"it says {result.err!r}")


# ---- Hints ----------------------------------------------------------------------------------

def intent_is_one_word(vm):
    """pvsched: an intent is the word that the host reads"""
    reset_hints(vm)
    generation = word(guest_page(vm, 3), 0) >> 32
    ctl(vm, "hint -c 2 intent class=rt nice=-5 prio=50 pending=lock,rt-waiter")
    got = word(guest_page(vm, 3), 0)
    want = 4 | 15 << 4 | 50 << 10 | (0x20 | 0x80) << 17 | (generation + 1) << 32
    equal(got, want, "intent of vCPU 3")
    ctl(vm, "hint -c 2 pending set=softirq clear=lock")
    equal(word(guest_page(vm, 3), 0), 4 | 15 << 4 | 50 << 10 | (0x04 | 0x80) << 17 |
          (generation + 2) << 32, "intent after its flags changed")
    ctl(vm, "hint -c 2 pending set=softirq clear=lock")
    equal(word(guest_page(vm, 3), 0) >> 32, generation + 2, "generation after no change")
    refused(vm, "hint intent class=rt prio=100", 1, "out of its range")
    refused(vm, "hint intent class=runtime", 2, "one of unknown, idle, batch, normal, rt, deadline")
    refused(vm, "hint -c 7 intent class=rt", 1, "no such CPU")


def hints_are_not_cut(vm):
    """pvsched: an argument that its hint has no room for is refused, not cut"""
    reset_hints(vm)
    tool = vm.dir / "raw_hint"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-static", "-Iinclude", "-Iguest-tools/driver",
                    "tests/guest/objects/raw_hint.c", "-o", str(tool)], check=True, cwd=TOP)
    vm.guest.put("/root/raw_hint", tool.read_bytes())
    vm.guest.sh("chmod +x /root/raw_hint")

    def raw(*words):
        return int(vm.guest.sh("/root/raw_hint " + " ".join(str(word) for word in words)))

    intent, deadline, wait, emit, reset, most = 0, 4, 6, 7, 12, 1 << 32
    before = word(guest_page(vm, 0), 0)
    for args in ((most + 4, 0, 50, 0), (4, most, 50, 0), (4, 0, most + 50, 0), (4, 0, 50, most)):
        equal(raw(intent, 0, *args), 22, f"intent of {args}")
    equal(word(guest_page(vm, 0), 0), before, "intent after refusals")
    equal(raw(intent, 0, 4, (1 << 64) - 5, 50, 0), 0, "intent of nice -5")
    equal(raw(wait, 0, 1, most + 1), 22, "wait for another reason")
    equal(raw(emit, 0, 8, 1, 1), 22, "an argument too many")
    equal(raw(deadline, 0, most, most, most), 0, "a deadline of 4 s")
    equal(raw(reset, 0, 1), 22, "reset takes none")
    equal(raw(99, 0), 22, "no such hint")
    reset_hints(vm)


def every_command_helps(vm):
    """pvsched: pvschedctl explains each command, asked either way"""
    commands = [line.split()[0] for line in ctl(vm, "--help").splitlines() if line.startswith("  ")]
    expect(len(commands) >= 11, f"commands {commands}")
    for command in commands:
        for option in ("-h", "--help"):
            expect(f"pvschedctl {command}" in ctl(vm, f"{command} {option}"), f"{command} {option}")


def critical_sections_nest(vm):
    """pvsched: critical sections nest, and count their entries"""
    reset_hints(vm)
    count = word(guest_page(vm, 1), 64) >> 32
    ctl(vm, "hint -c 1 enter why=explicit")
    ctl(vm, "hint -c 1 enter why=lock")
    equal(word(guest_page(vm, 1), 64), 0x14 | 2 << 8 | (count + 1) << 32, "two deep")
    ctl(vm, "hint -c 1 exit why=lock")
    equal(word(guest_page(vm, 1), 64), 0x14 | 1 << 8 | (count + 1) << 32, "one deep")
    refused(vm, "hint -c 1 exit why=rcu", 1, "exit without an enter for the same why=")
    ctl(vm, "hint -c 1 exit")
    equal(word(guest_page(vm, 1), 64), (count + 1) << 32, "left")
    refused(vm, "hint -c 1 exit", 1, "exit without an enter for the same why=")


def deadline_is_under_seqlock(vm):
    """pvsched: a deadline and the next event are stored, under an even sequence"""
    reset_hints(vm)
    ctl(vm, "hint deadline runtime=1ms deadline=2ms period=4ms")
    before = float(vm.guest.sh("cut -d' ' -f1 /proc/uptime"))
    ctl(vm, "hint next-event in=1s")
    after = float(vm.guest.sh("cut -d' ' -f1 /proc/uptime"))
    page = guest_page(vm, 0)
    seq, flags, runtime, deadline, period, event = struct.unpack_from("<IIQQQQ", page, 128)
    equal((seq & 1, flags, runtime, deadline, period), (0, 0, 1000000, 2000000, 4000000), "line 2")
    # The file has hundredths, cut off.
    expect(before + 1 <= event / 1e9 < after + 1.01, f"next event at {event} ns, asked for a second "
           f"later than a time from {before} to {after} s")
    refused(vm, "hint deadline runtime=3ms deadline=2ms period=4ms", 1, "out of its range")


def wait_names_a_vcpu(vm):
    """pvsched: waiting for a CPU is told as its vCPU"""
    reset_hints(vm)
    ctl(vm, "hint -c 0 wait cpu=2 reason=spinlock")
    equal(word(guest_page(vm, 0), 192), 1 << 32 | 3, "waits for CPU 2")
    ctl(vm, "hint -c 0 wait reason=mutex")
    equal(word(guest_page(vm, 0), 192), 2 << 32 | NOBODY, "waits for it knows not whom")
    ctl(vm, "hint -c 0 wait reason=none")
    equal(word(guest_page(vm, 0), 192), NOBODY, "waits no more")


def ring_holds_events(vm):
    """pvsched: events are in the ring, stamped, in order"""
    head = view(vm, 1)["guest"]["ring-head"]
    for arg in (7, 8):
        ctl(vm, f"hint -c 1 emit type=mark arg={arg}")
    page = guest_page(vm, 1)
    equal(struct.unpack_from("<I", page, 256)[0], head + 2, "head")
    entries = [struct.unpack_from("<QII", page, 0x800 + (head + i) % 128 * 16) for i in range(2)]
    equal([entry[1:] for entry in entries], [(8, 7), (8, 8)], "types and arguments")
    expect(0 < entries[0][0] < entries[1][0], f"times {entries}")


def ticket_counts(vm):
    """pvsched: tickets are numbered"""
    first = ctl_json(vm, "hint ticket")["ticket"]
    second = ctl_json(vm, "hint ticket")["ticket"]
    equal(second, first + 1, "the second ticket")
    equal(word(guest_page(vm, 0), 200), second, "ticket in the page")


# ---- The host's word ------------------------------------------------------------------------

def device(vm, name):
    return vm.qmp.cmd("qom-get", path="/machine/peripheral/pvs0", property=name)


def host_hears_hints(vm):
    """pvsched: a hint reaches the host's policy"""
    reset_hints(vm)
    ctl(vm, "hint -c 2 intent class=rt prio=42")
    ctl(vm, "hint -c 2 kick")
    eventually(lambda: [(v["hint"]["class"], v["hint"]["rt_priority"])
                        for v in device(vm, "vcpus") if v["vcpu"] == 3] == [("rt", 42)],
               "vCPU 3 has class rt and priority 42 in the host")
    reset_hints(vm)


def guest_sees_who_is_there(vm):
    """pvsched: the host's pages say which vCPUs there are"""
    for vcpu, there in ((0, True), (1, True), (2, False), (3, True)):
        eventually(lambda v=vcpu, t=there: ("present" in view(vm, v)["host"]["flags"]) == t,
                   f"vCPU {vcpu} is {'present' if there else 'absent'}")


def policy_is_shown(vm):
    """pvsched: another policy is seen in the guest at once"""
    before = ctl_json(vm, "status")
    vm.qmp.cmd("qom-set", path="/machine/peripheral/pvs0", property="policy", value="boost")
    try:
        eventually(lambda: vm.guest.sh(f"cat {SYSFS}/pvsched/policy").split()[0] == "boost",
                   "the policy is boost")
        expect(ctl_json(vm, "status")["policy-serial"] > before["policy-serial"], "serial number")
        config = vm.guest.sh("grep pvsched-config /proc/interrupts").split()
        expect(sum(int(n) for n in config[1:4]) > 0, f"no interrupt told of it: {config}")
    finally:
        vm.qmp.cmd("qom-set", path="/machine/peripheral/pvs0", property="policy",
                   value=before["policy"] or "none")


def ticket_is_answered(vm):
    """pvsched: a ticket is answered, and interrupts who asked for it"""
    def interrupts():
        return sum(int(n) for n in vm.guest.sh("grep pvsched-vcpu3 /proc/interrupts").split()[1:4])

    before = interrupts()
    ctl(vm, "hint -c 2 notify what=ticket")
    answer = ctl_json(vm, "hint -c 2 ticket -w 10000")
    equal(answer["answered"], True, "answered")
    eventually(lambda: interrupts() > before, "the interrupt of vCPU 3")
    said = ctl(vm, "hint -c 2 ticket -w 10000")
    equal(said, f"ticket {answer['ticket'] + 1}, answered, not rejected\n", "in words")
    reset_hints(vm)


# ---- Programs -------------------------------------------------------------------------------

def triplet():
    return subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True,
                          check=True).stdout.strip()


def compile_object(vm, name):
    """Compile tests/guest/objects/NAME.bpf.c and put it into the guest; its path there."""
    obj = vm.dir / f"{name}.bpf.o"
    subprocess.run([clang(), "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3",
                    f"-I/usr/include/{triplet()}", "-Iinclude", "-Iguest-tools/driver", "-c",
                    f"tests/guest/objects/{name}.bpf.c", "-o", str(obj)], check=True, cwd=TOP)
    vm.guest.put(f"/root/{obj.name}", obj.read_bytes())
    return f"/root/{obj.name}"


def kfuncs_answer(vm):
    """pvsched: every kfunc does what its header says"""
    reset_hints(vm)
    obj = compile_object(vm, "pvs_kfuncs")
    vm.guest.sh(f"bpftool prog load {obj} /sys/fs/bpf/pvs_test autoattach")
    try:
        vm.guest.sh("taskset 4 sleep 0.01")
        dump = json.loads(vm.guest.sh("bpftool -j map dump name pvs_kfun.bss"))
    finally:
        vm.guest.sh("rm -f /sys/fs/bpf/pvs_test")
    values = {key: value for item in dump[0]["formatted"]["value"][".bss"]
              for key, value in item.items()}
    equal(values["done"], 1, "the program ran")
    answers = values["answers"]
    features = int(vm.guest.sh(f"cat {SYSFS}/pvsched/features"), 16)
    equal(answers.pop("features"), features, "features")
    expect(answers.pop("ticket") > 0, "no ticket")
    equal(answers, {"vcpu_of": 3, "cpu_of": 2, "cpu_of_nobody": -2, "intent": 0,
                    "intent_range": -22, "enter": 0, "exit": 0, "exit_more": -22, "wait": 0,
                    "emit": 0, "emit_unknown": -22, "page": 4, "page_large": 0,
                    "page_no_cpu": 0}, "answers")


def host_page_is_read_only(vm):
    """pvsched: the verifier refuses a program that writes the host's pages"""
    for name in ("pvs_refused", "pvs_refused_opaque"):
        obj = compile_object(vm, name)
        result = vm.guest.run(f"bpftool prog load {obj} /sys/fs/bpf/pvs_refused")
        vm.guest.sh("rm -f /sys/fs/bpf/pvs_refused")
        expect(result.rc != 0, f"{name}: it was loaded")
        expect("R0 cannot write into rdonly" in result.err,
               f"{name}: it was refused for another reason: {result.err[-800:]}")


def host_object(vm, name):
    """Compile a policy of the unit tests for the host's side; its path."""
    obj = vm.dir / f"{name}.bpf.o"
    subprocess.run([clang(), "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3",
                    f"-I/usr/include/{triplet()}", "-Iinclude", "-c",
                    f"tests/unit/pvs/objects/{name}.bpf.c", "-o", str(obj)], check=True, cwd=TOP)
    return str(obj)


def opaque_lines(vm):
    """pvsched: a program tells the policy words of its own, and reads the policy's answer"""
    reset_hints(vm)
    before = ctl_json(vm, "status")["policy"]
    vm.qmp.cmd("qom-set", path="/machine/peripheral/pvs0", property="policy",
               value=host_object(vm, "opaque"))
    obj = compile_object(vm, "pvs_opaque")
    answers = {}

    def answered():
        vm.guest.sh("taskset 4 sleep 0.01")
        dump = json.loads(vm.guest.sh("bpftool -j map dump name pvs_opaq.bss"))
        answers.update(dump[0]["formatted"]["value"][".bss"][0]["answers"])
        return answers["host"][0]

    try:
        vm.guest.sh(f"bpftool prog load {obj} /sys/fs/bpf/pvs_test autoattach")
        eventually(answered, "the policy's answer in the host's line")
    finally:
        vm.guest.sh("rm -f /sys/fs/bpf/pvs_test")
        vm.qmp.cmd("qom-set", path="/machine/peripheral/pvs0", property="policy",
                   value=before or "none")
    expect(answers.pop("looked") > 0, "the host's line was not read")
    equal(answers, {"line_64": 0, "host_line_64": 0, "large": 0, "host_large": 0, "line_63": 1,
                    "asked": 1, "kick": 0,
                    "host": [7000, 6001, 5002, 4003, 3004, 2005, 6, 1007]}, "answers")


def bench_measures(vm):
    """pvsched: the bench has a figure for each way to store a hint"""
    bench = ctl_json(vm, "bench -n 5")
    for name in ("intent", "pending", "enter-exit", "page", "mmap", "emit", "kick"):
        expect(bench["hints"][name].get("median-ns", 0) > 0, f"{name}: {bench['hints'][name]}")


def programs_hold_the_module(vm):
    """pvsched: a loaded program keeps the module, and hints flow"""
    ctl(vm, "load publisher")
    equal([p["name"] for p in ctl_json(vm, "list")], ["publisher"], "programs loaded")
    result = vm.guest.run("rmmod sluice_pvsched")
    expect(result.rc != 0 and "in use" in result.err, f"rmmod: {result.rc} {result.err}")
    before = view(vm, 0)["guest"]["generation"]
    vm.guest.sh("for i in 1 2 3 4 5; do sleep 0.01; done")
    expect(view(vm, 0)["guest"]["generation"] > before, "no intent was stored")


def sched_ext_loads(vm):
    """pvsched: the sched_ext scheduler takes over and gives back, where there is sched_ext"""
    names = [p["name"] for p in ctl_json(vm, "list -a")]
    if vm.guest.run("test -e /sys/kernel/sched_ext").rc:
        equal("scx_pvs" in names, False, "scx_pvs offered without sched_ext")
        refused(vm, "load scx_pvs", 2, "no program 'scx_pvs' for this kernel")
        return
    # The kernel waits for every task; where the host has little time for the guest that takes long.
    vm.guest.sh("pvschedctl load scx_pvs", 300)
    try:
        equal(vm.guest.sh("cat /sys/kernel/sched_ext/state").strip(), "enabled", "sched_ext")
    finally:
        vm.guest.sh("pvschedctl unload scx_pvs", 300)
    equal(vm.guest.sh("cat /sys/kernel/sched_ext/state").strip(), "disabled", "sched_ext after")


# ---- Resets ---------------------------------------------------------------------------------

def negotiates_again(vm):
    """pvsched: after a reset it negotiates again, under a program that stores hints"""
    before = ctl_json(vm, "status")
    ctl(vm, "renegotiate")
    after = ctl_json(vm, "status")
    expect(after["generation"] != before["generation"], "the generation is the same")
    equal(after["negotiations"], before["negotiations"] + 1, "negotiations")
    equal(after["features"], before["features"], "features")


def function_level_reset(vm):
    """pvsched: a function-level reset does the same"""
    if vm.guest.run(f"grep -q flr {SYSFS}/reset_method").rc:
        raise Skip("the slot has no function-level reset")
    before = ctl_json(vm, "status")
    vm.guest.sh(f"echo 1 > $(echo {SYSFS})/reset")
    after = ctl_json(vm, "status")
    expect(after["connected"], "it did not come back")
    expect(after["generation"] != before["generation"], "the generation is the same")


def removed_and_found(vm):
    """pvsched: the device goes and comes back under a program that stores hints"""
    vm.guest.sh(f"echo 1 > $(echo {SYSFS})/remove")
    try:
        refused(vm, "status", 1, "found no device 1234:51c1")
        equal([(p["name"], p["alive"]) for p in ctl_json(vm, "list")], [("publisher", True)],
              "programs")
    finally:
        vm.guest.sh("echo 1 > /sys/bus/pci/rescan")
    eventually(lambda: vm.guest.run("pvschedctl status").rc == 0, "it is negotiated again")
    before = view(vm, 0)["guest"]["generation"]
    vm.guest.sh("for i in 1 2 3 4 5; do sleep 0.01; done")
    expect(view(vm, 0)["guest"]["generation"] > before, "no intent was stored")


def offline_cpu_says_nothing(vm):
    """pvsched: a CPU that goes offline takes back what it said, and may come again"""
    ctl(vm, "hint -c 1 enter")
    vm.guest.sh("echo 0 > /sys/devices/system/cpu/cpu1/online")
    gone = view(vm, 1)
    equal(gone["cpu"], -1, "CPU of vCPU 1")
    equal((gone["guest"]["class"], gone["guest"]["cs-depth"]), ("unknown", 0), "what it says")
    refused(vm, "hint -c 1 kick", 1, "offline")
    vm.guest.sh("echo 1 > /sys/devices/system/cpu/cpu1/online")
    equal(view(vm, 1)["cpu"], 1, "CPU of vCPU 1 again")


def cpu_is_unplugged_and_plugged(vm):
    """pvsched: a vCPU is unplugged and plugged again"""
    vm.qmp.cmd("device_del", id="plug")
    eventually(lambda: vm.guest.sh("nproc").strip() == "2", "CPU 2 is gone")
    equal(view(vm, 3)["cpu"], -1, "CPU of vCPU 3")
    eventually(lambda: not any(dev["name"] == "plug" for dev in
                               vm.qmp.cmd("qom-list", path="/machine/peripheral")),
               "the vCPU is gone")
    vm.qmp.cmd("device_add", driver=cpu_type(vm.env["SLUICE_QEMU"]), id="plug", **PLUG)
    eventually(lambda: vm.guest.run("test -e /sys/devices/system/cpu/cpu2").rc == 0, "CPU 2 is back")
    vm.guest.sh("echo 1 > /sys/devices/system/cpu/cpu2/online")
    equal(view(vm, 3)["cpu"], 2, "CPU of vCPU 3 again")
    ctl(vm, "hint -c 2 intent class=normal")


def unload_module(vm):
    """rmmod, once the kernel has freed the programs that were unloaded: it does so later, and until
    then they hold the module."""
    vm.guest.sh("i=0; until [ \"$(cat /sys/module/sluice_pvsched/refcnt)\" = 0 ] || [ $i = 400 ]; do "
                "i=$((i + 1)); sleep 0.05; done; rmmod sluice_pvsched", timeout=90)


def loads_and_unloads(vm):
    """pvsched: the module is unloaded and loaded, five times"""
    for program in ctl_json(vm, "list"):
        ctl(vm, f"unload {program['name']}")
    for _ in range(5):
        unload_module(vm)
        refused(vm, "status", 1, "module is not loaded", "insmod /sluice/modules/")
        vm.guest.sh(f"insmod {MODULE}")
        equal(ctl_json(vm, "status")["negotiations"], 1, "negotiations")


def parameter_is_checked(vm):
    """pvsched: a wrong module parameter is refused in words"""
    unload_module(vm)
    vm.guest.sh(f"insmod {MODULE} memory=disk")
    refused(vm, "status", 1, "found no device", "dmesg")
    expect("memory=disk: it is one of auto, bar, ram" in vm.guest.sh("dmesg"), "no word on why")
    vm.guest.sh(f"rmmod sluice_pvsched && insmod {MODULE} memory=ram")
    status = ctl_json(vm, "status")
    equal(status["pages"], "ram" if "guest-ram" in status["offered"] else "bar", "pages")
    ctl(vm, "hint intent class=rt prio=1")
    equal(view(vm, 0)["guest"]["class"], "rt", "class")
    vm.guest.sh(f"rmmod sluice_pvsched && insmod {MODULE}")


def nothing_is_wrong(vm):
    """pvsched: no refused access, no warning in the kernel's log"""
    equal(ctl_json(vm, "status")["bad-access"], 0, "refused accesses")
    bad = [line for line in vm.guest.sh("dmesg").splitlines()
           if re.search(r"WARNING:|BUG:|Oops|Call Trace|lockup|stalls on CPU", line)]
    equal(bad, [], "kernel log")


CHECKS = (negotiates, memory_is_told, cpus_find_their_pages, clock_is_measured, root_only,
          every_command_helps, intent_is_one_word, hints_are_not_cut, critical_sections_nest,
          deadline_is_under_seqlock, wait_names_a_vcpu, ring_holds_events, ticket_counts, host_hears_hints,
          guest_sees_who_is_there, policy_is_shown, ticket_is_answered, kfuncs_answer,
          host_page_is_read_only, opaque_lines, bench_measures, programs_hold_the_module,
          sched_ext_loads,
          negotiates_again, function_level_reset, removed_and_found, offline_cpu_says_nothing,
          cpu_is_unplugged_and_plugged, loads_and_unloads, parameter_is_checked, nothing_is_wrong)
