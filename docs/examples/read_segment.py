#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Read the stats segment of a jabiru sensor: an example, and the proof that it describes itself.

usage: read_segment.py [SEGMENT] [--events N] [--check]

Prints every series of the newest snapshot as `name{labels} value`, a histogram as its count and sum,
and with --events the newest N events. --check compares the identities that docs/segment.md states and
leaves with 1 when one does not hold. Needs nothing but the standard library. SEGMENT is a file, by
default /dev/shm/jabiru/jabiru.
"""
import argparse
import mmap
import os
import struct
import sys
import time

MAJOR = 1
STRINGS, FAMILIES, SERIES, BOUNDS, WORKERS, SNAPSHOTS, EVENTS, HOSTS, HOSTS_HEAD = range(1, 10)
COUNTER, GAUGE, HISTOGRAM = range(3)
STATES = ('starting', 'running', 'draining', 'ended')
HEADER_BYTES = 832
CHANGING = 768  # heartbeat, state, snapshots, events: 8 bytes each
TRIES = 16


class Segment:
    """A segment, mapped; its directory is read once."""

    def __init__(self, path):
        with open(path, 'rb') as file:
            self.size = os.fstat(file.fileno()).st_size
            if self.size < HEADER_BYTES:
                raise ValueError('it is too short for a segment')
            self.bytes = mmap.mmap(file.fileno(), self.size, prot=mmap.PROT_READ)
        magic, major, self.minor, header_bytes, said = self.unpack('<8sHHIQ', 0)
        if magic != b'JABIRUSG':
            raise ValueError('it is no stats segment of jabiru, or not ready yet')
        if major != MAJOR:
            raise ValueError(f'it has layout {major}, this reads {MAJOR}')
        if said != self.size or header_bytes < HEADER_BYTES:
            raise ValueError(f'it is broken: it has {self.size} bytes and says {said}')
        self.boot_id = self.bytes[24:40].hex()
        self.pid, self.start_ns, _, self.interval_ms, nb_sections, self.nb_values, \
            self.nb_worker_values = self.unpack('<QQQIIII', 40)
        self.version, self.sensor, self.mode = (
            field.split(b'\0')[0].decode('utf-8', 'replace')
            for field in self.unpack('<32s64s16s', 80))
        self.sections = {}
        for index in range(nb_sections):
            kind, record, offset, count = self.unpack('<IIQQ', 192 + 24 * index)
            if offset + record * count > self.size:
                raise ValueError(f'it is broken: section {kind}')
            self.sections[kind] = (record, offset, count)
        self.families = [self.family(entry) for entry in self.entries(FAMILIES, '<IIIBBHII')]
        self.series = [self.one_series(entry) for entry in self.entries(SERIES, '<III6I')]

    def unpack(self, form, offset):
        return struct.unpack_from(form, self.bytes, offset)

    def entries(self, kind, form):
        record, offset, count = self.sections[kind]
        return [self.unpack(form, offset + record * index) for index in range(count)]

    def text(self, at):
        begin = self.sections[STRINGS][1] + at
        return self.bytes[begin:self.bytes.find(b'\0', begin)].decode('utf-8', 'replace')

    def family(self, entry):
        name, text, unit, kind, digits, _, bound, nb_bounds = entry
        _, at, _ = self.sections[BOUNDS]
        bounds = self.unpack(f'<{nb_bounds}Q', at + 8 * bound) if kind == HISTOGRAM else ()
        return {'name': self.text(name), 'help': self.text(text), 'unit': self.text(unit),
                'type': kind, 'digits': digits, 'bounds': bounds}

    def one_series(self, entry):
        family, slot, nb_slots, *labels = entry
        pairs = [(self.text(labels[i]), self.text(labels[i + 1])) for i in range(0, 6, 2)]
        return {'family': self.families[family], 'slot': slot, 'nb_slots': nb_slots,
                'labels': [pair for pair in pairs if pair[0]]}

    def changing(self):
        """Heartbeat, state, number of the newest snapshot, number of the newest event."""
        return self.unpack('<QQQQ', CHANGING)

    def snapshot(self, number=0):
        """(number, time in ns, values) of a snapshot, by default the newest; None when it is gone."""
        record, offset, count = self.sections[SNAPSHOTS]
        for _ in range(TRIES):
            newest = self.changing()[2]
            wanted = number or newest
            if wanted == 0 or wanted > newest or wanted + count <= newest:
                return None
            at = offset + (wanted - 1) % count * record
            before, time_ns = self.unpack('<QQ', at)
            values = self.unpack(f'<{self.nb_values}Q', at + 64)
            if before == wanted and self.unpack('<Q', at)[0] == wanted:
                return wanted, time_ns, values
        return None

    def worker(self, index):
        """A worker's own values, as they stood between two bursts."""
        record, offset, _ = self.sections[WORKERS]
        at = offset + index * record
        for _ in range(TRIES):
            sequence, = self.unpack('<Q', at)
            copy = at + 64 + sequence % 2 * self.nb_worker_values * 8
            values = self.unpack(f'<{self.nb_worker_values}Q', copy)
            if self.unpack('<Q', at)[0] == sequence:
                return values
        return None

    def events(self, backlog):
        """The newest events, oldest first, and how many of those wanted were overwritten."""
        record, offset, count = self.sections[EVENTS]
        newest = self.changing()[3]
        found, lost = [], 0
        for number in range(max(1, newest - min(backlog, count) + 1), newest + 1):
            at = offset + (number - 1) % count * record
            data = bytes(self.bytes[at:at + record])
            if struct.unpack_from('<Q', data)[0] != number or self.unpack('<Q', at)[0] != number:
                lost += 1
                continue
            _, time_ns, _, _, times, _ = struct.unpack_from('<6Q', data)
            found.append({'number': number, 'time': time_ns / 1e9, 'count': times,
                          'key': data[96:136].split(b'\0')[0].decode('utf-8', 'replace'),
                          'summary': data[136:256].split(b'\0')[0].decode('utf-8', 'replace')})
        return found, lost


def name_of(series):
    labels = ','.join(f'{name}="{value}"' for name, value in series['labels'])
    return series['family']['name'] + (f'{{{labels}}}' if labels else '')


def value_of(series, values):
    """The value of a series; of a histogram (count, sum)."""
    family, slot = series['family'], series['slot']
    scale = 10 ** family['digits']
    if family['type'] == HISTOGRAM:
        last = slot + series['nb_slots'] - 1
        return sum(values[slot:last]), values[last] / scale
    value = values[slot]
    if family['type'] == GAUGE and value >= 1 << 63:
        value -= 1 << 64
    return value if scale == 1 else value / scale


def figures(segment, values):
    """{name{labels}: value} of everything."""
    return {name_of(series): value_of(series, values) for series in segment.series}


def add_up(found, prefix):
    return sum(value for name, value in found.items() if name.startswith(prefix + '{'))


def check(segment, values):
    """What does not add up."""
    found = figures(segment, values)
    wrong = []

    def equal(what, left, right):
        if left != right:
            wrong.append(f'{what}: {left} is not {right}')

    equal('received = tcp + not_analysed', found['jabiru_received_packets_total'],
          found['jabiru_tcp_packets_total'] + add_up(found, 'jabiru_not_analysed_packets_total'))
    equal('segments of kind rst = causes + pending', found['jabiru_tcp_segments_total{kind="rst"}'],
          add_up(found, 'jabiru_resets_total') + found['jabiru_resets_pending'])
    equal('outcomes = conn_states', add_up(found, 'jabiru_connections_total'),
          add_up(found, 'jabiru_connection_states_total'))
    worker = 'jabiru_worker_{}_packets_total'.format
    equal('polled = tcp + not_analysed + in steering', add_up(found, worker('polled')),
          add_up(found, worker('tcp')) + add_up(found, worker('not_analysed')) +
          found['jabiru_in_steering_packets'])
    for name in found:
        if name.startswith('jabiru_port_received_packets_total{'):
            port = name[name.index('{'):]
            equal(f'received of {port} = polled + in flight', found[name],
                  found['jabiru_port_polled_packets_total' + port] +
                  found['jabiru_port_in_flight_packets' + port])
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('segment', nargs='?', default='/dev/shm/jabiru/jabiru')
    parser.add_argument('--events', type=int, default=0, metavar='N')
    parser.add_argument('--check', action='store_true')
    options = parser.parse_args()
    try:
        segment = Segment(options.segment)
    except (OSError, ValueError) as error:
        sys.exit(f"read_segment: cannot read '{options.segment}': {error}")
    beat, state, _, _ = segment.changing()
    age = time.clock_gettime(time.CLOCK_MONOTONIC) - beat / 1e9
    print(f'# jabiru {segment.version}, sensor {segment.sensor}, {segment.mode}, process '
          f'{segment.pid}: {STATES[min(state, 3)]}, heartbeat {age:.1f} s ago')
    snapshot = segment.snapshot()
    if snapshot is None:
        sys.exit('read_segment: there is no snapshot yet')
    number, time_ns, values = snapshot
    print(f'# snapshot {number} of {time_ns / 1e9:.3f}')
    for name, value in figures(segment, values).items():
        if isinstance(value, tuple):
            print(f'{name}_count {value[0]}\n{name}_sum {value[1]}')
        else:
            print(f'{name} {value}')
    found, lost = segment.events(options.events)
    for event in found:
        print(f"# event {event['number']} {event['key']}: {event['summary']}")
    if lost:
        print(f'# {lost} events were overwritten meanwhile')
    wrong = check(segment, values) if options.check else []
    for line in wrong:
        print(f'read_segment: {line}', file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
