#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every source, script and build file names its licence in its first or second line.

usage: spdx.py ROOT
"""
import re
import sys

import tree

SOURCE = re.compile(r'\.(c|h|def|py|sh|lua|ini|service|js|css|html)$'
                    r'|(^|/)(meson\.build|Makefile|\.clang-format)$|^\.ci/[^/]+$')
# as their authors publish them, with their own licence beside them
FOREIGN = re.compile(r'^app/exporter/page/uPlot\.')
LICENCE = 'SPDX-License-Identifier: BSD-3-Clause'


def main():
    root = sys.argv[1]
    problems = []
    count = 0
    for path in tree.files(root):
        if FOREIGN.search(path):
            continue
        with open(f'{root}/{path}', 'rb') as file:
            head = file.readline(200) + file.readline(200)
        if not SOURCE.search(path) and not head.startswith(b'#!'):
            continue  # a script has no need of an ending
        count += 1
        if LICENCE.encode() not in head:
            problems.append(f'{path}: no SPDX-License-Identifier in its first two lines')
    if count == 0:
        problems.append('no source was found: wrong directory?')
    tree.finish(problems, f'{count} files')


main()
