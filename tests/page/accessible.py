#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""axe-core finds no serious fault of accessibility: light, dark, on a phone, with a dialog open.

usage: accessible.py JABIRU AXE.js

AXE.js is fetched by .ci/fetch-axe, which needs npm; without it this is skipped.
"""
import pathlib
import sys
import time

import browser
import mock_server

# An exporter's policy lets no script in but its own; the driver's own scripts may run in any page.
RUN = '''const done = arguments[arguments.length - 1];
    axe.run(document, {resultTypes: ["violations"]}).then(
        result => done({violations: result.violations, nb: result.passes.length}),
        error => done({error: String(error)}))'''


def check_faults(page, axe, where):
    page.run(axe)
    result = page.driver.execute_async_script(RUN)
    if not page.check('error' not in result, f'{where}: axe ran'):
        print(result)
        return
    page.check(result['nb'] > 10, f'{where}: {result["nb"]} rules hold')
    for fault in result['violations']:
        print(f'{where}: {fault["impact"]}: {fault["id"]}: {fault["help"]}')
        for node in fault['nodes'][:5]:
            print(f'    {node["target"]} {node["html"][:120]}\n    {node.get("failureSummary", "")}')
    serious = [fault['id'] for fault in result['violations']
               if fault['impact'] in ('serious', 'critical')]
    page.check(not serious, f'{where}: no serious fault {serious}')


def main():
    browser.programs()
    file = pathlib.Path(sys.argv[2])
    if not file.is_file():
        browser.skip(f'{file} is not there; .ci/fetch-axe fetches it where npm reaches its registry')
    axe = file.read_text(encoding='utf-8')
    mock = mock_server.Mock(sys.argv[1], events_per_s=4)
    try:
        with browser.browser(mock.url) as page:
            page.open()
            time.sleep(3)
            page.prefer(color_scheme='light', reduced_motion='reduce')
            check_faults(page, axe, 'light')
            page.prefer(color_scheme='dark', reduced_motion='reduce')
            check_faults(page, axe, 'dark')
            page.click('#anomalies tbody button')
            check_faults(page, axe, 'a definition, dark')
            page.click('#dialog-close')
            page.click('#hosts tbody .c-address button')
            check_faults(page, axe, 'an address, dark')
            page.click('#dialog-close')
            page.prefer(color_scheme='light', reduced_motion='reduce')
            mock.life = 'stale'
            page.wait('return document.querySelector("#health.fail") !== null', 'the sensor is stale')
            check_faults(page, axe, 'a fault, light')
            mock.life = 'alive'
            page.resize(360, 740, is_mobile=True)
            page.open()
            time.sleep(2)
            check_faults(page, axe, 'on a phone')
    finally:
        mock.stop()
    page.finish()


main()
