"""
Disks after a power cut. The shim of the store noted each write to its database before it was done, and each moment
at which all before was known to be on the disk. An image of a cut has every write up to the last such moment, and of
the later ones any selection of sectors, in any order: a disk owes nothing else.
"""

import struct

NOTE = struct.Struct("<IIQQ")
WRITE, DURABLE = 1, 2
SECTOR = 512


def read_notes(path):
    """[(kind, offset, monotonic ns, data)]"""
    with open(path, "rb") as f:
        raw = f.read()
    notes, at = [], 0
    while at < len(raw):
        kind, length, offset, when = NOTE.unpack_from(raw, at)
        at += NOTE.size
        notes.append((kind, offset, when, raw[at:at + length]))
        assert len(notes[-1][3]) == length and kind in (WRITE, DURABLE)
        at += length
    return notes


def _apply(image, offset, data):
    if len(image) < offset + len(data):
        image.extend(bytes(offset + len(data) - len(image)))
    image[offset:offset + len(data)] = data


def _tear(image, offset, data, rng):
    """Some of the sectors of a write."""
    how = rng.choice(["none", "all", "some", "some"])
    for at in range(0, len(data), SECTOR):
        if how == "all" or (how == "some" and rng.random() < 0.5):
            _apply(image, offset + at, data[at:at + SECTOR])


def cuts(notes, count, rng, first=0):
    """
    Yields (monotonic ns of the cut, image, how many writes may be lost) for count cuts in order of time. A cut at
    note k: all before it was issued, k was not. One in three is where much is unsettled: just before a DURABLE.
    """
    places = range(first, len(notes))
    syncs = [i for i in places if notes[i][0] == DURABLE]
    assert syncs, "nothing was ever known to be on the disk"
    chosen = sorted(rng.choice(syncs) if rng.random() < 0.34 else rng.choice(places) for _ in range(count))
    disk, settled, done = bytearray(), 0, 0
    for cut in chosen:
        for i in range(done, cut):
            if notes[i][0] == DURABLE:
                for kind, offset, _, data in notes[settled:i]:
                    if kind == WRITE:
                        _apply(disk, offset, data)
                settled = i + 1
        done = cut
        image, loose = bytearray(disk), [n for n in notes[settled:cut] if n[0] == WRITE]
        rng.shuffle(loose)
        for _, offset, _, data in loose:
            _tear(image, offset, data, rng)
        yield notes[cut][2], image, len(loose)
