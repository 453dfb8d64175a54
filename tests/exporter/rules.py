#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The Prometheus rules: promtool's check, its unit tests, and that those notice each alert that is broken.

usage: rules.py CONFIG_FOLDER RULES_TEST
"""
import pathlib
import re
import shutil
import subprocess
import sys

from station import expect, folder, need, run_all

CONFIG, TEST = map(pathlib.Path, sys.argv[1:3])


def promtool(*arguments, cwd=None):
    done = subprocess.run(['promtool', *map(str, arguments)], capture_output=True, text=True, cwd=cwd,
                          check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def the_configuration_is_valid():
    code, text = promtool('check', 'config', 'prometheus.yml', cwd=CONFIG)
    expect(code == 0 and '2 rule files found' in text, text)


def alerts_fire_and_clear():
    code, text = promtool('test', 'rules', TEST)
    expect(code == 0, text)


def a_broken_rule_is_noticed():
    """All alerts turned into ones that never fire: of each, a test must say so."""
    with folder() as place:
        config = place / 'config/prometheus'
        shutil.copytree(CONFIG, config)
        test = place / 'tests/exporter' / TEST.name
        test.parent.mkdir(parents=True)
        shutil.copy(TEST, test)
        alerts = config / 'jabiru_alerts.yml'
        text = alerts.read_text()
        names = re.findall(r'- alert: (\w+)', text)
        broken, count = re.subn(r'expr: (?:>-\n(?:\s{10}.*\n)+|.*\n)', 'expr: vector(0) > 1\n', text)
        expect(count == len(names) > 10, f'{count} expressions of {len(names)} alerts')
        alerts.write_text(broken)
        code, said = promtool('test', 'rules', test)
        expect(code != 0, said)
        for name in names:
            expect(name in said, f'nothing notices that {name} never fires')


def main():
    need('promtool')
    sys.exit(run_all([the_configuration_is_valid, alerts_fire_and_clear, a_broken_rule_is_noticed]))


main()
