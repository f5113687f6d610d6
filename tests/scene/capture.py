"""Writes small captures: TCP conversations over Ethernet and IPv4, in pcap (microseconds, little-endian)."""

import struct


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ip(text):
    return bytes(int(part) for part in text.split("."))


class Capture:
    def __init__(self, start=1767225600.0):
        self.now = start
        self.packets = []

    def wait(self, seconds):
        self.now += seconds

    def add(self, frame):
        self.packets.append((self.now, frame))
        self.now += 0.001

    def segment(self, src, sport, dst, dport, seq, ack, flags, payload=b""):
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0) + payload
        pseudo = _ip(src) + _ip(dst) + struct.pack(">BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack(">H", _sum(pseudo + tcp)) + tcp[18:]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + _ip(src) + _ip(dst)
        ip = ip[:10] + struct.pack(">H", _sum(ip)) + ip[12:]
        self.add(b"\x02\0\0\0\0\x02" + b"\x02\0\0\0\0\x01" + b"\x08\0" + ip + tcp)

    def conversation(self, src, sport, dst, dport, turns, close=True):
        """turns: (0 from src or 1 from dst, bytes)."""
        ends = [(src, sport), (dst, dport)]
        seq = [1000, 5000]
        self.segment(src, sport, dst, dport, seq[0], 0, 0x02)
        self.segment(dst, dport, src, sport, seq[1], seq[0] + 1, 0x12)
        seq = [seq[0] + 1, seq[1] + 1]
        self.segment(src, sport, dst, dport, seq[0], seq[1], 0x10)
        for side, data in turns:
            for at in range(0, len(data), 1400):
                piece = data[at : at + 1400]
                self.segment(*ends[side], *ends[1 - side], seq[side], seq[1 - side], 0x18, piece)
                seq[side] += len(piece)
        if close:
            self.segment(src, sport, dst, dport, seq[0], seq[1], 0x11)
            self.segment(dst, dport, src, sport, seq[1], seq[0] + 1, 0x11)
            self.segment(src, sport, dst, dport, seq[0] + 1, seq[1] + 1, 0x10)

    def bytes(self):
        out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
        for when, frame in self.packets:
            micros = round(when * 1e6)
            out += struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)) + frame
        return out


def mllp(*segments):
    return b"\x0b" + b"".join((s if isinstance(s, bytes) else s.encode()) + b"\r" for s in segments) + b"\x1c\r"


def ack(control_id):
    return mllp("MSH|^~\\&|LIS|HOSP|A|B|20260302080000||ACK|L%s|P|2.5.1" % control_id, "MSA|AA|" + control_id)


def result(control_id, value="5.1", sender="CHEM^8000", specimen="S100", status="F", observed="20260302080000"):
    return mllp(
        "MSH|^~\\&|%s|LAB1|LIS|HOSP|20260302080000||ORU^R01^ORU_R01|%s|P|2.5.1|||AL|NE||UNICODE UTF-8" % (sender, control_id),
        "PID|1||595774^^^HOSP^MR||EXAMPLE^GRACE||19340117|F",
        "OBR|1|%s||GLU|||%s" % (specimen, observed),
        "OBX|1|NM|GLU^Glucose^L||%s|mmol/L|3.9-5.5|N|||%s|||%s" % (value, status, observed),
    )


def astm_frames(records, start=1):
    """The records as one frame each, as the device sends them; the receiver's answers are left to the caller."""
    frames = []
    for i, text in enumerate(records):
        body = b"%d" % ((start + i) % 8) + text.encode() + b"\r\x03"
        frames.append(b"\x02" + body + b"%02X\r\n" % (sum(body) % 256))
    return frames


def astm_session(records):
    turns = [(0, b"\x05"), (1, b"\x06")]
    for frame in astm_frames(records):
        turns += [(0, frame), (1, b"\x06")]
    return turns + [(0, b"\x04")]
