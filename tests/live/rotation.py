#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Debian's logrotate and the file that is shipped for it, on a sensor that writes all the time: its files
are renamed and opened anew, and no line is lost.

usage: rotation.py JABIRU CAPTURE LOGROTATE_FILE

Only names are changed in the file: of the folder, and of the user. `systemctl`, which it calls, is played
by a script that sends the signal which it is asked to send.
"""
import gzip
import json
import os
import pathlib
import subprocess
import sys
import time

import program
import sensor

ROTATIONS = 4
SYSTEMCTL = """#!/bin/sh
[ "$*" = "kill --kill-who=main --signal=USR2 jabiru.service" ] || exit 1
kill -USR2 {pid}
"""


def config_of(capture):
    return ('packet: {checksum: software}\nflow: {capacity: 65536}\n'
            'worker: {cpus: "0"}\n'
            f'ports: [{{device: "net_pcap0,rx_pcap={capture},infinite_rx=1"}}]\n')


def prepare(live, shipped, log):
    """Write logrotate's file and the systemctl that it finds. @return the command and its environment"""
    text = pathlib.Path(shipped).read_text()
    for old, new in (('/var/log/jabiru/events.json', f'{log}/events'),
                     ('/var/log/jabiru/flows.json', f'{log}/flows'),
                     ('su jabiru jabiru', 'su root root')):
        if old not in text:
            sys.exit(program.finish([f'{shipped}: has no "{old}"'], ''))
        text = text.replace(old, new)
    path = live.folder / 'logrotate.conf'
    path.write_text(text)
    path.chmod(0o644)
    tools = live.folder / 'tools'
    tools.mkdir()
    systemctl = tools / 'systemctl'
    systemctl.write_text(SYSTEMCTL.format(pid=live.process.pid))
    systemctl.chmod(0o755)
    command = ['logrotate', '--force', '--state', live.folder / 'state', path]
    return command, {**os.environ, 'PATH': f'{tools}:{os.environ["PATH"]}'}


def wait_until(condition):
    limit = time.monotonic() + sensor.START_S
    while time.monotonic() < limit and not condition():
        time.sleep(0.02)
    return condition()


def rotate(live, command, environment, paths, times, problems):
    """One turn of logrotate, while lines come. @return whether it went well"""
    if not wait_until(lambda: all(path.exists() and path.stat().st_size for path in paths)):
        problems.append(f'nothing was written: {[str(path) for path in paths]}')
        return False
    before = live.errors().count('opened anew')
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        problems.append(f'logrotate: exit {done.returncode}: {done.stderr}')
        return False
    # each says so; the signal of the next rotation must not come between the two
    if not wait_until(lambda: live.errors().count('opened anew') == before + len(paths)):
        problems.append(f'rotation {times}: not opened anew: {live.errors()}')
        return False
    if not wait_until(lambda: all(path.exists() for path in paths)):
        problems.append(f'rotation {times}: no new file')
        return False
    return True


def lines(path):
    """All lines of a file and of those it was renamed to, oldest first; each whole."""
    numbered = sorted(path.parent.glob(path.name + '.*'), key=lambda p: -int(p.name.split('.')[1]))
    for part in [*numbered, path]:
        opener = gzip.open if part.suffix == '.gz' else open
        with opener(part, 'rt') as text:
            for line in text:
                if not line.endswith('\n'):
                    raise ValueError(f'{part}: a line is cut')
                yield json.loads(line)


def check_lines(live, report, paths, problems):
    """Every line that was written is in one of the files, whole, and every connection is told of or
    counted; the oldest files are compressed."""
    lost = sum(worker['lost_records'] for worker in report['live']['workers'])
    sink = sensor.sink_of(report, 'flows')
    try:
        kinds = [line['event_type'] for line in lines(paths[1])]
        events = sum(1 for _ in lines(paths[0]))
    except (ValueError, KeyError) as error:
        problems.append(f'a line is broken: {error}')
        return
    if len(kinds) != sink['written'] or events != sensor.sink_of(report, 'events')['written']:
        problems.append(f'{len(kinds)} records and {events} events in the files: '
                        f'{report["live"]["sinks"]}')
    told = kinds.count('flow') + sink['aggregated'] + sink['left_out'] + lost
    if sink['written'] != sink['emitted'] or told != report['connections']['total']:
        problems.append(f'{told} of {report["connections"]["total"]} connections: {sink}')
    if events == 0:
        problems.append('no event was written')
    names = sorted(path.name for path in live.folder.glob(paths[1].name + '.*'))
    wanted = [f'{paths[1].name}.1'] + [f'{paths[1].name}.{n}.gz' for n in
                                       range(2, ROTATIONS + 1)]
    if names != wanted:
        problems.append(f'rotated to {names}, not {wanted}')
    print(f'{len(kinds)} records and {events} events over {ROTATIONS + 1} files each, {told} connections')


def main():
    jabiru, capture, shipped = sys.argv[1:]
    sensor.need_root('logrotate')
    problems = []
    with sensor.running(jabiru, config_of(capture)) as live:
        paths = [live.folder / 'events', live.folder / 'flows']
        command, environment = prepare(live, shipped, live.folder)
        for times in range(ROTATIONS):
            if not rotate(live, command, environment, paths, times, problems):
                break
        code = live.end()
        report = live.report()
        if code != 0 or report is None:
            problems.append(f'exit {code}: {live.errors()}')
        else:
            check_lines(live, report, paths, problems)
    sensor.check_nothing_left(problems)
    program.finish(problems, f'{ROTATIONS} rotations')


main()
