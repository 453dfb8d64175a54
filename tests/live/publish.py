#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a running sensor publishes: every snapshot and block adds up while packets come faster than they
can be taken; the last snapshot says what the report says; readers see an orderly end, a kill and a
restart; a second sensor of the same name does not take the segment away.

usage: publish.py JABIRU CAPTURE EXAMPLES
"""
import pathlib
import signal
import sys
import tempfile
import time

import program
import sensor

LOAD = 'packet: {checksum: software}\nflow: {capacity: 65536}\npublish: {interval_ms: 20}\n'
READS = 300
STARTING, RUNNING, DRAINING, ENDED = range(4)


def config_of(capture, workers):
    return (f'{LOAD}worker: {{cpus: "{workers}"}}\nports:\n'
            f'  - device: "net_pcap0,rx_pcap={capture},infinite_rx=1"\n')


def open_segment(reader, live):
    """The segment of this run, once it has a snapshot."""
    limit = time.monotonic() + sensor.START_S
    while time.monotonic() < limit and live.process.poll() is None:
        if live.segment.exists():
            segment = reader.Segment(str(live.segment))
            if segment.pid == live.process.pid and segment.changing()[2] > 0 and \
                    segment.changing()[1] == RUNNING:
                return segment
        time.sleep(0.02)
    raise RuntimeError(f'no segment: {live.errors()}')


def check_blocks(reader, segment, workers, problems):
    """The identities of one worker's block, which stand in its first values under the same series."""
    for index in range(workers):
        values = segment.worker(index)
        if values is None:
            problems.append(f'worker {index}: no whole block in {reader.TRIES} tries')
            continue
        found = {reader.name_of(series): values[series['slot']] for series in segment.series
                 if series['slot'] + series['nb_slots'] <= segment.nb_worker_values and
                 series['nb_slots'] == 1}
        reasons = reader.add_up(found, 'jabiru_not_analysed_packets_total')
        causes = reader.add_up(found, 'jabiru_resets_total') + found['jabiru_resets_pending']
        if found['jabiru_received_packets_total'] != found['jabiru_tcp_packets_total'] + reasons:
            problems.append(f'worker {index}: received is not tcp + not_analysed')
        if found['jabiru_tcp_segments_total{kind="rst"}'] != causes:
            problems.append(f'worker {index}: resets are not causes + pending')


def check_running(reader, segment, workers, problems):
    """Read while it runs. @return how many different snapshots were seen"""
    seen = {}
    for _ in range(READS):
        snapshot = segment.snapshot()
        if snapshot is None:
            problems.append('no snapshot that is whole')
            break
        number, _, values = snapshot
        if number not in seen:
            seen[number] = reader.figures(segment, values)['jabiru_received_packets_total']
            problems += [f'snapshot {number}: {wrong}' for wrong in reader.check(segment, values)]
        check_blocks(reader, segment, workers, problems)
        time.sleep(0.003)
    counts = [seen[number] for number in sorted(seen)]
    if counts != sorted(counts) or len(counts) < 5 or counts[0] == counts[-1]:
        problems.append(f'{len(counts)} snapshots, from {counts[:1]} to {counts[-1:]} packets')
    past = segment.snapshot(min(seen))
    if past is None or past[0] != min(seen):
        problems.append(f'snapshot {min(seen)} is gone already')
    return len(seen)


def check_report(reader, segment, report, problems):
    """The last snapshot and the report were made of the same counters."""
    found = reader.figures(segment, segment.snapshot()[2])
    wanted = {
        'jabiru_received_packets_total': report['packets']['received'],
        'jabiru_received_bytes_total': report['packets']['bytes'],
        'jabiru_tcp_packets_total': report['packets']['tcp'],
        'jabiru_duplicate_packets_total': report['packets']['duplicate'],
        'jabiru_missed_packets_total': report['packets']['missed'],
        'jabiru_in_steering_packets': 0,
    }
    lists = [('jabiru_not_analysed_packets_total', 'reason', report['packets']['not_analysed']),
             ('jabiru_tcp_segments_total', 'kind', report['segments']),
             ('jabiru_connections_total', 'outcome', report['connections']['outcomes']),
             ('jabiru_resets_total', 'cause', report['resets'])]
    for name, label, counts in lists:
        for key, count in counts.items():
            if key != 'pending':
                wanted[f'{name}{{{label}="{key}"}}'] = count
    for name, value in found.items():
        if name.startswith('jabiru_anomalies_total{'):
            wanted[name] = report['anomalies'][name.split('"')[1]]
        if name.startswith('jabiru_port_in_flight'):
            wanted[name] = 0
    for name, value in wanted.items():
        if found[name] != value:
            problems.append(f'{name}: {found[name]} in the segment, {value} in the report')
    return len(wanted)


def check_run(jabiru, capture, reader, workers, problems):
    with tempfile.TemporaryDirectory(prefix='jabiru-live') as folder:
        live = sensor.Sensor(jabiru, folder, config_of(capture, ','.join(workers)))
        try:
            segment = open_segment(reader, live)
            seen = check_running(reader, segment, len(workers), problems)
            live.end()
        finally:
            live.kill()
        compared = check_report(reader, segment, live.report(), problems)
        if segment.changing()[1] != ENDED:
            problems.append(f'state {segment.changing()[1]} after an orderly end')
        print(f'{len(workers)} workers: {seen} snapshots added up, {compared} figures as in the report')


def check_kill(jabiru, capture, reader, problems):
    """Killed: the figures stay, whole, and the heartbeat stops. Then a new run, in a file of its own."""
    with tempfile.TemporaryDirectory(prefix='jabiru-live') as folder:
        first = sensor.Sensor(jabiru, folder, config_of(capture, '0'))
        try:
            segment = open_segment(reader, first)
            other = pathlib.Path(folder, 'other')
            other.mkdir()
            second = sensor.Sensor(jabiru, other, config_of(capture, '0'), '--duration', '1',
                                   segments=first.segment.parent)
            second.wait()
            if 'another sensor that runs' not in second.errors():
                problems.append(f'a second of that name: {second.errors()}')
            if first.process.poll() is not None or not segment.snapshot():
                problems.append('the second one disturbed the first')
            first.send(signal.SIGKILL)
            first.process.wait()
            beat, state = segment.changing()[:2]
            time.sleep(0.3)
            if segment.changing()[0] != beat or state != RUNNING:
                problems.append('a killed sensor still beats, or says that it ended')
            if reader.check(segment, segment.snapshot()[2]):
                problems.append('the last snapshot of a killed sensor does not add up')
        finally:
            first.kill()
        third = sensor.Sensor(jabiru, folder, config_of(capture, '0'))
        try:
            again = open_segment(reader, third)
            if again.boot_id == segment.boot_id or segment.changing()[0] != beat:
                problems.append('the new run writes to the old file')
            third.end()
        finally:
            third.kill()


def main():
    jabiru, capture, examples = sys.argv[1:4]
    sys.path.insert(0, examples)
    import read_segment as reader  # pylint: disable=import-outside-toplevel
    sensor.need_root()
    problems = []
    for workers in (['0'], ['0', '1']):
        check_run(jabiru, capture, reader, workers, problems)
    check_kill(jabiru, capture, reader, problems)
    program.finish(problems, '2 runs compared, one killed')


main()
