# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What goes wrong in real life: modules that go away, drivers that are unbound, resets."""


from checks_offload import attach, device_objects
from frames import udp_frame, write_pcap
from tap import equal, eventually, expect


def reload_under_traffic(vm):
    """rmmod and insmod under traffic with a program attached"""
    attach(vm, "xdp_firewall")
    capture = write_pcap(vm.dir / "reload.pcap", [udp_frame("203.0.113.9")])
    vm.wire.replay_start(capture, count=8000, rate=4000)
    vm.guest.sh("rmmod sluice_nic", 60)
    equal(device_objects(vm), (0, 0), "programs and maps in the device after rmmod")
    vm.guest.sh("insmod /sluice/modules/$(uname -r)/sluice_nic.ko", 60)
    eventually(lambda: vm.guest.run("ip link show sl0").rc == 0, "sl0 is back")
    vm.wire.replay_wait()
    vm.guest.sh("ip link set sl0 up")
    vm.network()


def unbind_and_bind(vm):
    """unbind and bind through sysfs"""
    slot = vm.guest.sh("basename $(readlink /sys/class/net/sl0/device)").strip()
    vm.guest.sh(f"echo {slot} > /sys/bus/pci/drivers/sluice_nic/unbind")
    expect(vm.guest.run("ip link show sl0").rc != 0, "sl0 is still there")
    vm.guest.sh(f"echo {slot} > /sys/bus/pci/drivers/sluice_nic/bind")
    eventually(lambda: vm.guest.run("ip link show sl0").rc == 0, "sl0 is back")
    vm.network()


def function_level_reset(vm):
    """a reset takes the program away, and no traffic passes until that is acknowledged"""
    attach(vm, "xdp_firewall")
    device = "/sys/class/net/sl0/device"
    vm.guest.sh(f"echo flr > {device}/reset_method && echo 1 > {device}/reset")
    equal(device_objects(vm), (0, 0), "programs and maps in the device")
    expect(vm.guest.run("ip link set sl0 up").rc != 0, "it came up without its program")
    expect("lost in a device reset" in vm.guest.sh("dmesg"), "no word on why")
    vm.guest.sh("ip link set dev sl0 xdpoffload off && ip link set sl0 up")
    vm.network()


def works_afterwards(vm):
    """after all that the NIC still offloads"""
    offload, _ = attach(vm, "xdp_pass_count")
    before = vm.nic_stats()["rx_xdp_run"]
    capture = write_pcap(vm.dir / "after.pcap", [udp_frame("203.0.113.9")])
    vm.wire.replay(capture, count=1000)
    eventually(lambda: vm.nic_stats()["rx_xdp_run"] - before >= 1000, "the program ran")
    equal(offload.detach().rc, 0, "xdpoffload off")


def kernel_log_is_clean(vm):
    """no warning, oops or lockup in the guest's kernel log"""
    log = vm.guest.sh("dmesg")
    bad = [line for line in log.splitlines()
           if any(word in line for word in ("WARNING:", "BUG:", "Oops", "Call Trace", "lockup",
                                            "stalls on CPU", "page_pool_release_retry"))]
    equal(bad, [], "kernel log")


CHECKS = (reload_under_traffic, unbind_and_bind, function_level_reset, works_afterwards,
          kernel_log_is_clean)
