#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Other collectors: a real collectd takes the figures by config/collectd; the snippet for telegraf, which is
not in Debian, is valid TOML and names the default address.

usage: agents.py EXPORTER FEED_SEGMENT CONFIG_FOLDER
"""
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tomllib

from station import Exporter, Feed, Process, expect, folder, run_all, wait_for

EXPORTER, FEED = sys.argv[1:3]
CONFIG = pathlib.Path(sys.argv[3])
LONG_S = 60


def telegraf_reads_it():
    text = (CONFIG / 'telegraf/jabiru.conf').read_text()
    inputs = tomllib.loads(text)['inputs']['prometheus']
    expect(inputs[0]['urls'] == ['http://127.0.0.1:9734/metrics'], inputs)


def last_value(path):
    """Of a file of collectd's csv plugin; None where there is none."""
    lines = path.read_text().split() if path.exists() else []
    return float(lines[-1].split(',')[1]) if len(lines) > 1 else None


def collectd_takes_them():
    if shutil.which('collectd') is None:
        print('not shown, collectd is not installed')
        return
    with folder() as place, Feed(FEED, place, 'interval_ms=200', 'offset_ms=-250') as feed, \
            Exporter(EXPORTER, feed.path) as exporter:
        wait_for(lambda: 'jabiru_workers' in exporter.metrics(), 'figures')
        script = place / 'jabiru_collectd.py'
        shutil.copy(CONFIG / 'collectd/jabiru_collectd.py', script)
        user = 'nobody' if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        place.chmod(0o755)  # for that user
        snippet = (CONFIG / 'collectd/jabiru.conf').read_text()
        for old, new in (('"nobody"', f'"{user}"'), ('127.0.0.1:9734', f'127.0.0.1:{exporter.port}'),
                         ('/usr/local/share/jabiru/collectd/jabiru_collectd.py', str(script))):
            expect(old in snippet, f'{old} is not in jabiru.conf')
            snippet = snippet.replace(old, new)
        config = place / 'collectd.conf'
        config.write_text(f'Hostname "tap"\nBaseDir "{place}"\nPIDFile "{place}/pid"\nInterval 1\n'
                          f'TypesDB "/usr/share/collectd/types.db"\n'
                          f'LoadPlugin csv\n<Plugin csv>\n DataDir "{place}/csv"\n</Plugin>\n{snippet}')
        checked = subprocess.run(['collectd', '-t', '-C', config], capture_output=True, text=True,
                                 check=False)
        expect(checked.returncode == 0, checked.stderr)
        with open(place / 'log', 'wb') as log, \
                Process('collectd', '-f', '-C', config, stdout=log, stderr=log):
            values = place / 'csv/tap/jabiru'

            def value(name):
                files = list(values.glob(name + '-20*'))
                return last_value(files[0]) if files else None
            try:
                wait_for(lambda: (value('derive-received_packets_total') or 0) > 100, 'a rate', LONG_S)
                wait_for(lambda: value('gauge-connections-half_open') == 200, 'a gauge', LONG_S)
                wait_for(lambda: value('gauge-clock_offset_seconds') == -0.25, 'a negative one', LONG_S)
                wait_for(lambda: value('derive-handshake_rtt_seconds_count'), 'a histogram', LONG_S)
            finally:
                print('   ' + (place / 'log').read_text()[-600:].replace('\n', '\n   '))
        kept = len(list(values.iterdir()))
        expect(kept > 150, f'{kept} figures')


def main():
    sys.exit(run_all([telegraf_reads_it, collectd_takes_them]))


main()
