"""Writes small systemd journal files of every kind: regular or compact, keyed hash or not, DATA compressed with XZ,
LZ4 or Zstandard. journalctl reads and verifies what it writes. Also the export format, read and written, which
systemd-journal-remote takes and journalctl gives. Source: systemd's JOURNAL_FILE_FORMAT document."""

import ctypes
import lzma
import struct

XZ, LZ4, ZSTD = 1, 2, 4
DATA, FIELD, ENTRY, DATA_TABLE, FIELD_TABLE, ARRAY = 1, 2, 3, 4, 5, 6
MASK32, MASK64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def siphash24(key, data):
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotl(x, n):
        return (x << n | x >> (64 - n)) & MASK64

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & MASK64
            v[1] = rotl(v[1], 13) ^ v[0]
            v[0] = rotl(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK64
            v[3] = rotl(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK64
            v[3] = rotl(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK64
            v[1] = rotl(v[1], 17) ^ v[2]
            v[2] = rotl(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for i in range(0, len(padded), 8):
        word = struct.unpack_from("<Q", padded, i)[0]
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def lookup3(data):
    def rot(x, k):
        return (x << k | x >> (32 - k)) & MASK32

    a = b = c = (0xDEADBEEF + len(data)) & MASK32
    at = 0
    while len(data) - at > 12:
        x, y, z = struct.unpack_from("<III", data, at)
        a, b, c = (a + x) & MASK32, (b + y) & MASK32, (c + z) & MASK32
        for k in (4, 6, 8, 16, 19, 4):
            a = ((a - c) & MASK32) ^ rot(c, k)
            c = (c + b) & MASK32
            a, b, c = b, c, a
        at += 12
    tail = data[at:]
    if tail:
        x, y, z = struct.unpack("<III", tail.ljust(12, b"\0"))
        a, b, c = (a + x) & MASK32, (b + y) & MASK32, (c + z) & MASK32
        for k in (14, 11, 25, 16, 4, 14, 24):
            c = ((c ^ b) - rot(b, k)) & MASK32
            a, b, c = b, c, a
        # Seven steps turn the words once more than twice round.
        a, b, c = c, a, b
    return c << 32 | b


def compress(kind, data):
    if kind == XZ:
        return lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_NONE)
    out = ctypes.create_string_buffer(len(data) + 1024)
    if kind == LZ4:
        n = ctypes.CDLL("liblz4.so.1").LZ4_compress_default(data, out, len(data), len(out))
        return struct.pack("<Q", len(data)) + out.raw[:n]
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_compress.restype = ctypes.c_size_t
    zstd.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    n = zstd.ZSTD_compress(out, len(out), data, len(data), 3)
    return out.raw[:n]


def build(entries, compact=False, keyed=True, packing=ZSTD, threshold=512, state=2, seed=1):
    """The bytes of a journal. entries: (realtime_us, monotonic_us, boot_id 16 bytes, [(name, value bytes), ...])."""
    file_id = bytes((seed * 17 + i) & 255 for i in range(16))
    header = 272
    file = bytearray(header)
    used = 0

    def add(kind, flags, body):
        file.extend(bytes(-len(file) % 8))
        at = len(file)
        file.extend(struct.pack("<BB6xQ", kind, flags, 16 + len(body)) + body)
        counts[kind] = counts.get(kind, 0) + 1
        return at

    def put(at, fmt, *values):
        struct.pack_into(fmt, file, at, *values)

    def hashed(payload):
        return siphash24(file_id, payload) if keyed else lookup3(payload)

    def link(table, buckets, h, at, next_field):
        slot = table + 16 + h % buckets * 16
        head, tail = struct.unpack_from("<QQ", file, slot)
        put(slot, "<QQ", head or at, at)
        if tail:
            put(tail + next_field, "<Q", at)

    counts = {}
    data_buckets, field_buckets = 16, 8
    data_table = add(DATA_TABLE, 0, bytes(16 * data_buckets))
    field_table = add(FIELD_TABLE, 0, bytes(16 * field_buckets))
    datas, fields, users, entry_offsets = {}, {}, {}, []

    def data_object(name, value):
        nonlocal used
        payload = name + b"=" + value
        if payload in datas:
            return datas[payload]
        h = hashed(payload)
        stored, flags = payload, 0
        if packing and len(payload) >= threshold:
            packed = compress(packing, payload)
            if len(packed) < len(payload):
                stored, flags, used = packed, packing, used | packing
        at = add(DATA, flags, struct.pack("<QQQQQQ", h, 0, 0, 0, 0, 0) + (bytes(8) if compact else b"") + stored)
        link(data_table, data_buckets, h, at, 24)
        if name not in fields:
            fields[name] = add(FIELD, 0, struct.pack("<QQQ", hashed(name), 0, 0) + name)
            link(field_table, field_buckets, hashed(name), fields[name], 24)
        head = struct.unpack_from("<Q", file, fields[name] + 32)[0]
        put(at + 32, "<Q", head)
        put(fields[name] + 32, "<Q", at)
        datas[payload] = (at, h, payload)
        return datas[payload]

    for seqnum, (realtime, monotonic, boot, pairs) in enumerate(entries, 1):
        items = sorted({data_object(name, value) for name, value in pairs})
        xor = 0
        for _, h, payload in items:
            xor ^= lookup3(payload) if keyed else h
        body = struct.pack("<QQQ", seqnum, realtime, monotonic) + boot + struct.pack("<Q", xor)
        body += b"".join(struct.pack("<I", at) if compact else struct.pack("<QQ", at, h) for at, h, _ in items)
        offset = add(ENTRY, 0, body)
        entry_offsets.append(offset)
        for at, _, _ in items:
            users.setdefault(at, []).append(offset)

    def array(offsets):
        return add(ARRAY, 0, bytes(8) + b"".join(struct.pack("<I" if compact else "<Q", o) for o in offsets))

    for at, offsets in users.items():
        put(at + 40, "<QQQ", offsets[0], 0, len(offsets))
        if len(offsets) > 1:
            rest = array(offsets[1:])
            put(at + 48, "<Q", rest)
            if compact:
                put(at + 64, "<II", rest, len(offsets) - 1)
    entry_array = array(entry_offsets) if entry_offsets else 0
    tail_object = entry_array or field_table
    file.extend(bytes(-len(file) % 8))
    incompatible = (1 if used & XZ else 0) | (2 if used & LZ4 else 0) | (8 if used & ZSTD else 0)
    incompatible |= (4 if keyed else 0) | (16 if compact else 0)
    first, last = entries[0] if entries else (0, 0), entries[-1] if entries else (0, 0)
    boot = entries[-1][2] if entries else bytes(16)
    file[0:8] = b"LPKSHHRH"
    put(8, "<IIB7x", 0, incompatible, state)
    file[24:40] = file_id
    file[40:56] = bytes.fromhex("0123456789abcdef0123456789abcdef")
    file[56:72] = boot
    file[72:88] = file_id
    put(88, "<QQ", header, len(file) - header)
    put(104, "<QQQQ", data_table + 16, 16 * data_buckets, field_table + 16, 16 * field_buckets)
    put(136, "<QQQ", tail_object, sum(counts.values()), len(entry_offsets))
    put(160, "<QQQ", len(entries), 1 if entries else 0, entry_array)
    put(184, "<QQQ", first[0], last[0], last[1])
    put(208, "<QQQQ", counts.get(DATA, 0), counts.get(FIELD, 0), 0, counts.get(ARRAY, 0))
    put(256, "<II", entry_array, len(entry_offsets))
    put(264, "<Q", entry_offsets[-1] if entry_offsets else 0)
    return bytes(file)


def objects(file):
    """(type, offset, size) of every object of a journal that build() made."""
    at = struct.unpack_from("<Q", file, 88)[0]
    while at < len(file):
        kind, size = struct.unpack_from("<B7xQ", file, at)
        yield kind, at, size
        at += (size + 7) // 8 * 8


def export(entries):
    """The same entries in the export format."""
    out = []
    for realtime, monotonic, boot, pairs in entries:
        out.append(b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n" % (realtime, monotonic, boot.hex().encode()))
        for name, value in pairs:
            if name == b"_BOOT_ID":
                continue
            if b"\n" in value or any(c < 32 for c in value):
                out.append(name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n")
            else:
                out.append(name + b"=" + value + b"\n")
        out.append(b"\n")
    return b"".join(out)


def read_export(data):
    """Entries of the export format, each a list of (name, value)."""
    entries, pairs, at = [], [], 0
    while at < len(data):
        end = data.index(b"\n", at)
        line = data[at:end]
        at = end + 1
        if not line:
            if pairs:
                entries.append(pairs)
            pairs = []
        elif b"=" in line:
            pairs.append(tuple(line.split(b"=", 1)))
        else:
            size = struct.unpack_from("<Q", data, at)[0]
            pairs.append((line, data[at + 8 : at + 8 + size]))
            at += 8 + size + 1
    if pairs:
        entries.append(pairs)
    return entries


def sample(long_words=400):
    """Entries with all that is worth a look."""
    boot = bytes.fromhex("aaaabbbbccccddddeeeeffff00001111")
    base = [
        (b"_BOOT_ID", boot.hex().encode()),
        (b"_MACHINE_ID", b"0123456789abcdef0123456789abcdef"),
        (b"_HOSTNAME", b"web01"),
        (b"_TRANSPORT", b"syslog"),
    ]
    sshd = [
        (b"PRIORITY", b"6"),
        (b"SYSLOG_FACILITY", b"4"),
        (b"SYSLOG_IDENTIFIER", b"sshd"),
        (b"_PID", b"31340"),
        (b"_UID", b"0"),
        (b"_GID", b"0"),
        (b"_COMM", b"sshd"),
        (b"_EXE", b"/usr/sbin/sshd"),
        (b"_CMDLINE", b"sshd: deploy [priv]"),
        (b"_SYSTEMD_UNIT", b"ssh.service"),
        (b"_SYSTEMD_SESSION", b"12"),
        (b"_AUDIT_LOGINUID", b"1000"),
    ]
    bodies = [
        sshd + [(b"MESSAGE", b"Accepted publickey for deploy from 203.0.113.77 port 51020 ssh2")],
        sshd + [(b"MESSAGE", b"Received disconnect from 203.0.113.77 port 51020:11: disconnected by user")],
        [(b"MESSAGE", b"Started ssh.service."), (b"MESSAGE_ID", b"39f53479d3a045ac8e11786248231fbf"), (b"UNIT", b"ssh.service"),
         (b"_PID", b"1"), (b"_SYSTEMD_UNIT", b"init.scope"), (b"CODE_LINE", b"713"), (b"TID", b"1"), (b"_COMM", b"systemd")],
        [(b"MESSAGE", b"long " * long_words), (b"PRIORITY", b"3"), (b"_PID", b"77"), (b"_COMM", b"app")],
        [(b"MESSAGE", b"binary \x00\x01\xff bytes"), (b"PRIORITY", b"9"), (b"_PID", b"77")],
        [(b"MESSAGE", b"line one\nline two"), (b"PRIORITY", b"4"), (b"_PID", b"seven"), (b"COMM", b"spoofed"), (b"_COMM", b"app")],
        [(b"MESSAGE", b"first"), (b"MESSAGE", b"second"), (b"TAG", b"a"), (b"TAG", b"b"), (b"EMPTY", b"")],
        [(b"NO_MESSAGE", b"1"), (b"SYSLOG_IDENTIFIER", b"x")],
        [(b"MESSAGE", "ünïcödé ✓".encode()), (b"COREDUMP", bytes(i * 7 % 256 for i in range(long_words * 5)))],
    ]
    start = 1794900000000000
    return [(start + i * 1000003, 5000000 + i, boot, base + body) for i, body in enumerate(bodies)]
