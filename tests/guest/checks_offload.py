# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""XDP offload with stock tools."""

import json

from checks_link import agree, need_peer
from frames import udp_frame, write_pcap
from programs import Offload
from qmp import QmpError
from tap import equal, eventually, expect
from vm import PEER_IP

PASSED, DROPPED, BLOCKED, MALFORMED = 0, 1, 2, 3  # examples/xdp_firewall.h


def attach(vm, name, **how):
    offload = Offload(vm.guest)
    done = offload.attach(f"/root/{name}.bpf.o", **how)
    expect(done.rc == 0, f"{name}: {done.err}{done.out}")
    prog = offload.program_id()
    expect(prog is not None, f"{name}: ip link shows no offloaded program: {offload.link()}")
    return offload, prog


def device_objects(vm):
    return (len(vm.qmp.cmd("qom-get", path="/machine/peripheral/nic0", property="programs")),
            len(vm.qmp.cmd("qom-get", path="/machine/peripheral/nic0", property="maps")))


def load(vm):
    """ip link offloads the firewall; ip, bpftool and the device tell of it"""
    offload, prog = attach(vm, "xdp_firewall")
    info = offload.program(prog)
    equal(info["type"], "xdp", "type")
    equal(info["name"], "xdp_firewall", "name")
    equal(info["dev"]["ifname"], "sl0", "device")
    equal(len(info["map_ids"]), 2, "maps")
    equal(device_objects(vm), (1, 2), "programs and maps in the device")
    # Debian's bpftool has no disassembler and dumps no image without one, not even to a file.
    expect(info["bytes_jited"] > 0, f"no image of the device: {info}")


def firewall(vm):
    """The attached firewall's (offload, blocked map, verdicts map)."""
    offload = Offload(vm.guest)
    prog = offload.program_id()
    return offload, offload.map_id(prog, "blocked"), offload.map_id(prog, "verdicts")


def map_commands(vm):
    """bpftool map update, lookup, dump and delete with Linux's answers"""
    offload, blocked, verdicts = firewall(vm)
    sources = [f"192.0.2.{n}" for n in range(1, 21)]
    for source in sources:
        offload.block(blocked, source)
    equal(sorted(offload.sources(blocked)), sorted(sources), "dump")
    for source in sources[1:]:
        offload.unblock(blocked, source)
    equal(offload.sources(blocked), {sources[0]: 0}, "what is left")
    update = offload.block_command(blocked, sources[0])
    for flag, command, word in (("noexist", update, "exist"),
                                ("exist", offload.block_command(blocked, "192.0.2.99"), "o such")):
        done = vm.guest.run(f"{command} {flag}")
        expect(done.rc != 0 and word in done.err, f"{flag}: {done}")
    gone = vm.guest.run(offload.block_command(blocked, "192.0.2.99")
                        .replace("update", "delete").split(" value")[0])
    expect(gone.rc != 0 and "o such" in gone.err, f"delete of a key that is not there: {gone}")
    beyond = vm.guest.run(f"bpftool map update id {verdicts} key hex 0b 00 00 00 "
                          f"value hex 00 00 00 00 00 00 00 00")
    expect(beyond.rc != 0, "an index beyond the array's end was taken")
    offload.unblock(blocked, sources[0])


def full_map(vm):
    """a full hash map says so, and every key is still there"""
    offload, blocked, _ = firewall(vm)
    batch = "\n".join(offload.block_command(blocked, f"198.18.{n // 256}.{n % 256}")[8:]
                      for n in range(1024))
    vm.guest.put("/tmp/batch", batch.encode())
    vm.guest.sh("bpftool batch file /tmp/batch", 120)
    equal(len(offload.sources(blocked)), 1024, "entries")
    done = vm.guest.run(offload.block_command(blocked, "198.19.0.1"))
    expect(done.rc != 0 and "too long" in done.err.lower(), f"E2BIG expected: {done}")
    offload.block(blocked, "198.18.0.1")  # a key that is there can always be set
    vm.guest.put("/tmp/batch", batch.replace("update", "delete").replace(
        " value hex 00 00 00 00 00 00 00 00", "").encode())
    vm.guest.sh("bpftool batch file /tmp/batch", 120)
    equal(offload.sources(blocked), {}, "entries after deletion")


def drops_stay_in_the_nic(vm):
    """frames of a blocked source cost no DMA, no completion and no interrupt"""
    offload, blocked, verdicts = firewall(vm)
    vm.guest.sh("ip link set sl0 up")
    offload.block(blocked, "203.0.113.5")
    capture = write_pcap(vm.dir / "blocked.pcap", [udp_frame("203.0.113.5")])
    counted = offload.counters(verdicts)
    before = agree(vm)
    vm.wire.replay(capture, count=5000)
    delta = agree(vm).since(before)
    equal(delta.nic["rx_xdp_drop"], 5000, "dropped")
    equal(offload.sources(blocked), {"203.0.113.5": 5000}, "map `blocked`")
    now = offload.counters(verdicts)
    equal(now[BLOCKED] - counted[BLOCKED], 5000, "verdicts[BLOCKED]")
    passed = delta.nic["rx_xdp_pass"]  # the peer's own chatter, if any
    equal(now[PASSED] - counted[PASSED], passed, "verdicts[PASSED]")
    equal(delta.nic["rx_delivered_frames"], passed, "delivered")
    equal(delta.guest["guest_rx_frames"], passed, "seen by the guest")
    if not passed:
        equal(delta.nic["rx_dma_bytes"], 0, "bytes DMAed")
        equal(delta.nic["rx_interrupts"], 0, "interrupts")
    offload.unblock(blocked, "203.0.113.5")


def blocked_peer(vm):
    """a blocked peer is unreachable, an unblocked one is back"""
    need_peer(vm)
    offload, blocked, _ = firewall(vm)
    vm.guest.sh(f"ping -c1 -W5 {PEER_IP}")
    offload.block(blocked, PEER_IP)
    expect(vm.guest.run(f"ping -c2 -i0.2 -W1 {PEER_IP}").rc != 0, "the blocked peer answers")
    expect(offload.sources(blocked)[PEER_IP] > 0, "its frames were not counted")
    offload.unblock(blocked, PEER_IP)
    vm.guest.sh(f"ping -c1 -W5 {PEER_IP}")


def replace_under_traffic(vm):
    """programs replace one another under traffic; each frame is seen by exactly one"""
    offload, _, verdicts = firewall(vm)
    vm.guest.sh(f"mount | grep -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf; "
                f"bpftool map pin id {verdicts} /sys/fs/bpf/verdicts")
    capture = write_pcap(vm.dir / "swap.pcap", [udp_frame("203.0.113.9")])
    agree(vm)
    before = vm.nic_stats()
    counted = offload.counters(verdicts)
    vm.wire.replay_start(capture, count=12000, rate=4000)
    eventually(lambda: vm.nic_stats()["rx_wire_frames"] - before["rx_wire_frames"] > 2000,
               "traffic runs")
    attach(vm, "xdp_pass_count", replace=True)
    vm.wire.replay_wait()
    agree(vm)
    after = vm.nic_stats()
    now = offload.counters(verdicts)
    old = sum(now[i] - counted[i] for i in (PASSED, DROPPED))
    new = offload.counters(offload.map_id(offload.program_id(), "passed"))[0]
    equal(after["rx_no_program"], before["rx_no_program"], "frames without a program")
    # More frames of the peer may have come since `after` was read: count until both agree.
    eventually(lambda: old + offload.counters(offload.map_id(
        offload.program_id(), "passed"))[0] ==
        vm.nic_stats()["rx_xdp_run"] - before["rx_xdp_run"], "old + new == all")
    expect(old > 0 and new > 0, f"the swap was not under traffic: old {old}, new {new}")
    vm.guest.sh("rm /sys/fs/bpf/verdicts")
    eventually(lambda: device_objects(vm) == (1, 1), "the old program and its maps are freed")


def no_silent_replacement(vm):
    """without -force a second program is refused and the first stays"""
    offload = Offload(vm.guest)
    first = offload.program_id()
    done = offload.attach("/root/xdp_reflect.bpf.o")
    expect(done.rc != 0, "it was replaced")
    equal(offload.program_id(), first, "attached program")


def reflect(vm):
    """XDP_TX sends frames back without the guest seeing them"""
    attach(vm, "xdp_reflect", replace=True)
    address = vm.guest.sh("cat /sys/class/net/sl0/address").strip()  # it answers no group
    frame = udp_frame("203.0.113.9", 128, dport=7, mac=bytes.fromhex(address.replace(":", "")))
    before = agree(vm)
    vm.wire.replay(write_pcap(vm.dir / "echo.pcap", [frame]), count=1000)
    delta = agree(vm).since(before)
    equal(delta.nic["rx_xdp_tx"], 1000, "verdict TX")
    equal(delta.nic["xdp_tx_sent"], 1000, "sent back")
    expect(delta.wire["from_nic_frames"] >= 1000, "the host did not get them back")


def mtu_limit(vm):
    """an MTU the program could not handle is refused while it is attached"""
    done = vm.guest.run("ip link set sl0 mtu 9000")
    expect(done.rc != 0, "MTU 9000 was taken with a program attached")
    vm.guest.sh("ip link set sl0 mtu 2000 && ip link set sl0 mtu 1500")


def migration_is_blocked(vm):
    """migration says that programs keep it from happening, and how to go on"""
    try:
        vm.qmp.cmd("migrate", uri=f"file:{vm.dir}/state")
    except QmpError as why:
        expect("program" in str(why) or "map" in str(why), str(why))
    else:
        raise AssertionError("migration started with a program attached")


def remove(vm):
    """the program is removed; nothing is left in kernel or device"""
    offload = Offload(vm.guest)
    equal(offload.detach().rc, 0, "xdpoffload off")
    equal(offload.program_id(), None, "attached program")
    eventually(lambda: device_objects(vm) == (0, 0), "the device is empty")
    left = json.loads(vm.guest.sh("bpftool --json prog show"))
    equal([p["id"] for p in left if "dev" in p], [], "offloaded programs in the kernel")


def refused(vm):
    """a program the device cannot run is refused with the reason in the verifier log"""
    offload = Offload(vm.guest)
    done = offload.attach("/root/xdp_refused.bpf.o")
    expect(done.rc != 0, "it was taken")
    text = done.err + done.out
    expect("bpf_sk_lookup_udp" in text, f"the reason does not name the helper: {text}")
    equal(offload.program_id(), None, "attached program")
    equal(device_objects(vm), (0, 0), "programs and maps in the device")


def vlan_and_head(vm):
    """a program that moves the head of the frame (bpf_xdp_adjust_head)"""
    attach(vm, "xdp_vlan")
    before = agree(vm)
    vm.wire.replay(write_pcap(vm.dir / "vlan.pcap", [udp_frame("203.0.113.9", vlan=42)]), count=500)
    delta = agree(vm).since(before)
    expect(delta.nic["rx_xdp_pass"] >= 500, f"passed {delta.nic['rx_xdp_pass']}")
    equal(delta.nic["rx_xdp_aborted"], 0, "aborted")
    equal(Offload(vm.guest).detach().rc, 0, "xdpoffload off")


CHECKS = (load, map_commands, full_map, drops_stay_in_the_nic, blocked_peer,
          replace_under_traffic, no_silent_replacement, reflect, mtu_limit, migration_is_blocked,
          remove, refused, vlan_and_head)
