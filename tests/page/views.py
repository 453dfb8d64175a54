#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the page shows and does, in Chromium on the mock server, which can be made to fail.

usage: views.py JABIRU
"""
import sys

import browser
import mock_server

NUMBER = 'return Number(document.querySelector(arguments[0]).textContent.replace(/[^0-9.]/g, ""))'
ROWS = '''return [...document.querySelectorAll("#event-table tbody tr")].map(row =>
    [...row.cells].map(cell => cell.textContent))'''
SHOWS = 'return document.querySelector(arguments[0]).textContent.includes(arguments[1])'
LAST_SUMMARY = '''return [...document.querySelectorAll("#event-table .c-summary")].at(-1)
    ?.textContent === arguments[0]'''


def check_figures(page, mock):
    """Readings, tables and charts have the figures of the sensor, and follow them."""
    rate = page.run(NUMBER, '#reading-packets .value')
    page.check(50000 < rate < 500000, f'the packet rate is that of the sensor: {rate:.0f}')
    page.check(page.text('#sensor') == 'tap-west', 'the sensor is named')
    page.wait('return document.querySelector("#health").classList.contains("ok")', 'health is OK')
    for chart in ('packets', 'missed', 'resets'):
        page.check(page.run('''const canvas = document.querySelector(`#${arguments[0]}-chart canvas`);
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            return pixels.some(byte => byte !== 0)''', chart), f'the chart of {chart} is drawn')
    page.check(page.run('return document.querySelectorAll("#resets tr").length') == 9,
               'eight causes of resets and all others are listed')
    sums = page.run('''return [...document.querySelectorAll("#anomalies tbody tr")].map(row =>
        [row.cells[1].textContent, Number(row.cells[4].textContent.replace(/\\D/g, ""))])''')
    truth = {dict(labels)['anomaly']: value for (name, labels), value in mock.model.values.items()
             if name == 'jabiru_anomalies_total'}
    page.check(sums and all(0 < count <= truth[key] for key, count in sums)
               and {key for key, count in truth.items() if count} == {key for key, _ in sums},
               f'{len(sums)} anomalies are listed with their counts')
    page.check(page.run('''return [...document.querySelectorAll("#anomalies .severity")].every(chip =>
        ["note", "warn", "alert"].includes(chip.textContent))'''), 'a severity is a word')
    first = page.text('#facts')
    page.wait('return document.querySelector("#facts").textContent !== arguments[0]',
              'the figures go on', first)


def check_text(page):
    """What comes from outside is text, whatever it looks like."""
    page.wait('return document.querySelectorAll("#hosts tbody tr").length > 5', 'hosts are listed')
    mark = '<img src=x onerror="window.hacked=1">'
    page.wait(SHOWS, 'an alias that looks like HTML is shown as text', '#hosts tbody', mark)
    page.check(page.run('return window.hacked === undefined && !document.querySelector("main img")'),
               'and has no effect')


def check_events(page, mock):
    """The table follows; it stops while one reads further up; it goes on by a click or End."""
    page.wait('return document.querySelectorAll("#event-table tbody tr").length > 10',
              'events from before the page was opened are shown')
    mock.events_per_s = 0
    mock.push(summary='the one to be seen at once')
    page.wait(LAST_SUMMARY, 'a new event comes at the end', 'the one to be seen at once')
    for _ in range(60):
        mock.push()
    page.wait('return document.querySelector("#event-scroller").scrollTop > 1500', 'the table follows')
    page.run('document.querySelector("#event-scroller").scrollTop -= 700')
    page.wait('return document.querySelector("#follow").getAttribute("aria-pressed") === "false"',
              'it stops when one scrolls up')
    before = page.run(ROWS)
    for _ in range(7):
        mock.push()
    page.wait(SHOWS, 'it counts what is new', '#events-new', '7 new')
    page.check(page.run(ROWS) == before, 'and what one reads stands still')
    page.run('document.querySelector("#events").scrollIntoView()')
    page.screenshot('paused', is_whole=False)
    page.click('#events-new')
    page.wait('return document.querySelector("#events-new").hidden', 'a click goes on')
    page.run('document.querySelector("#event-scroller").scrollTop -= 700')
    page.wait('return document.querySelector("#follow").getAttribute("aria-pressed") === "false"',
              'it stops again')
    mock.push(summary='after the second stop')
    page.wait(SHOWS, 'and counts again', '#events-new', '1 new')
    page.press('#event-scroller', '\ue010')  # End
    page.wait(LAST_SUMMARY, 'End goes on', 'after the second stop')
    title = page.run('return document.querySelector("#event-table .c-time button").title')
    page.check(title.endswith(' UTC'), f'a time has its UTC in the title: {title}')


def check_filter(page, mock):
    """By anomaly, by host, by severity."""
    mock.push(anomaly='routing_loop', severity='alert', src_ip='2001:db8:9::5', summary='filter me')
    page.run('''const select = document.querySelector("#filter-anomaly");
        select.value = "routing_loop"; select.dispatchEvent(new Event("change"))''')
    page.wait(SHOWS, 'a filter shows what it is for', '#event-table tbody', 'filter me')
    page.check(page.run('''return [...document.querySelectorAll("#event-table tbody .c-anomaly")].every(
        cell => cell.textContent === "routing_loop")'''), 'and nothing else')
    page.check('anomaly=routing_loop' in page.driver.current_url, 'the filter stands in the address')
    page.click('#filter-clear')
    page.wait('return document.querySelectorAll("#event-table tbody tr").length > 10', 'Clear clears')
    page.press('#filter-host', 'MAIL-1')
    page.wait('''const rows = [...document.querySelectorAll("#event-table tbody tr")];
        return rows.length > 0 && rows.every(row => row.textContent.includes("mail-1"))''',
              'a name finds its host')
    page.press('#filter-host', '\ue003' * 6 + '2001:db8:9::5')
    page.wait('''const rows = [...document.querySelectorAll("#event-table tbody tr")];
        return rows.length === 1 && rows[0].textContent.includes("[2001:db8:9::5]")''',
              'an address finds its host')
    page.press('#filter-host', 'zz')
    page.wait('return !document.querySelector("#events-empty").hidden', 'where none matches it says so')
    page.click('#filter-clear')
    page.run('''const select = document.querySelector("#filter-severity");
        select.value = "alert"; select.dispatchEvent(new Event("change"))''')
    page.wait('''const chips = [...document.querySelectorAll("#event-table .severity")];
        return chips.length > 0 && chips.every(chip => chip.textContent === "alert")''',
              'a severity filters')
    page.click('#filter-clear')


def check_dialogs(page, mock):
    """A click on an anomaly tells what it is, one on an address the command that names it."""
    mock.push(anomaly='land_attack', severity='alert', src_ip='203.0.113.99', dest_ip='192.0.2.25')
    page.wait(SHOWS, 'the event is there', '#event-table tbody', '203.0.113.99')
    page.click('#event-table tbody tr:last-child .c-anomaly button')
    row = next(row for row in mock.catalog['anomalies'] if row['key'] == 'land_attack')
    for part in ('when', 'meaning', 'todo', 'traps', 'reference'):
        page.wait(SHOWS, f'the definition has {part}', '#dialog[open]', row[part])
    page.screenshot('definition', is_whole=False)
    page.press('#dialog', '\ue00c')  # Escape
    page.wait('return !document.querySelector("#dialog").open', 'Escape closes it')
    page.click('#event-table tbody tr:last-child .c-source button')
    page.wait(SHOWS, 'the command names the address', '#alias-command',
              'jabiructl alias add 203.0.113.99 NAME')
    page.press('#alias-name', 'lab-printer')
    page.wait(SHOWS, 'and takes a name', '#alias-command',
              'jabiructl alias add 203.0.113.99 lab-printer')
    page.run('document.querySelector("#alias-name").select()')
    page.press('#alias-name', 'x; reboot')
    page.wait(SHOWS, 'but no text that a shell would run', '#alias-command',
              'jabiructl alias add 203.0.113.99 NAME')
    page.click('#alias-copy')
    page.wait('return document.querySelector("#dialog [role=status]").textContent !== ""',
              'the button copies or selects it')
    page.click('#dialog-close')
    page.click('#event-table tbody tr:last-child .c-time button')
    page.wait(SHOWS, 'a click on a time shows the whole event', '#dialog[open]', '203.0.113.99')
    page.click('#dialog-close')
    for place, text in (('#resets tr:nth-child(2) button', 'Evidence'),
                        ('#outcomes button', 'A connection')):
        page.click(place)
        page.wait(SHOWS, f'{place} opens what it is', '#dialog[open]', text)
        page.click('#dialog-close')
    page.click('#hosts tbody .c-address button')
    page.wait(SHOWS, 'a host opens the command', '#dialog[open]', 'jabiructl alias add')
    page.click('#dialog-close')


def check_health(page, mock):
    """The banner says how the sensor is, and whether the page still hears of it."""
    steps = [('life', 'stale', 'no sign of life'), ('life', 'over', 'has ended'),
             ('life', 'none', 'annot open')]
    for field, value, text in steps:
        setattr(mock, field, value)
        page.wait(SHOWS, f'{value}: the banner says so', '#health', text)
        page.check(page.run('return document.body.classList.contains("old")'),
                   f'{value}: the figures look old')
        if value == 'stale':
            page.screenshot('stale', is_whole=False)
    mock.life = 'alive'
    page.wait(SHOWS, 'alive again', '#health', 'lose no packets')
    mock.model.missed_per_s = 1200
    page.wait(SHOWS, 'loss: the banner says so', '#health', 'loses 1200 packets/s')
    page.wait('return document.querySelector("#reading-missed").classList.contains("bad")',
              'loss: its reading stands out')
    mock.model.missed_per_s = 0
    page.wait(SHOWS, 'no loss again', '#health', 'lose no packets')
    page.run('if (document.querySelector("#follow").ariaPressed === "false") '
             'document.querySelector("#follow").click()')
    mock.close()
    page.wait(SHOWS, 'server away: the banner says so', '#health', 'reconnecting')
    mock.push(summary='while the page was away')
    mock.open()
    page.wait(SHOWS, 'server back: the banner says so', '#health', 'lose no packets')
    page.wait(LAST_SUMMARY, 'and what was missed is fetched', 'while the page was away')
    mock.restart()
    mock.push(summary='of another run', time=1.0e9)  # packet time, as in a replay
    page.wait(LAST_SUMMARY, "another run's events are shown, though they count from 1",
              'of another run')
    page.check(page.run('''return [...document.querySelectorAll("#event-table .c-summary")].filter(
        cell => cell.textContent === "of another run").length''') == 1, 'and once')


def main():
    browser.programs()
    mock = mock_server.Mock(sys.argv[1], events_per_s=5)
    try:
        with browser.browser(mock.url) as page:
            page.open()
            check_figures(page, mock)
            check_text(page)
            check_events(page, mock)
            check_filter(page, mock)
            check_dialogs(page, mock)
            page.check_console()
            check_health(page, mock)
            page.check_console(allowed=('ERR_CONNECTION_REFUSED', 'ERR_INCOMPLETE_CHUNKED', '503',
                                        'ERR_CONNECTION_RESET', 'ERR_EMPTY_RESPONSE'))
    finally:
        mock.stop()
    page.finish()


main()
