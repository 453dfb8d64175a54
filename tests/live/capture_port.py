#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A capture as a port: what does not depend on time is counted as in a replay of the same file, with one
worker and with two that hand packets on, and however often the file stands among the ports. More than two
workers can take, without end: what is lost is counted, and all adds up.

usage: capture_port.py JABIRU CAPTURE
"""
import json
import pathlib
import re
import signal
import sys
import tempfile
import time

import program
import sensor

COMMON = 'packet: {checksum: software}\nflow: {capacity: 65536}\n'
# (what, workers, how many ports, queues of each)
RUNS = [
    ('one worker', '"0"', 1, 1),
    ('two workers', '"0,1"', 1, 1),
    ('two ports', '"0"', 2, 1),
    ('two ports, two workers', '"0,1"', 2, 1),
    ('two queues, two workers', '"0,1"', 1, 2),
]


def config_of(capture, workers, ports, queues):
    files = ','.join([f'rx_pcap={capture}'] * queues)
    devices = ''.join(f'  - device: "net_pcap{i},{files}"\n' for i in range(ports))
    return f'{COMMON}worker: {{cpus: {workers}}}\nports:\n{devices}'


def compare(name, report, replayed, times, problems):
    """@param times  how often the capture was read."""
    for part in ('packets', 'segments'):
        wanted = replayed[part]
        for key in wanted:
            if key == 'duplicate':
                continue  # the same packet at the same time is a tap's copy
            if key == 'not_analysed':
                both = {why: times * count for why, count in wanted[key].items()}
            else:
                both = times * wanted[key]
            if report[part][key] != both:
                problems.append(f'{name}: {part}.{key} {report[part][key]}, not {both}')


def check_signals(live, problems):
    """Ask for the state; move a file away, as a log rotation does, and have it opened anew."""
    live.send(signal.SIGUSR1)
    if not live.wait_for('between two polls'):
        problems.append(f'no state: {live.errors()}')
    # what ports count is read ten times a second
    for _ in range(8):
        if re.search('[1-9][0-9]* received', live.errors()):
            break
        time.sleep(0.05)
        live.send(signal.SIGUSR1)
    else:
        problems.append(f'no count of a port while it runs: {live.errors()}')
    live.flows_path.rename(live.folder / 'rotated')
    live.send(signal.SIGUSR2)
    for path in (live.flows_path, live.events_path):
        if not live.wait_for(f"'{path}' was opened anew") or not path.exists():
            problems.append(f'no new file: {live.errors()}')
    live.send(signal.SIGHUP)
    if not live.wait_for('the configuration was not read again'):
        problems.append(f'no answer to HUP: {live.errors()}')


def records(live):
    """How many connections were written down, over all files."""
    count = 0
    for path in (live.flows_path, live.folder / 'rotated'):
        if path.exists():
            with open(path, 'rb') as flows:
                count += sum(1 for _ in flows)
    return count


def check_aggregates(name, live, sink, problems):
    """They are what the schema says, and of as many connections as were counted."""
    path = live.folder / 'aggregates'
    lines = [line for line in live.flows_path.read_text().splitlines(keepends=True)
             if '"event_type":"flow_aggregate"' in line]
    path.write_text(''.join(lines))
    own = [json.loads(line)['jabiru'] for line in lines]
    told = sum(row['connections'] for row in own)
    if len(lines) != sink['aggregates'] or told != sink['aggregated'] or \
            any(row['connections'] != sum(row['conn_states'].values()) for row in own):
        problems.append(f'{name}: {len(lines)} aggregates of {told} connections: {sink}')
    if lines:
        sensor.validate(name, 'event', path, problems)


def check_overload(jabiru, capture, problems):
    name = 'overload'
    config = (f'{COMMON}worker: {{cpus: "0,1", ring_size: 64}}\nevent: {{records_per_s: 1000}}\n'
              'ports:\n'
              f'  - device: "net_pcap0,rx_pcap={capture},infinite_rx=1"\n')
    with sensor.running(jabiru, config, '--duration', '1') as live:
        code = live.wait()
        report = live.report()
        if code != 0 or report is None:
            problems.append(f'{name}: exit {code}: {live.errors()}')
            return
        sensor.check_sums(name, report, problems)
        lost = report['packets']['not_analysed']['ring_full']
        if lost == 0:
            problems.append(f'{name}: nothing was lost: {report["live"]}')
        sink = sensor.sink_of(report, 'flows')
        if records(live) != sink['written'] or sink['emitted'] != sink['written']:
            problems.append(f'{name}: {records(live)} lines: {sink}')
        if not sink['aggregated'] or not sink['left_out']:
            problems.append(f'{name}: no record was beyond the budget: {sink}')
        told = sum(worker['lost_records'] for worker in report['live']['workers'])
        told += sink['written'] - sink['aggregates'] + sink['aggregated'] + sink['left_out']
        if report['connections']['total'] != told:
            problems.append(f'{name}: {told} records of {report["connections"]["total"]}')
        check_aggregates(name, live, sink, problems)
        print(f'{name}: {report["packets"]["received"]} packets, {lost} lost between workers, '
              f'{sink["aggregated"]} connections in {sink["aggregates"]} lines, '
              f'{sink["left_out"]} in none')


def check_flow_log(jabiru, capture, problems):
    """Only records that have something to tell; the outputs are named by the configuration."""
    name = 'flow_log: anomalous'
    with tempfile.TemporaryDirectory(prefix='jabiru-outputs') as folder:
        paths = [pathlib.Path(folder, output) for output in ('flows', 'events')]
        config = config_of(capture, '"0"', 1, 1) + (
            f'output: {{flow_log: anomalous, flows: {paths[0]}, events: {paths[1]}}}\n')
        with sensor.running(jabiru, config, '--duration', '1', outputs=False) as live:
            code = live.wait()
            report = live.report()
        if code != 0 or report is None:
            problems.append(f'{name}: exit {code}: {live.errors()}')
            return
        own = [json.loads(line)['jabiru'] for line in paths[0].read_text().splitlines()]
        if not 0 < len(own) < report['connections']['total'] or any(
                record['outcome'] in ('SF', 'S1') and not record['anomalies'] for record in own):
            problems.append(f'{name}: {len(own)} of {report["connections"]["total"]} connections')
        if not paths[1].stat().st_size:
            problems.append(f'{name}: no event')


def main():
    jabiru, capture = sys.argv[1:]
    sensor.need_root()
    problems = []
    replayed = program.Replay(jabiru, [capture]).report
    for name, workers, ports, queues in RUNS:
        with sensor.running(jabiru, config_of(capture, workers, ports, queues), '--duration',
                            '1') as live:
            if name == 'one worker':
                check_signals(live, problems)
            code = live.wait()
            report = live.report()
            if code != 0 or report is None:
                problems.append(f'{name}: exit {code}: {live.errors()}')
                continue
            sensor.check_sums(name, report, problems)
            sensor.check_schema(name, live, problems)
            compare(name, report, replayed, ports * queues, problems)
            if report['connections']['total'] != records(live):
                problems.append(f'{name}: {records(live)} records of '
                                f'{report["connections"]["total"]} connections')
            steering = 'one_worker' if ',' not in workers else 'software'
            passed = sum(worker['ring_out'] for worker in report['live']['workers'])
            if report['live']['steering'] != steering or (passed > 0) != (steering == 'software'):
                problems.append(f'{name}: {report["live"]}')
    check_flow_log(jabiru, capture, problems)
    check_overload(jabiru, capture, problems)
    sensor.check_nothing_left(problems)
    program.finish(problems, f'{len(RUNS) + 2} runs')


main()
