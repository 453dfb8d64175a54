#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The page as jabiru-exporter serves it, on a segment that is fed: live, at 1,000 events a second, and
through the end, the death and the restart of the sensor and of the exporter. Then on a capture that a
sensor replays at the speed of its recording, again and again.

usage: real.py EXPORTER FEED_SEGMENT JABIRU CAPTURE
"""
import pathlib
import subprocess
import sys

import browser
import flood
import station

SHOWS = 'return document.querySelector(arguments[0]).textContent.includes(arguments[1])'
NUMBER = 'return Number(document.querySelector(arguments[0]).textContent.replace(/[^0-9.]/g, ""))'
FOLLOW = '''if (document.querySelector("#follow").ariaPressed === "false")
    document.querySelector("#follow").click()'''


class Sensor:
    """What flood() wants of a mock, of a fed segment and its exporter."""

    def __init__(self, feed, exporter):
        self.feed = feed
        self.exporter = exporter

    @property
    def sent(self):
        return self.exporter.api('events?limit=1')['next']

    @property
    def events_per_s(self):
        return None

    @events_per_s.setter
    def events_per_s(self, rate):
        self.feed.tell(f'events={rate}')


def newest_number(page):
    """The number of the last event in the table; it is in the dialog of the event."""
    page.run(FOLLOW)
    page.run('[...document.querySelectorAll("#event-table .c-time button")].at(-1).click()')
    page.wait('return document.querySelector("#dialog").open', 'an event opens')
    number = page.run(NUMBER, '#dialog-title')
    page.click('#dialog-close')
    page.run(FOLLOW)
    return number


def check_page(page, sensor):
    page.wait('return document.querySelector("#health").classList.contains("ok")', 'health is OK')
    rate = page.run(NUMBER, '#reading-packets .value')
    page.check(3000 < rate < 30000, f'the packet rate is what is fed: {rate:.0f}')
    first = page.text('#facts')
    page.wait('return document.querySelector("#facts").textContent !== arguments[0]',
              'the figures go on', first)
    for place in ('#resets', '#anomalies tbody', '#connections', '#hosts tbody', '#ports',
                  '#event-table tbody'):
        page.wait('return document.querySelectorAll(`${arguments[0]} tr:not(.none)`).length > 0',
                  f'{place} has rows', place)
    sensor.events_per_s = 0
    page.wait('return document.querySelector("#events-note").textContent.startsWith("0 ")',
              'events pause')
    page.check(newest_number(page) == sensor.sent, 'the last event shown is the last there is')
    key = page.text('#event-table tbody tr:last-child .c-anomaly')
    page.click('#event-table tbody tr:last-child .c-anomaly button')
    page.wait(SHOWS, f'{key} has its definition', '#dialog[open]', 'Condition')
    page.click('#dialog-close')
    page.click('#event-table tbody tr:last-child .c-source button')
    page.wait(SHOWS, 'an address has its command', '#alias-command', 'jabiructl alias add ')
    page.click('#dialog-close')
    page.run('''const select = document.querySelector("#filter-anomaly");
        select.value = arguments[0]; select.dispatchEvent(new Event("change"))''', key)
    page.wait('''const cells = [...document.querySelectorAll("#event-table tbody .c-anomaly")];
        return cells.length > 0 && cells.every(cell => cell.textContent === arguments[0])''',
              'a filter filters', key)
    page.click('#filter-clear')


def check_restarts(page, place, feed, exporter):
    """End, death and return, first of the sensor, then of the exporter."""
    feed.end('quit')
    page.wait('return document.querySelector("#health").classList.contains("fail")',
              'killed: the banner shows a fault')
    print('  ' + page.text('#health-reasons'))
    page.screenshot('real_killed', is_whole=False)
    with station.Feed(FEED, place, 'events=5') as second:
        page.wait('return document.querySelector("#health").classList.contains("ok")',
                  'started again: OK')
        page.wait('return Number(document.querySelector("#events-note").textContent.split(" ")[0]) > 0',
                  'its events come, though they count from 1')
        page.check(0 < newest_number(page) < 1000, 'and are shown')
        exporter.kill()
        page.wait(SHOWS, 'exporter killed: the banner says so', '#health', 'reconnecting')
        with station.Exporter(EXPORTER, second.path,
                              listen=f'127.0.0.1:{exporter.port}') as another:
            page.wait('return document.querySelector("#health").classList.contains("ok")',
                      'exporter back: OK')
            second.tell('events=0')
            page.wait('return document.querySelector("#events-note").textContent.startsWith("0 ")',
                      'events pause')
            page.check(newest_number(page) == Sensor(second, another).sent,
                       'the last event shown is the last there is')
            second.end('end')
            page.wait('return document.querySelector("#health").classList.contains("fail")',
                      'ended: the banner shows a fault')
            print('  ' + page.text('#health-reasons'))


def replay(place):
    """Start a sensor that replays and publishes. @return its process and its segment"""
    config = pathlib.Path(place) / 'replay.yaml'
    config.write_text(f'config_version: 1\nstats:\n  folder: "{place}"\n  instance: "replay"\n',
                      encoding='utf-8')
    process = subprocess.Popen(
        [JABIRU, 'replay', CAPTURE, '--config', config, '--publish', '--speed', '1', '--loop', '100'],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return process, pathlib.Path(place) / 'replay'


def check_replay(place):
    """The page lives while a real sensor works."""
    process, segment = replay(place)
    try:
        with station.Exporter(EXPORTER, segment) as exporter, \
                browser.browser(f'http://127.0.0.1:{exporter.port}/') as page:
            page.open()
            page.wait('return document.querySelector("#health").classList.contains("ok")',
                      'replay: health is OK')
            page.check(' replay ' in page.text('#facts'), 'replay: the page says that it is one')
            for what, script in (('packets', 'document.querySelector("#packets-legend").textContent'),
                                 ('events', 'document.querySelector("#event-table tbody").textContent'),
                                 ('anomalies', 'document.querySelector("#anomalies tbody").textContent')):
                before = page.run(f'return {script}')
                page.wait(f'return {script} !== arguments[0]', f'replay: {what} go on', before,
                          seconds=90)
            page.screenshot('real_replay')
            page.check_console()
            return page
    finally:
        process.terminate()
        process.communicate(timeout=station.WAIT_S)


def main():
    browser.programs()
    with station.folder() as place, station.Feed(FEED, place, 'events=20') as feed, \
            station.Exporter(EXPORTER, feed.path) as exporter:
        sensor = Sensor(feed, exporter)
        with browser.browser(f'http://127.0.0.1:{exporter.port}/') as page:
            page.open()
            check_page(page, sensor)
            page.run(FOLLOW)
            page.run('document.querySelector("#events").scrollIntoView()')
            flood.flood(page, sensor)
            page.wait('return document.querySelector("#events-note").textContent.startsWith("0 ")',
                      'the flood is over')
            page.check(newest_number(page) == sensor.sent, 'its last event is shown')
            page.check('did not reach' not in page.text('#events-note'), 'none is told lost')
            page.run('scrollTo(0, 0)')
            page.screenshot('real')
            page.resize(1440, 900)
            page.check_console()
            check_restarts(page, place, feed, exporter)
            page.check_console(allowed=('ERR_CONNECTION_REFUSED', 'ERR_INCOMPLETE_CHUNKED', '503',
                                        'ERR_CONNECTION_RESET', 'ERR_EMPTY_RESPONSE'))
        second = check_replay(place)
    page.problems += second.problems
    page.nb_checks += second.nb_checks
    page.finish()


EXPORTER, FEED, JABIRU, CAPTURE = sys.argv[1:5]
main()
