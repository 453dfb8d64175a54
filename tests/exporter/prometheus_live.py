#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A real Prometheus scrapes jabiru-exporter with the shipped rules: alerts fire and clear, and every
expression of the dashboard returns data. So that it takes a minute and not an hour, the durations of the
rules are divided by ten.

usage: prometheus_live.py EXPORTER FEED_SEGMENT CONFIG_FOLDER DASHBOARD
"""
import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from station import Exporter, Fault, Feed, Process, expect, folder, free_port, need, wait_for

EXPORTER, FEED, CONFIG, DASHBOARD = sys.argv[1:5]
LONG_S = 60


def faster(text):
    """Durations of rules, a tenth of what they were, a second at least."""
    def tenth(match):
        seconds = int(match[1]) * {'s': 1, 'm': 60, 'h': 3600}[match[2]]
        return f'{max(1, seconds // 10)}s'
    return re.sub(r'\b(\d+)([smh])\b', tenth, text)


class Prometheus(Process):
    def __init__(self, place, target):
        for name in ('jabiru_recording.yml', 'jabiru_alerts.yml'):
            (place / name).write_text(faster((pathlib.Path(CONFIG) / name).read_text()))
        config = (pathlib.Path(CONFIG) / 'prometheus.yml').read_text()
        config = config.replace('127.0.0.1:9734', target).replace('15s', '1s')
        (place / 'prometheus.yml').write_text(config)
        self.url = f'http://127.0.0.1:{free_port()}'
        with open(place / 'log', 'wb') as log:
            super().__init__('prometheus', f'--config.file={place}/prometheus.yml',
                             f'--storage.tsdb.path={place}/data',
                             f'--web.listen-address={self.url[7:]}', stdout=log, stderr=log)
        self.log = place / 'log'
        wait_for(self.is_ready, 'Prometheus is ready', LONG_S)

    def is_ready(self):
        expect(self.process.poll() is None, 'Prometheus ended: ' + self.log.read_text()[-2000:])
        try:
            with urllib.request.urlopen(f'{self.url}/-/ready', timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def api(self, path, **query):
        url = f'{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}'
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return json.load(answer)['data']
        except urllib.error.HTTPError as error:
            raise Fault(f'{query}: {error.read().decode()}') from error

    def ask(self, expr):
        return self.api('query', query=expr)['result']

    def firing(self):
        return {alert['labels']['alertname'] for alert in self.api('alerts')['alerts']
                if alert['state'] == 'firing'}

    def wait_firing(self, name, is_wanted=True):
        wait_for(lambda: (name in self.firing()) == is_wanted,
                 f'{name} {"fires" if is_wanted else "clears"}', LONG_S)
        print(f'   {name} {"fires" if is_wanted else "clears"}', flush=True)


def expressions():
    """(title, expr) of the dashboard, variables filled in."""
    board = json.loads(pathlib.Path(DASHBOARD).read_text())
    for row in board['panels']:
        for panel in [row, *row.get('panels', [])]:
            for target in panel.get('targets', []):
                expr = target['expr'].replace('$__rate_interval', '10s').replace('$instance', '.*')
                expect('$' not in expr, f'{panel["title"]}: a variable is left: {expr}')
                yield panel['title'], expr


def dashboard_has_data(prometheus, series):
    """Every expression returns something; but for families that the fed sensor has no series of."""
    count = empty = 0
    for title, expr in expressions():
        count += 1
        if prometheus.ask(expr):
            continue
        names = re.findall(r'jabiru_\w+', expr)
        expect(not any(key.split('{')[0] in names for key in series), f'{title}: no data: {expr}')
        empty += 1
        print(f'   not shown, the fed sensor has no such series: {title}')
    expect(count > 50 and empty <= 3, f'{count} expressions, {empty} without data')
    print(f'   {count - empty} of {count} expressions return data')


def main():
    need('prometheus', 'promtool')
    with folder() as place, Feed(FEED, place, 'interval_ms=200') as feed, \
            Exporter(EXPORTER, feed.path) as exporter:
        wait_for(lambda: 'jabiru_workers' in exporter.metrics(), 'figures')
        _, _, text = exporter.ask('/metrics')
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True,
                              check=False)
        expect(done.returncode == 0 and not done.stderr, f'promtool: {done.stdout} {done.stderr}')
        with Prometheus(place, f'127.0.0.1:{exporter.port}') as prometheus:
            wait_for(lambda: prometheus.ask('jabiru:unanswered_syns:rate1m'), 'a recorded rate', LONG_S)
            expect('JabiruUnansweredSyns' not in prometheus.firing(), 'it fires without cause')
            wait_for(lambda: prometheus.ask('jabiru:one_way:ratio_rate5m'), 'a recorded share', LONG_S)
            dashboard_has_data(prometheus, exporter.metrics())
            feed.tell('syns=5000')
            prometheus.wait_firing('JabiruUnansweredSyns')
            feed.tell('syns=200')
            feed.tell('missed=2000')
            prometheus.wait_firing('JabiruUnansweredSyns', False)
            prometheus.wait_firing('JabiruPacketsMissedBadly')
            feed.end('quit')
            prometheus.wait_firing('JabiruHeartbeatStale')
            expect(not prometheus.ask('jabiru_received_packets_total'), 'old figures are current')
            with Feed(FEED, place, 'interval_ms=200'):
                prometheus.wait_firing('JabiruHeartbeatStale', False)


try:
    main()
except (Fault, OSError, KeyError, ValueError) as problem:
    sys.exit(f'FAILED: {type(problem).__name__}: {problem}')
