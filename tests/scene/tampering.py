"""Captures of tampered results, made by means of their own: no byte of them comes from the program. Conversations over IPv4 or IPv6, with VLAN tags or
without, segments of any size, time stamps, delayed acknowledgements, keep-alives; messages in the shapes of several makers."""

import random
import struct
import time

T0 = 1772438400  # 2 March 2026, 08:00 UTC


def stamp(seconds, digits=14):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(T0 + seconds))[:digits]


# ── packets ──

class Host:
    def __init__(self, ip, mac, port=None, ttl=64, vlan=None):
        self.ip, self.mac, self.ttl, self.vlan = ip, bytes.fromhex(mac), ttl, vlan
        self.next_port = port or 49152 + hash(ip) % 1000


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _address(text):
    if ":" not in text:
        return bytes(int(p) for p in text.split("."))
    head, _, tail = text.partition("::")
    left = [int(p, 16) for p in head.split(":") if p]
    right = [int(p, 16) for p in tail.split(":") if p]
    return struct.pack(">8H", *(left + [0] * (8 - len(left) - len(right)) + right))


class Wire:
    """All packets that the taps see."""

    def __init__(self, seed=1):
        self.random, self.packets, self.ident = random.Random(seed), [], 7

    def put(self, at, src, dst, payload_of_ip, proto=6, src_mac=None, dst_mac=None):
        self.ident += 1
        a, b = _address(src.ip), _address(dst.ip)
        if len(a) == 4:
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload_of_ip), self.ident & 0xFFFF, 0x4000, src.ttl, proto, 0) + a + b
            ip = ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:]
            kind = 0x0800
        else:
            ip = struct.pack(">IHBB", 6 << 28, len(payload_of_ip), proto, src.ttl) + a + b
            kind = 0x86DD
        tag = struct.pack(">HH", 0x8100, src.vlan) if src.vlan else b""
        frame = (dst_mac or dst.mac) + (src_mac or src.mac) + tag + struct.pack(">H", kind) + ip + payload_of_ip
        self.packets.append((at, len(self.packets), frame.ljust(60, b"\0")))

    def write(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
            for at, _, frame in sorted(self.packets):
                nanos = round((T0 + at) * 1e9)
                f.write(struct.pack("<IIII", nanos // 10**9, nanos % 10**9, len(frame), len(frame)) + frame)


class Conn:
    """One TCP connection as a tap sees it. macs: (of the client, of the server) where somebody stands between, and the cards are not the hosts' own."""

    def __init__(self, wire, client, server, port, at, mss=1460, stamps=True, macs=None, sport=None, isn=None):
        self.wire, self.ends, self.mss, self.stamps, self.macs = wire, (client, server), mss, stamps, macs
        if sport is None:
            client.next_port += 1
            sport = client.next_port
        self.ports = (sport, port)
        isn = isn or (wire.random.getrandbits(32), wire.random.getrandbits(32))
        self.isn, self.seq, self.at = isn, list(isn), at
        self._segment(0, 0x02)
        self.seq[0] += 1
        self._segment(1, 0x12)
        self.seq[1] += 1
        self._segment(0, 0x10)

    def _segment(self, side, flags, data=b"", seq=None):
        src, dst = self.ends[side], self.ends[1 - side]
        options = b""
        if flags & 2:
            options = struct.pack(">BBH", 2, 4, self.mss)
        if self.stamps:
            options += b"\1\1" + struct.pack(">BBII", 8, 10, int(self.at * 1000) & 0xFFFFFFFF, int(self.at * 1000) & 0xFFFFFFFF)
        options += b"\1" * (-len(options) % 4)
        head = struct.pack(">HHIIBBHHH", self.ports[side], self.ports[1 - side], (self.seq[side] if seq is None else seq) & 0xFFFFFFFF,
                           (self.seq[1 - side] if flags & 0x10 else 0) & 0xFFFFFFFF, (5 + len(options) // 4) << 4, flags, 29200, 0, 0)
        tcp = head + options + data
        a, b = _address(src.ip), _address(dst.ip)
        pseudo = a + b + (struct.pack(">BBH", 0, 6, len(tcp)) if len(a) == 4 else struct.pack(">IHBB", len(tcp), 0, 0, 6))
        tcp = tcp[:16] + struct.pack(">H", _checksum(pseudo + tcp)) + tcp[18:]
        cards = (None, None) if self.macs is None else (self.macs[side], self.macs[1 - side])
        self.wire.put(self.at, src, dst, tcp, 6, *cards)
        self.at += 0.00015

    def say(self, side, data, at=None, pieces=None):
        """pieces: most bytes of a segment; sometimes a segment is sent twice, as networks do."""
        self.at = max(self.at, self.at if at is None else at)
        most = min(pieces or self.mss, self.mss)
        for i in range(0, len(data), most):
            piece = data[i:i + most]
            self._segment(side, 0x18, piece)
            if self.wire.random.random() < 0.02:
                self._segment(side, 0x18, piece)
            self.seq[side] += len(piece)
            if self.wire.random.random() < 0.6:
                self._segment(1 - side, 0x10)
        self._segment(1 - side, 0x10)

    def close(self, reset=False):
        if reset:
            self._segment(0, 0x14)
            return
        self._segment(0, 0x11)
        self.seq[0] += 1
        self._segment(1, 0x11)
        self.seq[1] += 1
        self._segment(0, 0x10)


# ── messages ──

class Item:
    def __init__(self, code, name, value, unit, low, high, kind="NM", status="F"):
        self.code, self.name, self.value, self.unit, self.kind, self.status = code, name, value, unit, kind, status
        self.range = f"{low}-{high}" if low is not None else ""
        self.low, self.high = low, high
        self.flag, self.note = None, None

    def flagged(self):
        if self.flag is not None:
            return self.flag
        try:
            v = float(self.value)
        except ValueError:
            return ""
        return "" if self.low is None else "L" if v < self.low else "H" if v > self.high else "N"

    def copy(self):
        other = Item.__new__(Item)
        other.__dict__.update(self.__dict__)
        return other


class Report:
    def __init__(self, rng, number, at):
        self.number, self.at = number, at
        self.specimen, self.patient = f"26{303000 + number * 3:06d}", f"{8800123 + number * 17}"
        self.name, self.born, self.sex = rng.choice(["LINDQVIST^MAJA", "OKAFOR^CHIDI", "RUIZ^ALBA", "TANAKA^REN"]) + f"{number}", f"19{50 + number % 40}0{1 + number % 9}12", rng.choice("FM")
        self.material, self.control, self.processing, self.application, self.facility = "SER", f"{700100 + number}", "P", "ANALYZER-A", "LABEAST"
        self.note, self.encoding, self.result_at = None, "^~\\&", None
        self.physician = "4711^HOUSE^G"
        u = rng.uniform
        self.items = [
            Item("2823-3", "K", f"{u(3.2, 5.4):.1f}", "mmol/L", 3.5, 5.1), Item("2951-2", "NA", f"{u(132, 147):.0f}", "mmol/L", 136, 145),
            Item("2345-7", "GLU", f"{u(70, 190):.0f}", "mg/dL", 70, 99), Item("2160-0", "CREA", f"{u(0.5, 1.8):.2f}", "mg/dL", 0.6, 1.3),
            Item("1975-2", "TBIL", f"{u(0.2, 1.5):.1f}", "mg/dL", 0.1, 1.2), Item("5196-1", "HBSAG", rng.choice(["NEG", "NEG", "NEG", "POS"]), "", None, None, "ST")]

    def copy(self):
        other = Report.__new__(Report)
        other.__dict__.update(self.__dict__)
        other.items = [i.copy() for i in self.items]
        return other

    def item(self, code):
        return next(i for i in self.items if i.code == code)


def oru(r, now):
    """A plain ORU^R01 of 2.3.1."""
    when = stamp(r.result_at if r.result_at is not None else r.at - 200)
    out = [f"MSH|{r.encoding}|{r.application}|{r.facility}|HIS|MAIN|{stamp(now)}||ORU^R01|{r.control}|{r.processing}|2.3.1",
           f"PID|1||{r.patient}^^^MAIN^MR||{r.name}||{r.born}|{r.sex}", f"OBR|1|{r.specimen}|{r.specimen}|CHEM^PANEL^L|||{when}||||||||{r.material}|{r.physician}"]
    if r.note is not None:
        out.append(f"NTE|1|L|{r.note}")
    for n, i in enumerate(r.items, 1):
        out.append(f"OBX|{n}|{i.kind}|{i.code}^{i.name}^LN||{i.value}|{i.unit}|{i.range}|{i.flagged()}|||{i.status}|||{when}")
        if i.note is not None:
            out.append(f"NTE|1|L|{i.note}")
    return out


def oul(r, now):
    """OUL^R22 of 2.5.1 with the specimen in SPM and SAC, and one OBR for each test."""
    when = stamp(r.result_at if r.result_at is not None else r.at - 200)
    out = [f"MSH|{r.encoding}|{r.application}|{r.facility}|HIS|MAIN|{stamp(now)}+0000||OUL^R22^OUL_R22|{r.control}|{r.processing}|2.5.1|||NE|AL||UNICODE UTF-8",
           f"PID|1||{r.patient}^^^MAIN^MR||{r.name}||{r.born}|{r.sex}", f"SPM|1|{r.specimen}^||{r.material}^Serum^HL70487|||||||P^Patient specimen^HL70369", f"SAC|||{r.specimen}"]
    for n, i in enumerate(r.items, 1):
        out += [f"OBR|{n}|{r.specimen}||{i.code}^{i.name}^LN", f"ORC|SC|||||CM", f"OBX|1|{i.kind}|{i.code}^{i.name}^LN||{i.value}|{i.unit}|{i.range}|{i.flagged()}|||{i.status}|||||||{r.application}^8000~1234|{when}"]
        if i.note is not None:
            out.append(f"NTE|1|L|{i.note}")
    if r.note is not None:
        out.append(f"NTE|1|L|{r.note}")
    return out


def astm(r, now):
    """LIS2-A2 records."""
    when = stamp(r.result_at if r.result_at is not None else r.at - 200)
    out = [f"H|\\^&|||{r.application}^3.1^{r.facility}|||||HIS||P|LIS2-A2|{stamp(now)}", f"P|1||{r.patient}||{r.name}||{r.born}|{r.sex}", f"O|1|{r.specimen}||^^^ALL|R||{when}||||N||||{r.material}"]
    if r.note is not None:
        out.append(f"C|1|I|{r.note}|G")
    for n, i in enumerate(r.items, 1):
        out.append(f"R|{n}|^^^{i.code}^{i.name}|{i.value}|{i.unit}|{i.range}|{i.flagged()}||{i.status}||||{when}")
        if i.note is not None:
            out.append(f"C|1|I|{i.note}|G")
    return out + ["L|1|N"]


def signals(r, now):
    """LIS2-A2 of an analyzer that tells of each test its value and the signal behind it, under one code; of qualitative ones the words between both."""
    out = []
    for record in astm(r, now):
        f = record.split("|")
        if f[0] != "R":
            out.append(record)
            continue
        signal = f[:3] + [f"{1000 + sum(record.encode()) % 7919}", "RLU", "", ""] + f[7:]
        words = f[4] == ""
        out += ["|".join(x) for x in ([f[:3] + ["0.3" if f[3][0] == "N" else "41.2", "S/CO", "1.0", ""] + f[7:]] if words else []) + [f, signal]]
    return out


def unnamed(r, now):
    """LIS2-A2 whose header has neither a number nor a time; the specimen behind rack and position."""
    out = astm(r, now)
    out[0] = f"H|\\^&|||{r.application}^3.1^{r.facility}||||||||E1394-97"
    return [x.replace(f"O|1|{r.specimen}|", f"O|1||000{r.number % 9}^0{1 + r.number % 9}^{r.specimen:>22}^B", 1) for x in out]


def mllp(lines):
    return b"\x0b" + "".join(line + "\r" for line in lines).encode("latin-1") + b"\x1c\r"


def answer(control, code="AA", now=0, sender="HIS"):
    return mllp([f"MSH|^~\\&|{sender}|MAIN|X|X|{stamp(now)}||ACK|K{control}|P|2.3.1", f"MSA|{code}|{control}"])


def exchange_mllp(conn, lines, control, at, code="AA", pieces=None, answered=True):
    conn.say(0, mllp(lines), at, pieces)
    if answered:
        conn.say(1, answer(control, code, at), conn.at + 0.004)


def exchange_astm(conn, records, at, whole=False):
    """A record a frame; or all of them in frames of 240 bytes."""
    conn.say(0, b"\x05", at)
    conn.say(1, b"\x06", conn.at + 0.002)
    texts = [(r + "\r").encode("latin-1") for r in records]
    if whole:
        text = b"".join(texts)
        texts = [text[i:i + 240] for i in range(0, len(text), 240)]
    for n, text in enumerate(texts, 1):
        last = not whole or n == len(texts)
        body = str(n % 8).encode() + text + (b"\x03" if last else b"\x17")
        conn.say(0, b"\x02" + body + b"%02X\r\n" % (sum(body) % 256), conn.at + 0.002)
        conn.say(1, b"\x06", conn.at + 0.002)
    conn.say(0, b"\x04", conn.at + 0.001)


def order(control, application, specimen, tests, now):
    """ORM^O01 of 2.3.1."""
    out = [f"MSH|^~\\&|{application}|MAIN|X|X|{stamp(now)}||ORM^O01|{control}|P|2.3.1", "PID|1||8800123^^^MAIN^MR||RUIZ^ALBA||19500101|F"]
    for n, test in enumerate(tests, 1):
        out += [f"ORC|NW|{specimen}|{specimen}", f"OBR|{n}|{specimen}|{specimen}|{test}^{test}^L|R||{stamp(now)}||||||||SER"]
    return out


# ── POCT1-A ──

def poct1a(root, control, body):
    return f'<{root}><HDR><HDR.control_id V="{control}"/><HDR.version_id V="POCT1"/><HDR.creation_dttm V="2026-03-02T08:00:00+00:00"/></HDR>{body}</{root}>'.encode()


def bedside(r):
    """A patient's observations, as a device reports them that knows no specimens."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(T0 + r.result_at))
    observed = "".join(f'<OBS><OBS.observation_id V="{i.code}" SN="LN"><TRANSLTN V="{i.name}"/></OBS.observation_id><OBS.value V="{i.value}" U="{i.unit}"/><OBS.method_cd V="M"/></OBS>' for i in r.items)
    return poct1a("OBS.R01", r.control, f'<SVC><SVC.role_cd V="OBS"/><SVC.observation_dttm V="{when}"/><SVC.reason_cd V="NEW"/><PT><PT.patient_id V="{r.patient}"/>{observed}</PT></SVC>')


def exchange_bedside(conn, message, control, at):
    conn.say(0, message, at)
    conn.say(1, poct1a("ACK.R01", f"K{control}", f'<ACK><ACK.type_cd V="AA"/><ACK.ack_control_id V="{control}"/></ACK>'), conn.at + 0.004)
