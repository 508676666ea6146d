# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Frames and captures for the guest tests, made byte by byte."""

import ipaddress
import struct

BROADCAST = b"\xff" * 6
SOURCE_MAC = bytes.fromhex("025000000001")


def checksum(data):
    """Internet checksum, RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, payload, protocol=17):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(sport, dport, payload):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def ether(payload, destination=BROADCAST, source=SOURCE_MAC, kind=0x0800, vlan=None):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan is not None else b""
    return destination + source + tag + struct.pack("!H", kind) + payload


def udp_frame(source, size=64, destination="10.77.0.2", mac=BROADCAST, vlan=None, dport=9):
    """An Ethernet frame of `size` bytes with a UDP datagram from `source`."""
    head = 14 + 20 + 8 + (4 if vlan is not None else 0)
    body = bytes(max(0, size - head))
    return ether(ipv4(source, destination, udp(4000, dport, body)), mac, vlan=vlan)


def write_pcap(path, frames):
    """Classic pcap, Ethernet (libpcap's pcap-savefile(5))."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for n, frame in enumerate(frames):
            out.write(struct.pack("<IIII", n // 1000000, n % 1000000, len(frame), len(frame)))
            out.write(frame)
    return path
