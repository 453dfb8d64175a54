#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`make install` with DESTDIR puts down exactly these files, with these modes, and no other.

usage: destdir.py BUILDDIR
"""
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

# path: mode
FILES = {
    'etc/jabiru/jabiru.yaml': 0o644,
    'etc/logrotate.d/jabiru': 0o644,
    'usr/bin/jabiru': 0o755,
    'usr/bin/jabiru-exporter': 0o755,
    'usr/bin/jabiructl': 0o755,
    'usr/lib/systemd/system/jabiru-exporter.service': 0o644,
    'usr/lib/systemd/system/jabiru.service': 0o644,
    'usr/lib/sysusers.d/jabiru.conf': 0o644,
    'usr/lib/tmpfiles.d/jabiru.conf': 0o644,
    'usr/share/bash-completion/completions/jabiru': 0o644,
    'usr/share/bash-completion/completions/jabiru-exporter': 0o644,
    'usr/share/jabiru/collectd/jabiru.conf': 0o644,
    'usr/share/jabiru/collectd/jabiru_collectd.py': 0o755,
    'usr/share/jabiru/grafana/jabiru.json': 0o644,
    'usr/share/jabiru/prometheus/jabiru_alerts.yml': 0o644,
    'usr/share/jabiru/prometheus/jabiru_recording.yml': 0o644,
    'usr/share/jabiru/prometheus/prometheus.yml': 0o644,
    'usr/share/jabiru/schema/event.json': 0o644,
    'usr/share/jabiru/schema/report.json': 0o644,
    'usr/share/jabiru/systemd/af_packet.conf': 0o644,
    'usr/share/jabiru/systemd/vfio.conf': 0o644,
    'usr/share/jabiru/telegraf/jabiru.conf': 0o644,
    'usr/share/man/man1/jabiru.1': 0o644,
    'usr/share/man/man1/jabiru-exporter.1': 0o644,
    'usr/share/man/man5/jabiru.yaml.5': 0o644,
    'usr/share/man/man7/jabiru-anomalies.7': 0o644,
}


def main():
    build = sys.argv[1]
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(['meson', 'install', '-C', build, '--no-rebuild'], check=False,
                              capture_output=True, text=True, umask=0o077,
                              env={**os.environ, 'DESTDIR': folder})
        if done.returncode != 0:
            problems.append(f'meson install: exit {done.returncode}: {done.stdout}{done.stderr}')
        root = pathlib.Path(folder)
        found = {str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode)
                 for path in root.rglob('*') if not path.is_dir()}
        for path in sorted(FILES.keys() | found.keys()):
            if path not in found:
                problems.append(f'{path}: not installed')
            elif path not in FILES:
                problems.append(f'{path}: installed, but not named here')
            elif found[path] != FILES[path]:
                problems.append(f'{path}: mode {found[path]:o}, not {FILES[path]:o}')
        sample = root / 'etc/jabiru/jabiru.yaml'
        program = root / 'usr/bin/jabiru'
        if program.exists() and sample.exists():
            done = subprocess.run([program, 'check', '-c', sample], check=False,
                                  capture_output=True, text=True)
            if done.returncode != 0:
                problems.append(f'the installed program and configuration: {done.stderr}')
        unit = root / 'usr/lib/systemd/system/jabiru.service'
        if unit.exists() and 'ExecStart=/usr/bin/jabiru run ' not in unit.read_text():
            problems.append('jabiru.service does not start the program that is installed')
    for problem in problems:
        print(f'destdir: {problem}', file=sys.stderr)
    print(f'{len(FILES)} files')
    sys.exit(bool(problems))


main()
