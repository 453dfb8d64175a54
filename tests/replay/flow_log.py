#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""output.flow_log: with `all` every connection has a record, with `anomalous` those that have something to
tell, unchanged and in the same order, with `off` none. And what a replay writes to is a file.

usage: flow_log.py JABIRU CAPTURE
"""
import json
import pathlib
import sys
import tempfile

import program


def is_anomalous(line):
    own = json.loads(line)['jabiru']
    return own['outcome'] not in ('SF', 'S1') or bool(own['anomalies'])


def main():
    jabiru, capture = sys.argv[1:]
    problems = []
    lines = {}
    with tempfile.TemporaryDirectory(prefix='jabiru-flow-log') as folder:
        config = pathlib.Path(folder, 'jabiru.yaml')
        for word in ('all', 'anomalous', 'off'):
            # the paths are those of the live mode: a replay must not touch them
            config.write_text(f'config_version: 1\noutput:\n  flow_log: {word}\n'
                              f'  flows: {folder}/live\n  events: {folder}/live\n')
            done = program.Replay(jabiru, [capture], '-c', config)
            lines[word] = done.flows.splitlines()
            if done.code != 0 or not done.events:
                problems.append(f'{word}: exit {done.code}: {done.errors}')
            total = done.report['connections']['total']
        if pathlib.Path(folder, 'live').exists():
            problems.append('a replay wrote to output.flows or output.events')
        for option in ('--events', '--flows'):
            done = program.run(jabiru, 'replay', capture, option, f'unix:{folder}/socket')
            if done.returncode != 1 or b'so it writes to files only; name one' not in done.stderr:
                problems.append(f'{option}: exit {done.returncode}: {done.stderr.decode()}')
    if len(lines['all']) != total:
        problems.append(f'all: {len(lines["all"])} records of {total} connections')
    wanted = [line for line in lines['all'] if is_anomalous(line)]
    if lines['anomalous'] != wanted or not 0 < len(wanted) < total:
        problems.append(f'anomalous: {len(lines["anomalous"])} records, not {len(wanted)} of {total}')
    if lines['off']:
        problems.append(f'off: {len(lines["off"])} records')
    program.finish(problems, f'{total} connections, {len(wanted)} anomalous')


main()
