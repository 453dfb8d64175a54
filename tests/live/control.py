#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A running sensor is asked over its control socket by jabiructl: names, limits with the line that set
them, reopening; by those who may not; by those who send rubbish. And what is left when it was killed.

usage: control.py JABIRU JABIRUCTL CAPTURE
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import program
import sensor

CONFIG = """\
aliases: [{{network: 198.51.100.0/24, name: branch}}]
anomalies:
  ip_low_ttl:
    floor: 7
flow: {{capacity: 65536}}
worker: {{cpus: "0"}}
ports: [{{device: "net_pcap0,rx_pcap={capture}"}}]
"""
RUBBISH = [b'', b'\n', b'\0' * 100 + b'\n', b'{"command":"ping"', b'[' * 4096 + b'\n', b'x' * 5000,
           b'{"command":"alias_add","network":"::/0","name":"\xff"}\n', os.urandom(3000) + b'\n']


class Control:
    def __init__(self, jabiructl, folder):
        self.jabiructl = jabiructl
        self.folder = folder
        self.socket = folder / 'run' / 'test.sock'
        self.problems = []

    def ask(self, *words, user=None):
        others = {} if user is None else {'user': user, 'group': user, 'extra_groups': []}
        return subprocess.run([self.jabiructl, '-i', self.folder / 'test', *words], check=False,
                              capture_output=True, text=True, timeout=30, **others,
                              stdin=subprocess.DEVNULL, env={**os.environ, **program.SANITIZER})

    def expect(self, words, code, wanted, user=None):
        """@p wanted has to be in what it says."""
        done = self.ask(*words.split(), *self.where(words), user=user)
        if done.returncode != code or wanted not in done.stdout + done.stderr:
            self.problems.append(f'{words}: exit {done.returncode}: {done.stdout}{done.stderr}'
                                 f'expected {code}: {wanted}')

    def where(self, words):
        with_socket = ('explain', 'alias', 'reload', 'reopen', 'events', 'top', 'hosts')
        return ['--socket', str(self.socket)] if words.split()[0] in with_socket else []

    def check_names(self, live):
        self.expect('alias list', 0, '198.51.100.0/24')
        self.expect('alias add 192.0.2.30 client-30', 0, '')
        self.expect('alias add 192.0.2.0/24 lab', 0, '')
        self.expect('alias list --json', 0, '{"network":"192.0.2.30","name":"client-30","source":"added"}')
        self.expect('alias rm 192.0.2.0/24', 0, '')
        self.expect('alias rm 198.51.100.0/24', 1, 'the sensor refuses: no name was added')
        kept = (self.folder / 'state' / 'aliases').read_text()
        if not kept.endswith('\n192.0.2.30 client-30\n'):
            self.problems.append(f'the file has {kept!r}')
        # hosts are written with each snapshot, once a second
        end = time.monotonic() + sensor.START_S
        while 'client-30' not in self.ask('hosts', '-n', '100').stdout and time.monotonic() < end:
            time.sleep(0.1)
        self.expect('hosts -n 100', 0, 'client-30')
        self.expect('events -n 1000', 0, '(192.0.2.30 = client-30)')
        self.expect('events -n 1000 --host client-30', 0, '192.0.2.30')
        if f'control: alias_add by user {os.getuid()}, process ' not in live.errors():
            self.problems.append(f'who asked is not in the log: {live.errors()}')

    def check_questions(self, live):
        path = live.folder / 'jabiru.yaml'
        line = path.read_text().splitlines().index('    floor: 7') + 1
        self.expect('explain ip_low_ttl', 0, 'ip_low_ttl.floor = 7 hops, set in')
        self.expect('explain ip_low_ttl --json', 0, f'"value":7,"default":1,"unit":"hops","low":1,"high":64,'
                    f'"line":{line},')
        self.expect('explain nothing', 1, 'the catalogue has nothing called')
        self.expect('status', 0, 'running for')
        self.expect('probe', 0, 'JABIRU OK')
        live.flows_path.rename(live.folder / 'rotated')
        self.expect('reopen', 0, 'opened anew')
        if not live.flows_path.exists():
            self.problems.append('reopen: no new file')

    def check_rights(self):
        if oct(self.socket.stat().st_mode & 0o7777) != '0o660' or \
                oct(self.socket.parent.stat().st_mode & 0o7777) != '0o750':
            self.problems.append('the socket is open to others')
        try:
            self.expect('alias add 10.0.0.1 evil', 1, 'cannot ask the sensor', user=65534)
        except PermissionError:
            print('note: the program cannot be run as nobody from here')
        self.expect('alias list --json', 0, '[{"network":"192.0.2.30","name":"client-30","source":"added"},'
                    '{"network":"198.51.100.0/24"')

    def check_rubbish(self):
        for what in RUBBISH:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(str(self.socket))
                client.sendall(what)
                client.shutdown(socket.SHUT_WR)
                try:
                    answer = b''.join(iter(lambda c=client: c.recv(65536), b''))
                except ConnectionResetError:
                    answer = b''
            for line in answer.splitlines():
                if json.loads(line)['ok']:
                    self.problems.append(f'{what[:40]}: {line}')
        self.expect('alias list', 0, 'client-30')

    def check_stopped(self, live):
        """One that does not answer keeps nobody waiting who can do without."""
        live.send(signal.SIGSTOP)
        self.expect('events -n 1', 0, '')
        self.expect('reopen', 1, 'the sensor has not answered within 10 s')
        live.send(signal.SIGCONT)
        self.expect('alias list', 0, 'client-30')

    def check_killed(self, live):
        live.kill()
        self.expect('alias list', 1, 'no sensor listens there')
        time.sleep(5.3)
        self.expect('status', 1, 'the sensor hangs or was killed')
        self.expect('probe', 3, 'JABIRU UNKNOWN')


def check_records(live, problems):
    """Names stand beside the addresses, from the configuration and from those given since."""
    paths = [live.events_path, live.flows_path, live.folder / 'rotated']
    rows = [json.loads(line) for path in paths if path.exists()
            for line in path.read_text().splitlines()]
    own = [row['jabiru'] for row in rows]
    if not any(row.get('dest_alias') == 'branch' or row.get('src_alias') == 'branch' for row in own):
        problems.append(f'no line has the name `branch`: {own[:1]}')
    if not any(row.get('src_alias') == 'client-30' for row in own):
        problems.append('no line has the name `client-30`')
    sensor.check_schema('names', live, problems)


def main():
    sensor.need_root()
    jabiru, jabiructl, capture = sys.argv[1:4]
    with tempfile.TemporaryDirectory(prefix='jabiru-control') as scratch:
        folder = pathlib.Path(scratch)
        folder.chmod(0o755)
        control = Control(jabiructl, folder)
        config = CONFIG.format(capture=os.path.abspath(capture))
        with sensor.running(jabiru, config, segments=folder) as live:
            control.check_names(live)
            control.check_questions(live)
            control.check_rights()
            control.check_rubbish()
            code = live.end()
            if code != 0:
                control.problems.append(f'exit {code}: {live.errors()}')
            check_records(live, control.problems)
        if control.socket.exists() or control.socket.parent.exists():
            control.problems.append('the socket is left behind')
        control.expect('status', 1, 'the run has ended; these are its last figures')
        # the next run knows the names that were added, takes the place of one that was killed
        with sensor.running(jabiru, config, segments=folder) as live:
            control.expect('alias list', 0, 'client-30')
            control.check_stopped(live)
            control.check_killed(live)
        with sensor.running(jabiru, config, segments=folder) as live:
            control.expect('alias list', 0, 'client-30')
            control.expect('status', 0, 'running for')
            live.end()
    sensor.check_nothing_left(control.problems)
    program.finish(control.problems, 'names, limits, rights, rubbish, restarts')


main()
