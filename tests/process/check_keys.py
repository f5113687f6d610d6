"""Opens a ledger's keys from docs/formats/ledger.md alone: slots, key file, recovery key. Python 3 without packages, and nothing of ours: AES-256-GCM, HKDF and
X25519 are written here from their standards (FIPS 197, SP 800-38D, RFC 5869, RFC 7748)."""
import hashlib
import hmac
import os
import sys

failed = 0
count = 0


def ok(condition, name):
    global failed, count
    count += 1
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} {count} - {name}", flush=True)


def sha(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def expand(key, info, n=32):
    out, block = b"", b""
    while len(out) < n:
        block = mac(key, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:n]


def hkdf(secret, salt, info):
    return expand(mac(salt if salt else bytes(32), secret), info)


# AES-256, forwards only
def _sbox():
    p = q = 1
    box = [0] * 256
    while True:
        p = p ^ (p << 1) ^ (0x11B if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        box[p] = (x ^ 0x63) & 0xFF
        if p == 1:
            break
    box[0] = 0x63
    return box


SBOX = _sbox()


def double(a):
    return (a << 1 ^ (0x1B if a & 0x80 else 0)) & 0xFF


def schedule(key):
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    rcon = 1
    for i in range(8, 60):
        w = list(words[i - 1])
        if i % 8 == 0:
            w = [SBOX[b] for b in w[1:] + w[:1]]
            w[0] ^= rcon
            rcon = double(rcon)
        elif i % 8 == 4:
            w = [SBOX[b] for b in w]
        words.append([a ^ b for a, b in zip(words[i - 8], w)])
    return [sum(words[4 * r : 4 * r + 4], []) for r in range(15)]


def encrypt(keys, block):
    s = [a ^ b for a, b in zip(block, keys[0])]
    for r in range(1, 15):
        s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if r < 14:
            t = []
            for c in range(0, 16, 4):
                a = s[c : c + 4]
                t += [double(a[i]) ^ double(a[(i + 1) % 4]) ^ a[(i + 1) % 4] ^ a[(i + 2) % 4] ^ a[(i + 3) % 4] for i in range(4)]
            s = t
        s = [a ^ b for a, b in zip(s, keys[r])]
    return bytes(s)


def ghash(h, data):
    y = 0
    for i in range(0, len(data), 16):
        x, v = y ^ int.from_bytes(data[i : i + 16].ljust(16, b"\0"), "big"), h
        y = 0
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                y ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return y


def pad(data):
    return data + bytes(-len(data) % 16)


def gcm_open(key, ad, sealed):
    """The clear text, or None. The nonce is twelve zeros."""
    keys = schedule(key)
    text, tag = sealed[:-16], sealed[-16:]
    h = int.from_bytes(encrypt(keys, bytes(16)), "big")
    lengths = (8 * len(ad)).to_bytes(8, "big") + (8 * len(text)).to_bytes(8, "big")
    y = ghash(h, pad(ad) + pad(text) + lengths)
    if (y ^ int.from_bytes(encrypt(keys, bytes(15) + b"\1"), "big")).to_bytes(16, "big") != tag:
        return None
    out = b""
    for i in range(0, len(text), 16):
        stream = encrypt(keys, bytes(12) + (i // 16 + 2).to_bytes(4, "big"))
        out += bytes(a ^ b for a, b in zip(text[i : i + 16], stream))
    return out


P = 2**255 - 19


def x25519(secret, u):
    k = int.from_bytes(bytes([secret[0] & 248]) + secret[1:31] + bytes([secret[31] & 127 | 64]), "little")
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3 = 1, 0, x1, 1
    for bit in range(254, -1, -1):
        if k >> bit & 1:
            x2, x3, z2, z3 = x3, x2, z3, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % P, c * b % P
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        aa, bb = a * a % P, b * b % P
        e = aa - bb
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
        if k >> bit & 1:
            x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def bound(slot, log_id, generation):
    return log_id + slot[0:1] + slot[4:12] + slot[32:48] + slot[48:80] + slot[80:112] + generation


def open_frames(w, log_id, generation, data):
    ok(data[:10] == b"TQKEYS2\n\0\2" and data[16:48] == log_id + generation and data[48:80] == sha(data[:48]), "the key file's first page")
    at, number, frames = 4096, 0, []
    while at < len(data) and data[at : at + 8] == b"TQKEYFR2":
        n = int.from_bytes(data[at + 20 : at + 24], "big")
        head, sealed = data[at : at + 96], data[at + 96 : at + 96 + n]
        if sha(head + sealed) != data[at + 96 + n : at + 128 + n] or int.from_bytes(head[8:16], "big") != number:
            break
        key = expand(w, b"tourniquet key file v1\0" + generation + number.to_bytes(8, "big") + head[64:96])
        frames.append((head[16], gcm_open(key, head, sealed)))
        at += (128 + n + 4095) // 4096 * 4096
        number += 1
    return frames


def recovery_bytes(text):
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    v = 0
    for ch in text.strip().replace("-", ""):
        v = v << 5 | digits.index(ch)
    secret, check = v >> 24, v & 0xFFFFFF
    secret = secret.to_bytes(32, "big")
    return secret if sha(b"tourniquet recovery key v1" + secret)[:3] == check.to_bytes(3, "big") else None


def check(folder):
    def read(*path):
        with open(os.path.join(folder, *path), "rb") as f:
            return f.read()

    ring, root = read("ledger", "keyring"), read("root.key")
    log_id, copy = ring[16:32], ring[4096:8192]
    ok(len(ring) == 12288 and ring[:10] == b"TQKEYR1\n\0\2" and ring[32:64] == sha(ring[:32]), "the keyring's first page")
    ok(ring[8192:] == copy and copy[4064:] == sha(copy[:4064]) and copy[8:24] == log_id, "both copies of the slots are the same, and hold")
    generation, base = copy[24:40], int.from_bytes(copy[40:44], "big")
    slots = [copy[64 + 256 * i : 320 + 256 * i] for i in range(int.from_bytes(copy[44:48], "big"))]
    slot = next(s for s in slots if s[0] == 1)
    ok(hkdf(root, slot[48:80], b"tourniquet slot check v1")[:16] == slot[112:128], "the root key is this ledger's")
    w = gcm_open(hkdf(root, slot[48:80], b"tourniquet slot v1"), bound(slot, log_id, generation), slot[128:176])
    ok(w is not None, "the root key opens W")
    ok(mac(hkdf(w, log_id, b"tourniquet slots v1"), copy[:4032]) == copy[4032:4064], "whoever wrote the slots had W")
    frames = open_frames(w, log_id, generation, read("ledger", "keys", generation[:8].hex()))
    ok(len(frames) == base and all(clear is not None for _, clear in frames), f"W opens all {base} frames of the key file")
    identity = frames[0][1]
    ok(frames[0][0] == 1 and identity[:16] == log_id and identity[109:] == b"tourniquet.local/checked", "the first says whose ledger it is")
    keys = b"".join(clear for kind, clear in frames if kind == 2)
    gone = b"".join(clear for kind, clear in frames if kind == 3)
    ok(len(keys) == 3 * 84 and len(gone) == 32, "two keys of streams, one of a patient; one erased")
    purpose = identity[48:80]
    list_key = hkdf(purpose, log_id, b"tourniquet erasures v1")
    listed = read("ledger", "erasures")
    ok(listed[:10] == b"TQERASE\n\0\1" and listed[40:56] == mac(list_key, b"erased\n" + gone[:16])[:16] and listed[56:] == mac(list_key, b"list\n" + listed[:56]),
       "the erasure list has its mark")
    secret = recovery_bytes(read("recovery").decode())
    slot = next(s for s in slots if s[0] == 4)
    public = x25519(secret, b"\x09" + bytes(31))
    ok(secret is not None and public == slot[80:112], "the printed recovery key is the one of the slot")
    box = slot[128:208]
    key = hkdf(x25519(secret, box[:32]), box[:32] + public, b"tourniquet recovery v1")
    ok(gcm_open(key, bound(slot, log_id, generation), box[32:]) == w, "and opens W")
    ok(gcm_open(key, bound(slot, log_id, generation)[:-1] + b"x", box[32:]) is None, "of this generation only")


if __name__ == "__main__":
    check(sys.argv[1])
    print(f"1..{count}")
    sys.exit(1 if failed else 0)
