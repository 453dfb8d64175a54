#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Captures that cannot be read, or not to their end, and outputs that cannot be written.

usage: bad_input.py JABIRU CAPTURES

Held: exit code 1 and one sentence on standard error that names the file and what is wrong; what was
analysed before the break is in report, flows and events, exactly as of the capture cut cleanly there;
an output that fails does not spoil the others. $JABIRU_ASAN may name a second build of the program,
which must do the same.
"""
import os
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

import program

PCAP_HEADER = 24
FILE_LIMIT = 4096
FULL = '/dev/full'


class Test:
    """One build of the program, the captures, a place to write, and what went wrong."""

    def __init__(self, jabiru, folder, scratch):
        self.jabiru, self.folder, self.scratch = jabiru, pathlib.Path(folder), pathlib.Path(scratch)
        self.plain = self.folder / 'us_le.pcap'
        self.sample = self.folder / 'sample.pcap'
        self.problems = []
        self.count = 0

    def check(self, name, is_right, what):
        if not is_right:
            self.problems.append(f'{name}: {what}')

    def sentence(self, name, code, errors, words):
        """Exit code 1 and one sentence with these words."""
        self.count += 1
        self.check(name, code == 1, f'exit {code}, not 1: {errors[:1000]}')
        self.check(name, re.fullmatch(r'jabiru: [^\n]+[^\n.]\n', errors) and
                   all(word in errors for word in words),
                   f'standard error is no sentence with {words}: {errors[:1000]!r}')

    def run(self, *arguments, **more):
        return program.run(self.jabiru, *arguments, **more)

    def file(self, name, data):
        path = self.scratch / name
        path.write_bytes(data)
        return path


# ---- captures ----

def refused(test):
    """Nothing can be read of these, so nothing is reported."""
    data = test.plain.read_bytes()
    section = (test.folder / 'ng_le.pcapng').read_bytes()
    cases = [(test.scratch / 'none.pcap', 'No such file'), ('', 'No such file'),
             (test.scratch, 'Is a directory'), (test.folder / 'zero.pcap', 'is empty'),
             (test.folder / 'garbage.bin', 'is no capture'), (test.folder / 'README.md', 'is no capture'),
             (test.folder / 'unknown_link.pcap', 'link type 147'),
             (test.file('packed.pcap', b'\x1f\x8b\x08' + bytes(40)), 'gzip'), ('/dev/null', 'is empty')]
    cases += [(test.file(f'head{length}.pcap', data[:length]), '') for length in range(1, PCAP_HEADER)]
    cases += [(test.file(f'head{length}.pcapng', section[:length]), '') for length in range(1, 28)]
    for path, words in cases:
        done = program.Replay(test.jabiru, [path])
        test.sentence(path, done.code, done.errors, [str(path), words])
        test.check(path, done.report is None and not done.flows + done.events, 'it is reported on')
        merged = program.Replay(test.jabiru, [test.plain, path])
        test.sentence(f'us_le.pcap and {path}', merged.code, merged.errors, [str(path), words])


def unreadable(test):
    if os.geteuid() == 0:
        print('left out: root may read every file')
        return
    path = test.file('secret.pcap', test.plain.read_bytes())
    path.chmod(0)
    done = program.Replay(test.jabiru, [path])
    test.sentence(path, done.code, done.errors, [str(path), 'Permission denied'])


def pcap_ends(data):
    """Where the header and each packet of a little-endian pcap end."""
    ends = [PCAP_HEADER]
    while ends[-1] < len(data):
        ends.append(ends[-1] + 16 + struct.unpack_from('<I', data, ends[-1] + 8)[0])
    return ends


def pcapng_ends(data):
    """The same of a little-endian pcapng whose other blocks stand before the packets."""
    ends = [0]
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from('<II', data, at)
        at += length
        if kind == 6:
            ends.append(at)
        elif len(ends) == 1:
            ends[0] = at
    return ends


def cut(test):
    """Cut anywhere in a packet, a capture says the same as cut in front of it."""
    for name in ('us_le.pcap', 'ng_le.pcapng'):
        data = (test.folder / name).read_bytes()
        ends = (pcap_ends if name.endswith('.pcap') else pcapng_ends)(data)
        for number, (begin, end) in enumerate(zip(ends, ends[1:]), 1):
            clean = program.Replay(test.jabiru, [test.file(f'clean_{name}', data[:begin])])
            test.check(f'{name}, {begin} bytes', clean.code == 0 and not clean.errors, clean.errors)
            test.check(name, clean.report['packets']['received'] == number - 1, 'packets are missing')
            for length in {begin + 1, begin + 15, begin + 16, (begin + end) // 2, end - 1}:
                cut_at(test, f'cut_{name}', data[:length], number, clean)


def cut_at(test, name, data, number, clean):
    path = test.file(name, data)
    what = f'{name} of {len(data)} bytes'
    runs = {what: program.Replay(test.jabiru, [path])}
    if number <= 2:
        runs[f'{what}, 3 workers'] = program.Replay(test.jabiru, [path], '--workers', '3')
        runs[f'{what}, piped'] = program.Replay(test.jabiru, ['-'], input=data)
        with open(path, 'rb') as file:
            runs[f'{what}, as input'] = program.Replay(test.jabiru, ['-'], stdin=file)
    for what, done in runs.items():
        test.sentence(what, done.code, done.errors, [f': packet {number}: '])
        test.check(what, done.outputs() == clean.outputs(), 'not as cut in front of that packet')
    test.check(what, str(path) in runs[next(iter(runs))].errors, 'the file is not named')


def broken(test):
    """A packet that cannot be: everything before it counts, everything behind it is given up."""
    plain = program.Replay(test.jabiru, [test.plain])
    for name in ('bad_record.pcap', 'ng_bad_block.pcapng'):
        done = program.Replay(test.jabiru, [test.folder / name])
        test.sentence(name, done.code, done.errors, [f'{name}: packet 22: '])
        test.check(name, done.outputs() == plain.outputs(), 'not as before the break')
    both = program.Replay(test.jabiru, [test.sample, test.folder / 'truncated.pcap'])
    test.sentence('merged', both.code, both.errors, ['truncated.pcap: packet 21: '])
    test.check('merged', both.report['packets']['received'] >= 20, 'packets are missing')


def piped(test):
    plain = program.Replay(test.jabiru, [test.sample])
    data = test.sample.read_bytes()
    done = program.Replay(test.jabiru, ['-'], input=data)
    test.check('piped', (done.code, done.errors) == (0, ''), done.errors)
    test.check('piped', done.outputs() == plain.outputs(), 'not as from the file')
    empty = program.Replay(test.jabiru, ['-'], input=b'')
    test.sentence('no input', empty.code, empty.errors, ['standard input', 'is empty'])
    closed = program.Replay(test.jabiru, ['-'], stdin=None, preexec_fn=lambda: os.close(0))
    test.sentence('input closed', closed.code, closed.errors, ['standard input'])
    again = program.Replay(test.jabiru, ['-'], '--loop', '2', input=data)
    test.sentence('input twice', again.code, again.errors, ['it is a pipe'])
    test.check('input twice', again.report in (None, plain.report), 'not as the first pass')


def fifo(test):
    """Its writer goes away in the middle of a packet."""
    data = test.plain.read_bytes()
    ends = pcap_ends(data)
    path = test.scratch / 'fifo'
    os.mkfifo(path)
    clean = program.Replay(test.jabiru, [test.file('clean.pcap', data[:ends[10]])])
    writer = threading.Thread(target=path.write_bytes, args=(data[:ends[10] + 20],), daemon=True)
    writer.start()
    done = program.Replay(test.jabiru, [path])
    writer.join(program.TIMEOUT_S)
    test.sentence('fifo', done.code, done.errors, [f'{path}: packet 11: '])
    test.check('fifo', done.outputs() == clean.outputs(), 'not as before the break')


# ---- outputs ----

def full_disk(test):
    plain = program.Replay(test.jabiru, [test.sample])
    for option in ('--flows', '--events'):
        done = program.Replay(test.jabiru, [test.sample], option, FULL)
        test.sentence(f'{option} {FULL}', done.code, done.errors, [FULL, 'No space left'])
        test.check(f'{option} {FULL}', done.report == plain.report, 'the report is another')
        other = 'events' if option == '--flows' else 'flows'
        test.check(f'{option} {FULL}', getattr(done, other) == getattr(plain, other),
                   f'the {other} are others')


def file_limit(test):
    """The kernel refuses to let a file grow; this is no reason to die."""
    plain = program.Replay(test.jabiru, [test.sample])
    limit = (FILE_LIMIT, FILE_LIMIT)
    done = program.Replay(test.jabiru, [test.sample], '--events', '/dev/null',
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    test.sentence('RLIMIT_FSIZE', done.code, done.errors, ['File too large'])
    test.check('RLIMIT_FSIZE', done.report == plain.report, 'the report is another')
    test.check('RLIMIT_FSIZE', done.flows == plain.flows[:FILE_LIMIT], 'the flows are not a beginning')


def prints(test):
    """Everything that is printed, and what must not be printed into instead."""
    config = test.file('config.yaml', b'config_version: 1\n')
    return [['replay', test.sample], ['replay', test.sample, '--json'],
            ['replay', test.sample, '--flows', '-'], ['replay', test.sample, '--events', '-'],
            ['check', '-c', config], ['catalog'], ['catalog', '--format', 'json'], ['help'],
            ['replay', '--help'], ['version']]


def stdout_fails(test):
    for arguments in prints(test):
        name = ' '.join(map(str, arguments))
        with open(FULL, 'wb') as full:
            done = test.run(*arguments, stdout=full)
        test.sentence(f'{name} >{FULL}', done.returncode, done.stderr.decode(),
                      ['standard output', 'No space left'])
        done = test.run(*arguments, stdout=None, preexec_fn=lambda: os.close(1))
        test.sentence(f'{name} >&-', done.returncode, done.stderr.decode(), ['standard output'])
        reader, writer = os.pipe()
        os.close(reader)
        done = test.run(*arguments, stdout=writer)
        os.close(writer)
        test.sentence(f'{name} | true', done.returncode, done.stderr.decode(),
                      ['standard output', 'Broken pipe'])


def closed_streams(test):
    """A file that takes the place of a closed standard stream gets nothing that was not meant for it."""
    plain = program.Replay(test.jabiru, [test.sample])
    data = test.sample.read_bytes()
    for option, want in (('--events', plain.events), ('--flows', plain.flows)):
        path = test.scratch / 'lines'
        done = test.run('replay', '-', '--json', option, path, input=data, stdout=None,
                        preexec_fn=lambda: os.close(1))
        name = f'{option} FILE --json >&-'
        test.sentence(name, done.returncode, done.stderr.decode(), ['standard output'])
        test.check(name, path.read_bytes() == want, 'something else was written to FILE')
        other = '--flows' if option == '--events' else '--events'
        done = test.run('replay', '-', option, path, other, FULL, input=data, stderr=None,
                        preexec_fn=lambda: os.close(2))
        name = f'{option} FILE {other} {FULL} 2>&-'
        test.check(name, done.returncode == 1, f'exit {done.returncode}, not 1')
        test.check(name, path.read_bytes() == want, 'something else was written to FILE')


def cannot_open(test):
    cases = [(test.scratch / 'none' / 'file', 'No such file'), (test.scratch, 'Is a directory'),
             ('', 'No such file')]
    for path, words in cases:
        for option in ('--flows', '--events'):
            done = test.run('replay', test.plain, option, path)
            test.sentence(f'{option} {path}', done.returncode, done.stderr.decode(), [str(path), words])
            test.check(f'{option} {path}', not done.stdout, 'it begins before it can write')


def over_the_capture(test):
    """An output that would destroy the capture, or the other output, is refused."""
    for link in (False, True):
        capture = test.scratch / 'precious.pcap'
        shutil.copy(test.sample, capture)
        path = test.scratch / 'link' if link else capture
        if link:
            path.symlink_to(capture)
        for option in ('--flows', '--events'):
            done = test.run('replay', capture, option, path)
            name = f'{option} over the capture'
            test.check(name, done.returncode in (1, 2), f'exit {done.returncode}')
            test.check(name, capture.read_bytes() == test.sample.read_bytes(), 'it is destroyed')
            test.count += 1
    both = test.scratch / 'both'
    done = test.run('replay', test.sample, '--flows', both, '--events', both)
    test.check('--flows and --events in one file', done.returncode in (1, 2), f'exit {done.returncode}')
    done = test.run('replay', test.sample, '--flows', '/dev/null', '--events', '/dev/null')
    test.check('--flows and --events to /dev/null', done.returncode == 0, done.stderr.decode())


CHECKS = (refused, unreadable, cut, broken, piped, fifo, full_disk, file_limit, stdout_fails,
          closed_streams, cannot_open, over_the_capture)


def main():
    builds = [build for build in (sys.argv[1], os.environ.get('JABIRU_ASAN')) if build]
    problems = []
    count = 0
    for jabiru in builds:
        for check in CHECKS:
            with tempfile.TemporaryDirectory(prefix='jabiru-bad') as scratch:
                test = Test(jabiru, sys.argv[2], scratch)
                try:
                    check(test)
                except subprocess.TimeoutExpired as error:
                    test.problems.append(f'it hangs: {error}')
            problems += [f'{check.__name__}: {problem}' for problem in test.problems]
            count += test.count
    program.finish(problems, f'{len(builds)} builds, {count} failures provoked')


if __name__ == '__main__':
    main()
