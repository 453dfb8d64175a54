# SPDX-License-Identifier: BSD-3-Clause
"""What the live tests share: the sensor as a process that is started, watched and ended; throw-away
network namespaces; what they need of the host."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import program

START_S = 30  # DPDK loads its drivers
END_S = 30


def need_root(*tools):
    """Leave with a visible SKIP where the host lacks something."""
    if os.geteuid() != 0:
        program.skip('takes root')
    for tool in tools:
        if shutil.which(tool) is None:
            program.skip(f'{tool} is not installed')


def write_config(folder, text):
    path = pathlib.Path(folder, 'jabiru.yaml')
    path.write_text('config_version: 1\n' + text)
    return path


class Sensor:
    """A `jabiru run`. It has to be ended, by end() or kill(); its outputs are read then."""

    def __init__(self, jabiru, folder, config, *options, before=(), outputs=True, segments=None):
        self.folder = pathlib.Path(folder)
        self.flows_path = self.folder / 'flows'
        self.events_path = self.folder / 'events'
        prefix = f'jabiru-test-{os.getpid()}'
        keeps = segments or self.folder  # what outlives a run
        self.segment = pathlib.Path(segments or self.folder / 'segments', 'test')
        config = write_config(folder, config + f'memory: {{file_prefix: {prefix}}}\n'
                              f'stats: {{instance: test, folder: {self.segment.parent}}}\n'
                              f'control: {{folder: {keeps}/run, alias_file: {keeps}/state/aliases}}\n')
        with open(self.folder / 'out', 'wb') as out, open(self.folder / 'err', 'wb') as err:
            self.process = subprocess.Popen(
                [*before, jabiru, 'run', '-c', config, '--json',
                 *(['--flows', self.flows_path, '--events', self.events_path] if outputs else []),
                 *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**os.environ, **program.SANITIZER})

    def errors(self):
        return (self.folder / 'err').read_text()

    def wait_for(self, text):
        """@return whether it said @p text on standard error in time."""
        limit = time.monotonic() + START_S
        while time.monotonic() < limit and self.process.poll() is None:
            if text in self.errors():
                return True
            time.sleep(0.02)
        return text in self.errors()

    def send(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Let it come to its end. @return its exit code"""
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
        return self.process.returncode

    def end(self):
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(END_S)

    def report(self):
        text = (self.folder / 'out').read_text()
        return json.loads(text) if text else None

    def flow_records(self):
        return [json.loads(line) for line in self.flows_path.read_text().splitlines()]


@contextlib.contextmanager
def running(jabiru, config, *options, **more):
    """A sensor that is ready; killed at the end if it still runs."""
    with tempfile.TemporaryDirectory(prefix='jabiru-live') as folder:
        sensor = Sensor(jabiru, folder, config, *options, **more)
        try:
            if not sensor.wait_for('running,'):
                program.finish([f'it did not start: {sensor.errors()}'], '')
            yield sensor
        finally:
            sensor.kill()


def sink_of(report, name):
    return next(sink for sink in report['live']['sinks'] if sink['name'] == name)


def check_sums(name, report, problems):
    """What has to add up after a drain, whatever was received."""
    live, packets = report['live'], report['packets']
    not_analysed = sum(packets['not_analysed'].values())
    if packets['received'] != packets['tcp'] + not_analysed:
        problems.append(f'{name}: received {packets}')
    for port in live['ports']:
        if port['received'] != port['polled'] or port['in_flight'] != 0:
            problems.append(f'{name}: frames remain on the way: {port}')
    for worker in live['workers']:
        if worker['polled'] + worker['ring_in'] != \
                worker['tcp'] + worker['not_analysed'] + worker['ring_out']:
            problems.append(f'{name}: a worker does not add up: {worker}')
        if not 0 <= worker['busy_ratio'] <= 1 or worker['gap_p9999_us'] > worker['gap_max_us']:
            problems.append(f'{name}: {worker}')

    def total(rows, key):
        return sum(row[key] for row in live[rows])
    if total('ports', 'polled') != packets['received']:
        problems.append(f'{name}: ports polled {total("ports", "polled")}, received {packets}')
    for kind in ('ring', 'quotes'):
        if total('workers', f'{kind}_in') != total('workers', f'{kind}_out'):
            problems.append(f'{name}: {kind} {live["workers"]}')
    for sink in live['sinks']:
        lost = sum(sink[f'lost_{why}'] for why in ('queue', 'write', 'long'))
        if sink['queued'] or sink['emitted'] != sink['written'] + lost or sink['offered'] + \
                sink['aggregates'] != sink['emitted'] + sink['aggregated'] + sink['left_out']:
            problems.append(f'{name}: a sink does not add up: {sink}')
    if packets['missed'] != total('ports', 'missed') + total('ports', 'no_buffer'):
        problems.append(f'{name}: missed {packets["missed"]}')
    if total('workers', 'ring_full') != packets['not_analysed']['ring_full']:
        problems.append(f'{name}: ring_full {packets["not_analysed"]}')


def validate(name, schema, path, problems):
    """What stands in @p path is what its schema says; passed over without python3-jsonschema."""
    done = subprocess.run(['tests/replay/validate_schema.py', f'docs/schema/{schema}.json', path],
                          check=False, capture_output=True, text=True)
    if done.returncode not in (0, program.SKIPPED):
        problems.append(f'{name}: {done.stdout}{done.stderr}')


def check_schema(name, live, problems):
    """The report and every line."""
    for schema, path in (('report', live.folder / 'out'), ('event', live.flows_path),
                         ('event', live.events_path)):
        if path.stat().st_size:
            validate(name, schema, path, problems)


def check_nothing_left(problems):
    prefix = f'jabiru-test-{os.getpid()}'
    for folder in ('/var/run/dpdk', '/dev/hugepages'):
        if pathlib.Path(folder).is_dir():
            problems += [f'left behind: {path}' for path in pathlib.Path(folder).iterdir()
                         if path.name.startswith(prefix)]


def ip(*words):
    subprocess.run(['ip', *words], check=True, capture_output=True, text=True)


class VethPair:
    """Two namespaces joined by a veth pair, both ends without offloads: what is seen is what was sent."""

    def __init__(self):
        self.names = [f'jbr-{os.getpid()}-{end}' for end in 'ab']
        self.ends = ['va', 'vb']
        self.addresses = [('10.77.0.1', 'fd77::1'), ('10.77.0.2', 'fd77::2')]

    def inside(self, end):
        return ['ip', 'netns', 'exec', self.names[end]]

    def __enter__(self):
        try:
            for name in self.names:
                ip('netns', 'add', name)
        except subprocess.CalledProcessError as error:
            self.__exit__()
            program.skip(f'no network namespace can be made: {error.stderr}')
        ip('link', 'add', self.ends[0], 'netns', self.names[0], 'type', 'veth', 'peer', 'name',
           self.ends[1], 'netns', self.names[1])
        for end in (0, 1):
            inside = ('-n', self.names[end])
            subprocess.run([*self.inside(end), 'ethtool', '-K', self.ends[end], 'tx', 'off', 'rx',
                            'off', 'tso', 'off', 'gso', 'off', 'gro', 'off'], check=True,
                           capture_output=True)
            ip(*inside, 'address', 'add', self.addresses[end][0] + '/24', 'dev', self.ends[end])
            ip(*inside, 'address', 'add', self.addresses[end][1] + '/64', 'dev', self.ends[end],
               'nodad')
            ip(*inside, 'link', 'set', self.ends[end], 'up')
        return self

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(['ip', 'netns', 'delete', name], check=False, capture_output=True)
