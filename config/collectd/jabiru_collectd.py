#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""For collectd's exec plugin: the figures of jabiru-exporter, as PUTVAL lines.

usage: jabiru_collectd.py [URL]     (default http://127.0.0.1:9734/metrics)

Counters become `derive`, gauges `gauge`; of a histogram its sum and count. collectd says by
COLLECTD_INTERVAL how often, and by COLLECTD_HOSTNAME for which host.
"""
import os
import re
import sys
import time
import urllib.request

SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')
NAME_MAX = 100  # collectd cuts parts of an identifier at 127 bytes


def put_values(text, host, interval):
    """The lines for one scrape."""
    types = dict(line.split()[2:4] for line in text.split('\n') if line.startswith('# TYPE'))
    for line in text.split('\n'):
        found = SAMPLE.match(line)
        if line.startswith('#') or found is None or found[1].endswith('_bucket'):
            continue
        name, labels, value = found.groups()
        family = re.sub('_(sum|count)$', '', name)
        kind = types.get(name) or types.get(family, 'gauge')
        # a sum has a fraction, which a derive would lose
        is_derive = kind == 'counter' or (kind == 'histogram' and name.endswith('_count'))
        words = [name.removeprefix('jabiru_')]
        words += [text for _, text in LABEL.findall(labels or '')]
        instance = re.sub(r'[^A-Za-z0-9_.:-]', '_', '-'.join(words))[:NAME_MAX]
        yield (f'PUTVAL "{host}/jabiru/{"derive" if is_derive else "gauge"}-{instance}" '
               f'interval={interval:g} N:{int(float(value)) if is_derive else value}')


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else 'http://127.0.0.1:9734/metrics'
    host = os.environ.get('COLLECTD_HOSTNAME', 'localhost')
    interval = float(os.environ.get('COLLECTD_INTERVAL', '10'))
    is_silent = False
    while True:
        start = time.monotonic()
        try:
            with urllib.request.urlopen(url, timeout=interval) as answer:
                text = answer.read().decode()
            print('\n'.join(put_values(text, host, interval)), flush=True)
            is_silent = False
        except BrokenPipeError:
            return  # collectd has gone
        except OSError as error:
            if not is_silent:
                print(f'jabiru_collectd: cannot read {url}: {error}', file=sys.stderr, flush=True)
            is_silent = True
        time.sleep(max(0.0, interval - (time.monotonic() - start)))


main()
