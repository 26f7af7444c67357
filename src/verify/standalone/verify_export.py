#!/usr/bin/env python3
"""Checks a ledger export or a receipt of Holdfast with nothing of Holdfast: one file, Python 3.9 or newer, standard library only, no network.

Written from FORMAT.md and the C2SP texts (signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof), RFC 6962,
RFC 8032, RFC 8785, FIPS 204, FIPS 186-5, RFC 8017 and OpenSSH's PROTOCOL files alone. The signatures of the log (Ed25519 and
ML-DSA-44) and of actors (Ed25519, ECDSA, RSA, FIDO keys) are all verified, by the arithmetic below.

    python3 verify_export.py DIR [--vkey FILE] [--witness FILE] [--proof FILE --leaf-index N]
    python3 verify_export.py --receipt FILE [--vkey FILE] [--evidence FILE]

A receipt is the custody.json of `custody --out`, or the exhibit.json beside an object (FORMAT.md sections 16 and 17).
Exit status: 0 everything holds, 1 damaged, with what is damaged, 2 wrong usage, or something could not be read or checked.
"""

import base64
import binascii
import datetime
import hashlib
import json
import os
import re
import sys
import unicodedata
from collections import namedtuple

USAGE = """usage: verify_export.py DIR [--vkey FILE] [--witness FILE] [--proof FILE --leaf-index N]
       verify_export.py --receipt FILE [--vkey FILE] [--evidence FILE]"""
MAX_RECEIPT = 64 << 20
MAX_NOTE = 1 << 20
MAX_SAFE = 2**53 - 1
NO_PREVIOUS = "0" * 64


class Damage(Exception):
    """Something is not what it has to be."""


class CannotCheck(Exception):
    """Wrong usage, or something that keeps from checking."""


def demand(condition, where, what):
    if not condition:
        raise Damage(f"{where}: {what}")


def sha256(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part)
    return h.digest()


# ---- Ed25519, RFC 8032 section 5.1, verification only: nothing here is secret, so it need not run in constant time ----

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def point_add(a, b):
    """Extended homogeneous coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""
    s = (a[1] - a[0]) * (b[1] - b[0]) % P
    t = (a[1] + a[0]) * (b[1] + b[0]) % P
    c = 2 * a[3] * b[3] * D % P
    d = 2 * a[2] * b[2] % P
    e, f, g, h = t - s, d - c, d + c, t + s
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(n, point):
    total = (0, 1, 1, 0)
    while n > 0:
        if n & 1:
            total = point_add(total, point)
        point = point_add(point, point)
        n >>= 1
    return total


def decompress(text):
    if len(text) != 32:
        return None
    y = int.from_bytes(text, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_holds(public, message, signature):
    if len(signature) != 64:
        return False
    a = decompress(public)
    r = decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = point_mul(s, BASE), point_add(r, point_mul(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- ML-DSA-44, FIPS 204 section 6.3, verification only ----

Q = 8380417
ROWS = COLUMNS = 4
DROPPED, TAU, OMEGA = 13, 39, 80
GAMMA1, GAMMA2 = 2**17, (Q - 1) // 88
BETA = 2 * TAU
ZETAS = [pow(1753, int(f"{i:08b}"[::-1], 2), Q) for i in range(256)]


def ntt(values):
    w, m, length = list(values), 0, 128
    while length >= 1:
        for start in range(0, 256, 2 * length):
            m += 1
            for j in range(start, start + length):
                t = ZETAS[m] * w[j + length] % Q
                w[j + length] = (w[j] - t) % Q
                w[j] = (w[j] + t) % Q
        length //= 2
    return w


def inverse_ntt(values):
    w, m, length = list(values), 256, 1
    while length < 256:
        for start in range(0, 256, 2 * length):
            m -= 1
            for j in range(start, start + length):
                t = w[j]
                w[j] = (t + w[j + length]) % Q
                w[j + length] = -ZETAS[m] * (t - w[j + length]) % Q
        length *= 2
    return [x * 8347681 % Q for x in w]


def unpack(data, bits):
    whole, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return [(whole >> (bits * i)) & mask for i in range(256)]


def matrix_entry(rho, row, column):
    """RejNTTPoly: 1,024 bytes of SHAKE128 give 341 candidates, of which all but a thousandth are taken."""
    found, blocks = [], 1
    while len(found) < 256:
        stream = hashlib.shake_128(rho + bytes([column, row])).digest(1023 * blocks)
        candidates = (stream[i] | stream[i + 1] << 8 | (stream[i + 2] & 0x7F) << 16 for i in range(0, len(stream), 3))
        found = [x for x in candidates if x < Q][:256]
        blocks += 1
    return found


def challenge(seed):
    """SampleInBall. The stream is far longer than it can need."""
    stream = hashlib.shake_256(seed).digest(8 + 4096)
    signs, at, c = int.from_bytes(stream[:8], "little"), 8, [0] * 256
    for i in range(256 - TAU, 256):
        while stream[at] > i:
            at += 1
        j = stream[at]
        at += 1
        c[i] = c[j]
        c[j] = -1 if (signs >> (i + TAU - 256)) & 1 else 1
    return c


def hints(data):
    """HintBitUnpack; None where there would be a second spelling of the same hints."""
    rows, index = [], 0
    for end in data[OMEGA:]:
        if end < index or end > OMEGA:
            return None
        row = list(data[index:end])
        if any(a >= b for a, b in zip(row, row[1:])):
            return None
        rows.append(set(row))
        index = end
    return rows if not any(data[index:OMEGA]) else None


def use_hint(hint, r):
    r0 = r % (2 * GAMMA2)
    if r0 > GAMMA2:
        r0 -= 2 * GAMMA2
    r1 = 0 if r - r0 == Q - 1 else (r - r0) // (2 * GAMMA2)
    if r - r0 == Q - 1:
        r0 -= 1
    if not hint:
        return r1
    return (r1 + 1) % 44 if r0 > 0 else (r1 - 1) % 44


def ml_dsa_44_holds(public, message, signature):
    if len(public) != 32 + 320 * ROWS or len(signature) != 32 + 576 * COLUMNS + OMEGA + ROWS:
        return False
    rho, seed = public[:32], signature[:32]
    t1 = [unpack(public[32 + 320 * i : 352 + 320 * i], 10) for i in range(ROWS)]
    z = [[GAMMA1 - x for x in unpack(signature[32 + 576 * i : 608 + 576 * i], 18)] for i in range(COLUMNS)]
    hint = hints(signature[32 + 576 * COLUMNS :])
    if hint is None or any(abs(x) >= GAMMA1 - BETA for row in z for x in row):
        return False
    mu = hashlib.shake_256(hashlib.shake_256(public).digest(64) + b"\x00\x00" + message).digest(64)
    c, z = ntt(challenge(seed)), [ntt(row) for row in z]
    encoded = b""
    for i in range(ROWS):
        total = [-x * y for x, y in zip(c, ntt([x << DROPPED for x in t1[i]]))]
        for j in range(COLUMNS):
            total = [sum_ + x * y for sum_, x, y in zip(total, matrix_entry(rho, i, j), z[j])]
        w1 = [use_hint(n in hint[i], r) for n, r in enumerate(inverse_ntt([x % Q for x in total]))]
        encoded += sum(x << (6 * n) for n, x in enumerate(w1)).to_bytes(192, "little")
    return hashlib.shake_256(mu + encoded).digest(32) == seed


# ---- ECDSA, FIPS 186-5 section 6.4.2, and RSASSA-PKCS1-v1_5, RFC 8017 section 8.2.2, verification only ----

# Prime, b, order, base point, hash. In all of them a is -3.
CURVES = {
    "nistp256": (
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        "sha256",
    ),
    "nistp384": (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        "sha384",
    ),
    "nistp521": (
        2**521 - 1,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        0x00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
        0x011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
        "sha512",
    ),
}


def jacobian_double(point, p):
    x, y, z = point
    if not y:
        return (0, 1, 0)
    delta, gamma = z * z % p, y * y % p
    beta, alpha = x * gamma % p, 3 * (x - delta) * (x + delta) % p
    x3 = (alpha * alpha - 8 * beta) % p
    return (x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % p, ((y + z) * (y + z) - gamma - delta) % p)


def jacobian_add(a, b, p):
    if not a[2]:
        return b
    if not b[2]:
        return a
    za, zb = a[2] * a[2] % p, b[2] * b[2] % p
    ua, ub = a[0] * zb % p, b[0] * za % p
    sa, sb = a[1] * b[2] * zb % p, b[1] * a[2] * za % p
    if ua == ub:
        return jacobian_double(a, p) if sa == sb else (0, 1, 0)
    h, r = (ub - ua) % p, (sb - sa) % p
    h2 = h * h % p
    h3, v = h * h2 % p, ua * h2 % p
    x = (r * r - h3 - 2 * v) % p
    return (x, (r * (v - x) - sa * h3) % p, h * a[2] * b[2] % p)


def ecdsa_holds(curve, x, y, r, s, message):
    p, b, n, gx, gy, name = CURVES[curve]
    if not (0 < r < n and 0 < s < n and x < p and y < p and (y * y - x * x * x + 3 * x - b) % p == 0):
        return False
    e = int.from_bytes(hashlib.new(name, message).digest(), "big")  # no hash here is longer than its order
    w = pow(s, n - 2, n)
    u, v = e * w % n, r * w % n
    base, key = (gx, gy, 1), (x, y, 1)
    both, total = jacobian_add(base, key, p), (0, 1, 0)
    for i in range(n.bit_length() - 1, -1, -1):
        total = jacobian_double(total, p)
        pick = (u >> i & 1) + 2 * (v >> i & 1)
        if pick:
            total = jacobian_add(total, (base, key, both)[pick - 1], p)
    if not total[2]:
        return False
    z = pow(total[2], p - 2, p)
    return total[0] * z * z % p % n == r


DIGEST_INFO = {"sha256": "3031300d060960864801650304020105000420", "sha512": "3051300d060960864801650304020305000440"}


def rsa_holds(e, n, name, signature, message):
    size = (n.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= n:
        return False
    info = bytes.fromhex(DIGEST_INFO[name]) + hashlib.new(name, message).digest()
    return pow(number, e, n).to_bytes(size, "big") == b"\x00\x01" + b"\xff" * (size - 3 - len(info)) + b"\x00" + info


# ---- bytes and text ----


def utf8(data, where):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Damage(f"{where}: is not UTF-8") from None


def unbase64(text, where):
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise Damage(f"{where}: holds what is not base64") from None
    demand(base64.b64encode(data).decode("ascii") == text, where, "holds base64 that is not canonical")
    return data


def file_of(path, name, limit):
    demand(os.path.isfile(path), name, "is missing")
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    demand(len(data) <= limit, name, f"is longer than {limit} bytes, which cannot be right")
    return data


# ---- keys, notes, checkpoints ----

KEY_BYTES = {1: 32, 6: 1312}
SIGNATURE_BYTES = {1: 64, 6: 8 + 2420}
KEY_NAME = {1: "Ed25519", 6: "ML-DSA-44"}


Key = namedtuple("Key", "name key_id kind public vkey until end")


def ends_of(keys):
    return sorted({key.until for key in keys if key.until is not None})


def signers(keys, size):
    """The generation that signs heads of this size (FORMAT.md section 7)."""
    until = next((end for end in ends_of(keys) if size < end), None)
    return [key for key in keys if key.until == until]


def keys_of(data, where):
    text = utf8(data, where)
    demand(text.endswith("\n"), where, "does not end with a newline")
    keys = []
    for line in text[:-1].split("\n"):
        retired = re.fullmatch(r"until (0|[1-9][0-9]{0,15}) (rotated|revoked) (\S+)", line)
        vkey = retired[3] if retired else line
        match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)", vkey)
        demand(match, where, "has a line that is no verifier key")
        name, key_id, field = match[1], bytes.fromhex(match[2]), unbase64(match[3], where)
        kind = field[0]
        demand(len(field) == 1 + KEY_BYTES.get(kind, -1), where, "has a key of an unknown type or a wrong length")
        demand(sha256(name.encode(), b"\n", field)[:4] == key_id, where, "has a key whose id is not its own")
        keys.append(Key(name, key_id, kind, field[1:], vkey, int(retired[1]) if retired else None, retired[2] if retired else None))
    demand(len({key.name for key in keys}) == 1, where, "lists keys of several logs")
    demand(len({key.key_id for key in keys}) == len(keys), where, "lists a key twice")
    demand(any(key.until is None for key in keys), where, "lists no key that signs today")
    return keys


def cosigned_message(origin, size, root, time, signer=None):
    """C2SP tlog-cosignature, of the whole tree, signed by the log itself or by a witness."""
    log, who = ((bytes([len(name.encode())]) + name.encode()) for name in (origin, signer or origin))
    return b"subtree/v1\n\x00" + who + time + log + bytes(8) + size.to_bytes(8, "big") + root


def signed_note(data, where):
    """Text and signatures (name, key id, bytes) of a signed note; says nothing about who signed."""
    demand(len(data) <= MAX_NOTE, where, "is too long for a note")
    text = utf8(data, where)
    demand(all(byte >= 0x20 or byte == 0x0A for byte in data), where, "holds a control byte")
    at = text.rfind("\n\n")
    demand(at >= 0 and text.endswith("\n") and at + 2 < len(text), where, "is not a signed note")
    body = text[: at + 1]
    lines = text[at + 2 : -1].split("\n")
    demand(len(lines) <= 64, where, "has more than 64 signature lines")
    signatures = []
    for line in lines:
        match = re.fullmatch(r"\u2014 ([^ +\s]+) ([A-Za-z0-9+/]+={0,2})", line)
        demand(match, where, "has a signature line of another shape")
        field = unbase64(match[2], where)
        demand(len(field) > 4, where, "has an empty signature")
        signatures.append((match[1], field[:4], field[4:]))
    return body, signatures


def open_checkpoint(data, keys, where, said):
    """Origin, size, root of a note that carries a good signature of every key that its size is due to."""
    body, signatures = signed_note(data, where)
    match = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n", body)
    demand(match, where, "is not origin, size and root")
    origin, size, root = match[1], int(match[2]), unbase64(match[3], where)
    demand(size <= MAX_SAFE, where, "has a size past 2^53")
    demand(len(origin.encode()) <= 255, where, "has an origin of more than 255 bytes")
    demand(origin == keys[0][0], where, f"is of the log {origin!r}, and the keys are of {keys[0][0]!r}")
    for name, key_id, kind, public, *_ in signers(keys, size):
        called = f"{KEY_NAME[kind]} key {key_id.hex()}"
        own = [field for (who, which, field) in signatures if who == name and which == key_id]
        demand(own, where, f"has no signature of the {called}")
        for field in own:
            demand(len(field) == SIGNATURE_BYTES[kind], where, f"has a signature of the {called} of a wrong length")
            if kind == 1:
                good = ed25519_holds(public, body.encode(), field)
            else:
                good = field[0] < 0x80 and ml_dsa_44_holds(public, cosigned_message(origin, size, root, field[:8]), field[8:])
            demand(good, where, f"has a signature of the {called} that does not verify")
        said.append(f"{called}: signature good")
    return origin, size, root


Witness = namedtuple("Witness", "name key_id kind public")


def witness_keys_of(data, where):
    """Keys of witnesses, one a line: type 4 (Ed25519, cosignature/v1) or 6 (ML-DSA-44)."""
    found = []
    for line in [line for line in utf8(data, where).split("\n") if line]:
        match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)", line)
        demand(match, where, "has a line that is no verifier key")
        field = unbase64(match[3], where)
        kind = {4: 1, 6: 6}.get(field[0])
        demand(kind is not None and len(field) == 1 + KEY_BYTES[kind], where, "has a key that is no witness's (type 4 or 6)")
        key_id = sha256(match[1].encode(), b"\n", field)[:4]
        demand(key_id.hex() == match[2], where, "has a key whose id is not its own")
        found.append(Witness(match[1], key_id, kind, field[1:]))
    demand(found, where, "names no witness")
    return found


def cosigned_at(witness, origin, size, root, body, field):
    """The time in Unix seconds at which the witness signed this head, or None where the line does not hold."""
    if len(field) != SIGNATURE_BYTES[witness.kind] + (8 if witness.kind == 1 else 0):
        return None
    seconds, signature = int.from_bytes(field[:8], "big"), field[8:]
    if not 0 < seconds < 2**63:
        return None
    if witness.kind == 1:
        good = ed25519_holds(witness.public, f"cosignature/v1\ntime {seconds}\n{body}".encode(), signature)
    else:
        good = ml_dsa_44_holds(witness.public, cosigned_message(origin, size, root, field[:8], witness.name), signature)
    return seconds if good else None


ARCHIVE = {"certificates", "crls", "note", "response", "revocation", "sha256", "v"}


class Anchors:
    """Proofs from outside (FORMAT.md sections 12 and 14): every kept head has to be of this log and of this tree."""

    def __init__(self, keys, size, witnesses):
        self.keys, self.size, self.witnesses = keys, size, witnesses
        self.heads, self.best, self.tokens, self.unknown = {}, {}, {}, 0

    def note(self, data, where, expected):
        head = open_checkpoint(data, self.keys, where, [])
        demand(head[1] == expected, where, f"is of size {head[1]}")
        self.take(head, data, where)

    def take(self, head, data, where):
        origin, size, root = head
        self.heads.setdefault(size, []).append((where, root))
        body, signatures = signed_note(data, where)
        for witness in self.witnesses:
            for name, key_id, field in signatures:
                if (name, key_id) != (witness.name, witness.key_id):
                    continue
                seconds = cosigned_at(witness, origin, size, root, body, field)
                demand(seconds is not None, where, f"has a cosignature of {name} that does not verify")
                if size >= self.best.get(witness, (-1, 0))[0]:
                    self.best[witness] = (size, seconds)

    def read(self, folder):
        base = os.path.join(folder, "anchors")
        for file in sorted(os.listdir(base)) if os.path.isdir(base) else []:
            where = f"anchors/{file}"
            match = re.fullmatch(r"([0-9]{20})\.(witness|rfc3161)\.([A-Za-z0-9][A-Za-z0-9._-]{0,63})", file)
            if match is None:
                self.unknown += 1
                continue
            size = int(match[1])
            demand(size <= self.size, where, f"vouches for {size} entries, and the checkpoint has {self.size}: an older one was put back")
            data = file_of(os.path.join(base, file), where, 1 << 24)
            if match[2] == "witness":
                self.note(data, where, size)
            else:
                self.token(data, where, size, match[3])

    def token(self, data, where, size, name):
        """The token's own signature is for openssl; that it is of this note, and the note of this log, is checked."""
        archive = parsed(data, where)
        demand(isinstance(archive, dict) and set(archive) == ARCHIVE, where, "has not exactly the members of an archived timestamp")
        demand(archive["v"] == "holdfast.rfc3161/v1" and isinstance(archive["note"], str) and isinstance(archive["response"], str), where, "is not an archived timestamp")
        rest = {key: value for key, value in archive.items() if key != "sha256"}
        demand(sha256(canonical(rest).encode()).hex() == archive["sha256"], where, "does not have the digest that it states")
        self.note(archive["note"].encode(), where, size)
        demand(sha256(archive["note"].encode()) in unbase64(archive["response"], where), where, "has a response that is not about its note")
        self.tokens[name] = max(size, self.tokens.get(name, 0))

    def reached(self, size, root):
        for where, theirs in self.heads.get(size, []):
            demand(theirs == root(), where, f"its head of size {size} is signed and is of another history than the export: a FORK")

    def end(self):
        for witness, (size, seconds) in self.best.items():
            try:
                time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
            except (OverflowError, ValueError, OSError):
                time = f"second {seconds}"
            print(f"{witness.name} cosigned the first {size} of {self.size} entries: signature good, of {time}")
        for name, size in self.tokens.items():
            print(f"the timestamp of {name} is over the first {size} of {self.size} entries; its signature is NOT CHECKED here: openssl ts -verify does")
        if self.unknown > 0:
            print(f"{self.unknown} files under anchors/ are of a kind that this verifier does not know")

    def demand_all(self):
        """Whoever names a witness wants its word."""
        for witness in self.witnesses:
            if witness not in self.best:
                raise CannotCheck(f"the export holds no cosignature of {witness.name}")


class Changes:
    """Each change of keys in the list needs its act before it, with the old keys' word for the new ones."""

    def __init__(self, keys):
        self.keys, self.met, self.waiting = keys, set(), 0

    def take(self, act, seq, where):
        if act["act"] not in ("key-rotated", "key-revoked"):
            return
        asked = act["detail"].get("asked")
        names = asked.get("keys") if isinstance(asked, dict) else None
        demand(isinstance(names, list) and all(isinstance(name, str) for name in names), where, "gives the log new keys and does not name them")
        at = next((end for end in ends_of(self.keys) if [key.vkey for key in signers(self.keys, end)] == names), None)
        if at is None:
            self.waiting += 1
            return
        old = signers(self.keys, at - 1)
        demand(seq < at, where, f"names the keys that sign from size {at} on, and stands behind it")
        demand(act["act"] == f"key-{old[0].end}", where, f"is a {act['act']}, and the list says {old[0].end}")
        succession = act["detail"].get("succession")
        demand(isinstance(succession, str), where, "has no succession")
        body, signatures = signed_note(succession.encode(), f"{where}: its succession")
        demand(body == "\n".join(["holdfast.succession/v1", old[0].name, *names, ""]), where, "has a succession that is not that of its keys")
        for key in old:
            holds = ed25519_holds if key.kind == 1 else ml_dsa_44_holds
            field = next((field for (name, key_id, field) in signatures if (name, key_id) == (key.name, key.key_id)), b"")
            demand(holds(key.public, body.encode(), field), where, f"has a succession that the {KEY_NAME[key.kind]} key {key.key_id.hex()} did not sign")
        self.met.add(at)

    def end(self, size):
        for at in ends_of(self.keys):
            demand(at in self.met or at > size + 1, "log.vkey", f"says that other keys sign from size {at} on, and no entry says so")


def trusted_keys(pinned, theirs):
    """Those that were pinned, or, where they have signed the succession since, the longer list of the export itself."""
    listed = {key.vkey: key.until for key in theirs}
    found = {listed.get(key.vkey) for key in pinned if key.until is None}
    if len(found) != 1 or None in found:
        return pinned
    (at,) = found
    revoked = any(key.end == "revoked" and key.until >= at for key in theirs if key.until is not None)
    demand(not revoked, "log.vkey", "says that keys were revoked after the pinned ones; take the new keys from someone you trust and pin those")
    print(f"the pinned keys were retired before size {at}; those after them are taken on their signed word")
    return theirs


# ---- the tree, RFC 6962 section 2.1, and its tiles ----


def tile_name(level, n, width):
    groups = [f"{n % 1000:03d}"]
    n //= 1000
    while n > 0:
        groups.insert(0, f"x{n % 1000:03d}")
        n //= 1000
    return f"tile/{level}/" + "/".join(groups) + ("" if width == 256 else f".p/{width}")


class Tree:
    def __init__(self, on_tile):
        self.size = 0
        self.peaks = []  # (height, hash) of complete subtrees, from left to right
        self.rows = []  # of each level: number of its unfinished tile, and the tile's bytes
        self.on_tile = on_tile

    def add(self, leaf_hash):
        height, node = 0, leaf_hash
        self._row(0, node)
        while self.peaks and self.peaks[-1][0] == height:
            node = sha256(b"\x01", self.peaks.pop()[1], node)
            height += 1
            if height % 8 == 0:
                self._row(height // 8, node)
        self.peaks.append((height, node))
        self.size += 1

    def _row(self, level, node):
        if level == len(self.rows):
            self.rows.append([0, bytearray()])
        row = self.rows[level]
        row[1] += node
        if len(row[1]) == 8192:
            self.on_tile(level, row[0], bytes(row[1]))
            row[0] += 1
            row[1] = bytearray()

    def end(self):
        for level, (n, data) in enumerate(self.rows):
            if data:
                self.on_tile(level, n, bytes(data))

    def root(self):
        if not self.peaks:
            return sha256(b"")
        node = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            node = sha256(b"\x01", left, node)
        return node


# ---- the leaves ----


class NotInALeaf(Exception):
    pass


def whole_number(text):
    n = int(text)
    if abs(n) > MAX_SAFE or str(n) != text:
        raise NotInALeaf(f"holds the number {text[:40]}")
    return n


def no_number(text):
    raise NotInALeaf(f"holds the number {text[:40]}")


def members_once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotInALeaf("has a member twice")
    return found


def canonical(value, depth=0):
    """RFC 8785 text; refuses what FORMAT.md section 2 does not allow in a leaf."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise NotInALeaf("holds a lone surrogate")
        if unicodedata.normalize("NFC", value) != value:
            raise NotInALeaf("holds text that is not in Unicode NFC")
        return json.dumps(value, ensure_ascii=False)
    if depth >= 32:
        raise NotInALeaf("is nested deeper than 32")
    if isinstance(value, list):
        return "[" + ",".join(canonical(item, depth + 1) for item in value) + "]"
    if "__proto__" in value:
        raise NotInALeaf("has a member __proto__")
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{canonical(name)}:{canonical(value[name], depth + 1)}" for name in names) + "}"


def parsed(data, where):
    text = utf8(data, where)
    try:
        value = json.loads(text, object_pairs_hook=members_once, parse_int=whole_number, parse_float=no_number, parse_constant=no_number)
        again = canonical(value)
    except NotInALeaf as error:
        raise Damage(f"{where}: {error}") from None
    except (ValueError, RecursionError):
        raise Damage(f"{where}: is not JSON, or is nested too deeply") from None
    demand(again == text, where, "is not in canonical form (RFC 8785)")
    return value


def is_text(value):
    return isinstance(value, str)


def is_filled(value):
    return isinstance(value, str) and value != ""


def is_flag(value):
    return value is True or value is False


def is_count(value):
    return isinstance(value, int) and not is_flag(value) and value >= 0


def is_object(value):
    return isinstance(value, dict)


def is_texts(value):
    return isinstance(value, list) and all(is_text(item) for item in value)


def is_time(value):
    if not (is_text(value) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", value)):
        return False
    try:
        datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")
        return True
    except ValueError:
        return False


def matching(pattern):
    return lambda value: is_text(value) and re.fullmatch(pattern, value) is not None


def one_of(*words):
    return lambda value: is_text(value) and value in words


def or_null(test):
    return lambda value: value is None or test(value)


CASE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
is_hex = matching(r"[0-9a-f]{64}")
is_digits = matching(r"[0-9]+")
is_decimal = matching(r"-?[0-9]+(\.[0-9]+)?")

# FORMAT.md section 4. Later releases add names: those are told, not refused.
ACTS = set(
    "home-made case-opened note planned started collected empty source-disabled denied unavailable truncated failed sealed accessed "
    "verified held retention-extended resumed intended changed undone cancelled cleaned finished refused actor-enrolled actor-revoked "
    "requested approved hold-cleared retention-cut released transferred acknowledged corrected disposed unredacted-exported "
    "key-rotated key-revoked key-backed-up restored".split()
)

PREDICATE = {
    "act": matching(r"[a-z]+(-[a-z]+)*"),
    "actor": is_object,
    "authority": or_null(is_text),
    "case": or_null(matching(CASE)),
    "clock": is_object,
    "collection": or_null(is_filled),
    "detail": is_object,
    "digests": is_object,
    "exhibits": lambda value: isinstance(value, list),
    "lease": or_null(is_count),
    "once": or_null(is_filled),
    "reason": or_null(is_text),
    "requestIds": is_texts,
    "step": or_null(is_filled),
    "stored": or_null(is_object),
    "target": or_null(is_filled),
    "time": is_time,
    "tool": is_object,
}
STORED = {
    "bytes": is_digits,
    "checksum": is_object,
    "encoding": one_of("identity", "zstd"),
    "legalHold": or_null(is_flag),
    "lock": one_of("irrevocable", "bypassable", "removable", "none", "unknown"),
    "mode": or_null(one_of("compliance", "governance", "locked", "unlocked", "directory", "snapshot")),
    "problems": is_texts,
    "requestIds": is_texts,
    "retainUntil": or_null(is_text),
    "sealed": is_flag,
    "text": is_text,
    "uri": is_filled,
    "version": or_null(is_text),
}
CHECKSUM = {"algorithm": one_of("sha256"), "partSize": is_digits, "type": one_of("full", "composite"), "value": is_text}
ACTOR = {"id": is_filled, "kind": one_of("person", "machine"), "proof": one_of("signed", "oidc", "asserted")}
CLOCK = {"offsetMs": or_null(is_decimal), "source": is_filled, "uncertaintyMs": or_null(is_decimal)}
TOOL = {"name": is_filled, "sha256": is_hex, "version": is_filled}
LINK = {"exhibit_prev": is_hex, "exhibit_seq": is_count, "id": is_text}
DIGEST = {"bytes": is_digits, "sha256": is_hex}
SIGNATURE = {"keyid": is_text, "sig": is_text}
ENVELOPE = {
    "nonce": is_text,
    "payload": is_text,
    "payloadType": one_of("application/vnd.in-toto+json"),
    "signatures": lambda value: isinstance(value, list),
    "v": one_of("holdfast.custody/v1"),
}
STATEMENT = {
    "_type": one_of("https://in-toto.io/Statement/v1"),
    "predicate": is_object,
    "predicateType": one_of("urn:holdfast:act:v1"),
    "subject": lambda value: isinstance(value, list),
}


def shaped(value, shape, where, what):
    demand(is_object(value) and value.keys() == shape.keys(), where, f"its {what} has not exactly the members {', '.join(shape)}")
    for name, test in shape.items():
        demand(test(value[name]), where, f"the {name} of its {what} is malformed")
    return value


def subject_of(act, origin):
    names = sorted(act["digests"])
    if names:
        return [{"digest": {"sha256": act["digests"][name]["sha256"]}, "name": name} for name in names]
    name = origin if act["case"] is None else act["case"]
    return [{"annotations": {"digestOf": "name"}, "digest": {"sha256": sha256(name.encode()).hex()}, "name": name}]


def act_of(leaf, origin, where):
    envelope = shaped(parsed(leaf, where), ENVELOPE, where, "envelope")
    demand(len(unbase64(envelope["nonce"], where)) == 16, where, "has a nonce that is not 16 bytes")
    for signature in envelope["signatures"]:
        unbase64(shaped(signature, SIGNATURE, where, "signature")["sig"], where)
    statement = shaped(parsed(unbase64(envelope["payload"], where), where), STATEMENT, where, "statement")
    act = shaped(statement["predicate"], PREDICATE, where, "predicate")
    shaped(act["actor"], ACTOR, where, "actor")
    shaped(act["clock"], CLOCK, where, "clock")
    shaped(act["tool"], TOOL, where, "tool")
    if act["stored"] is not None:
        shaped(act["stored"], STORED, where, "stored")
        shaped(act["stored"]["checksum"], CHECKSUM, where, "checksum")
    for link in act["exhibits"]:
        shaped(link, LINK, where, "exhibit")
    about = {link["id"] for link in act["exhibits"]}
    demand(len(about) == len(act["exhibits"]), where, "names an exhibit twice")
    for exhibit, digest in act["digests"].items():
        demand(exhibit in about, where, "has a digest of an exhibit that it is not about")
        shaped(digest, DIGEST, where, "digest")
    due = 1 if act["actor"]["proof"] == "signed" else 0
    demand(len(envelope["signatures"]) == due, where, f"has not the signatures of an actor whose proof is {act['actor']['proof']}")
    demand(act["lease"] is None or act["collection"] is not None, where, "has a lease and no collection")
    demand(statement["subject"] == subject_of(act, origin), where, "has a subject that does not follow from its predicate")
    return act


class Custody:
    """What acts say about one another (FORMAT.md sections 3 to 5)."""

    def __init__(self):
        self.numbers = {}  # case: highest exhibit number so far
        self.last = {}  # exhibit: place in its chain and leaf hash of its newest act
        self.once = set()
        self.leases = {}
        self.unknown = {}

    def take(self, act, leaf_hash, where):
        if act["act"] not in ACTS:
            self.unknown[act["act"]] = self.unknown.get(act["act"], 0) + 1
        if act["once"] is not None:
            demand(act["once"] not in self.once, where, f"is the second act named {act['once']!r}")
            self.once.add(act["once"])
        if act["lease"] is not None:
            demand(act["lease"] >= self.leases.get(act["collection"], 0), where, "has a lease older than one before it")
            self.leases[act["collection"]] = act["lease"]
        if act["act"] == "case-opened":
            self._open(act, where)
        for link in act["exhibits"]:
            self._link(link, leaf_hash, where)

    def _open(self, act, where):
        demand(act["case"] is not None, where, "opens no case")
        demand(act["case"] not in self.numbers, where, f"opens the case {act['case']} a second time")
        detail = act["detail"]
        demand(detail.get("severity") in ("low", "medium", "high", "critical"), where, "has no known severity")
        demand(detail.get("sensitivity") in ("public", "internal", "confidential", "restricted"), where, "has no known sensitivity")
        for name in ("title", "jurisdiction", "retention"):
            demand(detail.get(name) is None or is_text(detail[name]), where, f"has a {name} that is no text")
        self.numbers[act["case"]] = 0

    def _link(self, link, leaf_hash, where):
        exhibit, place, previous = link["id"], link["exhibit_seq"], link["exhibit_prev"]
        match = re.fullmatch(rf"({CASE})/([0-9]{{3,9}})", exhibit)
        demand(match and f"{int(match[2]):03d}" == match[2], where, f"names {exhibit!r}, which is no exhibit id")
        if place == 0:
            demand(exhibit not in self.last and previous == NO_PREVIOUS, where, f"begins the chain of {exhibit}, which has begun")
            demand(match[1] in self.numbers, where, f"begins {exhibit}, whose case was not opened before")
            due = self.numbers[match[1]] + 1
            demand(int(match[2]) == due, where, f"begins {exhibit} where number {due} was next")
            self.numbers[match[1]] = due
        else:
            demand(self.last.get(exhibit) == (place - 1, previous), where, f"says it is act {place} of {exhibit}, and does not follow the act before")
        self.last[exhibit] = (place, leaf_hash.hex())


# ---- actors, their signatures, and what needs two persons: FORMAT.md section 13 ----


class Wire:
    """RFC 4251 section 5, as far as keys and signatures use it."""

    def __init__(self, data, where):
        self.data, self.at, self.where = data, 0, where

    def take(self, length):
        demand(self.at + length <= len(self.data), self.where, "has a key or signature that ends too early")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self):
        return int.from_bytes(self.take(4), "big")

    def string(self):
        return self.take(self.number())

    def text(self):
        return self.string().decode("latin-1")

    def mpint(self):
        """Positive, in its shortest form."""
        data = self.string()
        shortest = data and data[0] < 0x80 and (data[0] != 0 or (len(data) > 1 and data[1] >= 0x80))
        demand(shortest, self.where, "has a number in a key or signature that is not a positive mpint")
        return int.from_bytes(data, "big")

    def end(self):
        demand(self.at == len(self.data), self.where, "has a key or signature that goes on after its end")


def wire_string(data):
    return len(data).to_bytes(4, "big") + data


def ssh_key(blob, where):
    """Type, FIDO application or None, fingerprint, and what verifies (name, message, signature)."""
    wire = Wire(blob, where)
    kind = wire.text()
    if kind in ("ssh-ed25519", "sk-ssh-ed25519@openssh.com"):
        public = wire.string()
        demand(len(public) == 32, where, "has an Ed25519 key of a wrong length")

        def holds(name, message, signature):
            return name == kind and ed25519_holds(public, message, signature)

    elif re.fullmatch(r"ecdsa-sha2-nistp(256|384|521)|sk-ecdsa-sha2-nistp256@openssh\.com", kind):
        curve = wire.text()
        demand(curve in CURVES and f"-{curve}" in kind, where, "has a key on another curve than it says")
        p, b = CURVES[curve][:2]
        width, point = (p.bit_length() + 7) // 8, wire.string()
        demand(len(point) == 1 + 2 * width and point[0] == 4, where, "has a key that is no uncompressed point")
        x, y = int.from_bytes(point[1 : 1 + width], "big"), int.from_bytes(point[1 + width :], "big")
        demand(x < p and y < p and (y * y - x * x * x + 3 * x - b) % p == 0, where, "has a key that is no point of its curve")

        def holds(name, message, signature):
            numbers = Wire(signature, where)
            r, s = numbers.mpint(), numbers.mpint()
            numbers.end()
            return name == kind and ecdsa_holds(curve, x, y, r, s, message)

    elif kind == "ssh-rsa":
        e, n = wire.mpint(), wire.mpint()
        demand(n.bit_length() >= 3072, where, "has an RSA key of fewer than 3072 bits")

        def holds(name, message, signature):
            return name in ("rsa-sha2-256", "rsa-sha2-512") and rsa_holds(e, n, name[4:].replace("sha2-", "sha"), signature, message)

    else:
        raise Damage(f"{where}: has a key of the unknown type {kind!r}")
    application = wire.string() if kind.startswith("sk-") else None
    wire.end()
    return kind, application, "SHA256:" + base64.b64encode(sha256(blob)).decode().rstrip("="), holds


def sshsig_signer(blob, message, where):
    """The fingerprint of the key whose SSHSIG stands over the message (OpenSSH, PROTOCOL.sshsig)."""
    demand(blob[:6] == b"SSHSIG", where, "has a signature that is no SSHSIG")
    wire = Wire(blob[6:], where)
    demand(wire.number() == 1, where, "has an SSHSIG of an unknown version")
    _, application, fingerprint, holds = ssh_key(wire.string(), where)
    demand(wire.text() == "holdfast" and wire.text() == "", where, "has a signature that was made for something else")
    name = wire.text()
    demand(name in ("sha256", "sha512"), where, "has a signature over an unknown hash")
    field = Wire(wire.string(), where)
    wire.end()
    digest = hashlib.new(name, message).digest()
    data = b"SSHSIG" + b"".join(wire_string(part) for part in (b"holdfast", b"", name.encode(), digest))
    kind, signature = field.text(), field.string()
    if application is not None:  # PROTOCOL.u2f: a FIDO key signs its application, flags and counter with the data
        data = sha256(application) + field.take(5) + sha256(data)
    field.end()
    demand(holds(kind, data, signature), where, f"has a signature of {fingerprint} that does not verify")
    return fingerprint


def signer_of(leaf, where):
    """Who signed a leaf that has its form: a fingerprint, or None."""
    envelope = json.loads(leaf)
    if not envelope["signatures"]:
        return None
    (signature,), kind = envelope["signatures"], envelope["payloadType"].encode()
    statement = base64.b64decode(envelope["payload"])
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(statement), statement)
    fingerprint = sshsig_signer(base64.b64decode(signature["sig"]), pae, where)
    demand(fingerprint == signature["keyid"], where, f"names the key {signature['keyid']!r}, and {fingerprint} signed")
    return fingerprint


TWO_PERSONS = "hold-cleared retention-cut released disposed unredacted-exported key-rotated actor-enrolled actor-revoked".split()
SIGNED = "actor-enrolled actor-revoked requested approved acknowledged".split()


def milliseconds(act):
    time = datetime.datetime.strptime(act["time"], "%Y-%m-%dT%H:%M:%S.%fZ") - datetime.datetime(1970, 1, 1)
    return time // datetime.timedelta(milliseconds=1)


def about(act):
    return sorted(link["id"] for link in act["exhibits"])


class Actors:
    """Who may sign what, and what two persons agreed to."""

    def __init__(self, origin):
        self.origin = origin
        self.keys = {}  # fingerprint: [id, kind, revoked]
        self.ids = set()  # everybody who was ever enrolled
        self.registered = 0  # acts about actors
        self.requests = []  # [act, leaf hash, approved, done]
        self.transfers = []  # (act, leaf hash)
        self.signatures = 0

    def take(self, act, signer, seq, leaf_hash, where):
        self.signatures += signer is not None
        self._whose(act, signer, seq, where)
        name = act["act"]
        if name == "requested":
            self._request(act, leaf_hash, where)
        elif name == "approved":
            self._approval(act, where)
        elif name == "transferred":
            self._transfer(act, leaf_hash, where)
        elif name == "acknowledged":
            self._acknowledgement(act, where)
        elif name in TWO_PERSONS:
            self._effect(act, where)
        else:
            demand(not re.match("(actors|request|transfer)/", act["once"] or ""), where, f"is an act {name} under the name {act['once']!r}")

    def _whose(self, act, signer, seq, where):
        name, kind = act["actor"]["id"], act["actor"]["kind"]
        if signer is None:
            demand(name not in self.ids, where, f"is an act of {name!r}, who is enrolled, without a signature")
            demand(act["act"] not in SIGNED, where, f"is an act {act['act']} without a signature")
            return
        place = act["detail"].get("entry")
        right = is_object(place) and place.get("log") == self.origin and place.get("seq") == str(seq)
        demand(right, where, "carries a signature for another entry or another log")
        if signer not in self.keys:
            enrols = act["act"] == "actor-enrolled" or (act["act"] == "requested" and act["detail"].get("act") == "actor-enrolled")
            own = self._enrolled(act, where) if enrols else None
            right = own and own["id"] == name and own["kind"] == kind == "person" and own["print"] == signer
            demand(right, where, f"is signed for {name!r} with {signer}, which is not enrolled")
            return
        owner, owner_kind, revoked = self.keys[signer]
        demand(owner == name and owner_kind == kind, where, f"is signed for {name!r} ({kind}) with the key of {owner!r} ({owner_kind})")
        demand(not revoked, where, f"is signed for {name!r} with {signer}, which was revoked")

    def _asked(self, act, names, where):
        asked = act["detail"].get("asked")
        demand(is_object(asked) and asked.keys() == names, where, "asks for something else than an actor")
        demand(is_filled(asked["id"]) and is_text(asked["key"]), where, "asks for an actor without id or key")
        kind, space, encoded = asked["key"].partition(" ")
        found, _, fingerprint, _ = ssh_key(unbase64(encoded, where), where)
        demand(space and found == kind, where, "names a key that is not of its type")
        return {**asked, "print": fingerprint}

    def _enrolled(self, act, where):
        asked = self._asked(act, {"id", "key", "kind"}, where)
        demand(asked["kind"] in ("person", "machine"), where, "enrols neither a person nor a machine")
        return asked

    def _possible(self, name, act, where):
        if name == "actor-enrolled":
            asked = self._enrolled(act, where)
            free = asked["id"] != "holdfast" and asked["print"] not in self.keys
            demand(free, where, f"enrols {asked['id']!r} with a key or a name that is taken")
            return asked
        asked = self._asked(act, {"id", "key"}, where)
        key = self.keys.get(asked["print"])
        demand(key and key[0] == asked["id"] and not key[2], where, f"revokes a key that {asked['id']!r} has not")
        return asked

    def _request(self, act, leaf_hash, where):
        number, detail = str(len(self.requests) + 1), act["detail"]
        demand(detail.get("request") == number and act["once"] == f"request/{number}", where, f"is not numbered as request {number}")
        demand(is_text(detail.get("act")) and detail["act"] in TWO_PERSONS, where, "asks for what needs no second person")
        demand(act["actor"]["kind"] == "person" and (act["reason"] or "").strip(), where, "asks as a machine or without a reason")
        if detail["act"].startswith("actor-"):
            self._possible(detail["act"], act, where)
        self.requests.append([act, leaf_hash.hex(), False, False])

    def _asks(self, act, where):
        number = act["detail"].get("request")
        demand(is_text(number) and re.fullmatch("[1-9][0-9]{0,8}", number), where, f"is an act {act['act']} that follows no request")
        demand(int(number) <= len(self.requests), where, f"follows the request {number}, which is not there")
        request = self.requests[int(number) - 1]
        demand(milliseconds(act) - milliseconds(request[0]) <= 72 * 3_600_000, where, f"comes more than 72 h after request {number}")
        return number, request

    def _approval(self, act, where):
        number, request = self._asks(act, where)
        demand(act["once"] == f"request/{number}/approved", where, "is an approval under another name")
        demand(act["detail"].get("hash") == request[1], where, f"approves another request than {number}")
        demand(act["actor"]["kind"] == "person", where, "is the approval of a machine")
        demand(act["actor"]["id"] != request[0]["actor"]["id"], where, "is an approval by the one who asked")  # a key has one id
        demand(not request[2] and not request[3], where, f"approves request {number} again")
        request[2] = True

    def _effect(self, act, where):
        registers = act["act"].startswith("actor-")
        if registers:
            demand(act["once"] == f"actors/{self.registered}", where, f"is not named actors/{self.registered}")
        if act["act"] == "actor-enrolled" and self.registered == 0:
            demand("request" in act["detail"] and act["detail"]["request"] is None, where, "is the first enrolment and follows a request")
        else:
            number, request = self._asks(act, where)
            demand(registers or act["once"] == f"request/{number}/done", where, f"is not named request/{number}/done")
            demand(not request[3], where, f"carries out request {number} again")
            demand(request[2], where, f"carries out request {number}, which no second person has approved")
            demand(act["actor"]["id"] == request[0]["actor"]["id"], where, f"carries out the request of {request[0]['actor']['id']!r}")
            same = self._wish(act, act["act"]) == self._wish(request[0], request[0]["detail"]["act"])
            demand(same, where, f"is not what request {number} asked for")
            request[3] = True
        if registers:
            asked = self._possible(act["act"], act, where)
            self.registered += 1
            self.ids.add(asked["id"])
            if act["act"] == "actor-enrolled":
                self.keys[asked["print"]] = [asked["id"], asked["kind"], False]
            else:
                self.keys[asked["print"]][2] = True

    def _wish(self, act, name):
        return canonical([name, act["detail"].get("asked"), act["authority"], act["case"], about(act), act["reason"], act["target"]])

    def _transfer(self, act, leaf_hash, where):
        number = str(len(self.transfers) + 1)
        numbered = act["detail"].get("transfer") == number and act["once"] == f"transfer/{number}"
        demand(numbered, where, f"is not numbered as transfer {number}")
        demand(is_text(act["detail"].get("to")) and act["exhibits"], where, "is a transfer without receiver or exhibit")
        self.transfers.append((act, leaf_hash.hex()))

    def _acknowledgement(self, act, where):
        number = act["detail"].get("transfer")
        there = is_text(number) and re.fullmatch("[1-9][0-9]{0,8}", number) and int(number) <= len(self.transfers)
        demand(there, where, "acknowledges a transfer that is not there")
        transfer, hashed = self.transfers[int(number) - 1]
        right = act["once"] == f"transfer/{number}/acknowledged" and act["detail"].get("hash") == hashed
        demand(right, where, f"acknowledges another transfer than {number}")
        demand(act["actor"]["id"] == transfer["detail"]["to"], where, f"acknowledges a transfer to {transfer['detail']['to']!r}")
        demand(about(act) == about(transfer), where, f"acknowledges other exhibits than those of transfer {number}")


# ---- the export ----


def belongs(name, size):
    match = re.fullmatch(r"tile/([0-9]{1,2}|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", name)
    if not match:
        return False
    level = 0 if match[1] == "entries" else int(match[1])
    n = int(match[2].replace("x", "").replace("/", ""))
    width = 256 if match[3] is None else int(match[3])
    return width <= 256 and tile_name(match[1], n, width) == name and n * 256 + width <= size // 256**level


def cannot_read(error):
    raise error


def stray_files(folder, size):
    """Every file under tile/ has to be one that the size gives, or an earlier, shorter form of one."""
    names = []
    if os.path.isdir(os.path.join(folder, "tile")):
        for base, _, files in os.walk(os.path.join(folder, "tile"), onerror=cannot_read):
            names += [os.path.relpath(os.path.join(base, file), folder).replace(os.sep, "/") for file in files]
    for name in sorted(names):
        demand(belongs(name, size), name, f"does not belong to a log of {size} entries (an interrupted export leaves such files: run it again)")


def earlier_forms(folder, level, n, width, limit):
    """Partial tiles that were published before this one: they may stay, as its beginning."""
    name = tile_name(level, n, 1)[:-2]
    path = os.path.join(folder, name)
    if not os.path.isdir(path):
        return
    for file in os.listdir(path):
        if int(file) < width:
            yield int(file), f"{name}/{file}", file_of(os.path.join(path, file), f"{name}/{file}", limit)


def check_tile(folder, level, n, data):
    width = len(data) // 32
    name = tile_name(level, n, width)
    demand(file_of(os.path.join(folder, name), name, 8192) == data, name, "does not follow from the entries")
    for shorter, earlier, found in earlier_forms(folder, level, n, width, 8192):
        demand(found == data[: shorter * 32], earlier, "does not follow from the entries")


def bundle_of(folder, n, count):
    name = tile_name("entries", n, count)
    data = file_of(os.path.join(folder, name), name, 256 * 65537)
    leaves, at, ends = [], 0, []
    for i in range(count):
        length = int.from_bytes(data[at : at + 2], "big")
        demand(at + 2 <= len(data) and at + 2 + length <= len(data), name, f"ends inside its entry {i} of {count}")
        demand(length > 0, name, "holds an empty entry")
        leaves.append(data[at + 2 : at + 2 + length])
        at += 2 + length
        ends.append(at)
    demand(at == len(data), name, f"goes on after its {count} entries")
    for shorter, earlier, found in earlier_forms(folder, "entries", n, count, 256 * 65537):
        demand(found == data[: ends[shorter - 1]], earlier, "is not the beginning of its longer form")
    return leaves


def proof_of(data, keys, where):
    demand(len(data) <= MAX_NOTE, where, "is too long for a proof")
    head, blank, checkpoint = utf8(data, where).partition("\n\n")
    demand(blank, where, "has no blank line")
    lines = head.split("\n")
    demand(lines.pop(0) == "c2sp.org/tlog-proof@v1", where, "is not a tlog-proof")
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0)[6:], where)
    match = re.fullmatch(r"index (0|[1-9][0-9]{0,15})", lines.pop(0)) if lines else None
    demand(match, where, "has no index line")
    hashes = [unbase64(line, where) for line in lines]
    demand(all(len(item) == 32 for item in hashes), where, "has a line that is no hash")
    _, size, root = open_checkpoint(checkpoint.encode(), keys, f"{where}: its checkpoint", [])
    return int(match[1]), hashes, size, root


def root_from(leaf, index, size, hashes, where):
    """RFC 9162 section 2.1.3.2, with exactly as many hashes as index and size give."""
    node, fn, sn = leaf, index, size - 1
    for sibling in hashes:
        demand(sn > 0, where, "has too many hashes")
        if fn % 2 == 1 or fn == sn:
            node = sha256(b"\x01", sibling, node)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn // 2, sn // 2
        else:
            node = sha256(b"\x01", node, sibling)
        fn, sn = fn // 2, sn // 2
    demand(sn == 0, where, "has too few hashes")
    return node


def check_proof(proof, index, leaf, root_then):
    at, hashes, size, root = proof
    demand(at == index, "proof", f"is of entry {at}, not of {index}")
    if leaf is None:
        raise CannotCheck(f"the export has no entry {index}")
    demand(index < size, "proof", f"its checkpoint of size {size} has no entry {index}")
    demand(root_from(leaf, index, size, hashes, "proof") == root, "proof", f"does not lead from entry {index} to the root of its checkpoint")
    if root_then is None:
        return f"proof of entry {index} good, under a checkpoint of size {size} that is newer than the export"
    demand(root_then == root, "proof", f"its checkpoint of size {size} is signed and is of another history than the export: a FORK")
    return f"proof of entry {index} good, and its checkpoint of size {size} is one of this log"


def verify_export(folder, vkey, witness, proof_file, index):
    if not os.path.isdir(folder):
        raise CannotCheck(f"{folder} is no folder")
    if vkey is None:
        keys = keys_of(file_of(os.path.join(folder, "log.vkey"), "log.vkey", MAX_NOTE), "log.vkey")
        print("the keys are those of the export itself and prove nothing about who made it; pin them with --vkey")
    else:
        try:
            with open(vkey, "rb") as file:
                keys = keys_of(file.read(), vkey)
        except Damage as error:
            raise CannotCheck(str(error)) from None
        own = os.path.join(folder, "log.vkey")
        if os.path.exists(own):
            keys = trusted_keys(keys, keys_of(file_of(own, "log.vkey", MAX_NOTE), "log.vkey"))
    said = []
    note = file_of(os.path.join(folder, "checkpoint"), "checkpoint", MAX_NOTE)
    origin, size, root = open_checkpoint(note, keys, "checkpoint", said)
    proof = None
    if proof_file is not None:
        with open(proof_file, "rb") as file:
            proof = proof_of(file.read(MAX_NOTE + 1), keys, "proof")
    stray_files(folder, size)
    witnesses = []
    if witness is not None:
        try:
            with open(witness, "rb") as file:
                witnesses = witness_keys_of(file.read(), witness)
        except Damage as error:
            raise CannotCheck(str(error)) from None
    anchors = Anchors(keys, size, witnesses)
    anchors.take((origin, size, root), note, "checkpoint")
    anchors.read(folder)

    custody, actors, changes = Custody(), Actors(origin), Changes(keys)
    tree = Tree(lambda level, n, data: check_tile(folder, level, n, data))
    proven = None
    root_then = tree.root() if proof is not None and proof[2] == 0 else None
    for n in range((size + 255) // 256):
        for leaf in bundle_of(folder, n, min(256, size - n * 256)):
            where = f"entry {tree.size}"
            leaf_hash = sha256(b"\x00", leaf)
            act = act_of(leaf, origin, where)
            custody.take(act, leaf_hash, where)
            changes.take(act, tree.size, where)
            actors.take(act, signer_of(leaf, where), tree.size, leaf_hash, where)
            if tree.size == index:
                proven = leaf_hash
            tree.add(leaf_hash)
            if proof is not None and tree.size == proof[2]:
                root_then = tree.root()
            if tree.size < size:
                anchors.reached(tree.size, tree.root)
    tree.end()
    demand(tree.root() == root, "checkpoint", f"the {size} entries give the root {base64.b64encode(tree.root()).decode()}, not the one that is signed")
    anchors.reached(size, tree.root)
    changes.end(size)
    for line in said:
        print(line)
    anchors.end()
    print(f"{size} entries, {len(custody.numbers)} cases, {len(custody.last)} exhibits, their chains without a gap")
    if actors.registered > 0:
        print(f"{actors.signatures} acts signed by their actors, all signatures good; {len(actors.ids)} actors, {len(actors.requests)} requests to a second person")
    for name, count in sorted(custody.unknown.items()):
        print(f"{count} acts are named {name}, which this verifier does not know; their form and place were checked")
    if changes.waiting > 0:
        print(f"{changes.waiting} acts give the log new keys that do not sign yet")
    if proof is not None:
        print(check_proof(proof, index, proven, root_then))
    anchors.demand_all()
    print(f"intact: {origin} size {size} root {base64.b64encode(root).decode()}")


# ---- a receipt: FORMAT.md sections 16 and 17 ----


def receipt_of(file):
    with open(file, "rb") as opened:
        data = opened.read(MAX_RECEIPT + 1)
    demand(len(data) <= MAX_RECEIPT, file, "is too long for a receipt")
    try:
        receipt = json.loads(utf8(data, file), object_pairs_hook=members_once)
    except (NotInALeaf, ValueError, RecursionError):
        raise Damage(f"{file}: is not JSON, or has a member twice") from None
    demand(is_object(receipt) and receipt.get("schema") in ("holdfast.custody/1", "holdfast.exhibit/1"), file, "is no receipt of a known form")
    demand(is_text(receipt.get("origin")) and is_text(receipt.get("checkpoint")) and is_texts(receipt.get("vkeys")), file, "lacks origin, vkeys or checkpoint")
    acts, proofs = receipt.get("acts"), receipt.get("proofs", [])
    demand(isinstance(acts, list) and acts and all(is_object(act) for act in acts), file, "has no acts")
    for act in acts:
        demand(matching("0|[1-9][0-9]{0,15}")(act.get("seq")) and is_text(act.get("leaf")) and is_texts(act.get("path")), file, "has an act without seq, leaf or path")
    demand(isinstance(proofs, list), file, "has proofs of another shape")
    for proof in proofs:
        shaped(proof, {"anchor": matching("[A-Za-z0-9:._-]{1,100}"), "size": matching("0|[1-9][0-9]{0,15}"), "bytes": is_text, "acts": lambda items: isinstance(items, list)}, file, "proof")
        for act in proof["acts"]:
            shaped(act, {"seq": is_text, "path": is_texts}, file, "proof")
    exhibit = receipt.get("exhibit")
    exhibit = exhibit.get("id") if is_object(exhibit) else exhibit
    demand(is_text(exhibit) and re.fullmatch(rf"{CASE}/[0-9]{{3,9}}", exhibit), file, "names no exhibit")
    return receipt, exhibit


def path_of(lines, where):
    hashes = [unbase64(line, where) for line in lines]
    demand(all(len(item) == 32 for item in hashes), where, "has a path with something that is no hash")
    return hashes


def said_otherwise(said, act, leaf_hash, where):
    """What people read has to be what was signed."""
    for name in ("act", "time", "clock", "actor", "reason", "authority", "tool", "target", "case", "collection", "digests", "stored", "requestIds", "detail"):
        demand(name not in said or said[name] == act[name], where, f"says another {name} than its leaf")
    if "leafHash" in said:
        demand(said["leafHash"] == base64.b64encode(leaf_hash).decode(), where, "says another leafHash than its leaf has")


def check_anchor(proof, hashes, keys, size, root):
    where = f"the proof of {proof['anchor']} at size {proof['size']}"
    data = unbase64(proof["bytes"], where)
    if proof["anchor"].startswith("rfc3161:"):
        archive = parsed(data, where)
        demand(is_object(archive) and is_text(archive.get("note")), where, "holds no note")
        note = archive["note"].encode()
    elif proof["anchor"].startswith("witness:"):
        note = data
    else:
        return f"{where}: a kind that this verifier does not know; NOT CHECKED"
    _, covers, at = open_checkpoint(note, keys, where, [])
    demand(str(covers) == proof["size"], where, f"holds a head of {covers} entries")
    demand(covers != size or at == root, where, "holds another root than the checkpoint of that size: a FORK")
    for act in proof["acts"]:
        demand(act["seq"] in hashes and int(act["seq"]) < covers, where, f"is about act {act['seq']}, which it cannot cover")
        path = path_of(act["path"], where)
        demand(root_from(hashes[act["seq"]], int(act["seq"]), covers, path, where) == at, where, f"does not lead from act {act['seq']} to its root")
    named = ", ".join(act["seq"] for act in proof["acts"])
    return f"{where}: our head in it covers the acts {named}; that {proof['anchor']} signed it is for openssl to say (FORMAT.md section 17)"


def check_evidence(file, digest):
    demand(digest is not None, file, "has nothing to be compared with: no act of this receipt gives a digest")
    h, count = hashlib.sha256(), 0
    with open(file, "rb") as opened:
        for block in iter(lambda: opened.read(1 << 20), b""):
            h.update(block)
            count += len(block)
    demand(h.hexdigest() == digest["sha256"], file, f"has the SHA-256 {h.hexdigest()}, and {digest['sha256']} is recorded")
    demand(str(count) == digest["bytes"], file, f"has {count} bytes, and {digest['bytes']} are recorded")
    return f"{file}: {count} bytes with the recorded SHA-256 {digest['sha256']}"


def verify_receipt(file, vkey, evidence):
    receipt, exhibit = receipt_of(file)
    if vkey is None:
        keys = keys_of(("\n".join(receipt["vkeys"]) + "\n").encode(), file)
        print("the keys are those of the receipt itself and prove nothing about who made it; pin them with --vkey")
    else:
        try:
            with open(vkey, "rb") as opened:
                keys = keys_of(opened.read(), vkey)
        except Damage as error:
            raise CannotCheck(str(error)) from None
    said = []
    origin, size, root = open_checkpoint(receipt["checkpoint"].encode(), keys, "checkpoint", said)
    demand(receipt["origin"] == origin, file, f"says it is of {receipt['origin']!r}, and its checkpoint is of {origin!r}")
    hashes, last, before, digest, signed = {}, (-1, NO_PREVIOUS), -1, None, 0
    for item in receipt["acts"]:
        seq, where = int(item["seq"]), f"act {item['seq']}"
        demand(seq > before, where, "does not come after the act before it")
        demand(seq < size, where, f"is not in a ledger of {size} entries")
        leaf = unbase64(item["leaf"], where)
        act, leaf_hash = act_of(leaf, origin, where), sha256(b"\x00", leaf)
        demand(root_from(leaf_hash, seq, size, path_of(item["path"], where), where) == root, where, "does not lead to the signed root")
        said_otherwise(item, act, leaf_hash, where)
        link = next((link for link in act["exhibits"] if link["id"] == exhibit), None)
        demand(link is not None, where, f"is not about {exhibit}")
        demand((link["exhibit_seq"], link["exhibit_prev"]) == (last[0] + 1, last[1]), where, f"does not follow the act before it in the chain of {exhibit}: one is left out")
        last, before, hashes[item["seq"]] = (link["exhibit_seq"], leaf_hash.hex()), seq, leaf_hash
        digest = act["digests"].get(exhibit, digest)
        who = signer_of(leaf, where)
        signed += who is not None
        print(f"{where}  {act['time']}  {json.dumps(act['act'])}  {json.dumps(act['actor']['id'])}  {'asserted, signed by nobody' if who is None else f'signed with {who}'}")
    for line in said + [check_anchor(proof, hashes, keys, size, root) for proof in receipt.get("proofs", [])]:
        print(line)
    if is_object(receipt["exhibit"]):
        demand(receipt["exhibit"].get("sha256") == (digest or {}).get("sha256"), file, "says another SHA-256 than its leaves")
    print(f"{len(hashes)} acts about {exhibit}, the chain without a gap up to the last of them; {signed} signed by their actors, all signatures good")
    if signed:
        print("whose key that is was not checked: ask the person, or the whole ledger (its acts actor-enrolled)")
    if evidence is not None:
        print(check_evidence(evidence, digest))
    print(f"intact: receipt of {exhibit} in {origin} size {size} root {base64.b64encode(root).decode()}")


def options_of(args):
    folder, found = None, {"--vkey": None, "--witness": None, "--proof": None, "--leaf-index": None, "--receipt": None, "--evidence": None}
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word in found:
            if not rest:
                raise CannotCheck(f"{word} needs a value\n{USAGE}")
            found[word] = rest.pop(0)
        elif word.startswith("-") or folder is not None:
            raise CannotCheck(f"{word!r} is not understood\n{USAGE}")
        else:
            folder = word
    if folder is None and found["--witness"] is not None:
        raise CannotCheck(f"--witness belongs to a folder\n{USAGE}")
    if (folder is None) == (found["--receipt"] is None):
        raise CannotCheck(f"which folder, or which receipt?\n{USAGE}")
    if (found["--proof"] is None) != (found["--leaf-index"] is None):
        raise CannotCheck(f"--proof and --leaf-index belong together\n{USAGE}")
    if found["--proof" if folder is None else "--evidence"] is not None:
        raise CannotCheck(f"--proof belongs to a folder, --evidence to a receipt\n{USAGE}")
    index = found["--leaf-index"]
    if index is not None and not re.fullmatch("0|[1-9][0-9]{0,15}", index):
        raise CannotCheck(f"{index!r} is no index\n{USAGE}")
    return folder, found


def verify(folder, found):
    if folder is None:
        return verify_receipt(found["--receipt"], found["--vkey"], found["--evidence"])
    index = found["--leaf-index"]
    return verify_export(folder, found["--vkey"], found["--witness"], found["--proof"], None if index is None else int(index))


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    try:
        verify(*options_of(sys.argv[1:]))
        return 0
    except Damage as error:
        print(f"DAMAGED: {error}", file=sys.stderr)
        return 1
    except (CannotCheck, OSError) as error:
        print(f"could not check: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
