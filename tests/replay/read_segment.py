#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""docs/examples/read_segment.py reads what a replay publishes, and a made segment: it says what the report
and what jabiructl say; it notices figures that do not add up, and files that are none.

usage: read_segment.py JABIRU JABIRUCTL MAKE_SEGMENT EXAMPLE CAPTURE
"""
import importlib.machinery
import importlib.util
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import program

LINE = re.compile(r'^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>-?[0-9.]+)$')


def read(example, path):
    done = program.run(sys.executable, example, path, '--check')
    figures = {}
    for line in done.stdout.decode().splitlines():
        found = LINE.match(line)
        if found:
            figures[found['name'], found['labels'] or ''] = found['value']
    return done.returncode, figures, done.stderr.decode()


def check_replay(jabiru, example, capture, folder, problems):
    config = folder / 'jabiru.yaml'
    config.write_text(f'config_version: 1\nstats: {{folder: {folder}, instance: replay}}\n')
    done = program.run(jabiru, 'replay', capture, '--publish', '--json', '-c', config)
    report = json.loads(done.stdout)
    code, figures, errors = read(example, folder / 'replay')
    if code != 0 or errors:
        problems.append(f'replay: exit {code}: {errors}')
    wanted = {('jabiru_received_packets_total', ''): report['packets']['received'],
              ('jabiru_tcp_packets_total', ''): report['packets']['tcp']}
    for name, label, part in (('jabiru_not_analysed_packets_total', 'reason',
                               report['packets']['not_analysed']),
                              ('jabiru_tcp_segments_total', 'kind', report['segments']),
                              ('jabiru_connections_total', 'outcome',
                               report['connections']['outcomes'])):
        wanted.update({(name, f'{label}="{key}"'): count for key, count in part.items()})
    for cause, count in report['resets'].items():
        if cause != 'pending':
            wanted['jabiru_resets_total', f'cause="{cause}"'] = count
    for key, count in wanted.items():
        if figures.get(key) != str(count):
            problems.append(f'replay: {key} is {figures.get(key)}, the report says {count}')
    return len(wanted)


def place_of(example, path, name):
    """Where a figure lies in the newest snapshot."""
    loader = importlib.machinery.SourceFileLoader('example', str(example))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('example', loader))
    loader.exec_module(module)
    segment = module.Segment(path)
    record, offset, count = segment.sections[module.SNAPSHOTS]
    slot = next(series['slot'] for series in segment.series if series['family']['name'] == name)
    return offset + (segment.changing()[2] - 1) % count * record + 64 + 8 * slot


def check_made(jabiructl, make_segment, example, folder, problems):
    """As jabiructl has it; then with one packet too many."""
    maker = subprocess.Popen([make_segment, folder, 'made'], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    try:
        maker.stdout.readline()
        path = folder / 'made'
        code, figures, errors = read(example, path)
        stats = json.loads(program.run(jabiructl, '-i', path, 'stats', '--json').stdout)
    finally:
        maker.communicate(timeout=30)
    if code != 0 or errors:
        problems.append(f'made: exit {code}: {errors}')
    count = 0
    for family in stats['families']:
        for series in family['series']:
            labels = ','.join(f'{name}="{value}"' for name, value in series['labels'].items())
            value = figures.get((family['name'], labels))
            if family['type'] == 'histogram':
                continue
            count += 1
            if value is None or float(value) != series['value']:
                problems.append(f'made: {family["name"]} {labels}: {value}, jabiructl has {series["value"]}')
    whole = bytearray(path.read_bytes())
    at = place_of(example, path, 'jabiru_received_packets_total')
    if whole[at:at + 8] != struct.pack('<Q', 198000):
        problems.append('made: the figure was not found')
    whole[at:at + 8] = struct.pack('<Q', 198001)
    path.write_bytes(whole)
    code, _, errors = read(example, path)
    if code != 1 or 'received = tcp + not_analysed: 198001 is not 198000' not in errors:
        problems.append(f'one packet too many: exit {code}: {errors}')
    return count


def check_broken(example, folder, problems):
    whole = (folder / 'replay').read_bytes()
    for name, content in (('none', None), ('empty', b''), ('rubbish', b'x' * 4096),
                          ('short', whole[:5000]), ('newer', whole[:8] + b'\2' + whole[9:])):
        path = folder / name
        if content is not None:
            path.write_bytes(content)
        code, _, errors = read(example, path)
        if code != 1 or f"cannot read '{path}': " not in errors or 'Traceback' in errors:
            problems.append(f'{name}: exit {code}: {errors}')


def main():
    jabiru, jabiructl, make_segment, example, capture = sys.argv[1:6]
    problems = []
    with tempfile.TemporaryDirectory(prefix='jabiru-segment') as scratch:
        folder = pathlib.Path(scratch)
        count = check_replay(jabiru, example, capture, folder, problems)
        count += check_made(jabiructl, make_segment, example, folder, problems)
        check_broken(example, folder, problems)
    program.finish(problems, f'{count} figures')


main()
