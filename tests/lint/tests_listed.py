#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every test that is written is also run: its name stands in the meson file of its folder.

usage: tests_listed.py ROOT
"""
import pathlib
import re
import sys

import tree

# which files are tests, and what the meson file calls one: the first group
TESTS = {
    'tests/unit': r'test_(\w+)\.c',
    'tests/ctl': r'(\w+\.py)',
    'tests/fuzz': r'fuzz_(\w+)\.c',
    'tests/lint': r'(\w+\.(?:py|sh))',
    'tests/install': r'(\w+\.(?:py|sh))',
    'tests/exporter': r'(\w+\.py)',
    'tests/live': r'(\w+\.(?:py|c))',
    'tests/page': r'(\w+\.py)',
    'tests/replay': r'(\w+\.py)',
}
NO_TESTS = {'tests/lint/tree.py', 'tests/lint/list_files.sh'}


def main():
    root = sys.argv[1]
    problems = []
    count = 0
    for folder, form in TESTS.items():
        meson = re.sub(r'#.*', '', tree.text(root, f'{folder}/meson.build'))
        for path in tree.files(root, f'^{folder}/[^/]+$'):
            found = re.fullmatch(form, pathlib.PurePosixPath(path).name)
            if found is None or path in NO_TESTS:
                continue
            count += 1
            if f"'{found.group(1)}'" not in meson:
                problems.append(f'{path}: not in {folder}/meson.build, so it never runs')
    if count == 0:
        problems.append('no test was found: wrong directory?')
    tree.finish(problems, f'{count} tests')


main()
