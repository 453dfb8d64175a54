#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What must add up in every report, and between report and flow records.

usage: identities.py JABIRU [CAPTURES]

Without CAPTURES the real ones are taken: $JABIRU_CAPTURES, else ../shared/captures; exit 77 = there are
none. The community id is computed here once more, from the addresses alone.
"""
import base64
import collections
import hashlib
import ipaddress
import struct
import sys

import program

KEPT_RESETS = 4  # of one connection, with their evidence; the others are counted


def sums(report):
    packets, resets = report['packets'], report['resets']
    connections = report['connections']
    outcomes, states = connections['outcomes'], connections['conn_states']
    yield 'received', packets['received'], packets['tcp'] + sum(packets['not_analysed'].values())
    yield 'segments.rst', report['segments']['rst'], sum(resets.values())
    yield 'resets.pending', resets['pending'], 0
    yield 'outcomes', sum(outcomes.values()), connections['total']
    yield 'conn_states', sum(states.values()), connections['total']
    yield 'packets.missed', packets['missed'], 0


def flow_sums(report, flows):
    """Every analysed segment belongs to one connection; a tap's copy to none."""
    packets, connections = report['packets'], report['connections']
    jabirus = [flow['jabiru'] for flow in flows]
    yield 'flow records', len(flows), connections['total']
    yield 'packets of flows', sum(sum(row['packets'].values()) for row in jabirus), \
        packets['tcp'] - packets['duplicate']
    for key, table in (('outcome', 'outcomes'), ('conn_state', 'conn_states')):
        counted = collections.Counter(row[key] for row in jabirus)
        for name, value in connections[table].items():
            yield f'flows of {key} {name}', counted[name], value


def check_resets(report, flows):
    """Resets of the flow records against those of the report, cause by cause."""
    resets = report['resets']
    kept = collections.Counter(reset['cause'] for flow in flows for reset in flow['jabiru']['resets'])
    total = sum(flow['jabiru']['resets_count'] for flow in flows)
    is_all_kept = sum(kept.values()) == total
    numbers = [reset['packet'] for flow in flows for reset in flow['jabiru']['resets']]
    problems = []
    if len(set(numbers)) != len(numbers):
        problems.append('one RST stands in two flow records')
    if total > report['segments']['rst'] - resets['duplicate']:
        problems.append(f"{total} RSTs in flow records, {report['segments']['rst']} in all")
    for flow in flows:
        row = flow['jabiru']
        if len(row['resets']) != min(row['resets_count'], KEPT_RESETS):
            problems.append(f"{len(row['resets'])} resets kept of {row['resets_count']}")
    for cause, value in resets.items():
        # copies and corrupt RSTs belong to no connection
        is_exact = is_all_kept and cause not in ('duplicate', 'malformed')
        if kept[cause] > value or (is_exact and kept[cause] != value):
            problems.append(f'{kept[cause]} RSTs of cause {cause} in flow records, {value} in the report')
    return problems


def community_id(flow, is_turned):
    """Version 1, seed 0: the lower end first."""
    ends = [(ipaddress.ip_address(flow[f'{side}_ip']).packed, flow[f'{side}_port'])
            for side in ('src', 'dest')]
    if is_turned:
        ends.reverse()
    if ends[0] > ends[1]:
        ends.reverse()
    data = struct.pack('!H', 0) + ends[0][0] + ends[1][0] + struct.pack('!BBHH', 6, 0, ends[0][1], ends[1][1])
    return '1:' + base64.b64encode(hashlib.sha1(data).digest()).decode()


def check_flow(flow):
    row = flow['jabiru']
    problems = []
    if {community_id(flow, turned) for turned in (False, True)} != {flow['community_id']}:
        problems.append(f"community_id {flow['community_id']}, not {community_id(flow, False)}")
    if row['first_packet'] > row['last_packet'] or sum(row['packets'].values()) == 0:
        problems.append('it has no packets')
    if row['start'] > row['end'] and 'clock' not in row['trust']:
        problems.append('it ends before it starts')
    for side in ('to_server', 'to_client'):
        if row['payload'][side] > row['bytes'][side] or row['bytes'][side] < 40 * row['packets'][side]:
            problems.append(f'{side}: bytes, payload and packets do not fit')
    return [f"flow {flow['flow_id']}: {problem}" for problem in problems]


def check_order(flows):
    """Records come by their time, and each connection once."""
    times = [flow['timestamp'] for flow in flows]
    identities = collections.Counter(flow['flow_id'] for flow in flows)
    problems = [f'flow_id {name} stands {count} times' for name, count in identities.items() if count > 1]
    return problems + (['flow records are not in the order of time'] if times != sorted(times) else [])


def check(jabiru, capture):
    done = program.Replay(jabiru, [capture])
    if done.report is None:
        return [] if done.code == 1 else [f'no report, exit {done.code}']
    flows = done.flow_records()
    problems = [f'{name} is {got}, not {want}'
                for pairs in (sums(done.report), flow_sums(done.report, flows))
                for name, got, want in pairs if got != want]
    problems += check_resets(done.report, flows) + check_order(flows)
    for flow in flows:
        problems += check_flow(flow)
    return problems


def main():
    captures = program.captures(sys.argv[2]) if len(sys.argv) > 2 else program.real_captures()
    problems = [f'{capture.name}: {problem}'
                for capture in captures for problem in check(sys.argv[1], capture)]
    program.finish(problems, f'{len(captures)} captures')


if __name__ == '__main__':
    main()
