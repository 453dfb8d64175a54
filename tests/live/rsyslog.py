#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Debian's rsyslog as the reader of both outputs, over datagram sockets (imuxsock): from the start, late,
and held up for so long that lines are lost. Each time, what it stored is what the sensor says was written,
line for line JSON, and what was emitted is that and what is counted as lost.

usage: rsyslog.py JABIRU CAPTURE
"""
import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import program
import sensor

OUTPUTS = ('events', 'flows')
WAIT_S = 30
CONFIG = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imuxsock" SysSock.Use="off")
template(name="raw" type="string" string="%rawmsg%\\n")
"""
# one socket, one file; nothing is parsed
INPUT = """
ruleset(name="{name}") {{ action(type="omfile" file="{folder}/{name}.stored" template="raw") }}
input(type="imuxsock" Socket="{folder}/{name}.sock" ruleset="{name}" UseSpecialParser="off"
      RateLimit.Interval="0")
"""


class Rsyslog:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        config = self.folder / 'rsyslog.conf'
        config.write_text(CONFIG.format(folder=folder) + ''.join(
            INPUT.format(folder=folder, name=name) for name in OUTPUTS))
        self.command = ['rsyslogd', '-n', '-f', config, '-i', self.folder / 'pid']
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        limit = time.monotonic() + WAIT_S
        while not all((self.folder / f'{name}.sock').exists() for name in OUTPUTS):
            if self.process.poll() is not None or time.monotonic() > limit:
                program.finish([f'rsyslogd did not start: {self.process.communicate()[0]}'], '')
            time.sleep(0.02)

    def wait_for(self, wanted):
        """Wait until it has stored as many lines as @p wanted says, or more come no longer."""
        limit = time.monotonic() + WAIT_S
        while time.monotonic() < limit and any(
                len(self.lines(name)) < count for name, count in wanted.items()):
            time.sleep(0.05)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.communicate(timeout=WAIT_S)

    def lines(self, name):
        path = self.folder / f'{name}.stored'
        return path.read_bytes().splitlines(keepends=True) if path.exists() else []


@contextlib.contextmanager
def reader():
    with tempfile.TemporaryDirectory(prefix='jabiru-rsyslog') as folder:
        rsyslog = Rsyslog(folder)
        try:
            yield rsyslog
        finally:
            rsyslog.end()


def check_stored(name, rsyslog, report, problems):
    """@return whether anything was lost on the way to it."""
    sensor.check_sums(name, report, problems)
    sinks = {output: sensor.sink_of(report, output) for output in OUTPUTS}
    rsyslog.wait_for({output: sink['written'] for output, sink in sinks.items()})
    rsyslog.end()
    for output, sink in sinks.items():
        stored = rsyslog.lines(output)
        if len(stored) != sink['written'] or not stored:
            problems.append(f'{name}: {len(stored)} {output} were stored: {sink}')
        for line in stored:
            try:
                json.loads(line)
            except ValueError as error:
                problems.append(f'{name}: {error}: {line}')
                break
        sample = rsyslog.folder / 'sample'
        sample.write_bytes(b''.join(stored[::len(stored) // 100 + 1]))
        sensor.validate(name, 'event', sample, problems)
    print(f'{name}: ' + ', '.join(
        f'{sink["emitted"]} {output}: {sink["written"]} stored, {sink["lost_queue"]} lost'
        for output, sink in sinks.items()))
    return any(sink['lost_queue'] for sink in sinks.values())


def run(jabiru, config, rsyslog, *options):
    targets = [word for name in OUTPUTS
               for word in (f'--{name}', f'unix:{rsyslog.folder}/{name}.sock')]
    return sensor.running(jabiru, config, *targets, *options)


def expect_end(name, live, problems):
    code = live.wait()
    report = live.report()
    if code != 0 or report is None:
        problems.append(f'{name}: exit {code}: {live.errors()}')
    return report


def check_from_the_start(jabiru, config, problems):
    name = 'from the start'
    with reader() as rsyslog:
        rsyslog.start()
        with run(jabiru, config, rsyslog, '--duration', '1') as live:
            report = expect_end(name, live, problems)
            if report and check_stored(name, rsyslog, report, problems):
                problems.append(f'{name}: lines were lost: {report["live"]["sinks"]}')


def check_late(jabiru, config, problems):
    name = 'late'
    with reader() as rsyslog, run(jabiru, config, rsyslog) as live:
        for output in OUTPUTS:
            if not live.wait_for(f"cannot connect to 'unix:{rsyslog.folder}/{output}.sock'"):
                problems.append(f'{name}: {live.errors()}')
        rsyslog.start()
        for output in OUTPUTS:
            if not live.wait_for(f"{output}.sock' is written to again"):
                problems.append(f'{name}: {live.errors()}')
        live.send(signal.SIGTERM)
        report = expect_end(name, live, problems)
        if report and check_stored(name, rsyslog, report, problems):
            problems.append(f'{name}: lines were lost: {report["live"]["sinks"]}')


def check_held_up(jabiru, config, problems):
    name = 'held up'
    with reader() as rsyslog:
        rsyslog.start()
        with run(jabiru, config + 'event: {queue_megabytes: 1}\n', rsyslog) as live:
            rsyslog.process.send_signal(signal.SIGSTOP)
            if not live.wait_for("flows.sock' does not keep up"):
                problems.append(f'{name}: {live.errors()}')
            rsyslog.process.send_signal(signal.SIGCONT)
            live.send(signal.SIGTERM)
            report = expect_end(name, live, problems)
            if report and not check_stored(name, rsyslog, report, problems):
                problems.append(f'{name}: nothing was lost: {report["live"]["sinks"]}')


def main():
    jabiru, capture = sys.argv[1:]
    sensor.need_root('rsyslogd')
    config = ('packet: {checksum: software}\nflow: {capacity: 65536}\nworker: {cpus: "0"}\nports:\n'
              f'  - device: "net_pcap0,rx_pcap={capture},infinite_rx=1"\n')
    problems = []
    check_from_the_start(jabiru, config + 'event: {records_per_s: 2000}\n', problems)
    check_late(jabiru, config + 'event: {records_per_s: 2000}\n', problems)
    check_held_up(jabiru, config, problems)
    sensor.check_nothing_left(problems)
    program.finish(problems, '3 runs')


main()
