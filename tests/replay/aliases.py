#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Names of the configuration's list `aliases` stand beside the addresses of events and connection records,
the longest prefix's; all else is as without them. What is no address or no name is an error of the file.

usage: aliases.py JABIRU SCHEMA CAPTURE
"""
import json
import pathlib
import sys
import tempfile

import program

CONFIG = """\
config_version: 1
aliases:
  - {network: 198.51.100.0/24, name: branch}
  - {network: 198.51.100.20, name: "mail \\"1\\""}
  - {network: 0.0.0.0/0, name: world}
"""
NAMES = {'198.51.100.20': 'mail "1"'}


def name_of(address):
    if ':' in address:
        return None
    return NAMES.get(address, 'branch' if address.startswith('198.51.100.') else 'world')


def check_lines(kind, plain, named, problems):
    """@return how many lines have a name"""
    count = 0
    plain, named = plain.splitlines(), named.splitlines()
    if len(plain) != len(named):
        problems.append(f'{kind}: {len(plain)} lines without names, {len(named)} with')
    for before, after in zip(plain, named):
        row = json.loads(after)
        wanted = {'src_alias': name_of(row.get('src_ip', ':')), 'dest_alias': name_of(row.get('dest_ip', ':'))}
        found = {key: row['jabiru'].pop(key, None) for key in wanted}
        count += any(found.values())
        if found != wanted or row != json.loads(before):
            problems.append(f'{kind}: {found}, not {wanted}: {after[:300]}')
    return count


def main():
    jabiru, schema, capture = sys.argv[1:4]
    problems = []
    with tempfile.TemporaryDirectory(prefix='jabiru-aliases') as folder:
        config = pathlib.Path(folder, 'jabiru.yaml')
        config.write_text(CONFIG)
        plain = program.Replay(jabiru, [capture])
        named = program.Replay(jabiru, [capture], '-c', config)
        again = program.Replay(jabiru, [capture], '-c', config, '--workers', '3')
        if named.outputs() != again.outputs():
            problems.append('three workers write something else')
        count = check_lines('flows', plain.flows, named.flows, problems)
        count += check_lines('events', plain.events, named.events, problems)
        if count == 0:
            problems.append('no line has a name')
        for name, lines in (('flows', named.flows), ('events', named.events)):
            path = pathlib.Path(folder, name)
            path.write_bytes(lines)
            done = program.run(sys.executable, pathlib.Path(__file__).with_name('validate_schema.py'),
                               pathlib.Path(schema, 'event.json'), path)
            if done.returncode not in (0, program.SKIPPED):
                problems.append(f'{name}: {done.stdout.decode()}{done.stderr.decode()}')
        config.write_text('config_version: 1\naliases: [{network: 10.0.0.1/8, name: x}]\n')
        done = program.run(jabiru, 'check', '-c', config)
        wanted = f"{config}:2:11: aliases[0].network: '10.0.0.1/8' has bits set behind its prefix\n"
        if done.returncode != 1 or done.stderr.decode() != wanted:
            problems.append(f'check: exit {done.returncode}: {done.stderr.decode()}')
    program.finish(problems, f'{count} lines with names')


main()
