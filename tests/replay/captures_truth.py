#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold the segment counts of every real capture against counts made with another dissector.

usage: captures_truth.py JABIRU EXCEPTIONS [CAPTURES]

CAPTURES (default $JABIRU_CAPTURES, else ../shared/captures beside the source tree) holds MANIFEST.tsv
with the columns syn, synack, fin, rst and zero_window_pkts per file. EXCEPTIONS lists, with packet
numbers and the reason, where the two differ rightly. Also asserted: every identity of the report, and
that one, two and five workers print the same. Exit 77 = no captures here.
"""
import csv
import json
import os
import pathlib
import subprocess
import sys

COLUMNS = {'syn': 'syn', 'synack': 'synack', 'fin': 'fin', 'rst': 'rst', 'zero_window': 'zero_window_pkts'}


def replay(jabiru, path, workers):
    run = subprocess.run([jabiru, 'replay', str(path), '--json', '--workers', str(workers)],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return None, f'exit {run.returncode}: {run.stderr.strip()}'
    report = json.loads(run.stdout)
    del report['performance'], report['interval']
    return report, None


def check(report, row, allowed):
    wrong = []
    for ours, theirs in COLUMNS.items():
        want = int(row[theirs])
        got = report['segments'][ours]
        if got != want and allowed.get((row['file'], ours)) != got:
            wrong.append(f'segments.{ours} {got}, not {want}')
    packets = report['packets']
    if packets['received'] != int(row['packets']):
        wrong.append(f"packets.received {packets['received']}, not {row['packets']}")
    if packets['received'] != packets['tcp'] + sum(packets['not_analysed'].values()):
        wrong.append('received is not tcp + not_analysed')
    if sum(report['resets'].values()) != report['segments']['rst']:
        wrong.append('reset causes do not sum to segments.rst')
    if report['resets']['pending'] != 0:
        wrong.append('resets are pending after the end')
    if sum(report['connections']['outcomes'].values()) != report['connections']['total']:
        wrong.append('outcomes do not sum to connections.total')
    return wrong


def main():
    jabiru, exceptions = sys.argv[1], pathlib.Path(sys.argv[2])
    default = os.environ.get('JABIRU_CAPTURES') or exceptions.resolve().parents[2] / '../shared/captures'
    folder = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else default)
    if not (folder / 'MANIFEST.tsv').exists():
        print(f'SKIP: no captures at {folder} (set JABIRU_CAPTURES)')
        return 77
    with open(exceptions, encoding='utf-8') as f:
        allowed = {(r['file'], r['counter']): int(r['ours'])
                   for r in csv.DictReader((line for line in f if not line.startswith('#')), delimiter='\t')}
    bad = files = 0
    with open(folder / 'MANIFEST.tsv', encoding='utf-8') as f:
        rows = list(csv.DictReader(f, delimiter='\t'))
    for row in rows:
        files += 1
        first, error = replay(jabiru, folder / row['file'], 1)
        wrong = [error] if error else check(first, row, allowed)
        for workers in (1, 2, 5):
            again, error = replay(jabiru, folder / row['file'], workers)
            if again != first:
                wrong.append(f'{workers} workers print another report')
        if wrong:
            bad += 1
            print(f"{row['file']}: {'; '.join(wrong)}")
    print(f'{files} captures, {bad} wrong')
    return 1 if bad or not files else 0


if __name__ == '__main__':
    sys.exit(main())
