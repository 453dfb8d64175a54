# SPDX-License-Identifier: BSD-3-Clause
"""A made-up sensor: figures that look like those of a busy link, and events at a rate.

Families, their types, units and helps are read from lib/catalog/metrics.def, keys from the catalogue
(`jabiru catalog --format json`), so it has what a real sensor has. The same seed makes the same figures.
"""
import collections
import math
import random
import re
import time

RESETS = {'app_abort': 40, 'refused': 18, 'app_abort_unread': 11, 'no_flow': 9, 'late_data': 7,
          'client_abort_after_fin': 6, 'out_of_window': 3, 'retransmission_timeout': 2,
          'syn_scan': 2, 'injected': 0.3, 'keepalive_failure': 0.2}
OUTCOMES = {'SF': 700, 'S0': 40, 'REJ': 18, 'RSTO': 22, 'RSTR': 12, 'OTH': 10, 'RSTA': 9,
            'STALL': 1.4, 'HO': 0.8, 'EMPTY': 3, 'PERSIST': 0.1, 'ORPH': 0.2, 'DESYNC': 0.3}
ANOMALIES = {'rst_out_of_window': 6, 'rst_no_flow': 9, 'tcp_opt_unknown': 3, 'syn_then_fin': 1,
             'tcp_syn_fin': 0.7, 'synack_wrong_direction': 0.4, 'tcp_null_flags': 0.5,
             'data_after_fin': 0.3, 'traffic_after_rst_sent': 0.2, 'land_attack': 0.05,
             'ip_low_ttl': 0.8, 'duplicate_frame': 2, 'routing_loop': 0.02,
             'midstream_pickup': 1.5, 'tcp_mss_tiny': 0.3}
CLASSES = {'open': 412000, 'half_open': 180, 'unanswered': 2400, 'closed': 31000}
SEGMENTS = {'syn': 0.01, 'synack': 0.009, 'fin': 0.015, 'rst': 0.0005}
LISTS = {'RESET': 'resets', 'ANOMALY': 'anomalies', 'OUTCOME': 'outcomes',
         'NOT_ANALYSED': 'not_analysed', 'SEGMENT': 'segments', 'FLOW_CLASS': 'evictions',
         'CONN_STATE': 'outcomes'}
PORTS = ('0000:3b:00.0', '0000:3b:00.1')
SOURCES = [f'203.0.113.{n}' for n in range(2, 60)] + ['2001:db8:7::1f', '2001:db8:7::20']
TARGETS = ['192.0.2.10', '192.0.2.25', '192.0.2.53', '2001:db8:1::25', '198.51.100.7']
ALIASES = {'192.0.2.25': 'mail-1', '192.0.2.10': 'web-front', '198.51.100.7': 'legacy-erp',
           '203.0.113.7': '<img src=x onerror="window.hacked=1">'}
SERVICE_PORTS = (25, 80, 443, 993, 8443)
EVENTS_KEPT = 16384
SNAPSHOTS_KEPT = 900


def read_families(path):
    """[name, type, unit, help, digits, list, label] of every row of metrics.def."""
    families = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            row = re.match(r'JBR_METRIC\(\w+, (\w+), (\w+), (\w+), (\d+), "(.*)"\)', line)
            if row:
                families.append(dict(zip(('name', 'type', 'unit', 'digits', 'help'), row.groups()),
                                     list=None, label=None, each=None))
                continue
            row = re.match(r'JBR_OF_WORKER_LIST\(\w+, [\w.]+, (\w+), (\w+)\)', line)
            if row:
                families[-1].update(label=row.group(1), list=row.group(2))
            row = re.match(r'JBR_OF_EACH_(PORT|WORKER)\(', line)
            if row:
                families[-1].update(each=row.group(1).lower())
    if not families:
        raise ValueError(f'{path}: no row of metrics')
    for family in families:
        family['type'] = family['type'].lower()
    return families


class Model:
    """Call step() once a second of made-up time; all else reads."""

    def __init__(self, catalog, families, seed=7, now=None):
        self.catalog = catalog
        self.families = families
        self.random = random.Random(seed)
        self.severities = {row['key']: row['severity'] for row in catalog['anomalies']}
        self.whens = {row['key']: row['when'] for row in catalog['anomalies']}
        self.keys = [key for key in ANOMALIES if key in self.severities]
        self.key_weights = [ANOMALIES[key] for key in self.keys]
        self.snapshots = collections.deque(maxlen=SNAPSHOTS_KEPT)
        self.events = collections.deque(maxlen=EVENTS_KEPT)
        self.event_number = 0
        self.hosts = collections.Counter()
        self.host_times = {}
        self.number = 0
        self.values = {}
        self.buckets = {}
        self.missed_per_s = 0.0
        self.traffic = 1.0
        self.start = (now or time.time()) - 4 * 86400
        for family in families:
            for labels in self.series_labels(family):
                self.values[family['name'], labels] = 0.0
        for name in self.histogram_names():
            self.buckets[name] = [0] * (len(self.bounds()) + 1)

    def histogram_names(self):
        return [row['name'] for row in self.families if row['type'] == 'histogram']

    @staticmethod
    def bounds():
        return [round(1e-5 * 2 ** n, 9) for n in range(20)]

    def series_labels(self, family):
        """Each series of a family as a tuple of (name, value)."""
        if family['name'] == 'jabiru_port_xstat':
            return [(('port', '0'), ('xstat', 'rx_good_packets'))]
        if family['each'] == 'port':
            return [(('port', str(n)), ('device', device)) for n, device in enumerate(PORTS)]
        if family['each'] == 'worker':
            return [(('worker', str(n)),) for n in range(2)]
        if not family['list']:
            return [()]
        rows = self.catalog[LISTS[family['list']]]
        if family['list'] == 'CONN_STATE':
            rows = [row for row in rows if row['is_zeek']]
        if family['list'] == 'ANOMALY':
            return [(('anomaly', row['key']), ('severity', row['severity'])) for row in rows]
        return [((family['label'], row['key']),) for row in rows]

    def add(self, name, amount, *labels):
        if (name, labels) in self.values:
            self.values[name, labels] += amount

    def put(self, name, value, *labels):
        if (name, labels) in self.values:
            self.values[name, labels] = value

    def some(self, mean):
        """About @p mean, never below 0, whole."""
        if mean < 30:
            count, limit, product = 0, math.exp(-mean), self.random.random()
            while product > limit:
                count, product = count + 1, product * self.random.random()
            return count
        return max(0, round(self.random.gauss(mean, math.sqrt(mean) * 3)))

    def step(self, now):
        """One second passes; @p now is the time of its end."""
        wave = 1 + 0.25 * math.sin(now / 97) + 0.08 * math.sin(now / 11)
        surge = 4.0 if int(now / 60) % 7 == 3 else 1.0
        packets = self.some(182000 * wave * self.traffic)
        tcp = int(packets * 0.93)
        self.add('jabiru_received_packets_total', packets)
        self.add('jabiru_received_bytes_total', packets * self.some(611))
        self.add('jabiru_tcp_packets_total', tcp)
        self.add('jabiru_not_analysed_packets_total', packets - tcp, ('reason', 'other_protocol'))
        self.add('jabiru_missed_packets_total', self.missed_per_s)
        for kind, share in SEGMENTS.items():
            self.add('jabiru_tcp_segments_total', int(tcp * share), ('kind', kind))
        for key, mean in RESETS.items():
            more = surge if key in ('refused', 'syn_scan') else 1
            self.add('jabiru_resets_total', self.some(mean * wave * more * self.traffic),
                     ('cause', key))
        for key, mean in OUTCOMES.items():
            self.add('jabiru_connections_total', self.some(mean * wave * self.traffic),
                     ('outcome', key))
        for key, mean in zip(self.keys, self.key_weights):
            self.add('jabiru_anomalies_total', self.some(mean * wave * self.traffic),
                     ('anomaly', key), ('severity', self.severities[key]))
        for key, mean in CLASSES.items():
            more = surge if key in ('half_open', 'unanswered') else 1
            self.put('jabiru_connections', self.some(mean * (0.9 + 0.1 * wave) * more),
                     ('class', key))
        self.step_sensor(now, packets, wave)
        self.number += 1
        self.snapshots.append((self.number, now, dict(self.values)))

    def step_sensor(self, now, packets, wave):
        """What the sensor says of itself and of its ports."""
        self.put('jabiru_start_time_seconds', self.start)
        self.put('jabiru_workers', 2)
        self.put('jabiru_connection_table_capacity', 1048576)
        self.put('jabiru_capture_loss_ratio', 0.000214)
        self.put('jabiru_one_way_ratio', 0.0131)
        self.put('jabiru_duplicate_ratio', 0.0004)
        self.put('jabiru_resets_pending', self.some(4))
        self.put('jabiru_events_total', self.event_number)
        self.put('jabiru_config_last_reload_successful', 1)
        self.put('jabiru_config_last_reload_success_timestamp_seconds', self.start)
        for number, device in enumerate(PORTS):
            labels = ('port', str(number)), ('device', device)
            self.put('jabiru_port_up', 1, *labels)
            self.add('jabiru_port_received_packets_total', packets // 2, *labels)
            self.add('jabiru_port_polled_packets_total', packets // 2, *labels)
            self.add('jabiru_port_missed_packets_total', self.missed_per_s / 2, *labels)
        for name in self.histogram_names():
            median = 9 if 'rtt' in name else 12 if 'response' in name else 0
            for _ in range(200):
                bucket = round(self.random.gauss(median, 2))
                self.buckets[name][min(max(bucket, 0), len(self.bounds()))] += 1

    def make_event(self, now):
        """The next event, which is also counted for its hosts."""
        key = self.random.choices(self.keys, self.key_weights)[0]
        source = self.random.choice(SOURCES[:self.random.randint(1, len(SOURCES))])
        target = self.random.choice([t for t in TARGETS if (':' in t) == (':' in source)])
        port = self.random.choice(SERVICE_PORTS)
        source_port = self.random.randint(1024, 65535)
        count = self.some(2) + 1
        self.event_number += 1
        for role, address, number in (('source', source, 0), ('target', target, 0),
                                      ('service', target, port)):
            self.hosts[role, key, address, number] += count
            self.host_times[role, key, address, number] = now
        summary = f'{self.whens[key]}: {source}:{source_port} > {target}:{port}, {count} times'
        event = {'number': self.event_number, 'time': round(now, 6), 'anomaly': key,
                 'severity': self.severities[key], 'confidence': self.random.choice((1, 1, 0.8, .5)),
                 'src_ip': source, 'src_port': source_port, 'dest_ip': target, 'dest_port': port,
                 'vlan': 0, 'flow_id': self.random.getrandbits(53), 'count': count,
                 'first': round(now - self.random.random() * 60, 6), 'last': round(now, 6),
                 'summary': summary[:119]}
        self.events.append(event)
        return event

    def rate(self, name, *labels):
        """A second, over the last two snapshots; None where there are not two."""
        if len(self.snapshots) < 2:
            return None
        (_, before, old), (_, after, new) = self.snapshots[-2], self.snapshots[-1]
        return (new[name, labels] - old[name, labels]) / (after - before)

    def stats(self):
        """What /api/v1/stats answers."""
        number, now, values = self.snapshots[-1]
        families = []
        for family in self.families:
            name = family['name']
            row = {key: family[key] for key in ('name', 'type', 'unit', 'help')}
            row['series'] = []
            for labels in self.series_labels(family):
                series = {'labels': dict(labels)}
                if family['type'] == 'histogram':
                    running = 0
                    series['buckets'] = []
                    for bound, count in zip(self.bounds() + ['+Inf'], self.buckets[name]):
                        running += count
                        series['buckets'].append([bound, running])
                    series.update(count=running, sum=running * 0.004)
                else:
                    series['value'] = values[name, labels]
                    series['rate'] = (self.rate(name, *labels) if family['type'] == 'counter'
                                      else None)
                row['series'].append(series)
            families.append(row)
        return {'number': number, 'time': now, 'families': families}

    def history(self, metric, label, seconds, points):
        """What /api/v1/history answers; None for a metric that there is not."""
        family = next((row for row in self.families if row['name'] == metric), None)
        if family is None:
            return None
        newest = self.snapshots[-1][1]
        kept = [row for row in list(self.snapshots) if row[1] > newest - seconds]
        step = max(1, -(-len(kept) // points))
        kept = kept[::-1][::step][::-1]
        series = [{'labels': dict(labels), 'values': [row[2][metric, labels] for row in kept]}
                  for labels in self.series_labels(family)
                  if family['type'] != 'histogram'
                  and (label is None or label in dict(labels).values())]
        return {'metric': metric, 'type': family['type'], 'unit': family['unit'],
                'times': [row[1] for row in kept], 'series': series}

    def top_hosts(self):
        """What /api/v1/hosts answers."""
        rows = []
        for (role, key, address, port), count in self.hosts.most_common(400):
            rows.append({'role': role, 'anomaly': key, 'address': address, 'port': port,
                         'alias': ALIASES.get(address, ''), 'count': count, 'over': count // 50,
                         'last': self.host_times[role, key, address, port]})
        return {'hosts': rows}
