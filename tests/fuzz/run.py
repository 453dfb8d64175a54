#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run one libFuzzer target on a copy of its seeds, so that the tree stays as it is.

usage: run.py TARGET SEEDS DICTIONARY [libFuzzer options, which win over those here]

An input that breaks the target is kept in the current directory and printed as hex.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

OPTIONS = ['-max_total_time=20', '-rss_limit_mb=2048', '-timeout=10', '-print_final_stats=1']
SHOWN_BYTES = 4096


def main():
    target, seeds, dictionary = sys.argv[1:4]
    if not any(pathlib.Path(seeds).iterdir()):
        sys.exit(f"no seeds in '{seeds}'")
    name = pathlib.Path(target).name
    with tempfile.TemporaryDirectory(prefix=name) as folder:
        corpus = pathlib.Path(folder) / 'corpus'
        artifacts = pathlib.Path(folder) / 'artifacts'
        shutil.copytree(seeds, corpus)
        artifacts.mkdir()
        done = subprocess.run([target, f'-dict={dictionary}', f'-artifact_prefix={artifacts}/',
                               *OPTIONS, *sys.argv[4:], str(corpus)], check=False)
        for artifact in sorted(artifacts.iterdir()):
            kept = pathlib.Path.cwd() / f'{name}-{artifact.name}'
            shutil.copy(artifact, kept)
            print(f'input kept as {kept}: {artifact.read_bytes()[:SHOWN_BYTES].hex()}')
    # a signal is a negative code to Python, and 77 would read as "skipped"
    sys.exit(os.EX_OK if done.returncode == 0 else 1)


main()
