#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""1,000 events a second for 10 s: the page keeps answering, loses none, and keeps a bounded number.

usage: flood.py JABIRU

The page may take half of a CPU, and there is a frame at least every 500 ms. Both are generous: a page
that does work for each event, or keeps them all, is slower by far. The second is not held against it
where its threads had to wait for a CPU for long: then the machine has other things to do.
"""
import pathlib
import sys
import time

import browser
import mock_server

RATE = 1000
SECONDS = 10
FRAME_MS = 500
CPU_SHARE = 0.5
WAIT_SHARE = 0.1  # of the time: beyond it the machine is too busy to speak of frames
WATCH = '''window.watched = {frames: 0, longest: 0, last: performance.now()};
    const tick = (now) => {
        const span = performance.now() - watched.last;
        watched.longest = Math.max(watched.longest, span);
        watched.last += span;
        watched.frames++;
        requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick)'''


def threads_of(pid):
    """{(pid, thread): (seconds on a CPU, seconds waiting for one)} of the descendants of a process."""
    parents = {}
    for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(')', 1)[1].split()[1])
        except OSError:
            pass  # it has ended
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    times = {}
    for member in family:
        for file in pathlib.Path(f'/proc/{member}/task').glob('*/schedstat'):
            try:
                running, waiting, _ = map(int, file.read_text().split())
            except (OSError, ValueError):
                continue
            times[member, file.parent.name] = running / 1e9, waiting / 1e9
    return times


def flood(page, mock):
    before = mock.sent
    page.run(WATCH)
    pid = page.driver.service.process.pid
    threads = threads_of(pid)
    start = time.monotonic()
    mock.events_per_s = RATE
    rates = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(1)
        rates.append(page.text('#events-note').split(' ')[0])
    mock.events_per_s = 0
    watched = page.run('return window.watched')
    spent = time.monotonic() - start
    shares = [[(now[i] - threads.get(thread, (0, 0))[i]) / spent for i in (0, 1)]
              for thread, now in threads_of(pid).items()]
    busiest, most_waiting = (max(column, default=0) for column in zip(*shares))
    sent = mock.sent - before
    print(f'{sent} events in {SECONDS} s; {watched["frames"]} frames, the longest took '
          f'{watched["longest"]:.0f} ms; a second as the page says: {" ".join(rates)}')
    page.check(sent >= RATE * SECONDS * 0.9, 'the mock kept up')
    page.check(0 < busiest <= CPU_SHARE,
               f'its busiest thread takes {busiest:.0%} of a CPU, at most {CPU_SHARE:.0%}')
    page.check(watched['frames'] > SECONDS, 'it draws')
    if watched['longest'] > FRAME_MS and most_waiting > WAIT_SHARE:
        print(f'the bound of {FRAME_MS} ms is left out: a thread waited for a CPU {most_waiting:.0%} '
              'of the time')
    else:
        page.check(watched['longest'] <= FRAME_MS, f'there was a frame at least every {FRAME_MS} ms')


def main():
    browser.programs()
    mock = mock_server.Mock(sys.argv[1], events_per_s=0)
    try:
        with browser.browser(mock.url) as page:
            page.open()
            page.run('document.querySelector("#events").scrollIntoView()')
            flood(page, mock)
            last = mock.push(summary='the last of all')
            page.wait('''return [...document.querySelectorAll("#event-table .c-summary")].at(-1)
                .textContent === arguments[0]''', 'the last event is shown', last['summary'])
            page.wait('return document.querySelector("#event-table").ariaRowCount === "2001"',
                      'the newest 2,000 are kept')
            page.check(page.run('return document.querySelectorAll("#event-table tr").length') < 100,
                       'and only those in sight are rows')
            page.check('did not reach' not in page.text('#events-note'), 'none is told lost')
            page.screenshot('flood', is_whole=False)
            # the same while one reads
            page.run('document.querySelector("#event-scroller").scrollTop = 4000')
            page.wait('return document.querySelector("#follow").ariaPressed === "false"',
                      'it stops where one scrolls to')
            before = page.text('#event-table tbody')
            flood(page, mock)
            page.check(page.text('#event-table tbody') == before,
                       'what one reads stands still through it')
            page.check_console()
    finally:
        mock.stop()
    page.finish()


if __name__ == '__main__':
    main()
