#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Print every figure of a running sensor, read from its stats segment. An example of a reader that knows
nothing but the layout (docs/segment.md): names, help, units and labels all come out of the segment.

usage: read_segment.py [PATH]     (default /dev/shm/jabiru/jabiru)

One figure a line: name{label="value"} value. Leaves with 1 when there is no segment, or when what is
received is not what was analysed and what was not.
"""
import collections
import mmap
import struct
import sys

MAGIC = b'JABIRUSG'
MAJOR = 1
STRINGS, FAMILIES, SERIES, BOUNDS, WORKERS, SNAPSHOTS, EVENTS, HOSTS, HOSTS_HEAD = range(1, 10)
COUNTER, GAUGE, HISTOGRAM = range(3)
TRIES = 1000

Section = collections.namedtuple('Section', 'kind record_bytes offset count')
Family = collections.namedtuple('Family', 'name help unit type digits bounds')
Series = collections.namedtuple('Series', 'family slot slots labels')


class Segment:
    def __init__(self, path):
        with open(path, 'rb') as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self.bytes[:8] != MAGIC:
            raise ValueError('not a stats segment, or not ready yet')
        self.major, self.minor = self.unpack('<HH', 8)
        if self.major != MAJOR:
            raise ValueError(f'layout {self.major}.{self.minor}, this program reads {MAJOR}.x')
        size, = self.unpack('<Q', 16)
        if size != len(self.bytes):
            raise ValueError(f'it has {len(self.bytes)} bytes and says {size}')
        sections, self.nb_values = self.unpack('<II', 68)
        self.version = self.text(80, 32)
        self.sensor = self.text(112, 64)
        self.mode = self.text(176, 16)
        # kinds that are unknown are passed over: a newer minor version may have more
        self.sections = {}
        for i in range(min(sections, 24)):
            section = Section(*self.unpack('<IIQQ', 192 + 24 * i))
            if section.offset + section.record_bytes * section.count > len(self.bytes):
                raise ValueError(f'section {section.kind} does not lie within the file')
            self.sections[section.kind] = section
        self.families = [self.family(at) for at in self.records(FAMILIES)]
        self.series = [self.one_series(at) for at in self.records(SERIES)]

    def unpack(self, form, at):
        return struct.unpack_from(form, self.bytes, at)

    def text(self, at, size):
        return self.bytes[at:at + size].split(b'\0')[0].decode(errors='replace')

    def string(self, offset):
        """Texts lie one after the other and end with a zero."""
        section = self.sections[STRINGS]
        if offset >= section.count:
            raise ValueError('a name lies outside the strings')
        start = section.offset + offset
        end = self.bytes.find(b'\0', start, section.offset + section.count)
        return self.bytes[start:end].decode(errors='replace')

    def records(self, kind):
        """Where the records of a section begin; longer ones than are known are fine."""
        section = self.sections[kind]
        return [section.offset + section.record_bytes * i for i in range(section.count)]

    def family(self, at):
        name, text, unit, kind, digits, _, bounds, nb_bounds = self.unpack('<IIIBBHII', at)
        first = self.sections[BOUNDS].offset + 8 * bounds if nb_bounds else 0
        return Family(self.string(name), self.string(text), self.string(unit), kind, digits,
                      self.unpack(f'<{nb_bounds}Q', first))

    def one_series(self, at):
        family, slot, slots, *labels = self.unpack('<III6I', at)
        pairs = [(self.string(labels[i]), self.string(labels[i + 1])) for i in (0, 2, 4) if labels[i]]
        return Series(self.families[family], slot, slots, pairs)

    def newest(self):
        """The values of the newest snapshot, whole; (number, time in ns, values), or None before the first.

        Its number is looked at before and after: it is 0 while it is being written, and another one when
        it was overwritten meanwhile."""
        ring = self.sections[SNAPSHOTS]
        for _ in range(TRIES):
            number, = self.unpack('<Q', 768 + 16)
            if number == 0:
                return None
            at = ring.offset + (number - 1) % ring.count * ring.record_bytes
            before, time_ns = self.unpack('<QQ', at)
            values = self.unpack(f'<{self.nb_values}Q', at + 64)
            after, = self.unpack('<Q', at)
            if before == number == after:
                return number, time_ns, values
        raise ValueError('the newest snapshot is overwritten all the time')


def scaled(value, family):
    """A gauge may be below 0; values are divided by 10^digits, exactly."""
    if family.type == GAUGE and value >= 1 << 63:
        value -= 1 << 64
    if family.digits == 0:
        return str(value)
    whole, part = divmod(abs(value), 10 ** family.digits)
    return f'{"-" if value < 0 else ""}{whole}.{part:0{family.digits}}'


def escaped(text):
    return text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n')


def print_series(series, values, last):
    family = series.family
    if family is not last:
        print(f'# {family.name}: {family.help} ({family.unit})')
    labels = ','.join(f'{name}="{escaped(value)}"' for name, value in series.labels)
    name = family.name + ('{' + labels + '}' if labels else '')
    if family.type != HISTOGRAM:
        print(name, scaled(values[series.slot], family))
        return
    slots = values[series.slot:series.slot + series.slots]
    for bound, count in zip(family.bounds, slots):
        print(f'{name} up to {scaled(bound, family)}: {count}')
    print(f'{name} above: {slots[len(family.bounds)]}, sum {scaled(slots[-1], family)}')


def total(segment, values, name):
    return sum(values[series.slot] for series in segment.series if series.family.name == name)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else '/dev/shm/jabiru/jabiru'
    try:
        segment = Segment(path)
        found = segment.newest()
    except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
        sys.exit(f"cannot read '{path}': {error}")
    if found is None:
        sys.exit(f"'{path}' has no snapshot yet")
    number, time_ns, values = found
    print(f'# {segment.sensor}, jabiru {segment.version}, {segment.mode}: snapshot {number} of '
          f'{time_ns // 10**9}.{time_ns % 10**9:09}')
    last = None
    for series in segment.series:
        print_series(series, values, last)
        last = series.family
    received = total(segment, values, 'jabiru_received_packets_total')
    tcp = total(segment, values, 'jabiru_tcp_packets_total')
    not_analysed = total(segment, values, 'jabiru_not_analysed_packets_total')
    if received != tcp + not_analysed:
        sys.exit(f'received {received} is not TCP {tcp} and not analysed {not_analysed}')


if __name__ == '__main__':
    main()
