# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The NIC as a plain NIC."""

import json
import subprocess

from counts import settled
from frames import udp_frame, write_pcap
from programs import Offload
from tap import Skip, equal, expect
from vm import PEER_IP, PEER_IP6


def agree(vm):
    """Wait until host, NIC and guest count the same; return the snapshot."""
    shot, wrong = settled(vm, Offload(vm.guest))
    expect(not wrong, "; ".join(wrong))
    return shot


def need_peer(vm):
    if not vm.peer:
        raise Skip(vm.no_peer)


def driver_binds(vm):
    """sluice_nic binds and names its interface sl0"""
    text = vm.guest.sh("ethtool -i sl0")
    expect("driver: sluice_nic" in text, text)
    expect("bus-info: 0000:" in text, text)


def module_has_btf(vm):
    """the module's BTF is there for tracing"""
    vm.guest.sh("test -s /sys/kernel/btf/sluice_nic")


def peers_reach_each_other(vm):
    """ping over IPv4 and IPv6"""
    if not vm.network():
        raise Skip(vm.no_peer)
    for address in (PEER_IP, PEER_IP6):
        out = vm.guest.sh(f"ping -c5 -i0.1 -W5 {address}")
        expect(" 0% packet loss" in out, out)


def tcp_both_ways(vm):
    """iperf3 both ways, and the counters of host, NIC and guest agree"""
    need_peer(vm)
    for reverse in ("", "-R"):
        server = vm.peer.start("iperf3", "--forceflush", "-s", "-1", stdout=subprocess.PIPE, text=True)
        try:
            server.stdout.readline()  # it prints a rule, then that it listens
            server.stdout.readline()
            end = json.loads(vm.guest.sh(f"iperf3 -J -n 4M {reverse} -c {PEER_IP}", 120))["end"]
            expect(end["sum_received"]["bytes"] >= 4 << 20, f"received {end['sum_received']}")
        finally:
            server.terminate()
            server.communicate()
    agree(vm)


def both_queues_work(vm):
    """flows spread over the receive queues"""
    frames = [udp_frame(f"198.51.100.{n % 250 + 1}", dport=n + 1) for n in range(512)]
    before = vm.nic_stats()
    vm.wire.replay(write_pcap(vm.dir / "flows.pcap", frames))
    agree(vm)
    expect(vm.nic_stats()["rx_delivered_frames"] - before["rx_delivered_frames"] >= 512,
           "frames were not delivered")
    stats = Offload(vm.guest).ethtool()
    per_queue = [v for k, v in stats.items() if k.startswith("rx") and k.endswith("_frames")
                 and k[2].isdigit()]
    expect(len(per_queue) >= 2, f"per-queue counters: {sorted(stats)}")
    expect(all(per_queue), f"a queue saw nothing: {per_queue}")


def odd_frames_are_counted(vm):
    """runts, giants and strangers' frames are dropped and counted, each by its name"""
    before = agree(vm).nic
    runt, giant = b"\x02" * 13, udp_frame("192.0.2.1", 9300)
    stranger = udp_frame("192.0.2.1", mac=bytes.fromhex("02aaaaaaaaaa"))
    vm.wire.replay(write_pcap(vm.dir / "odd.pcap", [runt] * 3 + [giant] * 2 + [stranger] * 5))
    after = agree(vm).nic
    equal(after["rx_drop_length"] - before["rx_drop_length"], 5, "dropped for their length")
    equal(after["rx_drop_filter"] - before["rx_drop_filter"], 5, "dropped by the MAC filter")


def down_and_up(vm):
    """the interface goes down and up under traffic and no frame is lost silently"""
    capture = write_pcap(vm.dir / "steady.pcap", [udp_frame("198.51.100.7")])
    vm.wire.replay_start(capture, count=6000, rate=6000)
    for _ in range(5):
        vm.guest.sh("ip link set sl0 down && ip link set sl0 up")
    vm.wire.replay_wait()
    agree(vm)
    vm.network()


def ring_and_channel_settings(vm):
    """ethtool shows rings, channels, RSS and link"""
    for option, words in (("-g", "RX:"), ("-l", "Combined:"), ("-x", "indirection table"),
                          ("", "Link detected: yes")):
        out = vm.guest.sh(f"ethtool {option} sl0")
        expect(words in out, f"ethtool {option}: {out}")


CHECKS = (driver_binds, module_has_btf, peers_reach_each_other, tcp_both_ways, both_queues_work,
          odd_frames_are_counted, down_and_up, ring_and_channel_settings)
