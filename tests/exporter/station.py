# SPDX-License-Identifier: BSD-3-Clause
"""A segment that is fed, and an exporter that serves it, for the tests of this folder."""
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

WAIT_S = 20
SKIPPED = 77  # what meson shows as SKIP


class Fault(Exception):
    """What a test says when something is not as it should be."""


def expect(condition, what):
    if not condition:
        raise Fault(what)


def wait_for(condition, what, seconds=WAIT_S):
    """Ask until there is an answer that is true; the answer. Nothing here measures time."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Fault(f'{what}: not within {seconds} s')
        time.sleep(0.05)


def need(*programs):
    """Leave with a visible SKIP where one is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            print(f'SKIP: {program} is not installed')
            sys.exit(SKIPPED)


def free_port():
    """A port of the loopback that is free now."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


class Process:
    """A program that says a line when it is ready; ended with the block."""

    def __init__(self, *command, **more):
        streams = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **more}
        self.process = subprocess.Popen([str(word) for word in command], text=True, **streams)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.finish()

    def finish(self):
        """Wait for its end. Returns (exit code, rest of its output, its errors)."""
        try:
            out, err = self.process.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Fault(f'{self.process.args[0]} does not end') from None
        except ValueError:
            return self.process.returncode, '', ''  # it was finished before
        return self.process.returncode, out, err

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def ready_line(self):
        line = self.process.stdout.readline()
        if not line:
            raise Fault(f'{self.process.args[0]} has ended: {self.process.stderr.read()}')
        return line


class Feed(Process):
    def __init__(self, program, folder, *settings, instance='jabiru'):
        super().__init__(program, '--folder', folder, '--instance', instance, '--seconds', 300,
                         *settings, stdin=subprocess.PIPE)
        self.path = pathlib.Path(folder) / instance
        self.ready_line()

    def tell(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()

    def end(self, word='end'):
        """End it (`quit`: as if killed). Returns how many events it wrote."""
        self.tell(word)
        _, out, err = self.finish()
        expect('events ' in out, f'feed_segment said: {out} {err}')
        return int(out.split('events ')[1].split()[0])


class Exporter(Process):
    def __init__(self, program, instance, *more, listen='127.0.0.1:0'):
        super().__init__(program, '--listen', listen, '--instance', instance, *more)
        self.url = self.ready_line().split()[-1]
        self.port = int(self.url.rstrip('/').rsplit(':', 1)[1])
        self.host = self.url.split('//')[1].rsplit(':', 1)[0].strip('[]')

    def ask(self, path, method='GET', headers=None):
        """(code, headers, body) of one request."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=WAIT_S)
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def api(self, name, code=200):
        """The JSON of a resource, which must come with that code."""
        status, _, body = self.ask(f'/api/v1/{name}')
        expect(status == code, f'{name}: {status} and not {code}: {body[:200]}')
        return json.loads(body)

    def metrics(self):
        """{series: value} of /metrics."""
        status, _, body = self.ask('/metrics')
        expect(status == 200, f'/metrics: {status}')
        lines = [line for line in body.decode().split('\n') if line and line[0] != '#']
        return {line.rsplit(' ', 1)[0]: float(line.rsplit(' ', 1)[1]) for line in lines}


@contextlib.contextmanager
def folder():
    """A folder that goes with the block; its files belong to us alone."""
    with tempfile.TemporaryDirectory(prefix='jabiru-export-') as name:
        yield pathlib.Path(name)


def run_all(tests):
    """Run functions, say what each one found. Returns an exit code."""
    failed = 0
    for test in tests:
        try:
            test()
            print(f'ok: {test.__name__}', flush=True)
        except (Fault, OSError, KeyError, ValueError) as error:
            failed += 1
            print(f'FAILED: {test.__name__}: {type(error).__name__}: {error}', flush=True)
    return 1 if failed else 0
