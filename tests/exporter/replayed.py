#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What jabiru-exporter says of a capture that a sensor has replayed and published is what the sensor's own
report says, figure by figure.

usage: replayed.py EXPORTER JABIRU CAPTURE
"""
import json
import subprocess
import sys

from station import Exporter, expect, folder, run_all, wait_for

EXPORTER, JABIRU, CAPTURE = sys.argv[1:4]


def replay(place):
    """Publish it; the report."""
    config = place / 'jabiru.yaml'
    config.write_text(f'config_version: 1\nstats: {{folder: {place}, instance: replayed}}\n')
    done = subprocess.run([JABIRU, 'replay', CAPTURE, '-c', config, '--publish', '--json'],
                          capture_output=True, text=True, check=False, timeout=120)
    expect(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


def figures_are_the_reports():
    with folder() as place, Exporter(EXPORTER, place / 'replayed') as it:
        place.chmod(0o755)
        report = replay(place)
        status = wait_for(lambda: (s := it.api('status'))['life'] == 'over' and s, 'the end')
        expect(status['mode'] == 'replay' and status['state'] == 'ended', status)
        families = {family['name']: family['series'] for family in it.api('stats')['families']}

        def by_label(name):
            return {next(iter(row['labels'].values()), ''): row['value'] for row in families[name]}
        wanted = {
            'jabiru_received_packets_total': {'': report['packets']['received']},
            'jabiru_received_bytes_total': {'': report['packets']['bytes']},
            'jabiru_tcp_packets_total': {'': report['packets']['tcp']},
            'jabiru_duplicate_packets_total': {'': report['packets']['duplicate']},
            'jabiru_not_analysed_packets_total': report['packets']['not_analysed'],
            'jabiru_tcp_segments_total': report['segments'],
            'jabiru_connections_total': report['connections']['outcomes'],
            'jabiru_anomalies_total': report['anomalies'],
            'jabiru_resets_total': {key: value for key, value in report['resets'].items()
                                    if key != 'pending'},
            'jabiru_resets_pending': {'': report['resets']['pending']}}
        compared = 0
        for name, values in wanted.items():
            said = by_label(name)
            for key, value in values.items():
                expect(said.get(key) == value, f'{name} {key}: {said.get(key)}, the report: {value}')
                compared += 1
        expect(compared > 100 and report['packets']['received'] > 0, f'{compared} figures')
        print(f'   {compared} figures, {report["packets"]["received"]} packets')
        events = it.api('events?limit=1000')['events']
        expect(events and all(report['anomalies'][event['anomaly']] > 0 for event in events), 'events')


def main():
    sys.exit(run_all([figures_are_the_reports]))


main()
