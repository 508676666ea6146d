# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""XDP programs: compiled here by clang, offloaded in the guest by stock iproute2 and bpftool."""

import ipaddress
import json
import re
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def clang():
    """The newest clang there is; it compiles for BPF without further packages."""
    for name in ("clang-19", "clang-18", "clang-17", "clang-16", "clang"):
        if shutil.which(name):
            return name
    raise RuntimeError("clang is missing; `./sluice setup` installs it")


def compile_example(name, directory):
    """Compile examples/NAME.bpf.c. Returns (path of the object, command line)."""
    obj = Path(directory) / f"{name}.bpf.o"
    triplet = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True,
                             check=True).stdout.strip()
    argv = [clang(), "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3",
            f"-I/usr/include/{triplet}", "-c", f"examples/{name}.bpf.c",
            "-o", str(obj)]
    subprocess.run(argv, check=True, cwd=TOP)
    return obj, " ".join(argv)


class Offload:
    """The guest's view of an interface's offloaded program and its maps."""

    def __init__(self, guest, dev="sl0"):
        self.guest, self.dev = guest, dev

    def attach(self, obj, replace=False):
        """`ip link set dev DEV xdpoffload obj OBJ sec xdp`; returns the Result."""
        force = "-force " if replace else ""
        return self.guest.run(f"ip {force}link set dev {self.dev} xdpoffload obj {obj} sec xdp")

    def detach(self):
        return self.guest.run(f"ip link set dev {self.dev} xdpoffload off")

    def link(self):
        """The interface as `ip -details -json link show` has it."""
        return json.loads(self.guest.sh(f"ip -details -json link show dev {self.dev}"))[0]

    def program_id(self):
        """Kernel id of the offloaded program, None if there is none."""
        xdp = self.link().get("xdp")
        if not xdp:
            return None
        for attached in xdp.get("attached", [xdp]):
            if attached.get("mode") == 3:  # XDP_ATTACHED_HW
                return attached["prog"]["id"]
        return None

    def program(self, prog_id):
        return json.loads(self.guest.sh(f"bpftool --json prog show id {prog_id}"))

    def map_id(self, prog_id, name):
        for map_id in self.program(prog_id)["map_ids"]:
            info = json.loads(self.guest.sh(f"bpftool --json map show id {map_id}"))
            if info.get("name") == name:
                return map_id
        raise KeyError(f"program {prog_id} has no map named {name}")

    def counters(self, map_id):
        """An array map of u64 as a list."""
        dump = json.loads(self.guest.sh(f"bpftool --json map dump id {map_id}"))
        values = {}
        for element in dump:
            values[int.from_bytes(_bytes(element["key"]), "little")] = \
                int.from_bytes(_bytes(element["value"]), "little")
        return [values[i] for i in range(len(values))]

    def sources(self, map_id):
        """The firewall's `blocked` map: {address: frames dropped}."""
        dump = json.loads(self.guest.sh(f"bpftool --json map dump id {map_id}"))
        return {_address(_bytes(element["key"])):
                int.from_bytes(_bytes(element["value"]), "little") for element in dump}

    def block_command(self, map_id, address):
        return (f"bpftool map update id {map_id} key hex {_hex(_key(address))} "
                f"value hex {_hex(bytes(8))}")

    def block(self, map_id, address):
        self.guest.sh(self.block_command(map_id, address))

    def unblock(self, map_id, address):
        self.guest.sh(f"bpftool map delete id {map_id} key hex {_hex(_key(address))}")

    def ethtool(self):
        """`ethtool -S` as a dictionary."""
        text = self.guest.sh(f"ethtool -S {self.dev}")
        return {name: int(value) for name, value in re.findall(r"^\s*(\S+): (\d+)$", text, re.M)}


def _bytes(values):
    return bytes(int(v, 16) for v in values)


def _hex(data):
    return " ".join(f"{b:02x}" for b in data)


def _key(address):
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return bytes(10) + b"\xff\xff" + ip.packed
    return ip.packed


def _address(key):
    ip = ipaddress.IPv6Address(key)
    return str(ip.ipv4_mapped or ip)
