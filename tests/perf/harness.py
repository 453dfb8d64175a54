#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""jabiru-bench keeps its word: keys, identities, digests, exit codes.

usage: harness.py JABIRU_BENCH SCENARIO...   or   harness.py JABIRU_BENCH --exit-codes
"""
import json
import subprocess
import sys

KEYS = ('cycles_per_packet', 'generator_cycles_per_packet', 'net_cycles_per_packet',
        'publish_cycles_per_packet', 'packets_per_second', 'flows', 'lookups', 'hits', 'inserts', 'evictions', 'bytes_per_flow',
        'stages', 'digest', 'parameters', 'machine', 'packets', 'preemptions_removed')


def run(bench, *arguments):
    return subprocess.run([bench, *arguments], capture_output=True, text=True, check=False,
                          timeout=120)


def short(bench, scenario, *more):
    done = run(bench, '--scenario', scenario, '--flows', '2000', '--room', '30000', '--rounds', '2',
               '--packets', '16384', '--json', *more)
    return done, json.loads(done.stdout) if done.stdout else None


def check_result(scenario, result, problems):
    for key in KEYS:
        if key not in result:
            problems.append(f'{scenario}: no {key}')
    total = result['hits'] + result['inserts'] + result['not_inserted']
    if result['lookups'] != total:
        problems.append(f'{scenario}: {result["lookups"]} look-ups, {total} outcomes of them')
    if result['cycles_per_packet'] <= 0 or result['generator_cycles_per_packet'] <= 0:
        problems.append(f'{scenario}: packets that take no time')
    if scenario in ('syn_flood', 'mixed'):
        if result['inserts'] == 0 or result['evictions'] == 0:
            problems.append(f'{scenario}: a full table without evictions')
    elif (result['flows'], result['inserts'], result['established_lost']) != (2000, 0, 0):
        problems.append(f'{scenario}: {result["flows"]} connections, {result["inserts"]} made')


def check_scenario(bench, scenario, problems):
    done, result = short(bench, scenario)
    again = short(bench, scenario)[1]
    other = short(bench, scenario, '--spacing-ns', '100')[1]
    if result is None:
        problems.append(f'{scenario}: no result, exit {done.returncode}: {done.stderr}')
        return
    if done.returncode != 0:
        problems.append(f'{scenario}: exit {done.returncode}: {done.stderr.strip()}')
    check_result(scenario, result, problems)
    if result['digest'] != again['digest']:
        problems.append(f'{scenario}: the same packets, two digests')
    if result['digest'] == other['digest']:
        problems.append(f'{scenario}: other times, the same digest')


def check_exit(bench, code, text, arguments, problems):
    done = run(bench, *arguments)
    if done.returncode != code or text not in done.stdout + done.stderr:
        problems.append(f'{" ".join(arguments)}: exit {done.returncode}, said: '
                        f'{(done.stdout + done.stderr)[:200]}')


def check_exits(bench, problems):
    check_exit(bench, 1, 'not there yet', ['--scenario', 'imix_match'], problems)
    check_exit(bench, 1, 'workers want as many CPUs',
               ['--scenario', 'imix', '--workers', '64', '--flows', '10'], problems)
    check_exit(bench, 2, "'nonsense' is none of", ['--scenario', 'nonsense'], problems)
    check_exit(bench, 0, 'usage: jabiru-bench', ['--help'], problems)
    check_exit(bench, 0, 'jabiru-bench ', ['--version'], problems)


def main():
    bench, *scenarios = sys.argv[1:]
    problems = []
    if scenarios == ['--exit-codes']:
        check_exits(bench, problems)
    elif not scenarios:
        sys.exit(__doc__)
    else:
        for scenario in scenarios:
            check_scenario(bench, scenario, problems)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
