# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Three observers of the same frames (the wire's end, the NIC, the guest) and whether they agree."""

import time
from dataclasses import dataclass

NIC_DROPS = ("rx_drop_link", "rx_drop_length", "rx_drop_filter", "rx_drop_no_queue",
             "rx_drop_no_buffer", "rx_drop_too_long", "rx_drop_dma")


@dataclass
class Snapshot:
    wire: dict   # sluice-wire's counters
    nic: dict    # the device's, by QMP
    guest: dict  # the driver's, by ethtool -S

    def disagreements(self):
        """Sentences on what does not add up at this moment; empty when all agree."""
        nic, guest = self.nic, self.guest
        verdicts = sum(nic[f"rx_xdp_{v}"] for v in ("pass", "drop", "tx", "aborted"))
        rows = [
            ("frames the host sent", self.wire["to_nic_frames"],
             "frames the NIC received", nic["rx_wire_frames"]),
            ("bytes the host sent", self.wire["to_nic_bytes"],
             "bytes the NIC received", nic["rx_wire_bytes"]),
            ("frames with a program", nic["rx_xdp_run"], "verdicts", verdicts),
            ("frames received", nic["rx_wire_frames"], "frames accounted for",
             verdicts - nic["rx_xdp_pass"] + nic["rx_delivered_frames"]
             + sum(nic[name] for name in NIC_DROPS)),
            ("frames the NIC delivered", nic["rx_delivered_frames"],
             "frames the guest counted", guest["guest_rx_frames"]),
            ("bytes the NIC delivered", nic["rx_delivered_bytes"],
             "bytes the guest counted", guest["guest_rx_bytes"]),
            ("frames the NIC sent", nic["tx_wire_frames"],
             "frames the host received", self.wire["from_nic_frames"]),
        ]
        return [f"{a} {x} != {b} {y}" for a, x, b, y in rows if x != y]

    def since(self, earlier):
        def delta(now, then):
            return {k: v - then.get(k, 0) for k, v in now.items() if isinstance(v, int)}
        return Snapshot(delta(self.wire, earlier.wire), delta(self.nic, earlier.nic),
                        delta(self.guest, earlier.guest))


def snapshot(vm, offload):
    return Snapshot(vm.wire.stats(), vm.nic_stats(), offload.ethtool())


def settled(vm, offload, timeout=20):
    """A snapshot taken when nothing is on its way any more. The observers are read one after the
    other, so that a frame may arrive between; what still disagrees after `timeout` is real."""
    deadline = time.monotonic() + timeout
    while True:
        shot = snapshot(vm, offload)
        wrong = shot.disagreements()
        if not wrong or time.monotonic() > deadline:
            return shot, wrong
        time.sleep(0.05)
