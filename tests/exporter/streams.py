#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Server-sent events: each stream gets every event or is told how many it did not, and delays no other.

usage: streams.py EXPORTER FEED_SEGMENT
"""
import json
import socket
import sys

from station import WAIT_S, Exporter, Feed, expect, folder, run_all, wait_for

EXPORTER, FEED = sys.argv[1:3]
RING = 512


class Stream:
    """A client of /events that takes what has come when it is told to."""

    def __init__(self, exporter, last=None, buffer_bytes=None):
        self.socket = socket.socket(socket.AF_INET6 if ':' in exporter.host else socket.AF_INET)
        if buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.socket.settimeout(WAIT_S)
        self.socket.connect((exporter.host, exporter.port))
        more = f'Last-Event-ID: {last}\r\n' if last is not None else ''
        # 1.0: without the lengths of chunks between
        self.socket.sendall(f'GET /events HTTP/1.0\r\nHost: localhost\r\n{more}\r\n'.encode())
        self.text = b''
        self.head = None
        self.numbers = []
        self.snapshots = []
        self.lost = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def take(self):
        """Read once. Returns False at the end."""
        data = self.socket.recv(65536)
        self.text += data.replace(b'\r', b'')
        while b'\n\n' in self.text:
            block, self.text = self.text.split(b'\n\n', 1)
            if self.head is None:
                self.head = block.decode()
                continue
            fields = dict(line.split(': ', 1) for line in block.decode().split('\n'))
            kind = fields.get('event')
            if kind == 'anomaly':
                event = json.loads(fields['data'])
                expect(event['number'] == int(fields['id']), fields)
                self.numbers.append(event['number'])
            elif kind == 'lost':
                self.lost += json.loads(fields['data'])['lost']
            elif kind == 'snapshot':
                self.snapshots.append(json.loads(fields['data']))
        return bool(data)

    def take_until(self, condition, what):
        wait_for(lambda: condition() or (self.take() and condition()), what)


def snapshots_come():
    with folder() as place, Feed(FEED, place, 'events=20') as feed, \
            Exporter(EXPORTER, feed.path) as it, Stream(it) as stream:
        stream.take_until(lambda: len(stream.snapshots) >= 3, 'three snapshots')
        expect(' 200 ' in stream.head and 'text/event-stream' in stream.head, stream.head)
        expect(stream.snapshots[-1]['life'] == 'alive', stream.snapshots[-1])
        stream.take_until(lambda: len(stream.numbers) >= 30, 'thirty events')
        first = stream.numbers[0]
        expect(stream.numbers == list(range(first, first + len(stream.numbers))), stream.numbers)
        # one that comes back goes on behind its last event
        with Stream(it, last=first + 4) as again:
            again.take_until(lambda: len(again.numbers) >= 10, 'ten events')
            expect(again.numbers[0] == first + 5 and again.lost == 0, again.numbers[:3])
        # a new run begins at 1
        feed.end()
        stream.take_until(lambda: stream.snapshots[-1]['life'] == 'over', 'the end')
        seen = len(stream.numbers)
        with Feed(FEED, place, 'events=50'):
            stream.take_until(lambda: len(stream.numbers) > seen, 'events of the next run')
            expect(stream.numbers[seen] == 1, stream.numbers[seen])
            with Stream(it, last=10 ** 9) as late:
                late.take_until(lambda: late.numbers, 'events for a number of an earlier run')
                expect(late.numbers[0] == 1 and late.lost == 0, late.numbers[:3])


def slow_ones_are_told():
    """Sent = received + told lost, for a reader that sleeps and for one that does not."""
    with folder() as place, Feed(FEED, place, 'events=0', f'ring={RING}') as feed, \
            Exporter(EXPORTER, feed.path) as it, Stream(it) as quick, \
            Stream(it, buffer_bytes=65536) as slow:
        for stream in (quick, slow):
            stream.take_until(lambda s=stream: s.snapshots, 'a first snapshot')
        feed.tell('events=2000')
        quick.take_until(lambda: len(quick.numbers) + quick.lost > 12000, 'a flood')
        taken = it.metrics()['jabiru_exporter_stream_events_total']
        expect(taken >= len(quick.numbers), taken)
        sent = feed.end()
        for name, stream in (('quick', quick), ('slow', slow)):
            stream.take_until(lambda s=stream: len(s.numbers) + s.lost >= sent, f'{name}: the rest')
            expect(len(stream.numbers) + stream.lost == sent,
                   f'{name}: {len(stream.numbers)} + {stream.lost} are not {sent}')
            expect(stream.numbers == sorted(set(stream.numbers)), f'{name}: twice or out of order')
            print(f'   {name}: {len(stream.numbers)} received, {stream.lost} told lost, {sent} sent')
        expect(slow.lost > 0, 'the slow one lost nothing: nothing is shown')
        told = it.metrics()['jabiru_exporter_stream_lost_events_total']
        expect(told == quick.lost + slow.lost, told)


def streams_are_limited():
    with folder() as place, Feed(FEED, place) as feed, Exporter(EXPORTER, feed.path) as it:
        streams = [Stream(it) for _ in range(32)]
        try:
            for stream in streams:
                stream.take_until(lambda s=stream: s.snapshots, 'a stream')
            code, _, body = it.ask('/events')
            expect(code == 503 and b'32 streams' in body, body)
            expect(it.metrics()['jabiru_exporter_streams'] == 32, 'the gauge')
            streams.pop().socket.close()
            wait_for(lambda: it.metrics()['jabiru_exporter_streams'] == 31, 'one went')
            with Stream(it) as next_one:
                next_one.take_until(lambda: next_one.snapshots, 'room again')
        finally:
            for stream in streams:
                stream.socket.close()
        # the exporter ends cleanly with streams open
        with Stream(it) as last:
            last.take_until(lambda: last.snapshots, 'a stream')
            it.process.terminate()
            expect(it.finish()[0] == 0, 'SIGTERM')


def main():
    sys.exit(run_all([snapshots_come, slow_ones_are_told, streams_are_limited]))


main()
