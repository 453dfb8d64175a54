# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of jabiructl share: a made segment that is kept alive, and the program's answers."""
import os
import pathlib
import subprocess
import tempfile

import program

TIMEOUT_S = 20
ENVIRONMENT = {**os.environ, **program.SANITIZER, 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8'}


class Segment:
    """A run of make_segment in a folder of its own."""

    def __init__(self, make_segment):
        self.make_segment = make_segment
        self.scratch = tempfile.TemporaryDirectory(prefix='jabiru-ctl')
        self.folder = pathlib.Path(self.scratch.name)
        self.path = self.folder / 'tap'
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *why):
        self.stop()
        self.scratch.cleanup()

    def start(self):
        self.process = subprocess.Popen([self.make_segment, self.folder, 'tap'], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.expect('ready')

    def expect(self, word):
        line = self.process.stdout.readline().strip()
        if line != word:
            raise RuntimeError(f'make_segment said {line!r}, not {word!r}')

    def order(self, *words):
        self.process.stdin.write(' '.join(map(str, words)) + '\n')
        self.process.stdin.flush()
        self.expect('done')

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait(TIMEOUT_S)
        self.process = None


class Answer:
    def __init__(self, jabiructl, *arguments):
        done = subprocess.run([jabiructl, *map(str, arguments)], check=False, text=True,
                              capture_output=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL,
                              env=ENVIRONMENT)
        self.arguments = ' '.join(map(str, arguments))
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __str__(self):
        return f'{self.arguments}: exit {self.code}\n{self.out}{self.err}'
