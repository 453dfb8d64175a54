#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The sensor as a service: what it tells systemd, played here by a datagram socket; and HUP, which takes
up a configuration while packets are analysed, all of it or nothing.

usage: service.py JABIRU CAPTURE
"""
import os
import signal
import socket
import sys
import time

import program
import sensor

KEY = 'tcp_null_flags'  # a packet of the capture has it, each time it is read
WATCHDOG_US = 400000


def config_of(capture, workers, more):
    return ('packet: {checksum: software}\nflow: {capacity: 65536}\n'
            f'worker: {{cpus: "{workers}"}}\n'
            f'ports: [{{device: "net_pcap0,rx_pcap={capture},infinite_rx=1"}}]\n{more}')


def enabled(word):
    return f'anomalies: {{{KEY}: {{enabled: {word}}}}}\n'


class Systemd:
    """The end of NOTIFY_SOCKET."""

    def __init__(self):
        self.name = f'@jabiru-test-{os.getpid()}'
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind('\0' + self.name[1:])
        self.messages = []

    def __enter__(self):
        os.environ['NOTIFY_SOCKET'] = self.name
        os.environ['WATCHDOG_USEC'] = str(WATCHDOG_US)
        return self

    def __exit__(self, *_):
        del os.environ['NOTIFY_SOCKET'], os.environ['WATCHDOG_USEC']
        self.socket.close()

    def hear(self, text):
        """Wait for the next message with @p text. @return it, or None"""
        limit = time.monotonic() + sensor.START_S
        while time.monotonic() < limit:
            self.socket.settimeout(max(limit - time.monotonic(), 0.01))
            try:
                message = self.socket.recv(4096).decode()
            except TimeoutError:
                break
            self.messages.append(message)
            if text in message.splitlines():
                return message
        return None


class Service:
    """A sensor below a Systemd, whose configuration can be changed."""

    def __init__(self, live, problems):
        self.live = live
        self.problems = problems
        self.said = 0

    def reload(self, text, words):
        """Write the configuration, send HUP, and expect @p words in what it says."""
        sensor.write_config(self.live.folder, text + self.live.own)
        before = len(self.live.errors())
        self.live.send(signal.SIGHUP)
        limit = time.monotonic() + sensor.START_S
        while time.monotonic() < limit and words not in self.live.errors()[before:]:
            time.sleep(0.02)
        if words not in self.live.errors()[before:]:
            self.problems.append(f'HUP does not say "{words}": {self.live.errors()[before:]}')

    def end(self):
        code = self.live.end()
        report = self.live.report()
        if code != 0 or report is None:
            self.problems.append(f'exit {code}: {self.live.errors()}')
            sys.exit(program.finish(self.problems, ''))
        sensor.check_sums('service', report, self.problems)
        return report


def check_notices(jabiru, capture, problems):
    """What systemd hears, from the start to the end; and a configuration that is refused."""
    text = config_of(capture, 0, enabled('no'))
    with Systemd() as systemd, sensor.running(jabiru, text) as live:
        service = Service(live, problems)
        if systemd.hear('READY=1') is None:
            problems.append(f'not ready: {systemd.messages}')
        for _ in range(2):
            if systemd.hear('WATCHDOG=1') is None:
                problems.append(f'the watchdog is not fed: {systemd.messages}')
        service.reload(config_of(capture, 0, enabled('maybe')),
                       'the old one stays in force')
        reloading = systemd.hear('RELOADING=1')
        ready = systemd.hear('READY=1')
        if reloading is None or ready is None or 'refused' not in ready:
            problems.append(f'a reload that fails: {systemd.messages}')
        elif not any(line.startswith('MONOTONIC_USEC=') for line in reloading.splitlines()):
            problems.append(f'no time of the reload: {reloading}')
        if 'jabiru.yaml:6:' not in live.errors():
            problems.append(f'the place of the error is not named: {live.errors()}')
        live.send(signal.SIGUSR1)
        if not live.wait_for('last reload: the new configuration was refused'):
            problems.append(f'the state does not tell of the reload: {live.errors()}')
        service.reload(config_of(capture, 0, enabled('no')).replace('65536', '131072'), 'after a restart only: flow.capacity')
        report = service.end()
        if systemd.hear('STOPPING=1') is None:
            problems.append(f'its end is not told: {systemd.messages}')
        if report['anomalies'][KEY] != 0 or report['segments']['syn'] == 0:
            problems.append(f'{KEY} was counted though it was never enabled: '
                            f'{report["anomalies"][KEY]}')
        if 'memory.file_prefix' in live.errors():
            problems.append(f'a key that did not change is named: {live.errors()}')


def check_reload(jabiru, capture, workers, problems):
    """An anomaly is enabled, and a budget changed, while packets come: both hold from then on."""
    with sensor.running(jabiru, config_of(capture, workers, enabled('no'))) as live:
        service = Service(live, problems)
        service.reload(config_of(capture, workers, enabled('yes') +
                                 'timeout: {half_open_s: 45}\n'),
                       f'taken: timeout.half_open_s, {KEY}.enabled')
        time.sleep(0.5)
        # and many times after one another, while packets come
        for word in ('no', 'yes') * 3:
            service.reload(config_of(capture, workers, enabled(word) +
                                     'timeout: {half_open_s: 45}\n'),
                           f'taken: {KEY}.enabled')
        report = service.end()
        # two workers lose packets to each other, so there the counts cannot be compared
        always = report['anomalies']['tcp_all_flags'] if workers == '0' else sys.maxsize
        if not 0 < report['anomalies'][KEY] < always:
            problems.append(f'{workers}: {KEY} was counted {report["anomalies"][KEY]} times, beside '
                            f'{always} of an anomaly that was always enabled')


def check_without_file(jabiru, capture, problems):
    """No configuration was named: HUP says so and changes nothing."""
    with sensor.running(jabiru, config_of(capture, 0, '')) as live:
        (live.folder / 'jabiru.yaml').unlink()
        before = live.errors()
        live.send(signal.SIGHUP)
        if not live.wait_for('No such file or directory'):
            problems.append(f'a missing file: {live.errors()[len(before):]}')
        if live.end() != 0:
            problems.append(f'a missing file: {live.errors()}')


def main():
    jabiru, capture = sys.argv[1:]
    sensor.need_root()
    problems = []
    check_notices(jabiru, capture, problems)
    check_reload(jabiru, capture, '0', problems)
    check_reload(jabiru, capture, '0,1', problems)
    check_without_file(jabiru, capture, problems)
    sensor.check_nothing_left(problems)
    program.finish(problems, '4 runs')


main()
