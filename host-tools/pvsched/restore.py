# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Does the baseline come back? A vCPU is boosted by a hint, then something goes wrong."""

import random
import time

import scenario as scenarios
import threads
from device import Manager
from machine import Machine

CPU = 1
TRIES, STORM = 5, 200
BUDGET_US = 60_000_000  # so that no boost ends by itself meanwhile
BAD = ("malformed", "torn")

# The lines of a guest's page (include/sluice/pvsched.h) up to the ring's head; in each what makes
# it malformed for certain: (offset, bits that are set, bits that are cleared) of a byte. The first
# four are spoilt alone, with the good hint that boosts in the others; then all of the page.
PAGE = 4096
LINES = {
    "intent": (0, 64, ((0, 0x0f, 0),)),             # a class that there is not
    "critical section": (64, 64, ((64, 0x80, 0),)),  # a bit of why that there is not
    "deadline": (128, 64, ((128, 0, 0x01), (132, 0x01, 0))),  # seq even, flags
    "wait": (192, 64, ((197, 0x01, 0),)),           # beyond the reason
    "page": (0, PAGE, ((0, 0x0f, 0), (128, 0, 0x01))),
}

# In the guest, as its root: maps the page of a vCPU as any process of root's can, and has the
# kernel read bytes from a pipe into it. Arguments: the vCPU; then OFFSET:HEX each, or a seed and
# how many whole pages of random bytes. The image has no other language that calls mmap(2).
SCRIBBLE = r"""
use strict;
open(my $dev, "+<", "/dev/sluice_pvsched") or die "/dev/sluice_pvsched: $!\n";
my $at = syscall(9, 0, 4096, 3, 1, fileno($dev), (1 << 32) + 4096 * shift);
die "mmap: $!\n" if $at == -1;
pipe(my $out, my $in) or die "pipe: $!\n";
sub put {
    my ($offset, $bytes) = @_;
    my $n = length $bytes;
    syswrite($in, $bytes) == $n && syscall(0, fileno($out), $at + $offset, $n) == $n
        or die "not written: $!\n";
}
if ($ARGV[0] =~ /:/) {
    for (@ARGV) {
        my ($offset, $hex) = split /:/;
        put($offset, pack("H*", $hex));
    }
} else {
    my ($seed, $count) = @ARGV;
    srand($seed);
    put(0, pack("L*", map { int rand 2 ** 32 } 1 .. 1024)) for 1 .. $count;
}
"""


def garbage(draw, line):
    """Random bytes for a line of LINES, malformed for certain: (offset, bytes)."""
    offset, size, spoilt = LINES[line]
    data = bytearray(draw.randbytes(size))
    for at, ones, zeroes in spoilt:
        data[at - offset] = data[at - offset] & ~zeroes | ones
    return offset, bytes(data)


class Vcpu:
    """One vCPU's thread as the host has it, its page as the guest has it."""

    def __init__(self, machine):
        self.machine = machine
        self.tid = machine.vcpu_tids()[CPU]
        self.baseline = threads.get_attr(self.tid)

    def is_plain(self):
        return threads.get_attr(self.tid) == self.baseline

    def becomes(self, plain, timeout=20):
        """Wait until the thread has its baseline (or has not)."""
        return eventually(lambda: self.is_plain() == plain, timeout)

    def ask(self):
        """A good page with a hint that boosts; whether it does."""
        self.machine.guest.sh(f"pvschedctl hint reset --cpu {CPU}; "
                              f"pvschedctl hint intent class=rt prio=50 --cpu {CPU}")
        return self.becomes(plain=False)

    def scribble(self, *words):
        self.machine.guest.sh(f"perl -e '{SCRIBBLE}' {CPU} {' '.join(map(str, words))}")

    def state(self):
        return next(v for v in self.machine.device.vcpus() if v["vcpu"] == CPU)

    def counts(self, kinds=BAD):
        """(bad hints, boosts that ended because the budget was spent, ticks), so far."""
        state = self.state()
        return (sum(state["rejects"][why] for why in kinds), state["rejects"]["budget"],
                state["events"]["tick"])

    def stays_plain(self, ticks=5):
        """The page is bad and goes on being looked at, and the thread has its baseline."""
        until = self.counts()[2] + ticks
        looked = eventually(lambda: self.counts()[2] >= until)
        return looked and self.state()["hint"]["status"] in BAD and self.is_plain()

    def survives(self, *words, kinds=BAD):
        """Boosted, then scribbled on: the device counts a bad hint of one of these kinds, the boost
        ends by that and by nothing else, and does not come back while the page is bad."""
        if not self.ask():
            return False
        bad, spent, _ = self.counts(kinds)
        self.scribble(*words)
        return (self.becomes(plain=True) and self.counts(kinds)[0] > bad and self.stays_plain()
                and self.counts()[1] == spent)


def eventually(condition, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def tried(name, outcomes):
    """(what, what came of it, whether the baseline came back each time)."""
    return name, f"{sum(outcomes)} of {len(outcomes)} times", all(outcomes)


def after_reset(vcpu):
    """Resets of the device, each mid-boost."""
    def one():
        boosted = vcpu.ask()
        vcpu.machine.guest.sh("pvschedctl renegotiate")
        return boosted and vcpu.becomes(plain=True)
    return tried("reset of the device", [one() for _ in range(TRIES)])


def after_garbage(vcpu, seed=1):
    """Random bytes in the mapped page, mid-boost: in a line, in all of it, again and again."""
    draw = random.Random(seed)
    outcomes = []
    for line in LINES:
        offset, data = garbage(draw, line)
        outcomes.append(vcpu.survives(f"{offset}:{data.hex()}", kinds=("malformed",)))
    yield tried("random bytes in a line of a vCPU's page, and in all of it", outcomes)
    yield tried(f"{STORM} pages of random bytes, one after the other",
                [vcpu.survives(draw.randrange(2 ** 31), STORM) for _ in range(TRIES)])


def after_kill(vcpu, manager):
    """kill -9 of the manager, mid-boost; the next one is found by itself."""
    def one(first):
        if not first:
            manager.start()
        eventually(lambda: manager.vcpus(vcpu.machine.proc.pid))
        manager.set_policy("boost", {})
        boosted = vcpu.ask()
        manager.kill()
        return boosted and vcpu.becomes(plain=True)
    return tried("kill -9 of the manager", [one(n == 0) for n in range(TRIES)])


def tries():
    """(what, what came of it, whether the baseline is back) of each."""
    spec = scenarios.Machine(name="vm0", device={"boost-budget-us": BUDGET_US})
    found = []
    with Machine(spec) as machine:
        machine.set_module(True)
        vcpu = Vcpu(machine)
        machine.device.set_policy("boost", {})
        found += [after_reset(vcpu), *after_garbage(vcpu)]
    with Manager({"boost-budget": BUDGET_US // 1000}) as manager, \
            Machine(spec, manager) as machine:
        machine.set_module(True)
        found.append(after_kill(Vcpu(machine), manager))
    return found
