#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every verb of jabiructl that reads a segment: what it prints of figures that are known, and what it
says of segments that are away, foreign, broken, stale, over or replaced.

usage: verbs.py JABIRUCTL MAKE_SEGMENT
"""
import json
import os
import re
import sys
import time

import maker
import program

NO_SOCKET = ('--socket', '/nowhere/none.sock')
LIFE = re.compile(r'running for [0-9.]+ (ms|s|min [0-9]+ s)')
STATUS = """\
jabiru 1.2.3 on 'tap-1', run, process PID: running for TIME
figures of 2026-11-23 18:01:00

ok    healthy: nothing is lost, all ports have link

  packets          3.30 k/s                   198,000 in all
  bits              13.2 Mbit/s
  TCP segments     3.00 k/s                   180,000 in all
  lost by ports         0/s                         0 in all
  ended               100/s                     6,000 in all
  open                2,468  half-open 24, unanswered 14, room for 1,048,576

resets by cause                   per s   last minute          in all
  refused                            14           840             840
  app_abort                           8           480             480
  injected                            2           120             120

anomalies                         per s   last minute          in all
  tcp_syn_fin                        40         2,400           2,400
  midstream_pickup                    6           360             360
  land_attack                         4           240             240
  ip_low_ttl                          0            60              60

port 0 net_af_packet0,iface=eth1: has link, 99,000 received, 0 missed, 0 without buffer
port 1 0000:03:00.1: has link, 99,000 received, 0 missed, 0 without buffer
"""
HOSTS = """\
    findings  role     anomaly                    host                                       name
       2,000  source   tcp_syn_fin                10.1.2.3                                   scanner
       1,500  target   tcp_syn_fin                192.0.2.80                                 web-1
       1,500  service  tcp_syn_fin                192.0.2.80:80                              web-1
         122  service  land_attack                [2001:db8::53]:53
          30~ source   ip_low_ttl                 2001:db8::7
~ at most so many: its place was another's before
"""
EVENTS = """\
18:00:00.003 warn  tcp_syn_fin: 10.1.2.3:40000 > 192.0.2.80:80, event 4
18:00:00.004 alert land_attack: 10.1.2.3:40000 > 192.0.2.81:80, event 5
"""
# arguments behind --instance PATH, exit code, standard output or what it contains, standard error contains
FIXED = [
    (['hosts'], 0, HOSTS, ''),
    (['hosts', '--role', 'target'], 0, 'web-1', ''),
    (['hosts', '--role', 'client'], 2, '', 'none of source, target, service'),
    (['hosts', '--anomaly', 'nothing'], 0, 'none', ''),
    (['events', '-n', '2', *NO_SOCKET], 0, EVENTS, ''),
    (['events', '--key', 'ip_low_ttl', *NO_SOCKET], 0,
     '18:00:00.002 note  ip_low_ttl: 10.1.2.3:40000 > 192.0.2.81:80, event 3\n', ''),
    (['events', '--host', '192.0.2.80', *NO_SOCKET], 0, 'event 2\n', ''),
    (['events', '--host', '192.0.2.0/24', '-n', '1', *NO_SOCKET], 0, 'event 5\n', ''),
    (['events', '--host', '198.51.100.1', *NO_SOCKET], 0, '', ''),
    (['events', '--host', 'no-such-name', *NO_SOCKET], 0, '', ''),
    (['stats', 'port_up'], 0, 'jabiru_port_up{port="0",device="net_af_packet0,iface=eth1"}', ''),
    (['stats', 'handshake'], 0, '6,000 values; half up to 0.000032768, 99 % up to 0.001048576', ''),
    (['stats', 'jabiru_*_capacity'], 0, '1048576\n', ''),
    (['stats', 'nothing'], 1, '', "no figure's name matches 'nothing'"),
    (['history', 'jabiru_resets_total', '--label', 'refused', '--seconds', '2'], 0,
     '1795456859.000 14.000\n1795456860.000 14.000\n', ''),
    (['history', 'jabiru_connections', '--label', 'half_open', '--seconds', '1'], 0,
     '1795456859.000 24.000\n1795456860.000 24.000\n', ''),
    (['history', 'jabiru_nothing'], 1, '', "there is no figure 'jabiru_nothing'"),
    (['history', 'jabiru_resets_total', '--label', 'x'], 1, '', 'has no series of that label'),
    (['history', 'jabiru_handshake_rtt_seconds'], 1, '', 'is a histogram'),
    (['history'], 2, '', 'usage: jabiructl history METRIC'),
    (['explain', 'tcp_xmas', *NO_SOCKET], 0, 'from the built-in catalogue', ''),
    (['explain', 'nothing', *NO_SOCKET], 1, '', "the catalogue has nothing called 'nothing'"),
    (['alias', 'list', *NO_SOCKET], 1, '', "cannot ask the sensor at '/nowhere/none.sock'"),
    (['alias', 'add', '10.0.0.1/8', 'x', *NO_SOCKET], 2, '', 'has bits set behind its prefix'),
    (['alias', 'add', '10.0.0.1', *NO_SOCKET], 2, '', 'usage: jabiructl alias add'),
    (['reload', *NO_SOCKET], 1, '', 'no sensor listens there'),
    (['top', '--lines', '0'], 2, '', "--lines: '0' is not a number from 1 to 1000"),
    (['top'], 1, '', 'this is no terminal: `jabiructl top --once` prints one screen'),
    (['status', '--follow'], 2, '', '--follow is no option of this verb'),
    (['status', 'more'], 2, '', "unexpected argument 'more'"),
    (['dance'], 2, '', "there is no verb 'dance'"),
    (['status', '--bogus'], 2, '', "unknown option '--bogus'"),
    (['history', '--label'], 2, '', '--label: an argument is missing'),
    (['version'], 0, 'jabiructl ', ''),
    (['help', 'probe'], 0, '--crit-loss PERCENT', ''),
    (['probe'], 0, "JABIRU OK - tap-1 analyses 3.30 k packets a second, 198,000 in all, none lost "
     "beyond its limit | 'loss'=0.000%;0.1;1;0", ''),
    (['probe', '--warn-anomaly', 'tcp_syn_fin=2400'], 1,
     'JABIRU WARNING - tcp_syn_fin: 2.40 k a minute |', ''),
    (['probe', '--warn-anomaly', 'tcp_syn_fin=2401'], 0, "'tcp_syn_fin'=2400.000;2401;;0", ''),
    (['probe', '--crit-anomaly', 'land_attack=1'], 2, 'JABIRU CRITICAL - land_attack: 240 a minute |', ''),
    (['probe', '--warn-anomaly', 'nothing=1'], 3, "JABIRU UNKNOWN - this sensor has no anomaly 'nothing'",
     ''),
    (['probe', '--bogus'], 3, 'JABIRU UNKNOWN - unknown option', ''),
    (['probe', '--warn-loss', 'x'], 3, "--warn-loss: 'x' is not a number from 0 to 100", ''),
]


def trimmed(text):
    return '\n'.join(line.rstrip() for line in text.splitlines()) + ('\n' if text else '')


class Verbs:
    def __init__(self, jabiructl, make_segment):
        self.jabiructl = jabiructl
        self.make_segment = make_segment
        self.problems = []
        self.count = 0

    def ask(self, segment, *arguments):
        self.count += 1
        return maker.Answer(self.jabiructl, '--instance', segment, *arguments)

    def expect(self, answer, code, out, err=''):
        shown = trimmed(answer.out)
        fits = shown == out if out.endswith('\n') and '\n' in out[:-1] else out in shown
        if answer.code != code or not fits or (err is not None and err not in answer.err):
            self.problems.append(f'{answer}expected {code}: {out}{err}')

    def check_fixed(self):
        with maker.Segment(self.make_segment) as segment:
            for arguments, code, out, err in FIXED:
                self.expect(self.ask(segment.path, *arguments), code, out, err)
            answer = self.ask(segment.path, 'status')
            answer.out = LIFE.sub('running for TIME', answer.out).replace(
                f'process {segment.process.pid}', 'process PID')
            self.expect(answer, 0, STATUS)

    def check_json(self):
        """--json of every verb can be read, and says the same."""
        with maker.Segment(self.make_segment) as segment:
            found = {}
            for arguments in (['status'], ['stats'], ['history', 'jabiru_tcp_packets_total'], ['hosts'],
                              ['explain', 'ip_low_ttl', *NO_SOCKET], ['version']):
                answer = self.ask(segment.path, *arguments, '--json')
                found[arguments[0]] = json.loads(answer.out)
            events = self.ask(segment.path, 'events', '--json', *NO_SOCKET).out.splitlines()
        status, stats = found['status'], found['stats']
        wanted = {
            'life': (status['life'], 'alive'), 'health': (status['health'], 'ok'),
            'rate': (status['rates']['packets_per_second'], 3300),
            'resets': (status['resets'], {'refused': 840, 'app_abort': 480, 'injected': 120}),
            'families': (len(stats['families']) > 40, True),
            'history': (found['history']['values'][-1], 180000),
            'times': (found['history']['times'][-1], 1795456860),
            'hosts': ([host['alias'] for host in found['hosts']['hosts']],
                      ['scanner', 'web-1', 'web-1', '', '']),
            'limit': (found['explain']['limits'][0]['value'], 1),
            'note': ('built-in' in found['explain']['note'], True),
            'events': ([json.loads(line)['number'] for line in events], [1, 2, 3, 4, 5]),
        }
        by_name = {family['name']: family for family in stats['families']}
        rtt = by_name['jabiru_handshake_rtt_seconds']['series'][0]
        wanted['buckets'] = (sum(count for _, count in rtt['buckets']), rtt['count'])
        wanted['sum'] = (rtt['sum'], 0.12)
        tcp = by_name['jabiru_tcp_packets_total']['series'][0]
        wanted['tcp'] = ((tcp['value'], tcp['rate']), (180000, 3000))
        self.problems += [f'json: {name}: {is_so}, not {should}'
                          for name, (is_so, should) in wanted.items() if is_so != should]

    def check_loss(self):
        with maker.Segment(self.make_segment) as segment:
            segment.order('lossy')
            for _ in range(10):
                segment.order('snapshot')
            self.expect(self.ask(segment.path, 'status'), 0, 'fail  losing packets: in the last 60 s 1.82 % (3670) of them')
            self.expect(self.ask(segment.path, 'probe'), 2, 'JABIRU CRITICAL - lost 1.82 % of 201,670')
            self.expect(self.ask(segment.path, 'probe', '--crit-loss', '50', '--seconds', '5'), 1,
                        'JABIRU WARNING - lost 10.0 % of 18,335 packets in 5 s')
            self.expect(self.ask(segment.path, 'probe', '--crit-loss', '50', '--warn-loss', '40'), 0,
                        "'loss'=1.820%;40;50;0")

    def check_lives(self):
        """A sensor that hangs, ends, is killed, is started again."""
        with maker.Segment(self.make_segment) as segment:
            segment.order('hang')
            self.expect(self.ask(segment.path, 'status'), 1, 'no sign of life for 10 s: the sensor hangs')
            self.expect(self.ask(segment.path, 'probe'), 3, 'JABIRU UNKNOWN - no sign of life for 10 s')
            self.expect(self.ask(segment.path, 'top', '--once'), 0, 'fail  no sign of life')
            self.expect(self.ask(segment.path, 'stats', 'capacity'), 0, '1048576', 'no sign of life')
            segment.order('end')
            self.expect(self.ask(segment.path, 'status'), 1, 'the run has ended; these are its last figures')
            self.expect(self.ask(segment.path, 'status'), 1, '198,000 in all')
            self.expect(self.ask(segment.path, 'probe'), 3, 'the run has ended')
            segment.stop()
            segment.start()
            self.expect(self.ask(segment.path, 'status'), 0, 'running for')

    def check_broken(self):
        with maker.Segment(self.make_segment) as segment:
            whole = segment.path.read_bytes()
            none = segment.folder / 'none'
            self.expect(self.ask(none, 'status'), 1, '', '(no sensor of that name has run)')
            self.expect(self.ask(none, 'status', '--json'), 1, '"life":"none"')
            self.expect(self.ask(none, 'probe'), 3, 'JABIRU UNKNOWN - cannot open')
            self.expect(self.ask('..', 'status'), 1, '', 'cannot be the name of a sensor')
            broken = segment.folder / 'broken'
            cases = [(b'', 'it is empty, so not ready yet'),
                     (b'x' * 8192, 'not a stats segment of jabiru'),
                     (whole[:4096], 'broken segment: it has 4096 bytes'),
                     (whole[:8] + b'\x63\x00' + whole[10:], 'its layout is version 99.'),
                     (b'\0' * 8 + whole[8:], 'the segment is not ready yet')]
            for content, why in cases:
                broken.write_bytes(content)
                broken.chmod(0o640)
                for verb in ('status', 'stats', 'events', 'hosts', 'top'):
                    self.expect(self.ask(broken, verb, *(['--once'] if verb == 'top' else [])), 1, '', why)
                self.expect(self.ask(broken, 'probe'), 3, 'JABIRU UNKNOWN - ')
            if os.geteuid() == 0:
                os.chown(broken, 65534, 65534)
                self.expect(self.ask(broken, 'status'), 1, '', 'belongs to user 65534')

    def check_follow(self):
        """Events as they come, those that were lost counted, over a restart of the sensor."""
        with maker.Segment(self.make_segment) as segment:
            out = segment.folder / 'out'
            with open(out, 'wb') as file:
                follower = maker.subprocess.Popen(
                    [self.jabiructl, '-i', segment.path, 'events', '-f', '--json', *NO_SOCKET],
                    stdout=file, stderr=maker.subprocess.DEVNULL, env=maker.ENVIRONMENT)
            try:
                self.wait(out, 5)
                segment.order('events', 1000)  # the ring holds 64
                self.wait(out, 5 + 1000)
                os.kill(follower.pid, 19)  # it does not look for a while
                segment.order('events', 500)
                os.kill(follower.pid, 18)
                self.wait(out, 5 + 1500)
                segment.stop()
                segment.start()
                self.wait(out, 5 + 1500 + 5)
            finally:
                follower.terminate()
                follower.wait(maker.TIMEOUT_S)
            numbers = [row['number'] for row in self.rows(out) if 'number' in row]
            if numbers[-5:] != [1, 2, 3, 4, 5] or 1505 not in numbers:
                self.problems.append(f'follow: {numbers}')

    @staticmethod
    def rows(path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    def wait(self, path, wanted):
        """Until events and those told lost are as many as were written."""
        end = time.monotonic() + maker.TIMEOUT_S
        total = 0
        while time.monotonic() < end:
            text = path.read_text()
            if text.endswith('\n'):
                total = sum(row.get('lost', 1) for row in self.rows(path))
                if total >= wanted:
                    break
            time.sleep(0.05)
        if total != wanted:
            self.problems.append(f'follow: {total} events or lost, {wanted} were written')


def main():
    verbs = Verbs(*sys.argv[1:3])
    verbs.check_fixed()
    verbs.check_json()
    verbs.check_loss()
    verbs.check_lives()
    verbs.check_broken()
    verbs.check_follow()
    program.finish(verbs.problems, f'{verbs.count} questions')


main()
