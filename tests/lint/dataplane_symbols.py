#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Code that runs on a worker calls nothing that may block, allocate or enter the kernel.

usage: dataplane_symbols.py ROOT LIBRARY.a...

An object made of a *_dp.c file may leave undefined only: functions that another *_dp object defines,
constant data of the project, and the few helpers below. Everything else is refused, so that a call
nobody thought of is refused too.
"""
import pathlib
import re
import subprocess
import sys

import tree

HARMLESS = re.compile(
    r'mem(cpy|set|cmp|move|chr)|strlen'
    r'|__(asan|ubsan|sanitizer|gcov|llvm)_\w+|__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_'
    r'|__\w+[sdt]i[234]'          # the compiler's own integer arithmetic
    r'|per_lcore_\w+|rte_hash_crc\w*|rte_pktmbuf_free_bulk'
    r'|rte_eth_fp_ops|rte_eth_call_rx_callbacks')  # of rte_eth_rx_burst()
DATA_KINDS = 'RrDdBbVv'
MEMBER = re.compile(r'([^/:\s]+)\.c\.o\b')


def symbols(library):
    """(source name, kind, symbol) of every symbol of an archive; the source without its .c"""
    out = subprocess.run(['nm', '-A', library], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        where, _, rest = line.rpartition(': ') if ': ' in line else line.rpartition(':')
        fields = rest.split()
        member = MEMBER.findall(where)
        if member and len(fields) >= 2:
            yield member[-1], fields[-2], fields[-1]


def is_dp(source):
    return source.endswith('_dp')


def object_name(path):
    """What meson calls the object: the rooms are built by lib/meson.build, one folder up."""
    return f'{path.parent.name}_{path.stem}' if path.parts[0] == 'lib' else path.stem


def main():
    root, libraries = sys.argv[1], sys.argv[2:]
    tree.need('nm')
    found = [row for library in libraries for row in symbols(library)]
    worker_code = {name for source, kind, name in found if kind in 'TW' and is_dp(source)}
    data = {name for _, kind, name in found if kind in DATA_KINDS}
    control_code = {name: source for source, kind, name in found
                    if kind in 'TW' and not is_dp(source)}
    problems = []
    for source, kind, name in found:
        if kind not in 'Uw' or not is_dp(source):
            continue
        if name in worker_code or name in data or HARMLESS.fullmatch(name):
            continue
        owner = f' (of {control_code[name]}.c, control code)' if name in control_code else ''
        problems.append(f'{source}.c: a worker may not call {name}{owner}')

    seen = {source for source, _, _ in found if is_dp(source)}
    for path in tree.files(root, r'^(lib|app)/.*_dp\.c$'):
        if object_name(pathlib.PurePosixPath(path)) not in seen:
            problems.append(f'{path}: none of the libraries given holds its object')
    if not seen:
        problems.append('no object of a _dp.c file was given')
    tree.finish(sorted(set(problems)), f'{len(seen)} objects of workers')


main()
