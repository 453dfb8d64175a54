#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Results of jabiru-bench as the tables of docs/performance.md.

usage: table.py [--driver-cycles P] [--into PAGE] RESULTS...

RESULTS hold one JSON object a line, as `jabiru-bench --json` writes them (a `-` is standard input).
P cycles a packet for the NIC's driver are added where line rates are concerned; 0 leaves them out.
With --into they take the place of what stands between the two marks of the page.
"""
import argparse
import json
import sys

LINE_OVERHEAD = 20  # preamble and gap between frames, bytes
RATES = (10, 25, 40, 100)  # Gbit/s
MARKS = ('<!-- tables of tests/perf/table.py: begin -->', '<!-- tables of tests/perf/table.py: end -->')
IMIX_FRAMES = (64,) * 7 + (570,) * 4 + (1518,)

# (scenario, flows): added cycles a packet, aim and limit
BUDGETS = {
    ('syn_flood', 1000000): (75, 90),
    ('ack_uniform', 1000000): (95, 130),
    ('ack_uniform6', 1000000): (120, 155),
    ('ack_uniform', 10000000): (150, 190),
    ('imix', 1000000): (100, 140),
}
FRAME_BYTES = {'imix': sum(IMIX_FRAMES) / len(IMIX_FRAMES), 'ack_uniform6': 78}


def read(paths):
    results = []
    for path in paths:
        with sys.stdin if path == '-' else open(path, encoding='utf-8') as lines:
            results += [json.loads(line) for line in lines if line.strip()]
    return results


def row(cells):
    return '| ' + ' | '.join(str(cell) for cell in cells) + ' |'


def table(head, rows):
    return '\n'.join([row(head), row(['---'] * len(head)), *(row(cells) for cells in rows)]) + '\n'


def name_of(result):
    parameters = result['parameters']
    flows = f'{parameters["flows"]:,}'
    workers = parameters['workers']
    return f'{parameters["scenario"]}, {flows}' + (f', {workers} workers' if workers > 1 else '')


def verdict(result):
    parameters = result['parameters']
    budget = BUDGETS.get((parameters['scenario'], parameters['flows']))
    if budget is None or parameters['workers'] > 1:
        return ['–', '–']
    net = result['net_cycles_per_packet']
    met = 'aim met' if net <= budget[0] else 'must met' if net <= budget[1] else 'not met'
    return [f'{budget[0]} / {budget[1]}', met]


def cycles_table(results):
    head = ['traffic, connections', 'net cycles, median (min to max)', 'generator', 'aim / must',
            'so', 'bytes a connection', 'bursts taken out']
    rows = []
    for result in results:
        net = result['spreads']['net_cycles_per_packet']
        rows.append([name_of(result), f'{net["median"]:.0f} ({net["min"]:.0f} to {net["max"]:.0f})',
                     f'{result["generator_cycles_per_packet"]:.0f}', *verdict(result),
                     f'{result["bytes_per_flow"]:.0f}', f'{result["preempted_share"] * 100:.1f} %'])
    return table(head, rows)


def stages_table(results):
    names = list(results[0]['stages'])
    rows = [[name_of(result), *(f'{result["stages"][name]:.0f}' for name in names)]
            for result in results]
    return table(['cycles of a stage, median', *(name.replace('_', ' ') for name in names)], rows)


def line_rate_table(results, driver_cycles):
    head = ['traffic, connections', 'million packets/s a core', 'Gbit/s a core',
            *(f'cores for {rate}G' for rate in RATES)]
    rows = []
    for result in results:
        parameters = result['parameters']
        if parameters['workers'] > 1:
            continue
        hertz = result['machine']['tsc_hz']
        speed = hertz / (result['net_cycles_per_packet'] + driver_cycles)
        wire_bits = (FRAME_BYTES.get(parameters['scenario'], 64) + LINE_OVERHEAD) * 8
        cores = [rate * 1e9 / wire_bits / speed for rate in RATES]
        rows.append([name_of(result), f'{speed / 1e6:.1f}', f'{speed * wire_bits / 1e9:.1f}',
                     *(f'{count:.2f}' for count in cores)])
    return table(head, rows)


def scaling_table(results):
    rows = []
    for result in results:
        if 'scaling' not in result['spreads']:
            continue
        scaling = result['spreads']['scaling']
        rows.append([name_of(result), f'{result["packets_per_second"] / 1e6:.1f}',
                     f'{scaling["median"]:.2f} ({scaling["min"]:.2f} to {scaling["max"]:.2f})'])
    if not rows:
        return ''
    return '\n' + table(['traffic, connections of each', 'million packets/s, generator included',
                         'times one worker'], rows)


def machine_line(results):
    machine = results[0]['machine']
    loads = [result['machine']['load_average'] for result in results]
    pages = 'with' if machine['hugepages'] else 'without'
    return (f'{machine["cpu"]}, TSC {machine["tsc_hz"] / 1e6:.0f} MHz, {pages} reserved hugepages, '
            f'transparent ones: {machine["transparent_hugepages"]}; load {min(loads)} to '
            f'{max(loads)}; {results[0]["parameters"]["rounds"]} rounds; version '
            f'{results[0]["jabiru_bench"]}.\n')


def all_tables(results, driver_cycles):
    return '\n'.join([
        machine_line(results), cycles_table(results), stages_table(results),
        f'With {driver_cycles:.0f} cycles added for the driver of a NIC:\n',
        line_rate_table(results, driver_cycles)]) + scaling_table(results)


def write_into(path, text):
    with open(path, encoding='utf-8') as page:
        before, first, rest = page.read().partition(MARKS[0])
    _, second, after = rest.partition(MARKS[1])
    if not first or not second:
        sys.exit(f"table.py: {path}: the marks '{MARKS[0]}' and '{MARKS[1]}' are missing")
    with open(path, 'w', encoding='utf-8') as page:
        page.write(f'{before}{first}\n{text}{second}{after}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--driver-cycles', type=float, default=60)
    parser.add_argument('--into', metavar='PAGE')
    parser.add_argument('results', nargs='+')
    args = parser.parse_args()
    results = read(args.results)
    if not results:
        sys.exit('table.py: there are no results in the files')
    text = all_tables(results, args.driver_cycles)
    if args.into:
        write_into(args.into, text)
    else:
        print(text, end='')


main()
