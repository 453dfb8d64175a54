#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two kernels talk over a veth pair; the sensor and tcpdump look at the same end of it. What the sensor
says of each connection is what a replay of tcpdump's capture says. And what the kernel drops while the
sensor is held up is counted as missed.

usage: veth.py JABIRU
"""
import pathlib
import signal
import subprocess
import sys
import time

import program
import sensor

TOOLS = ('ip', 'ethtool', 'tcpdump')
# of each: one worker, or two that hand packets on to each other
RUNS = {'one worker': 'worker: {cpus: "0"}\n', 'two workers': 'worker: {cpus: "0,1"}\n'}
CONNECTIONS_EACH = 5
HERE = pathlib.Path(__file__).parent


class Tcpdump:
    def __init__(self, pair, path):
        self.process = subprocess.Popen(
            [*pair.inside(0), 'tcpdump', '-i', pair.ends[0], '-s', '0', '-U', '-B', '8192',
             '--immediate-mode', '-w', path], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if 'listening on' in line:
                break

    def end(self):
        self.process.terminate()
        self.process.communicate(timeout=30)


def exchange(pair, problems):
    """The server is in the second namespace, the client and the observers in the first."""
    addresses = pair.addresses[1]
    script = [sys.executable, HERE / 'exchange.py']
    server = subprocess.Popen([*pair.inside(1), *script, 'serve', *addresses],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        server.stdout.readline()
        done = subprocess.run([*pair.inside(0), *script, 'ask', *addresses], check=False,
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            problems.append(f'the exchange failed: {done.stderr}')
    finally:
        server.stdin.close()
        server.wait(30)


def facts(records):
    """What must not depend on who looked, by tuple."""
    table = {}
    for record in records:
        key = record['src_ip'], record['src_port'], record['dest_ip'], record['dest_port']
        own = record['jabiru']
        table[key] = {name: own[name] for name in (
            'conn_state', 'history', 'outcome', 'packets', 'bytes', 'payload')}
        table[key]['resets'] = [(reset['by'], reset['cause']) for reset in own['resets']]
    return table


def compare(name, live, replayed, problems):
    if len(live) != CONNECTIONS_EACH * 2:
        problems.append(f'{name}: {len(live)} connections, {CONNECTIONS_EACH * 2} were made')
    for key in sorted(set(live) | set(replayed)):
        if live.get(key) != replayed.get(key):
            problems.append(f'{name}: {key}:\n  live   {live.get(key)}\n  replay {replayed.get(key)}')
    states = sorted(value['conn_state'] for value in live.values())
    if states != sorted(['SF', 'SF', 'RSTR', 'REJ', 'RSTO'] * 2):
        problems.append(f'{name}: {states}')


def observe(jabiru, name, config, problems):
    with sensor.VethPair() as pair, sensor.running(
            jabiru, config + f'ports: [{{device: "net_af_packet0,iface={pair.ends[0]}"}}]\n'
            'packet: {checksum: software}\nflow: {capacity: 65536}\n',
            before=pair.inside(0)) as live:
        capture = live.folder / 'capture.pcap'
        tcpdump = Tcpdump(pair, capture)
        exchange(pair, problems)
        time.sleep(0.3)  # the last acknowledgements
        tcpdump.end()
        code = live.end()
        if code != 0:
            problems.append(f'{name}: exit {code}: {live.errors()}')
            return
        report = live.report()
        sensor.check_sums(name, report, problems)
        sensor.check_schema(name, live, problems)
        replay = program.Replay(jabiru, [capture])
        compare(name, facts(live.flow_records()), facts(replay.flow_records()), problems)
        if report['packets']['tcp'] != replay.report['packets']['tcp'] or \
                report['segments'] != replay.report['segments']:
            problems.append(f'{name}: segments {report["segments"]}, {replay.report["segments"]}')
        steering = 'software' if name == 'two workers' else 'one_worker'
        if report['live']['steering'] != steering:
            problems.append(f'{name}: {report["live"]}')
        passed = sum(worker['ring_out'] for worker in report['live']['workers'])
        print(f'{name}: {report["packets"]["tcp"]} segments, {report["connections"]["total"]} '
              f'connections, {passed} handed on')


SENDER = """
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(%d):
    sender.sendto(b'x' * 100, ('%s', 7000))
"""


def check_missed(jabiru, problems):
    """More than the ring to the kernel holds, in one go."""
    sent = 5000
    with sensor.VethPair() as pair, sensor.running(
            jabiru, f'ports: [{{device: "net_af_packet0,iface={pair.ends[0]}"}}]\n'
            'flow: {capacity: 65536}\n', before=pair.inside(0)) as live:
        live.send(signal.SIGSTOP)
        subprocess.run([*pair.inside(1), sys.executable, '-c',
                        SENDER % (sent, pair.addresses[0][0])], check=True, timeout=60)
        live.send(signal.SIGCONT)
        code = live.end()
        if code != 0:
            problems.append(f'missed: exit {code}: {live.errors()}')
            return
        packets = live.report()['packets']
        sensor.check_sums('missed', live.report(), problems)
        total = packets['not_analysed']['udp'] + packets['missed']
        # the sender's address resolution and the answers (no such port) come on top
        if not packets['missed'] or not sent <= total <= sent + packets['missed'] // 10 + 100:
            problems.append(f'missed: {sent} were sent: {packets}')
        print(f'missed: {packets["missed"]} of {sent}')


def main():
    sensor.need_root(*TOOLS)
    problems = []
    for name, config in RUNS.items():
        observe(sys.argv[1], name, config, problems)
    check_missed(sys.argv[1], problems)
    sensor.check_nothing_left(problems)
    program.finish(problems, f'{len(RUNS) + 1} runs')


main()
