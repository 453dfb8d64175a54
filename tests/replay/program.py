# SPDX-License-Identifier: BSD-3-Clause
"""What the replay tests share: how the program is run, what it prints, how a test ends."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77  # what meson shows as SKIP
TIMEOUT_S = 120
# a sanitizer that finds something must not look like a plain failure
SANITIZER = {'ASAN_OPTIONS': 'exitcode=99', 'UBSAN_OPTIONS': 'halt_on_error=1:exitcode=99'}


def run(program, *arguments, **more):
    """Run it; standard output and standard error are bytes unless @p more says otherwise."""
    options = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    if 'input' in more:
        del options['stdin']
    options.update(more)
    return subprocess.run([program, *map(str, arguments)], check=False, timeout=TIMEOUT_S,
                          env={**os.environ, **SANITIZER}, **options)


class Replay:
    """One replay: exit code, standard error, and the three outputs."""

    def __init__(self, program, captures, *options, **more):
        with tempfile.TemporaryDirectory(prefix='jabiru-replay') as folder:
            flows, events = pathlib.Path(folder, 'flows'), pathlib.Path(folder, 'events')
            done = run(program, 'replay', *captures, '--json', '--flows', flows, '--events', events,
                       *options, **more)
            self.code = done.returncode
            self.errors = done.stderr.decode()
            self.flows = flows.read_bytes() if flows.exists() else b''
            self.events = events.read_bytes() if events.exists() else b''
        self.report = json.loads(done.stdout) if done.stdout else None
        if self.report is not None:
            self.timing = self.report.pop('performance'), self.report.pop('interval')

    def outputs(self):
        """Everything that two replays of the same packets must agree on; report in its order."""
        return json.dumps(self.report), self.flows, self.events

    def flow_records(self):
        return [json.loads(line) for line in self.flows.splitlines()]


def captures(folder):
    """The captures of a folder; what else may stand in it is known by its suffix."""
    found = sorted(path for path in pathlib.Path(folder).iterdir()
                   if path.is_file() and path.suffix not in ('.md', '.tsv', '.jsonl')
                   and path.name != 'SHA256SUMS')
    if not found:
        finish([f'no capture in {folder}'], '')
    return found


def real_captures():
    """The captures of real networks, or leave with a visible SKIP."""
    folder = pathlib.Path(os.environ.get('JABIRU_CAPTURES') or '../shared/captures')
    if not (folder / 'MANIFEST.tsv').exists():
        skip(f'no captures at {folder} (set JABIRU_CAPTURES)')
    return captures(folder)


def skip(why):
    print(f'SKIP: {why}')
    sys.exit(SKIPPED)


def finish(problems, summary):
    """Print what is wrong, then what was looked at; leave with 1 when anything is wrong."""
    for problem in problems:
        print(problem)
    print(f'{summary}: {len(problems)} wrong' if problems else summary)
    sys.exit(1 if problems else 0)
