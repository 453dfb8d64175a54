#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""jabiructl top and events --follow in a pseudo-terminal: whole screens of 80x24 and 200x60 as text, the
keys, and a terminal that changes its size.

usage: console.py JABIRUCTL MAKE_SEGMENT EXPECTED

With WRITE_EXPECTED=1 the screens are written to the folder EXPECTED instead of compared: look at them.
"""
import difflib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import maker
import program

try:
    import pyte
except ImportError:
    program.skip('python3-pyte is not installed')

# how wide it is varies, and what stands behind it with it
LIFE = re.compile(r'running for [0-9.]+ (ms|s|min [0-9]+ s)\s+')
UP, DOWN, PAGE_UP, END = '\x1bOA', '\x1bOB', '\x1b[5~', '\x1bOF'


class Console:
    """The program on a terminal of its own."""

    def __init__(self, jabiructl, columns, lines, *arguments):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(jabiructl, [jabiructl, *map(str, arguments)],
                      {**maker.ENVIRONMENT, 'TERM': 'xterm-256color'})
        self.resize(columns, lines)

    def resize(self, columns, lines):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def read(self, wait_s):
        if not select.select([self.terminal], [], [], wait_s)[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.stream.feed(data)
        return bool(data)

    def text(self):
        lines = [line.rstrip() for line in self.screen.display]
        return LIFE.sub('running for TIME  ', '\n'.join(lines)) + '\n'

    def wait(self, is_there):
        """Until the screen is as it should be; what it is then."""
        end = time.monotonic() + maker.TIMEOUT_S
        while not is_there(self.text()) and time.monotonic() < end:
            self.read(0.1)
        return self.text()

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    def leave(self):
        """@return its exit code, or minus the signal that had to be sent"""
        self.press('q')
        end = time.monotonic() + maker.TIMEOUT_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                os.close(self.terminal)
                return os.waitstatus_to_exitcode(status)
            self.read(0.05)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return -signal.SIGKILL


class Test:
    def __init__(self, jabiructl, make_segment, expected):
        self.jabiructl = jabiructl
        self.make_segment = make_segment
        self.expected = pathlib.Path(expected)
        self.problems = []
        self.count = 0

    def see(self, console, what, *wanted, absent=()):
        """All of @p wanted on the screen, nothing of @p absent."""
        self.count += 1
        text = console.wait(lambda text: all(word in text for word in wanted) and
                            not any(word in text for word in absent))
        missing = [word for word in wanted if word not in text]
        there = [word for word in absent if word in text]
        if missing or there:
            self.problems.append(f'{what}: missing {missing}, should not be there {there}:\n{text}')

    def see_whole(self, console, name):
        """The screen of the file @p name, character by character."""
        self.count += 1
        path = self.expected / f'{name}.txt'
        if os.environ.get('WRITE_EXPECTED'):
            end = time.monotonic() + 1
            console.wait(lambda text: time.monotonic() > end)
            path.write_text(console.text())
        wanted = path.read_text()
        text = console.wait(lambda text: text == wanted)
        if text != wanted:
            self.problems.append(f'{name}:\n' + '\n'.join(difflib.unified_diff(
                wanted.splitlines(), text.splitlines(), 'expected', 'shown', lineterm='')))

    def leave(self, console, what):
        code = console.leave()
        if code != 0:
            self.problems.append(f'{what}: exit {code}')

    def check_screens(self):
        for columns, lines in ((80, 24), (200, 60)):
            with maker.Segment(self.make_segment) as segment:
                console = Console(self.jabiructl, columns, lines, '-i', segment.path, 'top',
                                  '--socket', '/nowhere/none.sock')
                self.see_whole(console, f'top_{columns}x{lines}')
                console.press('h')
                self.see_whole(console, f'help_{columns}x{lines}')
                console.press('q')
                console.press(DOWN + 'd')
                self.see_whole(console, f'definition_{columns}x{lines}')
                console.press('q')
                console.press('e')
                self.see_whole(console, f'events_{columns}x{lines}')
                self.leave(console, f'{columns}x{lines}')
                # one screen as text is the same screen
                once = maker.Answer(self.jabiructl, '-i', segment.path, 'top', '--once', '--columns',
                                    columns, '--lines', lines, '--socket', '/nowhere/none.sock')
                wanted = (self.expected / f'top_{columns}x{lines}.txt').read_text()
                if LIFE.sub('running for TIME  ', once.out) != wanted:
                    self.problems.append(f'--once: {once}')

    def check_keys(self):
        with maker.Segment(self.make_segment) as segment:
            console = Console(self.jabiructl, 80, 24, '-i', segment.path, 'top',
                              '--socket', segment.folder / 'none.sock')
            self.see(console, 'start', 'sorted by last minute', '> w tcp_syn_fin', 'midstream_pickup')
            console.press('s')
            self.see(console, 'sort', 'sorted by total')
            console.press('s')
            self.see(console, 'sort', 'sorted by name', '> n ip_low_ttl')
            console.press('sfland\r')
            self.see(console, 'filter', 'filter: land', '> a land_attack', '[2001:db8::53]:53',
                     absent=['tcp_syn_fin', 'refused'])
            console.press('f\x7f\x7f\x7f\x7fmx\x1b')
            self.see(console, 'filter left alone', 'filter: land')
            console.press('f\x7f\x7f\x7f\x7f\r')
            self.see(console, 'no filter', 'tcp_syn_fin', absent=['filter: '])
            console.press('\t')
            self.see(console, 'resets', '> resets by cause', '> refused')
            console.press('\t')
            self.see(console, 'hosts', '> findings', '>   2.00 k  source')
            console.press(DOWN)
            self.see(console, 'next host', '>   1.50 k  target')
            console.press('amail\r')
            self.see(console, 'alias without a sensor', 'cannot ask the sensor at')
            console.press('\ta')
            self.see(console, 'alias of no host', 'choose a host first')
            console.press('p')
            self.see(console, 'pause', 'PAUSED')
            segment.order('snapshot')
            console.press('\t\t')
            self.see(console, 'still paused', '18:01:00', 'PAUSED')
            console.press('p')
            self.see(console, 'going on', '18:01:01', absent=['PAUSED'])
            console.resize(60, 14)
            self.see(console, 'smaller', 'tcp_syn_fin', 'worker 1', 'q quit')
            console.resize(20, 5)
            self.see(console, 'too small', 'too small')
            console.resize(80, 24)
            self.see(console, 'large again', 'q quit', '> findings')
            segment.order('hang')
            self.see(console, 'hang', 'fail  no sign of life for')
            segment.stop()
            segment.path.unlink()
            self.see(console, 'gone', 'fail  cannot open')
            segment.start()
            self.see(console, 'back', 'running for TIME', 'tcp_syn_fin')
            self.leave(console, 'keys')

    def check_scrolling(self):
        """Scrolling up stops it and says how many are new; End goes on."""
        with maker.Segment(self.make_segment) as segment:
            console = Console(self.jabiructl, 80, 24, '-i', segment.path, 'events', '--follow',
                              '--socket', '/nowhere/none.sock')
            self.see(console, 'follow', 'following', 'event 5')
            segment.order('events', 45)
            self.see(console, 'new ones', 'following', 'event 50', absent=['event 30'])
            console.press(UP)
            self.see(console, 'up', 'stopped, 0 new below', 'event 49', absent=['event 50'])
            segment.order('events', 3)
            self.see(console, 'stands still', 'stopped, 3 new below', 'event 49', absent=['event 50'])
            console.press(PAGE_UP)
            self.see(console, 'page up', 'stopped, 3 new below', 'event 30', absent=['event 49'])
            console.press('fland_attack\r')
            self.see(console, 'filter', 'following', 'event 53', 'filter: land_attack',
                     absent=['event 52'])
            console.press('f' + '\x7f' * 11 + '\r' + UP)
            self.see(console, 'all', 'stopped', 'event 52', absent=['event 53'])
            console.press(END)
            self.see(console, 'end', 'following', 'event 53')
            segment.order('events', 1000)  # the ring holds 64
            self.see(console, 'flood', 'event 1053', 'were overwritten before they were read')
            self.leave(console, 'scrolling')

    def check_sparkline(self):
        with maker.Segment(self.make_segment) as segment:
            console = Console(self.jabiructl, 80, 24, '-i', segment.path, 'history',
                              'jabiru_resets_total', '--label', 'refused')
            self.see(console, 'sparkline', 'jabiru_resets_total: now 14/s, highest 14/s', '█' * 60,
                     '2026-11-23 18:00:01 ... 2026-11-23 18:01:00')
            os.waitpid(console.pid, 0)
            os.close(console.terminal)

    def check_signal(self):
        """Ended by a signal, the terminal is given back."""
        with maker.Segment(self.make_segment) as segment:
            console = Console(self.jabiructl, 80, 24, '-i', segment.path, 'top')
            self.see(console, 'before', 'q quit')
            os.kill(console.pid, signal.SIGTERM)
            seen = b''
            try:
                while select.select([console.terminal], [], [], maker.TIMEOUT_S)[0]:
                    data = os.read(console.terminal, 65536)
                    if not data:
                        break
                    seen += data
            except OSError:
                pass
            code = os.waitstatus_to_exitcode(os.waitpid(console.pid, 0)[1])
            os.close(console.terminal)
            if code != 0 or b'\x1b[?1049l' not in seen:
                self.problems.append(f'signal: exit {code}, {seen[-60:]}')


def main():
    test = Test(*sys.argv[1:4])
    test.check_screens()
    test.check_keys()
    test.check_scrolling()
    test.check_sparkline()
    test.check_signal()
    program.finish(test.problems, f'{test.count} screens')


main()
