#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every header compiles alone, twice, with each C compiler that is here.

usage: headers_alone.py ROOT
"""
import pathlib
import shutil
import subprocess
import sys

import tree

FLAGS = ['-std=gnu11', '-D_GNU_SOURCE', '-march=x86-64-v2', '-Wall', '-Wextra', '-Werror',
         '-Wmissing-prototypes', '-Wstrict-prototypes', '-fsyntax-only', '-x', 'c', '-']


def folders(path, deps):
    """The include path of the target that the header belongs to."""
    top, name = path.split('/')[:2]
    if top == 'lib':
        return [f'lib/{name}'] + [f'lib/{room}' for room in tree.closure(name, deps)]
    own = [str(pathlib.PurePosixPath(path).parent)]
    every = [f'lib/{room}' for room in deps]
    more = {'tests': ['app/sensor', 'tests/builder'], 'app/bench': ['app/sensor']}
    if top in ('app', 'tests'):
        every.append('app/cli')
    return own + every + more.get(top, more.get(f'{top}/{name}', []))


def main():
    root = sys.argv[1]
    deps = tree.rooms(root)
    headers = tree.files(root, r'^(lib|app|tests)/.*\.h$')
    compilers = [name for name in ('gcc', 'clang') if shutil.which(name)]
    problems = []
    if not headers or not compilers:
        problems.append(f'{len(headers)} headers and {len(compilers)} compilers found')
    for path in headers:
        name = pathlib.PurePosixPath(path).name
        includes = [f'-I{root}/{folder}' for folder in folders(path, deps)]
        for compiler in compilers:
            done = subprocess.run([compiler, *includes, *FLAGS], capture_output=True, text=True,
                                  input=f'#include "{name}"\n#include "{name}"\n', check=False)
            if done.returncode != 0:
                problems.append(f'{path}: does not compile alone with {compiler}\n{done.stderr}')
    tree.finish(problems, f'{len(headers)} headers, {" ".join(compilers)}')


main()
