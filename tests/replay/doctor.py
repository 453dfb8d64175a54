#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`jabiru doctor` on the machine that the tests run on, whatever it lacks.

usage: doctor.py JABIRU

Held: both forms say the same; the exit code is 1 exactly when a check fails; everything that is not
fine says how to mend it or why it matters; it says so without rights too; what is wrong with ports,
CPUs and memory of a configuration is found; a wrong command line is refused as everywhere.
"""
import json
import os
import pathlib
import sys
import tempfile

import program

STATUSES = ('ok', 'warn', 'fail')
# what is looked at on every machine
ALWAYS = {'hugepages', 'hugetlbfs', 'cpus', 'isolation', 'tsc', 'numa', 'capabilities', 'vfio',
          'iommu', 'port', 'leftovers'}
# name, text, {check: words of one of its findings}
CONFIGURATIONS = [
    ('huge', 'flow: {capacity: 67108864}', {'memory': '67108864'}),
    ('ports', 'ports: [{device: net_null0}, {device: "net_null0,x=1"}]',
     {'port': "'net_null0' is ports[0] already"}),
    ('no_interface', 'ports: [{device: "net_af_packet0,iface=no such"}]',
     {'port': "no interface 'no such'"}),
    ('no_port', 'ports: [{device: eth0}]', {'port': 'neither a PCI address nor'}),
    ('no_device', 'ports: [{device: "0000:ff:1f.7"}]', {'port': 'no network controller at PCI'}),
    ('no_cpu', 'worker: {cpus: "1023"}', {'cpus': 'worker.cpus: CPU 1023 does not exist'}),
    ('large_cpu', 'worker: {cpus: "99999"}', {'cpus': 'worker.cpus: CPU 99999 does not exist'}),
    ('twice', 'worker: {cpus: "0,0"}', {'cpus': 'worker.cpus: CPU 0 is there twice'}),
    ('no_list', 'worker: {cpus: "1-"}', {'cpus': "worker.cpus: '1-' is no list of CPUs"}),
    ('no_control', 'worker: {control_cpu: "0-1"}',
     {'cpus': "worker.control_cpu: '0-1' is no CPU"}),
    ('pages', 'memory: {hugepages: yes, megabytes: 1048576}', {'hugepages': '1048576 MiB are needed'}),
    ('no_pages', 'memory: {hugepages: no}', {'hugepages': 'not wanted'}),
]
MISTAKES = [
    (['more'], 2, "unexpected argument 'more'"),
    (['--frobnicate'], 2, "unknown option '--frobnicate'"),
    (['--flows', 'x'], 2, "unknown option '--flows'"),
    (['-c'], 2, "'-c' wants a value"),
    (['--port'], 2, "'--port' wants a value"),
    (['--port', 64 * 'x' * 4], 1, '--port: more than '),
    (['-c', '/nonexistent'], 1, 'No such file'),
]


def check_json(name, done, problems):
    """@return the checks of its standard output."""
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        problems.append(f'{name}: no JSON: {error}: {done.stdout[:200]} {done.stderr[:200]}')
        return []
    if list(report) != ['jabiru', 'checks'] or not isinstance(report['jabiru'], str):
        problems.append(f'{name}: keys {list(report)}')
    checks = report['checks']
    for check in checks:
        if list(check) != ['name', 'status', 'what', 'why', 'fix'] or not check['what'] \
                or check['status'] not in STATUSES:
            problems.append(f'{name}: {check}')
        elif check['status'] == 'fail' and not check['fix']:
            problems.append(f'{name}: fails without a fix: {check}')
        elif check['status'] == 'warn' and not check['fix'] and not check['why']:
            problems.append(f'{name}: warns without fix and reason: {check}')
        elif check['status'] == 'ok' and check['why']:
            problems.append(f'{name}: fine, and yet a reason: {check}')
    missing = ALWAYS - {check['name'] for check in checks}
    if missing:
        problems.append(f'{name}: does not look at {sorted(missing)}')
    return checks


def check_code(name, done, checks, problems):
    code = int(any(check['status'] == 'fail' for check in checks))
    if done.returncode != code or done.stderr:
        problems.append(f'{name}: exit {done.returncode}, not {code}: {done.stderr[:200]}')


def check_text(jabiru, checks, problems):
    """The page has the same findings; sizes may have moved meanwhile."""
    done = program.run(jabiru, 'doctor')
    lines = done.stdout.decode().splitlines()
    said = [line.partition(':')[0].split() for line in lines[:-1]]
    if said != [[check['status'], check['name']] for check in checks]:
        problems.append(f'the page has {said}')
    check_code('page', done, checks, problems)
    counts = ', '.join(f'{sum(check["status"] == status for check in checks)} {status}'
                       for status in STATUSES)
    if not lines or not lines[-1].startswith(counts):
        problems.append(f'the page ends {lines[-1:]}, not {counts}')


def nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def main():
    jabiru = pathlib.Path(sys.argv[1]).resolve()
    problems = []
    done = program.run(jabiru, 'doctor', '--json')
    checks = check_json('JSON', done, problems)
    check_code('JSON', done, checks, problems)
    check_text(jabiru, checks, problems)
    if os.geteuid() == 0:
        # by its descriptor: nobody need not be able to walk to where it was built
        with open(jabiru, 'rb') as binary:
            done = program.run(f'/proc/self/fd/{binary.fileno()}', 'doctor', '--json',
                               preexec_fn=nobody, pass_fds=[binary.fileno()])
        check_code('nobody', done, check_json('nobody', done, problems), problems)
    with tempfile.TemporaryDirectory() as folder:
        for name, text, expected in CONFIGURATIONS:
            path = pathlib.Path(folder, f'{name}.yaml')
            path.write_text(f'config_version: 1\n{text}\n')
            done = program.run(jabiru, 'doctor', '--json', '-c', path)
            more = check_json(name, done, problems)
            check_code(name, done, more, problems)
            for check, words in expected.items():
                if not any(one['name'] == check and words in one['what'] for one in more):
                    problems.append(f'{name}: {check} does not say "{words}": {more}')
    done = program.run(jabiru, 'doctor', '--json', '--port', 'net_null0', '--port', 'no_port')
    ports = [(check['status'], check['what']) for check in check_json('--port', done, problems)
             if check['name'] == 'port']
    if [status for status, _ in ports] != ['ok', 'fail'] or 'net_null0' not in ports[0][1]:
        problems.append(f'--port: {ports}')
    for arguments, code, words in MISTAKES:
        done = program.run(jabiru, 'doctor', *arguments)
        errors = done.stderr.decode()
        if done.returncode != code or done.stdout or words not in errors:
            problems.append(f'doctor {arguments}: exit {done.returncode}, {errors}')
    program.finish(problems, f'{len(checks)} checks, {len(CONFIGURATIONS)} configurations, '
                             f'{len(MISTAKES)} mistakes')


if __name__ == '__main__':
    main()
