# SPDX-License-Identifier: BSD-3-Clause
"""What the lint tests share: the project's files, the rooms as meson has them, and how to fail."""
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77  # what meson shows as SKIP


def files(root, regex='.'):
    """Paths (from the top) of the project's files that match."""
    script = pathlib.Path(__file__).with_name('list_files.sh')
    out = subprocess.run(['sh', str(script), str(root), regex], capture_output=True, text=True,
                         check=True).stdout
    return out.splitlines()


def text(root, path):
    return (pathlib.Path(root) / path).read_text(encoding='utf-8', errors='replace')


def code_lines(source):
    """The lines of a C text without its comments; strings stay, line numbers too."""
    def blank(match):
        found = match.group(0)
        return re.sub(r'[^\n]', ' ', found) if found.startswith('/') else found
    token = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(token, blank, source, flags=re.S).split('\n')


def rooms(root):
    """{room: rooms named in its `deps`}, in the order of lib/meson.build."""
    found = re.search(r'^rooms = \[(.*?)\]', text(root, 'lib/meson.build'), re.S | re.M)
    if found is None:
        finish(['lib/meson.build: no list of rooms'], '')
    result = {}
    for room in re.findall(r"'(\w+)'", found.group(1)):
        deps = re.search(r'^deps = \[(.*?)\]', text(root, f'lib/{room}/meson.build'), re.S | re.M)
        result[room] = re.findall(r"'(\w+)'", deps.group(1)) if deps else []
    return result


def closure(room, deps):
    """The rooms that @p room may include: those it names, and what those name."""
    seen = set()
    todo = list(deps.get(room, []))
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += deps.get(name, [])
    return seen


def need(program):
    if shutil.which(program) is None:
        print(f'SKIP: {program} is not installed')
        sys.exit(SKIPPED)


def finish(problems, summary):
    """Print what is wrong, then what was looked at; leave with 1 when anything is wrong."""
    for problem in problems:
        print(problem)
    print(summary)
    sys.exit(1 if problems else 0)
