#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Serve the live page and the API of jabiru-exporter from a made-up sensor, for tests and for looks.

usage: mock_server.py JABIRU [--port 9735] [--events 5]

JABIRU is the program, which is asked for its catalogue. Tests import this file and set the fields of
Mock: life, reasons, missed, events_per_s, and so on.
"""
import argparse
import http.server
import json
import pathlib
import queue
import re
import subprocess
import threading
import time
import urllib.parse

import mock_model

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / 'app/exporter/page'
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
          "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8',
         '.js': 'text/javascript; charset=utf-8', '.txt': 'text/plain; charset=utf-8'}
QUEUE = 4096


def page_files():
    """{path: file} of what app/exporter/page/meson.build lists, and only that."""
    listed = re.search(r'^page_files = \[(.*?)\]', (PAGE / 'meson.build').read_text(), re.S | re.M)
    names = re.findall(r"'([^']+)'", listed.group(1))
    return {'/' if name == 'index.html' else '/' + name: PAGE / name for name in names}


class Mock:
    """The server and its sensor. Fields may be set at any time."""

    def __init__(self, jabiru, port=0, events_per_s=5.0):
        catalog = subprocess.run([jabiru, 'catalog', '--format', 'json'], capture_output=True,
                                 check=True).stdout
        self.catalog = json.loads(catalog)
        families = mock_model.read_families(ROOT / 'lib/catalog/metrics.def')
        self.model = mock_model.Model(self.catalog, families)
        self.events_per_s = events_per_s
        self.life = 'alive'
        self.reasons = []
        self.lock = threading.Lock()
        self.clients = set()
        self.sent = 0
        self.is_over = threading.Event()
        self.port = port
        self.server = None
        now = self.next_snapshot = time.time()
        for ago in range(mock_model.SNAPSHOTS_KEPT, 0, -1):
            self.model.step(now - ago)
        for ago in range(60, 0, -1):
            self.model.make_event(now - ago)
        self.threads = [threading.Thread(target=self.run_sensor, daemon=True)]
        self.open()
        self.threads[0].start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}/'

    def open(self):
        """Begin to listen, at the port of before if there was one."""
        handler = type('Handler', (Handler,), {'mock': self})
        self.server = Server(('127.0.0.1', self.port), handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05},
                         daemon=True).start()

    def close(self):
        """Stop listening and end every stream, as an exporter that is killed does."""
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for client in self.clients:
                while client.full():
                    client.get_nowait()
                client.put(None)
            self.clients.clear()

    def stop(self):
        self.is_over.set()
        self.close()
        self.threads[0].join()

    def send(self, text):
        with self.lock:
            for client in self.clients:
                try:
                    client.put_nowait(text)
                except queue.Full:
                    pass  # a browser that is stopped, not one of the tests

    def run_sensor(self):
        """A snapshot a second, and events every 20 ms, as many as are due."""
        last = time.time()
        owed = 0.0
        while not self.is_over.wait(0.02):
            now = time.time()
            owed += (now - last) * self.events_per_s if self.life == 'alive' else 0
            last = now
            lines = []
            while owed >= 1:
                owed -= 1
                lines.append(event_text(self.emit(now)))
            if lines:
                self.send(''.join(lines))
            while now >= self.next_snapshot:
                if self.life == 'alive':
                    with self.lock:
                        self.model.step(self.next_snapshot)
                self.next_snapshot += 1
                self.send(f'event: snapshot\ndata: {json.dumps(self.status())}\n\n')

    def emit(self, now, **fields):
        """Make an event, its @p fields overridden."""
        with self.lock:
            event = self.model.make_event(now)
            event.update(fields)
            self.sent += 1
        return event

    def push(self, **fields):
        """Send one event with given fields at once; tests use it."""
        event = self.emit(time.time(), **fields)
        self.send(event_text(event))
        return event

    def restart(self):
        """Become another run: the number of events and the start begin anew."""
        with self.lock:
            self.model.start = time.time()
            self.model.event_number = 0
            self.model.events.clear()

    def status(self):
        """What /api/v1/status answers."""
        model = self.model
        number, now, _ = model.snapshots[-1]
        rate = model.rate('jabiru_received_packets_total')
        missed = model.rate('jabiru_missed_packets_total')
        reasons = list(self.reasons)
        health = 'ok' if not reasons else 'warn'
        age = time.time() - now
        if self.life == 'stale':
            health, reasons = 'fail', [f'the sensor has given no sign of life for {age:.0f} s']
        elif self.life == 'over':
            health, reasons = 'fail', ['the sensor has ended; these are its last figures']
        elif self.life == 'none':
            return {'sensor': '', 'version': '', 'mode': '', 'life': 'none', 'state': '',
                    'age_s': None, 'uptime_s': None, 'time': None, 'snapshot': 0,
                    'interval_ms': 0, 'workers': 0, 'ports': [], 'health': 'fail',
                    'reasons': ["cannot open '/dev/shm/jabiru/default': No such file or directory; "
                                'is `jabiru run` started?'],
                    'rates': {'packets_per_second': None, 'bits_per_second': None,
                              'missed_per_second': None, 'tcp_per_second': None}}
        elif missed:
            health = 'fail'
            reasons.append(f'port 0 loses {missed:.0f} packets/s: the workers do not keep up')
        return {'sensor': 'tap-west', 'version': '0.1.0', 'run': str(model.start), 'mode': 'run',
                'life': self.life,
                'state': 'ended' if self.life == 'over' else 'running', 'age_s': round(age, 3),
                'uptime_s': round(now - model.start, 3), 'time': now, 'snapshot': number,
                'interval_ms': 1000, 'workers': 2,
                'ports': [{'port': n, 'device': device, 'up': True}
                          for n, device in enumerate(mock_model.PORTS)],
                'health': health, 'reasons': reasons,
                'rates': {'packets_per_second': rate,
                          'bits_per_second': model.rate('jabiru_received_bytes_total') * 8,
                          'missed_per_second': missed,
                          'tcp_per_second': model.rate('jabiru_tcp_packets_total')}}


def event_text(event):
    return f'event: anomaly\nid: {event["number"]}\ndata: {json.dumps(event)}\n\n'


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""
    protocol_version = 'HTTP/1.1'
    mock = None
    files = page_files()

    def log_message(self, *_):
        pass

    def answer(self, body, kind='application/json', status=200):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Content-Security-Policy', POLICY)
        self.send_header('X-Content-Type-Options', 'nosniff')
        self.send_header('Referrer-Policy', 'no-referrer')
        self.send_header('Cache-Control', 'no-store')
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        try:
            if url.path in self.files:
                file = self.files[url.path]
                self.answer(file.read_bytes(), TYPES[file.suffix])
            elif url.path == '/events':
                self.stream()
            else:
                self.answer_api(url.path, query)
        except (KeyError, ValueError) as error:
            self.answer({'error': f'asked for wrongly: {error}'}, status=400)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def answer_api(self, path, query):
        mock = self.mock
        name = path.removeprefix('/api/v1/')
        if name == 'status':
            return self.answer(mock.status())
        if name == 'catalog':
            return self.answer(mock.catalog)
        if name not in ('stats', 'history', 'events', 'hosts'):
            return self.answer({'error': f"nothing is at '{path}'"}, status=404)
        if mock.life == 'none':
            return self.answer({'error': mock.status()['reasons'][0]}, status=503)
        with mock.lock:
            if name == 'stats':
                body = mock.model.stats()
            elif name == 'hosts':
                body = mock.model.top_hosts()
            elif name == 'history':
                body = mock.model.history(query['metric'], query.get('label'),
                                          float(query.get('seconds', 900)),
                                          int(query.get('points', 300)))
            else:
                body = self.events(query)
        if body is None:
            return self.answer({'error': f"there is no metric '{query['metric']}'"}, status=404)
        return self.answer(body)

    def events(self, query):
        after = int(query.get('after', 0))
        limit = int(query.get('limit', 100))
        if not 1 <= limit <= 1000:
            raise ValueError('limit')
        kept = self.mock.model.events
        found = [event for event in kept if event['number'] > after
                 and query.get('anomaly', event['anomaly']) == event['anomaly']
                 and query.get('host', event['src_ip']) in (event['src_ip'], event['dest_ip'])]
        found = found[:limit] if 'after' in query else found[-limit:]
        oldest = kept[0]['number'] if kept else 1
        return {'next': found[-1]['number'] if found else after,
                'lost': max(0, oldest - 1 - after) if after else 0, 'events': found}

    def stream(self):
        """Server-sent events until the client goes, or the server."""
        mock = self.mock
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.send_header('Content-Security-Policy', POLICY)
        self.send_header('Cache-Control', 'no-store')
        self.send_header('Connection', 'close')
        self.end_headers()
        client = queue.Queue(QUEUE)
        last = self.headers.get('Last-Event-ID')
        with mock.lock:
            missed = [event for event in mock.model.events if last and event['number'] > int(last)]
            mock.clients.add(client)
        try:
            self.wfile.write(''.join(map(event_text, missed)).encode() or b': hello\n\n')
            while (text := client.get()) is not None:
                self.wfile.write(text.encode())
        finally:
            with mock.lock:
                mock.clients.discard(client)
            self.close_connection = True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('jabiru')
    parser.add_argument('--port', type=int, default=9735)
    parser.add_argument('--events', type=float, default=5, help='events a second')
    arguments = parser.parse_args()
    mock = Mock(arguments.jabiru, arguments.port, arguments.events)
    print(f'{mock.url} until Ctrl-C', flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        mock.stop()


if __name__ == '__main__':
    main()
