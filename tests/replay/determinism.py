#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The same captures give the same bytes, with any number of workers, in any arrangement.

usage: determinism.py JABIRU CAPTURES MAKE_LOAD

Held for report (without `performance` and `interval`), flows and events: every capture with 1 to 64
workers, twice each; a capture of many batches, which MAKE_LOAD writes; a capture cut into two files by
time, in both orders, against the whole; and --loop 3, which counts everything three times.
"""
import pathlib
import struct
import sys
import tempfile

import program

WORKERS = (1, 2, 3, 5, 8, 64)
RUNS = 2
LOOPS = 3
LOAD_PACKETS = 30000
LOAD_CONNECTIONS = 300
PCAP_HEADER = 24
RECORD_HEADER = 16
# a mirror's lag that is learned in the first loop tells more duplicates in the next (IPv6: no IP id)
LEARNS = {'ng_interfaces.pcapng'}


def check_workers(jabiru, capture, problems):
    first = program.Replay(jabiru, [capture])
    if first.code not in (0, 1) or first.errors.count('\n') > 1:
        problems.append(f'{capture.name}: exit {first.code}: {first.errors}')
    for workers in WORKERS:
        for _ in range(RUNS):
            again = program.Replay(jabiru, [capture], '--workers', workers)
            if again.outputs() != first.outputs() or again.errors != first.errors:
                problems.append(f'{capture.name}: {workers} workers print something else than 1')


def records(data):
    """(seconds, microseconds), bytes of each packet of a little-endian pcap."""
    at = PCAP_HEADER
    while at < len(data):
        length = struct.unpack_from('<I', data, at + 8)[0]
        end = at + RECORD_HEADER + length
        yield struct.unpack_from('<II', data, at), data[at:end]
        at = end


def split(capture, folder):
    """Two files with the packets in turn; what has the same time stays together."""
    data = capture.read_bytes()
    parts = [bytearray(data[:PCAP_HEADER]), bytearray(data[:PCAP_HEADER])]
    turn, last = 0, None
    for time, record in records(data):
        turn ^= time != last
        last = time
        parts[turn] += record
    paths = [pathlib.Path(folder, f'part{i}.pcap') for i in range(2)]
    for path, part in zip(paths, parts):
        path.write_bytes(part)
    return paths


def check_merge(jabiru, capture, problems):
    with tempfile.TemporaryDirectory() as folder:
        paths = split(capture, folder)
        whole = program.Replay(jabiru, [capture])
        if len({path.stat().st_size for path in [*paths, capture]}) != 3:
            problems.append(f'{capture.name}: it could not be cut in two')
        for order in (paths, paths[::-1]):
            for workers in (1, 3):
                merged = program.Replay(jabiru, order, '--workers', workers)
                if merged.outputs() != whole.outputs():
                    problems.append(f'{capture.name}: cut in two and merged, it is another')


def counts(report, has_learned):
    """What a repetition multiplies. An outcome may differ: the end of the capture invents no time-out,
    the next loop waits for all of them."""
    packets, connections = report['packets'], report['connections']
    plain = {key: packets[key] for key in ('received', 'bytes', 'tcp')}
    plain.update(packets['not_analysed'], **report['segments'], total=connections['total'])
    if has_learned:
        return plain
    return {**plain, **report['resets'], 'duplicates': packets['duplicate'],
            **connections['conn_states']}


def check_loop(jabiru, capture, problems):
    once = program.Replay(jabiru, [capture])
    if once.code != 0:
        return
    looped = program.Replay(jabiru, [capture], '--loop', LOOPS)
    want, got = (counts(done.report, capture.name in LEARNS) for done in (once, looped))
    wrong = [f'{got[key]} {key}, not {LOOPS} x {want[key]}' for key in want
             if got[key] != LOOPS * want[key]]
    if wrong:
        problems.append(f'{capture.name}: --loop {LOOPS}: {", ".join(wrong)}')
    if len(looped.flow_records()) != LOOPS * len(once.flow_records()):
        problems.append(f'{capture.name}: --loop {LOOPS} writes another number of flows')
    again = program.Replay(jabiru, [capture], '--loop', LOOPS, '--workers', 5)
    if again.outputs() != looped.outputs():
        problems.append(f'{capture.name}: --loop {LOOPS} with 5 workers is another')


def main():
    jabiru, folder, make_load = sys.argv[1:4]
    problems = []
    found = program.captures(folder)
    with tempfile.TemporaryDirectory() as scratch:
        load = pathlib.Path(scratch, 'load.pcap')
        done = program.run(make_load, load, LOAD_PACKETS, LOAD_CONNECTIONS)
        if done.returncode != 0:
            problems.append(f'make_load: {done.stderr.decode()}')
        for capture in [*found, load]:
            check_workers(jabiru, capture, problems)
            check_loop(jabiru, capture, problems)
        check_merge(jabiru, load, problems)
        check_merge(jabiru, pathlib.Path(folder, 'sample.pcap'), problems)
    program.finish(problems, f'{len(found) + 1} captures')


if __name__ == '__main__':
    main()
