#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whole captures against exact expected output.

usage: golden.py JABIRU CAPTURES EXPECTED [--update]

EXPECTED holds for each capture CAPTURE.json, the report without `performance`, `interval` and the
version; where there is one, also CAPTURE.flows.ndjson, CAPTURE.events.ndjson (byte for byte) and CAPTURE.error, what
stands on standard error when the exit code is 1. --update writes them anew: look at every line of the
difference before you commit it. The table and the list of reset causes in the captures' README.md,
written by the packet builder and not by the program, are held against the reports as well.
"""
import difflib
import json
import pathlib
import re
import sys

import program

COLUMNS = ('packets', 'tcp', 'syn', 'synack', 'fin', 'rst')
ROW = re.compile(r'\| (\S+) \| .* \| ' + r' \| '.join([r'(\d+)'] * len(COLUMNS)) + r' \|')
# whose connections and events are frozen too
LINES_OF = ('sample.pcap', 'us_le.pcap', 'ethernet6.pcap', 'extensions.pcap', 'fragments.pcap',
            'nested.pcap', 'ng_interfaces.pcapng', 'ng_sections.pcapng', 'ng_simple.pcapng',
            'qinq.pcap', 'snap_60.pcap', 'truncated.pcap', 'vxlan.pcap')
DIFFERENCES_SHOWN = 12
LINE_SHOWN = 300
# Stories of the sample that another cause explains: the RST that assassinates a TIME-WAIT answers an ACK
# that came after its sender's FIN, and this rule is the first that matches; there is no rule for ECN.
OTHERWISE = {'time_wait_assassination': 'late_data', 'ecn_intolerance': 'refused'}


def layout(report):
    """One line for each part of the report, so that a difference can be read."""
    parts = []
    for key, part in report.items():
        text = json.dumps(part)
        if key in ('packets', 'connections'):
            text = ',\n  '.join(f'"{name}": {json.dumps(value)}' for name, value in part.items())
            text = '{\n  ' + text + '}'
        if key != 'jabiru':
            parts.append(f'"{key}": {text}')
    return '{' + ',\n'.join(parts) + '}\n'


def outputs(jabiru, capture):
    """{file name: bytes} of what the program makes of a capture, and its report."""
    done = program.Replay(jabiru, [capture])
    made = {}
    if done.report is not None:
        made[f'{capture.name}.json'] = layout(done.report).encode()
    if capture.name in LINES_OF:
        made[f'{capture.name}.flows.ndjson'] = done.flows
        made[f'{capture.name}.events.ndjson'] = done.events
    if done.code != 0 or done.errors:
        made[f'{capture.name}.error'] = done.errors.encode()
    return made, done.report


def leaves(value, path=''):
    """{path: value} of everything in a JSON text."""
    if not isinstance(value, (dict, list)):
        return {path: value}
    found = {path: type(value).__name__}
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found.update(leaves(inner, f'{path}.{key}'))
    return found


def documents(name, data):
    texts = [data] if name.endswith('.json') else data.splitlines()
    return [leaves(json.loads(text)) for text in texts]


def difference(name, want, got):
    """What to print of two outputs that differ: the values, where both are as long."""
    if want is None or got is None:
        return [f'{name}: ' + ('it is not printed' if got is None else 'nothing is expected')]
    if name.endswith('.error') or len(want.splitlines()) != len(got.splitlines()):
        lines = difflib.unified_diff(want.decode().splitlines(), got.decode().splitlines(),
                                     f'expected/{name}', 'printed', n=0, lineterm='')
        return [line[:LINE_SHOWN] for line in lines][:DIFFERENCES_SHOWN]
    lines = [f'{name}:{number}: {path[1:]} is {b.get(path)!r}, not {a.get(path)!r}'
             for number, (a, b) in enumerate(zip(documents(name, want), documents(name, got)), 1)
             for path in [*a, *(b.keys() - a.keys())] if a.get(path) != b.get(path)]
    return lines[:DIFFERENCES_SHOWN] or [f'{name}: the order of keys or the form of a number']


def figures(report):
    if report is None:
        return (0,) * len(COLUMNS)
    packets, segments = report['packets'], report['segments']
    return (packets['received'], packets['tcp'], *(segments[key] for key in COLUMNS[2:]))


def check_readme(text, reports):
    rows = {row[1]: tuple(map(int, row.groups()[1:])) for row in ROW.finditer(text)}
    problems = [f'README.md names {name}, which is not there' for name in rows.keys() - reports.keys()]
    for name, report in reports.items():
        if rows.get(name) != figures(report):
            problems.append(f'{name}: {figures(report)}, README.md says {rows.get(name)}')
    return problems


def check_causes(text, resets):
    """The sample has each reset cause that its description names."""
    words = re.search(r'Resets of the\s+causes (.*?) and one', text, re.S)[1]
    causes = re.findall(r'\w+', words)
    problems = [] if causes else ['README.md: no reset cause was found']
    for cause in causes:
        if resets.get(OTHERWISE.get(cause, cause), 0) == 0:
            problems.append(f'sample.pcap: no reset of cause {cause}, README.md says there is')
        if cause in OTHERWISE and resets.get(cause, 0) > 0:
            problems.append(f'sample.pcap: it has {cause}, OTHERWISE is out of date')
    return problems


def main():
    jabiru, folder, expected = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    made, reports = {}, {}
    for capture in program.captures(folder):
        files, reports[capture.name] = outputs(jabiru, capture)
        made.update(files)
    if '--update' in sys.argv[4:]:
        for path in expected.iterdir():
            path.unlink()
        for name, data in made.items():
            (expected / name).write_bytes(data)
    want = {path.name: path.read_bytes() for path in expected.iterdir()}
    text = (folder / 'README.md').read_text(encoding='utf-8')
    problems = check_readme(text, reports) + check_causes(text, reports['sample.pcap']['resets'])
    for name in sorted(made.keys() | want.keys()):
        if made.get(name) != want.get(name):
            problems += difference(name, want.get(name), made.get(name))
    program.finish(problems, f'{len(reports)} captures, {len(made)} outputs')


if __name__ == '__main__':
    main()
