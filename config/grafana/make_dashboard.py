#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Print the Grafana dashboard: what matters first, then every other family of the catalogue.

usage: jabiru catalog --format json | make_dashboard.py > jabiru.json
"""
import json
import re
import sys

WIDTH = 24
SELECT = '{instance=~"$instance"}'
RATE = '[$__rate_interval]'
# Grafana's name of a unit, of a value and of a rate
UNITS = {'seconds': ('s', 'none'), 'bytes': ('bytes', 'Bps'), 'packets': ('short', 'pps'),
         'ratio': ('percentunit', 'none'), 'boolean': ('bool_yes_no', 'none'),
         'cycles': ('short', 'hertz')}
# labels of the families that have some: what each line of a panel is called
LEGENDS = [('jabiru_port_xstat', '{{port}} {{xstat}}'), ('jabiru_port_', 'port {{port}} {{device}}'),
           ('jabiru_worker_lost_', '{{instance}}'), ('jabiru_worker_', 'worker {{worker}}'),
           ('jabiru_not_analysed_packets_total', '{{reason}}'),
           ('jabiru_tcp_segments_total', '{{kind}}'), ('jabiru_resets_total', '{{cause}}'),
           ('jabiru_anomalies_total', '{{anomaly}}'),
           ('jabiru_connections_total', '{{outcome}}'),
           ('jabiru_connection_states_total', '{{conn_state}}'),
           ('jabiru_connection_evictions_total', '{{class}}'), ('jabiru_connections', '{{class}}')]


def rate(metric, by='', matchers=''):
    """Of a counter, summed by labels where @p by names some."""
    inner = f'rate({metric}{{instance=~"$instance"{matchers}}}{RATE})'
    return f'sum by ({by}) ({inner})' if by else inner


def quantile(metric, share):
    return f'histogram_quantile({share}, sum by (le, instance) ({rate(metric + "_bucket")}))'


RECEIVED, MISSED = 'jabiru_received_packets_total', 'jabiru_missed_packets_total'
LOST_SHARE = f'{rate(MISSED)} / ({rate(RECEIVED)} + {rate(MISSED)} > 0)'
SYNS, SYNACKS = (rate('jabiru_tcp_segments_total', 'instance', f',kind="{kind}"')
                 for kind in ('syn', 'synack'))
# (heading of a row, [(title, what to do about it, kind, unit, [(expr, legend)])])
ROWS = [
    ('Can it be trusted?', [
        ('Sensor', 'At Off, ask /api/v1/status of the exporter why.', 'stat', 'bool_on_off',
         [('jabiru_up' + SELECT, '{{instance}}')]),
        ('Lost at the ports', 'Above 0: the workers do not keep up; `jabiru doctor` says what helps.',
         'stat', 'percentunit', [(LOST_SHARE, '{{instance}}')]),
        ('Lost before the sensor', 'Acknowledgements for bytes that were never seen: look at the span '
         'port.', 'stat', 'percentunit', [('jabiru_capture_loss_ratio' + SELECT, '{{instance}}')]),
        ('Seen in one direction', 'A sudden rise: one direction of the span is gone.', 'stat',
         'percentunit', [('jabiru_one_way_ratio' + SELECT, '{{instance}}')]),
        ('Packets', 'Silence is not safety: at 0, look at the span session.', 'lines', 'pps',
         [(rate(RECEIVED), 'received'), (rate('jabiru_tcp_packets_total'), 'TCP'),
          (rate(MISSED), 'lost')]),
        ('Bits', 'On the wire.', 'lines', 'bps',
         [(f'8 * {rate("jabiru_received_bytes_total")}', '{{instance}}')]),
    ]),
    ('What is happening', [
        ('Resets by cause', '`jabiru catalog` says what each cause is and its evidence.', 'stacked',
         'cps', [(f'topk(15, {rate("jabiru_resets_total", "cause")})', '{{cause}}')]),
        ('Anomalies', '`jabiructl explain KEY` says what one means and what to do.', 'stacked', 'cps',
         [(f'topk(15, {rate("jabiru_anomalies_total", "anomaly, severity")})',
           '{{anomaly}} ({{severity}})')]),
        ('SYNs, and those not answered', 'A flood, a scan, or a service that is down: '
         '`jabiructl hosts --role target`.', 'lines', 'cps',
         [(SYNS, 'SYN'), (SYNACKS, 'SYN-ACK'),
          (f'clamp_min({SYNS} - {SYNACKS}, 0)', 'unanswered')]),
        ('Connections in the table', 'Many unanswered or half-open ones: a flood; see SYNs.', 'stacked',
         'short', [('sum by (class) (jabiru_connections' + SELECT + ')', '{{class}}')]),
        ('How connections ended', 'SF is a clean close; `jabiru catalog` has the others.', 'stacked',
         'cps', [(f'topk(12, {rate("jabiru_connections_total", "outcome")})', '{{outcome}}')]),
        ('Handshake', 'SYN to final ACK. Rising for all services: the network.', 'lines', 's',
         [(quantile('jabiru_handshake_rtt_seconds', share), f'{{{{instance}}}} {share * 100:g} %')
          for share in (0.5, 0.9, 0.99)]),
        ('Answers of servers', 'Rising while the handshake does not: the application.', 'lines', 's',
         [(quantile('jabiru_server_response_seconds', share), f'{{{{instance}}}} {share * 100:g} %')
          for share in (0.5, 0.9, 0.99)]),
        ('Workers busy', 'Near 1: add workers.', 'lines', 'percentunit',
         [(f'{rate("jabiru_worker_busy_cycles_total")} / ({rate("jabiru_worker_cycles_total")} > 0)',
           'worker {{worker}}')]),
    ]),
]


def panel(title, description, kind, unit, targets):
    defaults = {'unit': unit}
    shape = {'type': 'stat', 'gridPos': {'w': 6, 'h': 4}} if kind == 'stat' else \
        {'type': 'timeseries', 'gridPos': {'w': 12, 'h': 8}}
    if kind == 'stat':
        options = {'colorMode': 'value', 'graphMode': 'area', 'reduceOptions': {'calcs': ['lastNotNull']}}
    else:
        options = {'legend': {'displayMode': 'table', 'placement': 'right', 'calcs': ['lastNotNull']},
                   'tooltip': {'mode': 'multi', 'sort': 'desc'}}
        custom = {'fillOpacity': 10, 'lineWidth': 1, 'showPoints': 'never'}
        if kind == 'stacked':
            custom.update(fillOpacity=50, stacking={'mode': 'normal', 'group': 'A'})
        defaults.update(custom=custom, min=0)
    return {**shape, 'title': title, 'description': description,
            'datasource': {'type': 'prometheus', 'uid': '${datasource}'},
            'fieldConfig': {'defaults': defaults, 'overrides': []}, 'options': options,
            'targets': [{'datasource': {'type': 'prometheus', 'uid': '${datasource}'},
                         'expr': expr, 'legendFormat': legend, 'refId': chr(ord('A') + number),
                         'range': True} for number, (expr, legend) in enumerate(targets)]}


def plain_panel(family):
    """Of a family that no panel above shows."""
    name, help_text = family['name'], family['help']
    unit, rate_unit = UNITS.get(family['unit'], ('short', 'cps'))
    legend = next((legend for start, legend in LEGENDS if name.startswith(start)), '{{instance}}')
    title = name.removeprefix('jabiru_').replace('_', ' ')
    if family['type'] == 'histogram':
        return panel(title, help_text, 'lines', unit,
                     [(quantile(name, share), f'{{{{instance}}}} {share * 100:g} %') for share in (0.5, 0.99)])
    if family['type'] == 'counter':
        return panel(title, help_text, 'lines', rate_unit, [(rate(name), legend)])
    if name.endswith('_time_seconds') or name.endswith('_timestamp_seconds'):
        return panel(title, help_text, 'stat', 'dateTimeAsIso', [(f'{name}{SELECT} * 1000', legend)])
    gauge = panel(title, help_text, 'lines', unit, [(name + SELECT, legend)])
    del gauge['fieldConfig']['defaults']['min']  # some are below 0
    return gauge


def place(rows):
    """Panels where they belong, left to right, with numbers; the last row is folded."""
    result, y = [], 0
    for heading, panels in rows:
        is_folded = heading == rows[-1][0]
        row = {'type': 'row', 'title': heading, 'collapsed': is_folded, 'panels': [],
               'gridPos': {'x': 0, 'y': y, 'w': WIDTH, 'h': 1}}
        result.append(row)
        x, y, line_height = 0, y + 1, 0
        for entry in panels:
            width, height = entry['gridPos']['w'], entry['gridPos']['h']
            if x + width > WIDTH or (line_height and height != line_height):
                x, y, line_height = 0, y + line_height, 0
            entry['gridPos'].update(x=x, y=y)
            x, line_height = x + width, height
            (row['panels'] if is_folded else result).append(entry)
        y += line_height
    number = 0
    for entry in result:
        for one in [entry, *entry.get('panels', [])]:
            number += 1
            one['id'] = number
    return result


def main():
    families = json.load(sys.stdin)['metrics']
    rows = [(heading, [panel(*entry) for entry in panels]) for heading, panels in ROWS]
    shown = set(re.findall(r'jabiru_\w+', json.dumps(ROWS)))
    rest = [plain_panel(family) for family in families
            if family['name'] not in shown and family['name'] + '_bucket' not in shown]
    rows.append(('Every other figure', rest))
    variables = [
        {'name': 'datasource', 'label': 'Data source', 'type': 'datasource', 'query': 'prometheus'},
        {'name': 'instance', 'label': 'Sensor', 'type': 'query', 'multi': True, 'includeAll': True,
         'allValue': '.*', 'datasource': {'type': 'prometheus', 'uid': '${datasource}'},
         'query': {'query': 'label_values(jabiru_up, instance)', 'refId': 'instance'}, 'refresh': 2,
         'current': {'text': 'All', 'value': '$__all'}}]
    print(json.dumps({
        'id': None, 'uid': 'jabiru-sensor', 'title': 'jabiru', 'tags': ['jabiru', 'tcp'],
        'description': 'Where resets come from, and whether the sensor can be trusted.',
        'schemaVersion': 38, 'version': 1, 'editable': True, 'refresh': '30s',
        'time': {'from': 'now-1h', 'to': 'now'}, 'timezone': 'browser',
        'templating': {'list': variables}, 'panels': place(rows)}, indent=1, ensure_ascii=False))


main()
