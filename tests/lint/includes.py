#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold the rooms apart: who may include whom, and which foreign library.

usage: includes.py ROOT
"""
import pathlib
import re
import sys

import tree

# What each room may name in its `deps`; it may also include what those rooms name.
MAY_USE = {
    'base': [],
    'catalog': ['base'],
    'packet': ['base', 'catalog'],
    'tcp': ['base', 'catalog', 'packet'],
    'flow': ['base', 'catalog', 'packet', 'tcp'],
    'host': ['base', 'catalog', 'packet'],
    'match': ['base'],
    'alias': ['base'],
    'config': ['base', 'catalog', 'alias'],
    'shm': ['base'],
    'health': ['base', 'shm'],
    'stats': ['base', 'catalog', 'shm'],
    'event': ['base', 'catalog'],
    'detect': ['base', 'catalog', 'packet', 'tcp', 'flow', 'host', 'match'],
}
# Programs that read a running sensor know nothing of packets.
MAY_USE_APP = {
    'jabiructl': ['base', 'catalog', 'alias', 'shm', 'health', 'event'],
    'exporter': ['base', 'catalog', 'shm', 'health', 'event'],
}
# Headers of foreign libraries, and the only folders that may include them.
FOREIGN = [
    (r'(.*/)?yaml\.h$', ['lib/config']),
    (r'(.*/)?hs(_\w+)?\.h$', ['lib/match']),
    (r'numa(if)?\.h$', ['app/sensor']),
    (r'jansson\.h$', ['app/sensor', 'app/jabiructl', 'tests/fuzz']),
    (r'n?curses\.h$', ['app/jabiructl']),
    (r'event2/\w+\.h$', ['app/exporter']),
    (r'cmocka\.h$', ['tests/unit', 'tests/live']),
    (r'(.*/)?rte_(eal|ethdev|lcore|launch|mempool|log|malloc)\w*\.h$',
     ['app/sensor', 'app/bench', 'tests/unit', 'tests/live']),
    (r'(.*/)?rte_\w+\.h$',
     ['lib/packet', 'lib/flow', 'app/sensor', 'app/bench', 'tests/unit', 'tests/live']),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path):
    return '/'.join(path.split('/')[:2])


def allowed_rooms(path, deps):
    """Rooms whose public header this file may include."""
    top, name = path.split('/')[:2]
    if top == 'lib':
        return tree.closure(name, deps)
    if top == 'app' and name in MAY_USE_APP:
        return set(MAY_USE_APP[name])
    return set(deps)


class Includes:
    def __init__(self, root):
        self.deps = tree.rooms(root)
        self.files = tree.files(root, r'^(lib|app|tests)/.*\.(c|h|def)$')
        self.known = set(self.files)
        self.problems = []
        self.count = 0
        self.headers = {}  # header -> headers it includes
        for path in self.files:
            for number, line in enumerate(tree.code_lines(tree.text(root, path)), 1):
                found = INCLUDE.match(line)
                if found:
                    self.count += 1
                    self.check(path, number, found.group(1), found.group(2))

    def fault(self, path, number, what):
        self.problems.append(f'{path}:{number}: {what}')

    def check(self, path, number, mark, name):
        for pattern, folders in FOREIGN:
            if re.match(pattern, name):
                if folder_of(path) not in folders:
                    self.fault(path, number, f'<{name}> belongs to {" ".join(folders)} only')
                return
        if mark == '<':
            return
        target = self.resolve(path, number, name)
        if target is not None and path.endswith('.h') and target.endswith('.h'):
            self.headers.setdefault(path, []).append(target)

    def resolve(self, path, number, name):
        """The file meant by a quoted include; None, with a fault, when it is not allowed."""
        if '/' in name:
            return self.fault(path, number, f'"{name}": an include names no folder')
        own = str(pathlib.PurePosixPath(path).parent / name)
        if own in self.known:
            if name.endswith('.c') and not path.startswith('tests/'):
                return self.fault(path, number, f'"{name}": a source file is not included')
            return own
        room = re.fullmatch(r'jbr_(\w+)\.h', name)
        if room and f'lib/{room.group(1)}/{name}' in self.known:
            if room.group(1) in allowed_rooms(path, self.deps):
                return f'lib/{room.group(1)}/{name}'
            return self.fault(path, number, f'"{name}": {folder_of(path)} may not use that room')
        # the rows of the catalogue, for who makes something of them
        if name.endswith('.def') and f'lib/catalog/{name}' in self.known and \
                'catalog' in allowed_rooms(path, self.deps):
            return f'lib/catalog/{name}'
        for folder in self.folders_of_test(path):
            if f'{folder}/{name}' in self.known and not name.endswith('.c'):
                return f'{folder}/{name}'
        return self.fault(path, number, f'"{name}" is neither of this folder nor a public header')

    @staticmethod
    def folders_of_test(path):
        """Folders whose private headers a test may read: test_<room>_<noun>.c those of its room. The
        bench is a test too: it drives the sensor's own burst function."""
        if path.startswith('app/bench/'):
            return ['app/sensor']
        if not path.startswith('tests/'):
            return []
        room = re.match(r'tests/unit/test_([a-z]+)', path)
        return ['tests/builder', 'app/sensor', 'app/bench', 'app/jabiructl', 'app/exporter'] + (
            [f'lib/{room.group(1)}'] if room else [])

    def check_deps(self):
        """The `deps` of the meson files stay within the table above, and point upwards only."""
        earlier = set()
        for room, names in self.deps.items():
            where = f'lib/{room}/meson.build'
            if room not in MAY_USE:
                self.fault(where, 1, f'room {room} is not in the table of includes.py')
            for name in names:
                if name not in MAY_USE.get(room, []):
                    self.fault(where, 1, f'room {room} may not use {name}')
                if name not in earlier:
                    self.fault(where, 1, f'{name} does not stand above {room}')
            earlier.add(room)
            if f'lib/{room}/jbr_{room}.h' not in self.known:
                self.fault(where, 1, f'room {room} has no public header jbr_{room}.h')

    def check_cycles(self):
        done = set()

        def visit(header, way):
            if header in way:
                circle = way[way.index(header):] + [header]
                self.fault(header, 1, 'headers include each other: ' + ' -> '.join(circle))
                return
            if header in done:
                return
            for other in self.headers.get(header, []):
                visit(other, way + [header])
            done.add(header)

        for header in list(self.headers):
            visit(header, [])


def main():
    includes = Includes(sys.argv[1])
    includes.check_deps()
    includes.check_cycles()
    if includes.count == 0:
        includes.problems.append('no include was found: wrong directory?')
    tree.finish(includes.problems, f'{len(includes.files)} files, {includes.count} includes')


main()
