"""Runs a case full of hostile text and a target with known failures, and looks at what the reports show. Start it with scripts/report-page."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64decode
from pathlib import Path

from lxml import etree

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = "</pre><img src=x onerror=alert(1)><script>alert(2)</script>"
CASE = f"""countersign: 1
id: test.report-page.hostile
title: {json.dumps(HOSTILE)}
world:
  accounts:
    "111122223333":
      users:
        alice: {{policies: {{kms: {{Version: "2012-10-17", Statement: [{{Sid: Hostile, Effect: Allow, Action: "kms:*", Resource: "*",
          Condition: {{StringNotEquals: {{"aws:PrincipalTag/x": {json.dumps(HOSTILE)}}}}}}}]}}}}}}
      keys:
        k: {{}}
steps:
  - name: {json.dumps(HOSTILE)}
    kind: observed
    as: {{user: alice}}
    call: kms:DescribeKey
    with: {{KeyId: "{{{{key.k.arn}}}}"}}
    expect: {{decision: deny}}
"""
problems = []


def check(what, holds, seen=""):
    print(f"  {'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        problems.append(f"{what}: {seen}")


def countersign(work, *arguments):
    run = subprocess.run(
        [os.environ["COUNTERSIGN"], *arguments], cwd=work, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    if run.returncode not in (0, 1, 5):
        sys.exit(f"countersign {' '.join(arguments)}: {run.returncode}\n{run.stdout}{run.stderr}")
    return run.returncode


class Driver:
    """As much of the WebDriver protocol as is needed, spoken to chromedriver."""

    def __init__(self, chromium, driver):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = ""
        options = {
            "binary": chromium,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        }
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        for attempt in range(100):
            try:
                made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
                break
            except (urllib.error.URLError, ConnectionError):
                if attempt == 99:
                    raise
                time.sleep(0.1)
        self.session = f"/session/{made['sessionId']}"

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def post(self, path, body):
        return self.call("POST", self.session + path, body)

    def script(self, text):
        return self.post("/execute/sync", {"script": text, "args": []})

    def key(self, key):
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def screen(self, width, height):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.post("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": size})

    def close(self):
        try:
            self.call("DELETE", self.session)
        finally:
            self.process.terminate()
            self.process.wait(timeout=10)


TAB, ENTER = "\ue004", "\ue007"
FOCUSABLE = "[...document.querySelectorAll('a[href], summary, [tabindex=\"0\"]')]"


def look_at(page, folder):
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        print("skipped: the page, for there is no chromium with chromedriver on this machine")
        return
    browser = Driver(chromium, driver)
    try:
        browser.screen(1280, 900)
        browser.post("/url", {"url": page.as_uri()})
        alerts = browser.script("return window.alert.toString()")
        check("the page is a page", "native code" in alerts and browser.script("return document.title").startswith("Countersign"))
        hostile = browser.script("return document.querySelectorAll('script, img, iframe, object, link').length")
        check("hostile text makes no element", hostile == 0, hostile)
        # A closed finding has no innerText: textContent is what the page holds.
        held = browser.script("return document.body.textContent")
        check("and is shown as it stands", HOSTILE in held, held[:300])
        # By keyboard alone: every control that is to be seen is come to, first the way past the head.
        browser.script("document.querySelectorAll('details').forEach(one => one.open = true)")
        wanted = browser.script(f"{FOCUSABLE}.forEach((one, number) => one.dataset.stop = number); return {FOCUSABLE}.length")
        come_to = []
        for _ in range(wanted + 5):
            browser.key(TAB)
            stop = browser.script("return document.activeElement.dataset.stop ?? null")
            if stop is None or stop in come_to:
                break
            come_to.append(stop)
        check(f"{wanted} controls by keyboard", len(come_to) == wanted and come_to[0] == "0", come_to)
        visible = browser.script(
            f"return {FOCUSABLE}.every(one => (one.focus(), getComputedStyle(one).outlineStyle !== 'none' || one.matches(':focus-visible') === false))"
        )
        check("the focus is to be seen", visible)
        browser.script("const one = document.querySelector('summary'); one.parentElement.open = false; one.focus()")
        browser.key(ENTER)
        check("a key opens what is closed", browser.script("return document.querySelector('summary').parentElement.open"))
        tables = browser.script("return [...document.querySelectorAll('table')].every(one => one.querySelector('th[scope]'))")
        check("every table has heads", tables)
        for width, height in ((1280, 900), (390, 844)):
            browser.screen(width, height)
            wide = browser.script("return document.documentElement.scrollWidth")
            check(f"nothing is wider than {width} pixels", wide <= width, wide)
            shot = folder / f"report-{width}.png"
            shot.write_bytes(b64decode(browser.call("GET", f"{browser.session}/screenshot")))
            print(f"       {shot}")
        errors = [one for one in browser.post("/se/log", {"type": "browser"}) if one["level"] in ("SEVERE", "WARNING")]
        check("the console says nothing", not errors, errors)
    finally:
        browser.close()


def validate(schema, path):
    document = etree.parse(path)
    check(f"{path.parent.name}/{path.name} is of the form", schema.validate(document), schema.error_log)
    for suite in document.getroot():
        for name, path_ in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error"), ("skipped", "testcase/skipped")):
            check(f"  {suite.get('name')}: {name}", int(suite.get(name)) == len(suite.findall(path_)), suite.attrib)


def main():
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    schema = etree.XMLSchema(etree.parse(ROOT / "scripts" / "junit.xsd"))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "case.yaml").write_text(CASE)
        print("a finding full of markup")
        check("it is found", countersign(work, "replay", "case.yaml", "--target", "in-process", "--report", "hostile") == 1)
        validate(schema, work / "hostile" / "junit.xml")
        look_at(work / "hostile" / "report.html", folder)
        print("a target with known, new and stale failures")
        target = f"adapter: {sys.executable} '{ROOT / 'adapters' / 'always_allow.py'}'"
        (work / "known.toml").write_text(
            'target = "always-allow"\n[[expect]]\nfingerprint = "kms *"\ngot = "allow"\nreason = "known <b>"\n'
            '[[expect]]\nfingerprint = "moon *"\ngot = "allow"\nreason = "stale"\n[run]\nseed = 1\ncases = 20\n'
        )
        arguments = ["--cases", "20", "--seed", "1", "--findings", "1", "--expectations", "known.toml", "--report", "known"]
        check("it is told", countersign(work, "check", "--target", target, *arguments) == 1)
        validate(schema, work / "known" / "junit.xml")
        kinds = {one.get("type") for one in etree.parse(work / "known" / "junit.xml").iter("failure", "skipped")}
        check("with every kind of verdict", {"divergence", "expected failure", "stale expectation", None} <= kinds, kinds)
    if problems:
        sys.exit("\n".join(["scripts/report-page:", *problems]))
    print("report-page: all holds")


main()
