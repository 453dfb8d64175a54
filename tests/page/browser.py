# SPDX-License-Identifier: BSD-3-Clause
"""A headless Chromium with the live page in it, for the tests of this folder, and what they say of it.

It runs in a folder of its own, which is removed, and asks nothing of the network but the page's server.
"""
import contextlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

SKIPPED = 77
WAIT_S = 20  # for anything to appear; a machine may be slow, and nothing here measures speed
TIMEOUT_S = 60


def skip(reason):
    print(f'SKIP: {reason}')
    sys.exit(SKIPPED)


def programs():
    """Paths of chromium and chromedriver; without either or selenium the test is skipped."""
    found = [shutil.which(name) for name in ('chromium', 'chromedriver')]
    for name, path in zip(('chromium', 'chromium-driver'), found):
        if path is None:
            skip(f'{name} is not installed')
    try:
        import selenium  # noqa: F401 pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        skip('python3-selenium is not installed')
    return found


class Browser:
    """One page. Problems gather in `problems`; finish() prints them and leaves."""

    def __init__(self, driver, url, artefacts):
        self.driver = driver
        self.url = url
        self.artefacts = artefacts
        self.problems = []
        self.nb_checks = 0

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def check(self, holds, what):
        """Note @p what as a fault unless it @p holds."""
        self.nb_checks += 1
        print(('ok: ' if holds else 'WRONG: ') + what, flush=True)
        if not holds:
            self.problems.append(what)
        return holds

    def wait(self, script, what, *arguments, seconds=WAIT_S):
        """Wait until @p script returns something true; else that is a fault. @return what it returned"""
        end = time.monotonic() + seconds
        while not (result := self.run(script, *arguments)) and time.monotonic() < end:
            time.sleep(0.1)
        self.check(bool(result), what)
        return result

    def text(self, selector):
        return self.run('return document.querySelector(arguments[0])?.textContent ?? ""', selector)

    def click(self, selector):
        """Click as a person does: with the pointer, on what is in sight."""
        from selenium.webdriver.common.by import By  # pylint: disable=import-outside-toplevel
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.run('arguments[0].scrollIntoView({block: "center"})', element)
        element.click()

    def press(self, selector, *keys):
        from selenium.webdriver.common.by import By  # pylint: disable=import-outside-toplevel
        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(*keys)

    def resize(self, width, height, is_mobile=False):
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': is_mobile})

    def prefer(self, **features):
        """Set media features: color_scheme='dark'."""
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [
            {'name': f'prefers-{name.replace("_", "-")}', 'value': value}
            for name, value in features.items()]})

    def open(self, path=''):
        """Load the page, and wait for its first figures and events."""
        self.driver.get(self.url + path)
        self.wait('return document.querySelector("#reading-packets .value")?.textContent.match(/\\d/)',
                  'figures appear')

    def screenshot(self, name, is_whole=True):
        """Keep a picture as a test artefact, of the whole page or of what is in sight."""
        if is_whole:
            width = self.run('return innerWidth')
            self.resize(width, self.run('return document.documentElement.scrollHeight'), width < 600)
            time.sleep(1.5)  # charts follow the new size
        path = self.artefacts / f'{name}.png'
        self.driver.save_screenshot(str(path))
        self.check(path.stat().st_size > 10000, f'{path} is a picture')

    def check_console(self, allowed=()):
        """No error and no violation of the content security policy may stand in the console."""
        rows = [row['message'] for row in self.driver.get_log('browser')
                if row['level'] in ('SEVERE', 'WARNING')
                and not any(text in row['message'] for text in allowed)]
        self.check(not rows, 'the console has neither errors nor violations of the policy'
                   + ''.join(f'\n  {row}' for row in rows[:5]))

    def finish(self):
        print(f'{self.nb_checks} checks, {len(self.problems)} wrong')
        sys.exit(1 if self.problems or self.nb_checks == 0 else 0)


@contextlib.contextmanager
def browser(url):
    """A Browser for @p url, ended and cleaned up whatever happens."""
    chromium, chromedriver = programs()
    from selenium import webdriver  # pylint: disable=import-outside-toplevel
    from selenium.webdriver.chrome.options import Options  # pylint: disable=import-outside-toplevel
    from selenium.webdriver.chrome.service import Service  # pylint: disable=import-outside-toplevel
    artefacts = pathlib.Path(os.environ.get('JABIRU_ARTEFACTS') or tempfile.gettempdir())
    artefacts.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='jabiru-page-') as folder:
        options = Options()
        options.binary_location = chromium
        for argument in ('--headless=new', '--no-sandbox', '--disable-gpu', '--window-size=1440,900',
                         '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
                         '--disable-background-networking', '--disable-component-update',
                         '--no-proxy-server', f'--user-data-dir={folder}/data'):
            options.add_argument(argument)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        os.environ['HOME'] = folder  # where it would leave crash reports and fonts
        driver = webdriver.Chrome(service=Service(chromedriver), options=options)
        try:
            driver.set_page_load_timeout(TIMEOUT_S)
            driver.set_script_timeout(TIMEOUT_S)
            page = Browser(driver, url, artefacts)
            page.resize(1440, 900)
            yield page
        finally:
            driver.quit()
