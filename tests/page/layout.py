#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The page light, dark and on a phone: it fits, can be used by keyboard, and pictures are kept.

usage: layout.py JABIRU
"""
import sys
import time

import browser
import mock_server

PHONE = 360
# everything that sticks out of the page to the right, but for what scrolls in a box of its own
TOO_WIDE = '''return [...document.querySelectorAll("body *")].filter(element => {
        const box = element.getBoundingClientRect();
        const scrolls = element.parentElement.closest(".scroll, .event-scroller, .u-wrap");
        return !scrolls && box.width > 1 && box.right > innerWidth + 1;
    }).map(element => `${element.tagName} ${element.id} ${element.className}`)'''


def check_width(page, width):
    page.check(page.run('return document.documentElement.scrollWidth') <= width,
               f'nothing is wider than {width} px')
    # charts follow a moment later
    page.wait(f'const wide = (() => {{{TOO_WIDE}}})(); window.wide = wide; return wide.length === 0',
              f'nothing sticks out at {width} px')
    for element in page.run('return window.wide')[:5]:
        print(f'  {element}')


def check_keyboard(page):
    """Tab reaches every control, and each of them shows that it has the focus."""
    from selenium.webdriver.common.action_chains import ActionChains
    page.run('document.activeElement.blur(); scrollTo(0, 0)')
    reached = []
    for _ in range(150):
        ActionChains(page.driver).send_keys('\ue004').perform()
        found = page.run('''const element = document.activeElement;
            const style = getComputedStyle(element.matches(".roles input")
                ? element.nextElementSibling : element);
            return [element.id || element.name || element.textContent.slice(0, 20),
                style.outlineStyle !== "none" || element.classList.contains("skip")]''')
        if found[0] == '' or 'licence' in found[0]:
            break
        reached.append(found)
    names = [name for name, _ in reached]
    for name in ('Skip to the events', 'filter-anomaly', 'filter-host', 'follow', 'event-scroller',
                 'role'):
        page.check(name in names, f'Tab reaches {name}')
    unseen = [name for name, is_seen in reached if not is_seen]
    page.check(not unseen, f'what has the focus is seen to have it {unseen[:5]}')


def check_motion(page):
    running = 'return document.getAnimations().filter(one => one.playState === "running").length'
    page.prefer(reduced_motion='no-preference')
    page.wait(f'{running} > 0', 'the dot breathes')
    page.prefer(reduced_motion='reduce')
    page.wait(f'{running} === 0', 'unless less motion is asked for')


def main():
    browser.programs()
    mock = mock_server.Mock(sys.argv[1], events_per_s=4)
    try:
        with browser.browser(mock.url) as page:
            page.open()
            time.sleep(3)
            for width in (1440, 1024, 768):
                page.resize(width, 900)
                check_width(page, page.run('return document.documentElement.clientWidth'))
            page.resize(1440, 900)
            check_motion(page)
            page.prefer(color_scheme='light')
            light = page.run('return getComputedStyle(document.body.parentElement).backgroundColor')
            page.screenshot('light')
            page.resize(1440, 900)
            page.prefer(color_scheme='dark')
            dark = page.run('return getComputedStyle(document.body.parentElement).backgroundColor')
            page.check(light != dark, f'dark is not light: {dark}, {light}')
            page.screenshot('dark')
            page.resize(1440, 900)
            page.prefer(color_scheme='light')
            check_keyboard(page)
            page.resize(PHONE, 740, is_mobile=True)
            page.open()
            page.wait('return document.querySelectorAll("#event-table tbody tr").length > 4',
                      'events are shown on a phone')
            check_width(page, PHONE)
            page.click('#event-table tbody tr:last-child .c-anomaly button')
            page.wait('return document.querySelector("#dialog").open', 'a definition opens on a phone')
            check_width(page, PHONE)
            page.screenshot('phone_definition', is_whole=False)
            page.click('#dialog-close')
            page.screenshot('phone')
            page.check_console()
    finally:
        mock.stop()
    page.finish()


main()
