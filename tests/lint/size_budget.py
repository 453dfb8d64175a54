#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold files and functions to their size budget.

usage: size_budget.py ROOT

A function that has to be longer says why in a comment that ends right above it: /* long: why */.
Tables are data, not functions: only the file budget counts them.
"""
import json
import re
import subprocess
import sys

import tree

FILE_LINES = 600
FUNCTION_LINES = 100
FUNCTION_LINES_DP = 60  # on a worker
FUNCTION_LINES_P95 = 60
PARAMETERS = 5
EXCUSE = re.compile(r'/\*\s*long:\s*\w')


def functions(root, paths):
    """(path, line, end, name, signature) of every function."""
    done = subprocess.run(
        ['ctags', '--options=NONE', '--languages=C', '--langmap=C:.c.h', '--kinds-C=f',
         '--fields=+neS', '--output-format=json', '-f', '-', '-L', '-'],
        cwd=root, input='\n'.join(paths), capture_output=True, text=True, check=True)
    for row in map(json.loads, done.stdout.splitlines()):
        if 'end' in row:
            yield row['path'], row['line'], row['end'], row['name'], row.get('signature', '')


def parameters(signature):
    """How many, commas inside brackets left out."""
    inside = signature.strip()[1:-1].strip()
    depth = 0
    count = 1
    if inside in ('', 'void'):
        return 0
    for character in inside:
        depth += (character in '([') - (character in ')]')
        count += character == ',' and depth == 0
    return count


def is_excused(lines, line):
    """Is there a reason above the function? Its return type stands between."""
    return any(EXCUSE.search(text) for text in lines[max(line - 4, 0):line - 1])


def main():
    root = sys.argv[1]
    tree.need('ctags')
    paths = tree.files(root, r'^(lib|app|tests)/.*\.[ch]$')
    lines = {path: tree.text(root, path).rstrip('\n').split('\n') for path in paths}
    problems = [f'{path}: {len(text)} lines, budget {FILE_LINES}'
                for path, text in lines.items() if len(text) > FILE_LINES]
    sizes = []
    for path, line, end, name, signature in functions(root, paths):
        size = end - line + 1
        budget = FUNCTION_LINES_DP if path.endswith(('_dp.c', '_dp.h')) else FUNCTION_LINES
        sizes.append(size)
        if size > budget and not is_excused(lines[path], line):
            problems.append(f'{path}:{line}: {name}() has {size} lines, budget {budget}')
        if parameters(signature) > PARAMETERS:
            problems.append(f'{path}:{line}: {name}() has {parameters(signature)} parameters, '
                            f'budget {PARAMETERS}')
    if not sizes:
        tree.finish(problems + ['no function was found: wrong directory?'], '')
    sizes.sort()
    middle, p95 = sizes[len(sizes) // 2], sizes[(len(sizes) - 1) * 95 // 100]
    if p95 > FUNCTION_LINES_P95:
        problems.append(f'95 of 100 functions have up to {p95} lines, budget {FUNCTION_LINES_P95}')
    tree.finish(problems, f'{len(paths)} files, {len(sizes)} functions: '
                          f'median {middle} lines, 95th of 100 {p95}, longest {sizes[-1]}')


main()
