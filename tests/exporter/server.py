#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""jabiru-exporter as a server: what it answers, what it refuses, and what it makes of segments that end,
hang, are replaced or broken.

usage: server.py EXPORTER FEED_SEGMENT
"""
import shutil
import socket
import subprocess
import sys

from station import Exporter, Feed, expect, folder, run_all, wait_for

EXPORTER, FEED = sys.argv[1:3]
QUICK = 'interval_ms=100'


def status_is(exporter, life):
    return wait_for(lambda: (status := exporter.api('status'))['life'] == life and status,
                    f'life {life}')


def answers():
    with folder() as place, Feed(FEED, place, QUICK) as feed, Exporter(EXPORTER, feed.path) as it:
        status = wait_for(lambda: (s := it.api('status'))['rates']['packets_per_second'] and s,
                          'a rate')
        expect(status['life'] == 'alive' and status['health'] == 'ok', status)
        expect(3000 < status['rates']['packets_per_second'] < 30000, status)  # 10,050 are fed
        expect(status['ports'] == [{'port': 0, 'device': 'net_null0', 'up': True}], status)
        stats = {family['name']: family for family in it.api('stats')['families']}
        received = stats['jabiru_received_packets_total']['series'][0]
        tcp = stats['jabiru_tcp_packets_total']['series'][0]
        other = stats['jabiru_not_analysed_packets_total']['series']
        expect(received['value'] == tcp['value'] + sum(row['value'] for row in other), received)
        rtt = stats['jabiru_handshake_rtt_seconds']['series'][0]
        counts = [count for _, count in rtt['buckets']]
        expect(counts == sorted(counts) and counts[-1] == rtt['count'] > 0, rtt)
        expect(rtt['buckets'][-1][0] == '+Inf' and rtt['sum'] > 0, rtt)
        wait_for(lambda: it.api('status')['snapshot'] >= 12, 'twelve snapshots')
        history = it.api('history?metric=jabiru_connections&label=half_open&points=5')
        expect([row['labels'] for row in history['series']] == [{'class': 'half_open'}], history)
        expect(2 <= len(history['times']) <= 5, history)
        expect(history['series'][0]['values'] == [200] * len(history['times']), history)
        expect(history['times'] == sorted(history['times']), history)
        expect(it.api('hosts')['hosts'][0]['alias'] == 'web-1', 'hosts')
        catalog = it.api('catalog')
        expect(any(row['key'] == 'land_attack' for row in catalog['anomalies']), 'catalog')
        code, headers, page = it.ask('/')
        expect(code == 200 and b'<html' in page, page[:80])
        expect("script-src 'self'" in headers['Content-Security-Policy'], headers)
        expect(headers['X-Content-Type-Options'] == 'nosniff', headers)
        code, more, packed = it.ask('/', headers={'Accept-Encoding': 'gzip'})
        expect(more['Content-Encoding'] == 'gzip' and packed[:2] == b'\x1f\x8b', more)
        code, _, body = it.ask('/', headers={'If-None-Match': headers['ETag']})
        expect(code == 304 and body == b'', code)


def refusals():
    with folder() as place, Feed(FEED, place) as feed, \
            Exporter(EXPORTER, feed.path, '--host', 'tap.example') as it:
        for method in ('POST', 'PUT', 'DELETE', 'OPTIONS'):
            code, headers, _ = it.ask('/metrics', method)
            expect((code, headers.get('Allow')) == (405, 'GET, HEAD'), f'{method}: {code}')
        code, headers, body = it.ask('/metrics', 'HEAD')
        expect(code == 200 and body == b'' and int(headers['Content-Length']) > 10000, headers)
        for host, wanted in (('evil.example', 403), ('localhost:1', 200), ('127.0.0.1', 200),
                             ('[::1]:5', 200), ('a.localhost', 200), ('TAP.example:80', 200),
                             ('127.0.0.1.evil.example', 403), ('10.0.0.1', 403),
                             ('localhost.evil', 403), ('', 403), ('localhost:x', 403)):
            code, _, _ = it.ask('/api/v1/status', headers={'Host': host})
            expect(code == wanted, f'Host {host}: {code} and not {wanted}')
        for path, wanted in (('nothing', 404), ('history', 400), ('history?metric=x', 404),
                             ('history?metric=jabiru_workers&points=0', 400),
                             ('history?metric=jabiru_workers&seconds=x', 400),
                             ('events?limit=-1', 400), ('events?host=www', 400),
                             ('events?after=18446744073709551616', 400), ('status?x=1', 400),
                             ('history?metric=jabiru_anomalies_total&points=10000' + '&a=b' * 9, 400)):
            error = it.api(path, code=wanted)['error']
            expect(len(error) > 10, f'{path}: {error}')
        with socket.create_connection((it.host, it.port), timeout=20) as raw:
            raw.sendall(b'GET /metrics HTTP/1.1\r\n\r\n')
            expect(b' 400 ' in raw.recv(4096), 'a request without Host')
        with socket.create_connection((it.host, it.port), timeout=20) as raw:
            raw.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\nX: ' + b'a' * 20000 + b'\r\n\r\n')
            expect(b' 200 ' not in raw.recv(4096), 'a header of 20,000 bytes')
        expect(it.metrics()['jabiru_exporter_refused_requests_total'] >= 20, 'refused')


def connections_are_limited():
    with folder() as place, Feed(FEED, place) as feed, Exporter(EXPORTER, feed.path) as it:
        idle = []
        try:
            for _ in range(150):
                idle.append(socket.create_connection((it.host, it.port), timeout=20))
            # the 128 that it holds say nothing; the next one has to wait until some go
            waiting = socket.create_connection((it.host, it.port), timeout=1)
            idle.append(waiting)
            waiting.sendall(b'GET /api/v1/status HTTP/1.0\r\nHost: localhost\r\n\r\n')
            try:
                expect(waiting.recv(100) == b'never', 'it was answered beyond the limit')
            except TimeoutError:
                pass
            for connection in idle[:60]:
                connection.close()
            waiting.settimeout(20)
            expect(b' 200 ' in waiting.recv(4096), 'no answer after others went')
        finally:
            for connection in idle:
                connection.close()
        wait_for(lambda: it.metrics()['jabiru_exporter_connections'] <= 2, 'all are forgotten')


def lives():
    """Everything that may become of a sensor, each said in a sentence, and /metrics never an error."""
    with folder() as place, Exporter(EXPORTER, place / 'jabiru') as it:
        def down(life, words):
            status = wait_for(lambda: (s := it.api('status'))['life'] == life and
                              words in ' '.join(s['reasons']) and s, f'{life}: {words}')
            expect(status['health'] == 'fail', status)
            metrics = it.metrics()
            expect(metrics['jabiru_up'] == 0, life)
            expect('jabiru_received_packets_total' not in metrics, f'{life}: old figures served')
            return status

        down('none', 'No such file')
        expect('No such file' in it.api('stats', code=503)['error'], 'stats')
        with Feed(FEED, place, QUICK) as feed:
            status_is(it, 'alive')
            wait_for(lambda: 'jabiru_received_packets_total' in it.metrics(), 'figures')
            first = it.metrics()['jabiru_exporter_segment_openings_total']
            feed.end()
        status = down('over', 'has ended')
        expect(status['rates']['packets_per_second'] is None, status)
        expect(it.api('stats')['number'] > 0, 'the last figures')
        with Feed(FEED, place, QUICK, 'packets=777') as feed:
            status_is(it, 'alive')
            expect(it.metrics()['jabiru_exporter_segment_openings_total'] > first, 'not reopened')
            feed.kill()
            down('stale', 'no sign of life')
        with Feed(FEED, place, QUICK):
            status_is(it, 'alive')
        good = (place / 'jabiru').rename(place / 'good')
        for name, make, words in (
                ('garbage', lambda path: path.write_bytes(b'x' * 8192), 'not a stats segment'),
                ('major', other_major, 'version 9'),
                ('cut', lambda path: path.write_bytes(path.read_bytes()[:5000]), 'broken'),
                ('anybody', lambda path: path.chmod(0o666), 'anybody may write')):
            bad = place / name
            shutil.copy(good, bad)
            bad.chmod(0o640)
            make(bad)
            bad.rename(place / 'jabiru')
            down('unreadable', words)
        (place / 'jabiru').unlink()
        down('none', 'No such file')
        with Feed(FEED, place, QUICK):
            status_is(it, 'alive')


def other_major(path):
    data = bytearray(path.read_bytes())
    data[8:10] = b'\x09\x00'
    path.write_bytes(data)


def command_line():
    for arguments, words, code in ((['--help'], '--listen', 0), (['--version'], 'jabiru-exporter', 0),
                                   (['--listen', 'x'], 'is not ADDRESS:PORT', 2),
                                   (['--listen', '1.2.3.4'], 'is not ADDRESS:PORT', 2),
                                   (['--listen', '127.0.0.1:99999'], 'is not ADDRESS:PORT', 2),
                                   (['--nothing'], "unknown option '--nothing'", 2),
                                   (['--listen'], 'wants a value', 2),
                                   (['more'], "unexpected argument 'more'", 2),
                                   (['--listen', '192.0.2.1:9734'], 'cannot listen', 1)):
        done = subprocess.run([EXPORTER, *arguments], capture_output=True, text=True, timeout=20,
                              check=False)
        expect(done.returncode == code and words in done.stdout + done.stderr,
               f'{arguments}: {done.returncode} {done.stdout} {done.stderr}')
    with folder() as place, Exporter(EXPORTER, place / 'none', listen='[::1]:0') as it:
        expect(it.api('status')['life'] == 'none', 'IPv6')
        it.process.terminate()
        expect(it.finish()[0] == 0, 'SIGTERM')


def hostile_names():
    """A device with the name of a nightmare comes through promtool and back."""
    if shutil.which('promtool') is None:
        print('not shown, promtool is not installed')
        return
    name = b'a"b\\c\nd\xff\xfe}e{f="g",h\t\xc3\xa9'
    with folder() as place, Feed(FEED, place, QUICK, '--port', name.decode(errors='surrogateescape')) \
            as feed, Exporter(EXPORTER, feed.path) as it:
        wait_for(lambda: 'jabiru_workers' in it.metrics(), 'figures')
        _, headers, text = it.ask('/metrics')
        expect(headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8', headers)
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True,
                              check=False)
        expect(done.returncode == 0 and not done.stderr, f'promtool: {done.stdout} {done.stderr}')
        expect('device="a\\"b\\\\c\\nd\ufffd\ufffd}e{f=\\"g\\",h\té"' in text.decode(), 'escapes')
        device = it.api('status')['ports'][0]['device']
        expect(device == 'a"b\\c\nd\ufffd\ufffd}e{f="g",h\té', device)
        families = [line.split()[2] for line in text.decode().split('\n') if '# TYPE' in line]
        expect(len(families) == len(set(families)) > 50, 'a family stands there twice')


def events():
    with folder() as place, Feed(FEED, place, QUICK, 'events=0', 'ring=64') as feed, \
            Exporter(EXPORTER, feed.path) as it:
        expect(it.api('events') == {'next': 0, 'lost': 0, 'events': []}, 'no events yet')
        feed.tell('events=400')
        wait_for(lambda: it.api('events?limit=1')['next'] > 200, 'events')
        feed.tell('events=0')
        feed.end()
        last = it.api('events?limit=1')['next']
        newest = it.api('events?limit=3')
        expect([row['number'] for row in newest['events']] == [last - 2, last - 1, last], newest)
        old = it.api('events?after=10&limit=1000')
        expect(len(old['events']) + old['lost'] == last - 10 and old['next'] == last, old['lost'])
        key = newest['events'][0]['anomaly']
        some = it.api(f'events?anomaly={key}')['events']
        expect(some and all(row['anomaly'] == key for row in some), some)
        host = newest['events'][1]['src_ip']
        some = it.api(f'events?host={host}')['events']
        expect(some and all(host in (row['src_ip'], row['dest_ip']) for row in some), some)
        expect(it.api('events?host=203.0.113.9')['events'] == [], 'nobody')
        expect(it.api(f'events?after={last + 1000}')['events'][0]['number'] > 0, 'of an earlier run')


def main():
    sys.exit(run_all([command_line, answers, refusals, connections_are_limited, hostile_names,
                      events, lives]))


main()
