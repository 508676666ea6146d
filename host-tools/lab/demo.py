# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""`./sluice demo`: a stock Debian guest offloads an XDP program to the NIC; every frame is counted
by the host, the NIC and the guest, and the three must agree exactly."""

import argparse
import json
import subprocess
import sys
import time

from counts import settled
from programs import Offload, compile_example
from vm import PEER_IP, Vm, accelerator, environment

PASSED_COUNTER, DROPPED_COUNTER = 0, 1  # examples/xdp_firewall.h
REFUSAL_LINES = 7  # the end of a verifier log, where the reason stands
SOURCE = "198.18.0.1"  # one of the senders sluice-mkpcap makes up


class DemoFailed(Exception):
    """Something did not behave as promised; the text says what."""


def must(condition, text):
    if not condition:
        raise DemoFailed(text)


class Report:
    """What the person sees: steps as they happen, a table at the end."""

    def __init__(self, quiet):
        self.out = sys.stderr if quiet else sys.stdout
        self.began = time.monotonic()
        self.steps = 0

    def step(self, text):
        self.steps += 1
        print(f"\n[{self.steps}] {text}", file=self.out, flush=True)

    def say(self, text, indent=4):
        for line in str(text).rstrip().splitlines():
            print(" " * indent + line, file=self.out, flush=True)

    def shell(self, text):
        self.say("$ " + text)

    def table(self, rows):
        head = ("", "host sent", "NIC received", "dropped in NIC", "DMAed to guest", "DMA bytes",
                "interrupts", "guest counted")
        body = [head] + [(name, *(f"{v:,}" for v in values)) for name, values in rows]
        widths = [max(len(row[i]) for row in body) for i in range(len(head))]
        for n, row in enumerate(body):
            cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
            print("  ".join(cells), file=self.out)
            if n == 0:
                print("  ".join("-" * w for w in widths), file=self.out)


class Demo:
    def __init__(self, vm, report, frames, rate):
        self.vm, self.report, self.frames, self.rate = vm, report, frames, rate
        self.offload = Offload(vm.guest)
        self.rows = []
        self.captures = {}
        self.change_s = 0.0  # what a change from inside the guest takes

    # ---- what the steps share ----

    def settle(self):
        shot, wrong = settled(self.vm, self.offload)
        must(not wrong, "the counters do not agree: " + "; ".join(wrong))
        return shot

    def measured(self, name, action):
        """Run one phase and keep its row of the table. Returns the phase's counts."""
        before = self.settle()
        action()
        delta = self.settle().since(before)
        nic, guest = delta.nic, delta.guest
        self.rows.append((name, (
            delta.wire["to_nic_frames"], nic["rx_wire_frames"],
            nic["rx_wire_frames"] - nic["rx_delivered_frames"], nic["rx_delivered_frames"],
            nic["rx_dma_bytes"], nic["rx_interrupts"], guest["guest_rx_frames"])))
        return delta

    def pace(self):
        """Frames a second at which a change is made long before two thirds of a replay are over."""
        if not self.change_s:
            return self.rate
        slow = max(1, int(self.frames * 2 / 3 / (4 * self.change_s)))
        return min(self.rate, slow) if self.rate else slow

    def replay(self, during=None):
        """Replay the capture; `during` runs once a third of it has arrived."""
        wire, vm = self.vm.wire, self.vm
        start = vm.nic_stats()["rx_wire_frames"]
        wire.replay_start(self.captures["mixed"], self.frames,
                          self.pace() if during else self.rate)
        if during:
            while vm.nic_stats()["rx_wire_frames"] - start < self.frames // 3:
                time.sleep(0.01)
            during()
            arrived = vm.nic_stats()["rx_wire_frames"] - start
            must(arrived < self.frames, "the replay ended before the change was made; "
                                        "try a larger --frames or a smaller --rate")
        sent = wire.replay_wait(300)
        must(sent["event"] == "replayed", "the replay did not end")

    # ---- the steps ----

    def prepare(self, objects, capture):
        guest = self.vm.guest
        for obj in objects:
            guest.put(f"/root/{obj.name}", obj.read_bytes())
        self.captures["mixed"] = capture
        self.report.say(guest.sh("uname -sr; . /etc/os-release; echo $PRETTY_NAME"))
        self.report.say(guest.sh("ethtool -i sl0 | head -3; ip -br link show sl0"))
        if self.vm.network():
            self.report.say(guest.sh(f"ping -c3 -i0.2 {PEER_IP} | tail -2"))
            self.iperf()
        else:
            self.report.say(f"no peer on the wire: {self.vm.no_peer}; the replay goes on without")

    def iperf(self):
        server = self.vm.peer.start("iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
        try:
            text = self.vm.guest.sh(
                f"for i in $(seq 50); do iperf3 -J -t 2 -c {PEER_IP} > /tmp/iperf && break; "
                f"sleep 0.1; done; cat /tmp/iperf", timeout=60)
            end = json.loads(text)["end"]
            self.report.say(f"iperf3, guest to peer: "
                            f"{end['sum_received']['bits_per_second'] / 1e6:.0f} Mbit/s")
        finally:
            server.terminate()
            server.wait()

    def load(self):
        self.report.shell("ip link set dev sl0 xdpoffload obj xdp_firewall.bpf.o sec xdp")
        began = time.monotonic()
        done = self.offload.attach("/root/xdp_firewall.bpf.o")
        self.change_s = time.monotonic() - began
        must(done.rc == 0, f"offload failed: {done.err or done.out}")
        self.firewall = self.offload.program_id()
        must(self.firewall, "ip link shows no offloaded program")
        self.blocked = self.offload.map_id(self.firewall, "blocked")
        self.verdicts = self.offload.map_id(self.firewall, "verdicts")
        self.vm.guest.sh(f"mount | grep -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf; "
                         f"bpftool map pin id {self.verdicts} /sys/fs/bpf/verdicts")
        self.report.shell("ip link show dev sl0")
        self.report.say(self.vm.guest.sh("ip link show dev sl0 | grep xdp"))
        self.report.shell(f"bpftool prog show id {self.firewall}")
        self.report.say(self.vm.guest.sh(f"bpftool prog show id {self.firewall}"))
        self.engine()

    def engine(self):
        """What the device says it runs the program with."""
        attached = [p for p in self.vm.nic_programs() if p["attached"]]
        must(len(attached) == 1, f"the NIC says that {len(attached)} programs are attached")
        program = attached[0]
        text = f"in the NIC: verified in {program['verify-ns'] / 1e6:.1f} ms, "
        if program["engine"] == "jit":
            text += (f"compiled in {program['compile-ns'] / 1e6:.1f} ms to "
                     f"{program['code-bytes']:,} bytes of machine code")
        else:
            text += f"engine {program['engine']}"
        self.report.say(text)

    def block(self, address):
        command = self.offload.block_command(self.blocked, address)

        def act():
            self.vm.guest.sh(command)

        delta = self.measured(f"firewall, {address} blocked meanwhile", lambda: self.replay(act))
        dropped = self.offload.sources(self.blocked)[address]
        self.report.shell(command)
        for look in (f"bpftool map dump id {self.blocked}",
                     "ethtool -S sl0 | grep -wE 'rx_wire_frames|rx_xdp_drop|rx_delivered_frames'"):
            self.report.shell(look)
            self.report.say(self.vm.guest.sh(look))
        self.report.say(f"{dropped:,} frames of {address} stopped in the NIC: no DMA, no "
                        f"descriptor, no interrupt")
        must(dropped == delta.nic["rx_xdp_drop"],
             f"map `blocked` says {dropped}, the NIC dropped {delta.nic['rx_xdp_drop']}")
        must(dropped > 0, f"no frame of {address} was dropped")

    def block_peer(self):
        if not self.vm.peer:
            return
        ping = f"ping -c3 -i0.2 -W1 {PEER_IP} | grep received"
        self.offload.block(self.blocked, PEER_IP)
        self.report.say(f"peer blocked:   {self.vm.guest.run(ping).out}")
        self.offload.unblock(self.blocked, PEER_IP)
        self.report.say(f"peer unblocked: {self.vm.guest.run(ping).out}")

    def replace(self):
        before = self.vm.nic_stats()
        counted = sum(self.offload.counters(self.verdicts)[i]
                      for i in (PASSED_COUNTER, DROPPED_COUNTER))

        def swap():
            done = self.offload.attach("/root/xdp_pass_count.bpf.o", replace=True)
            must(done.rc == 0, f"replacement failed: {done.err or done.out}")

        self.report.shell("ip -force link set dev sl0 xdpoffload obj xdp_pass_count.bpf.o sec xdp")
        delta = self.measured("firewall -> pass_count under traffic", lambda: self.replay(swap))
        second = self.offload.program_id()
        must(second and second != self.firewall, "ip link does not show the new program")
        passed = self.offload.map_id(second, "passed")
        # Both maps may count frames of the peer besides the replay's; the NIC counts them too.
        old = sum(self.offload.counters(self.verdicts)[i]
                  for i in (PASSED_COUNTER, DROPPED_COUNTER)) - counted
        new = self.offload.counters(passed)[0]
        after = self.settle()
        new = self.offload.counters(passed)[0] if after else new
        runs = self.vm.nic_stats()["rx_xdp_run"] - before["rx_xdp_run"]
        self.report.say(f"old program saw {old:,}, new program saw {new:,}, together "
                        f"{old + new:,} of {runs:,} frames: none lost, none seen by neither")
        must(old + new == runs, "a frame was seen by neither program or by both")
        must(old > 0 and new > 0, "the replacement did not happen under traffic")
        must(delta.nic["rx_no_program"] == 0, "frames passed without a program")

    def remove(self):
        self.report.shell("ip link set dev sl0 xdpoffload off")
        done = self.offload.detach()
        must(done.rc == 0, f"removal failed: {done.err}")
        must(self.offload.program_id() is None, "ip link still shows a program")
        self.vm.guest.sh("rm /sys/fs/bpf/verdicts")
        self.report.say(self.vm.guest.sh("ip -br link show sl0; echo programs left: "
                                         "$(bpftool --json prog show | grep -c '\"offload')"))

    def refused(self):
        self.report.shell("ip link set dev sl0 xdpoffload obj xdp_refused.bpf.o sec xdp")
        done = self.offload.attach("/root/xdp_refused.bpf.o")
        must(done.rc != 0, "the device took a program it cannot run")
        text = done.err + done.out
        lines = text.rstrip().splitlines()
        self.report.say(f"... {max(0, len(lines) - REFUSAL_LINES)} lines of the verifier's log before")
        self.report.say("\n".join(lines[-REFUSAL_LINES:]))
        must("bpf_sk_lookup_udp" in text, "the refusal does not name the helper")
        must(self.offload.program_id() is None, "a refused program is attached")


def make_capture(vm, frames):
    """A deterministic mixed capture addressed to the guest's NIC: VLAN, IPv4, IPv6, TCP, UDP."""
    path = vm.dir / "mixed.pcap"
    mac = vm.guest.sh("cat /sys/class/net/sl0/address").strip()
    subprocess.run([vm.tool("sluice-mkpcap"), "--frames", str(frames), "--sources", "8",
                    "--seed", "1", "--mac", mac, str(path)], check=True)
    return path


def compile_for(report, vm, name):
    obj, command = compile_example(name, vm.dir)
    report.shell(command.replace(f"{vm.dir}/", ""))
    return obj


def run(args, report):
    began = time.monotonic()
    accel = accelerator(environment(args.kernel)["SLUICE_QEMU"])[1].split(",")[0]
    report.step(f"Boot Debian, kernel {args.kernel} ({accel})")
    with Vm(args.kernel, f",{args.device}" if args.device else "") as vm:
        report.say(f"up after {time.monotonic() - began:.1f} s")
        demo = Demo(vm, report, args.frames, args.rate)
        report.step("Compile the programs")
        objects = [compile_for(report, vm, name) for name in
                   ("xdp_firewall", "xdp_pass_count", "xdp_refused")]
        report.step("Meet the guest and its NIC")
        demo.prepare(objects, make_capture(vm, args.frames))
        report.step("Replay a capture with no program")
        demo.measured("no program", demo.replay)
        report.step("Offload the firewall")
        demo.load()
        demo.measured("firewall, nothing blocked", demo.replay)
        report.step("Block a source while its traffic runs")
        demo.block(SOURCE)
        demo.block_peer()
        report.step("Replace the program under traffic")
        demo.replace()
        report.step("Remove it")
        demo.remove()
        demo.measured("no program again", demo.replay)
        report.step("Offload a program the device cannot run")
        demo.refused()
        report.step("What the host sent, what the NIC did, what the guest saw")
        print(file=report.out)
        report.table(demo.rows)
        demo.settle()
        print("\nHost, NIC and guest agree on every frame and byte. "
              f"{time.monotonic() - report.began:.0f} s in all. Next: ./sluice vm, "
              "./sluice run, docs/", file=report.out)
        return demo.rows


def main():
    parser = argparse.ArgumentParser(prog="sluice demo", description=__doc__)
    parser.add_argument("--kernel", choices=("7.2", "6.12"), default="7.2",
                        help="Debian kernel the guest boots (default %(default)s)")
    parser.add_argument("--device", metavar="PROPERTY=VALUE[,...]",
                        help="properties of the device sluice-nic, such as engine=interp or "
                             "jit-harden=off (docs/jit.md)")
    parser.add_argument("--frames", type=int, default=20000,
                        help="frames of each replay (default %(default)s)")
    parser.add_argument("--rate", type=int, default=10000,
                        help="frames a second of the replay, 0: no limit (default %(default)s); "
                             "fewer while something is changed in a guest too slow for it")
    parser.add_argument("--json", action="store_true",
                        help="print the table as JSON on standard output, the story on stderr")
    args = parser.parse_args()
    report = Report(args.json)
    try:
        rows = run(args, report)
    except (DemoFailed, RuntimeError) as why:
        print(f"\nsluice demo: {why}", file=sys.stderr)
        return 1
    if args.json:
        names = ("host_sent", "nic_received", "nic_dropped", "nic_delivered", "dma_bytes",
                 "interrupts", "guest_counted")
        json.dump([{"phase": name, **dict(zip(names, values))} for name, values in rows],
                  sys.stdout, indent=2)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
