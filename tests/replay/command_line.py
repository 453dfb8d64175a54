#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The command line and the configuration file as a user gets them wrong.

usage: command_line.py JABIRU CAPTURE

Held: the exit code (0 fine, 1 failed, 2 usage), nothing on standard output when it fails, one sentence
on standard error that names what is wrong; for a configuration, every error as file:line:column.
$JABIRU_ASAN may name a second build of the program, which must do the same.
"""
import json
import os
import pathlib
import re
import sys
import tempfile

import program

# a case: the arguments, and what its sentence must contain
USAGE = [
    ('', 'name a verb'),
    ('frobnicate', "unknown verb 'frobnicate'"),
    ('replay', 'name at least one capture'),
    ('replay --json', 'name at least one capture'),
    ('replay CAPTURE --frobnicate', "unknown option '--frobnicate'"),
    ('replay CAPTURE -x', "unknown option '-x'"),
    ('replay CAPTURE --json=1', '--json'),
    ('replay CAPTURE -c', "'-c' wants a value"),
    ('replay CAPTURE --config', "'--config' wants a value"),
    ('replay CAPTURE --events', "'--events' wants a value"),
    ('replay CAPTURE --flows', "'--flows' wants a value"),
    ('replay CAPTURE --workers', "'--workers' wants a value"),
    ('replay CAPTURE --loop', "'--loop' wants a value"),
    ('replay CAPTURE --speed', "'--speed' wants a value"),
    ('replay CAPTURE --json --flows -', 'only one of'),
    ('replay CAPTURE --json --events -', 'only one of'),
    ('replay CAPTURE --flows - --events -', 'only one of'),
    ('replay CAPTURE --json --flows - --events -', 'only one of'),
    ('check', '-c FILE'),
    ('check CAPTURE', '-c FILE'),
    ('check -c CAPTURE more', "unexpected argument 'more'"),
    ('check --json', "unknown option '--json'"),
    ('catalog --format', "'--format' wants a value"),
    ('catalog --format xml', "'xml' is none of table, md, json, yaml"),
    ('catalog more', "unexpected argument 'more'"),
    ('version more', "unexpected argument 'more'"),
    ('version --json', "unknown option '--json'"),
]
NUMBERS = {
    'workers': ['0', '65', '-1', '+1', '1.5', '1e1', '0x1', 'many', '', ' 1', '1 ',
                '18446744073709551617', '4294967297'],
    'loop': ['0', '1000001', '-1', '', 'x', '18446744073709551617', '4294967297'],
    'speed': ['0', '0.0', '-1', '1000001', 'nan', 'inf', '1e400', '1e-400', '', 'fast', '1x', 'MAX'],
}
# name, text of the file, [(line:column, what its sentence must contain)]
BASE = 'config_version: 1\n'
CONFIGURATIONS = [
    ('no_version', 'timeout:\n  syn_sent_s: 5\n', [('1:1', 'config_version')]),
    ('other_version', 'config_version: 99\n', [('1:17', '99')]),
    ('unknown_section', BASE + 'nonsense: 1\n', [('2:1', "'nonsense'")]),
    ('unknown_key', BASE + 'timeout:\n  syn_sent: 5\n', [('3:3', 'syn_sent')]),
    ('too_small', BASE + 'timeout: {syn_sent_s: 0}\n', [('2:23', '1..86400')]),
    ('too_large', BASE + 'flow:\n  capacity: 67108865\n', [('3:13', '1024..67108864')]),
    ('far_too_large', BASE + 'flow:\n  capacity: 99999999999999999999\n', [('3:13', '1024..67108864')]),
    ('no_number', BASE + 'timeout:\n  syn_sent_s: soon\n', [('3:15', "'soon'")]),
    ('no_word', BASE + 'packet:\n  checksum: NIC\n', [('3:13', 'software')]),
    ('no_mapping', BASE + 'timeout: 5\n', [('2:10', 'mapping')]),
    ('sequence', '- 1\n', [('1:1', 'mapping')]),
    ('twice', BASE + 'timeout:\n  syn_sent_s: 1\n  syn_sent_s: 2\n', [('4:3', 'twice')]),
    ('tab', BASE + 'timeout:\n\tsyn_sent_s: 1\n', [('3:1', 'cannot start any token')]),
    ('cut', BASE + 'sensor:\n  name: "a', [('3:11', 'end of stream')]),
    ('anchor', BASE + 'sensor:\n  name: &a x\n', [('3:9', 'anchor')]),
    ('binary', b'\xff\xfe\x00', [('1:1', 'UTF-8')]),
    ('bad_action', BASE + 'anomalies:\n  land_attack: {action: explode}\n', [('3:25', "'explode'")]),
    ('several', BASE + 'timeout: {syn_sent_s: 0, half_open_s: 3}\nfoo: 1\n',
     [('2:23', 'syn_sent_s'), ('2:39', 'half_open_s'), ('3:1', 'foo')]),
]


def expect(problems, name, done, code, sentence):
    """One sentence on standard error, and nothing else."""
    errors = done.stderr.decode(errors='replace')
    if done.returncode != code:
        problems.append(f'{name}: exit {done.returncode}, not {code}: {errors}')
    if done.stdout:
        problems.append(f'{name}: standard output holds {done.stdout[:80]}')
    if not re.fullmatch(r'jabiru: [^\n]+[^\n.]\n', errors) or sentence not in errors:
        problems.append(f'{name}: standard error is no sentence on "{sentence}": {errors!r}')


def check_usage(jabiru, capture, problems):
    for text, sentence in USAGE:
        arguments = text.replace('CAPTURE', str(capture)).split()
        expect(problems, f'jabiru {text}', program.run(jabiru, *arguments), 2, sentence)
    for option, values in NUMBERS.items():
        for value in values:
            done = program.run(jabiru, 'replay', capture, f'--{option}', value)
            expect(problems, f"--{option} '{value}'", done, 2, f"--{option}: '{value}'")


def check_fine(jabiru, capture, problems):
    for text in ('help', '--help', '-h', 'help replay', 'replay --help', 'check -h', 'catalog --help',
                 'version', '--version', '-V', 'catalog', 'catalog --format md',
                 'catalog --format json', 'catalog --format yaml', f'replay {capture}',
                 f'replay {capture} --workers 64 --loop 1', f'replay {capture} --speed max'):
        done = program.run(jabiru, *text.split())
        if done.returncode != 0 or done.stderr or not done.stdout.endswith(b'\n'):
            problems.append(f'jabiru {text}: exit {done.returncode}: {done.stderr.decode()}')
    json.loads(program.run(jabiru, 'catalog', '--format', 'json').stdout)
    sample = program.run(jabiru, 'catalog', '--format', 'yaml').stdout
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'sample.yaml')
        path.write_bytes(sample)
        done = program.run(jabiru, 'check', '-c', path)
        if done.returncode != 0:
            problems.append(f'the sample configuration: {done.stderr.decode()}')
        plain = program.Replay(jabiru, [capture])
        if program.Replay(jabiru, [capture], '-c', path).outputs() != plain.outputs():
            problems.append('the sample configuration is not what holds without one')


def check_places(name, path, done, places):
    """Are the errors those at @p places, in their order?"""
    lines = done.stderr.decode(errors='replace').splitlines()
    problems = []
    if done.returncode != 1 or done.stdout:
        problems.append(f'{name}: exit {done.returncode}, standard output {done.stdout[:80]}')
    if len(lines) != len(places):
        problems.append(f'{name}: {len(lines)} errors, not {len(places)}: {lines}')
    for line, (place, words) in zip(lines, places):
        if not line.startswith(f'{path}:{place}: ') or words not in line:
            problems.append(f'{name}: not {place} and "{words}": {line}')
    return problems


def check_configurations(jabiru, capture, problems):
    with tempfile.TemporaryDirectory() as folder:
        for name, text, places in CONFIGURATIONS:
            path = pathlib.Path(folder, f'{name}.yaml')
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            for command in (['check', '-c', path], ['replay', capture, '--config', path]):
                done = program.run(jabiru, *command)
                problems += check_places(f'{command[0]}, {name}.yaml', path, done, places)
        for path, words in ((folder, 'directory'), (f'{folder}/none', 'No such file')):
            for command in (['check', '-c', path], ['replay', capture, '-c', path]):
                done = program.run(jabiru, *command)
                lines = done.stderr.decode().splitlines()
                if done.returncode != 1 or done.stdout or len(lines) != 1 or words not in lines[0]:
                    problems.append(f'{command[0]} -c: exit {done.returncode}: {lines}')


def main():
    capture = pathlib.Path(sys.argv[2])
    builds = [build for build in (sys.argv[1], os.environ.get('JABIRU_ASAN')) if build]
    problems = []
    for jabiru in builds:
        check_usage(jabiru, capture, problems)
        check_fine(jabiru, capture, problems)
        check_configurations(jabiru, capture, problems)
    cases = len(USAGE) + sum(map(len, NUMBERS.values())) + len(CONFIGURATIONS)
    program.finish(problems, f'{len(builds)} builds, {cases} mistakes')


if __name__ == '__main__':
    main()
