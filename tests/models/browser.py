"""A browser without a window, spoken to over a pipe in the DevTools protocol; needs nothing but chromium.

https://chromedevtools.github.io/devtools-protocol: messages are JSON that ends with a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_SECONDS = 3600.0
"""Until a browser that hangs ends the test; a slow machine must not."""
# The browser reads from descriptor 3 and writes to 4, whatever numbers the pipes had.
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for number, end in zip((3, 4), ends):
    os.dup2(end, number)
    os.set_inheritable(number, True)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_browser() -> str | None:
    """The program, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One browser with one page; what the page's console said and what it asked for is kept."""

    def __init__(self, program: str, profile: Path) -> None:
        command_in, self._send = os.pipe()
        self._receive, answer_out = os.pipe()
        pipes = (command_in, answer_out)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, pipes), program, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=pipes,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_in)
        os.close(answer_out)
        self._number, self._rest = 0, b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._send)
        os.close(self._receive)

    def call(self, method: str, **values: object) -> dict[str, Any]:
        """The answer to one command; events that come before it are kept."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        until = monotonic() + _SECONDS
        while True:
            found = self._read(until)
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]
            self.events.append(found)

    def _read(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._receive], [], [], max(0.0, until - monotonic()))
            assert ready, "the browser does not answer"
            chunk = os.read(self._receive, 1 << 20)
            assert chunk, "the browser is gone"
            self._rest += chunk
        one, self._rest = self._rest.split(b"\0", 1)
        return json.loads(one)

    def show(self, page: Path, *, wide: int = 1280, high: int = 900, dark: bool = False) -> None:
        """Open a page and wait until its script says that all is drawn."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=1, mobile=False
        )
        self.call("Page.navigate", url=page.absolute().as_uri())
        until = monotonic() + _SECONDS
        while not self.evaluate("document.documentElement?.dataset.drawn === 'yes'"):
            assert monotonic() < until, f"the page was not drawn: {self.complaints()}"
            sleep(0.02)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; promises are awaited."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def mouse(self, kind: str, at: Mapping[str, float], **more: object) -> None:
        """Move or press the mouse at a place in the window."""
        self.call("Input.dispatchMouseEvent", type=kind, x=at["x"], y=at["y"], **more)

    def key(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key]
            )

    def shot(self, file: Path, *, whole: bool = False) -> None:
        """Write what the window shows, or the whole page, as a PNG."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))

    def complaints(self) -> list[str]:
        """What the console said that is worse than information, and uncaught exceptions."""
        found: list[str] = []
        for event in self.events:
            values = event.get("params", {})
            method = event.get("method")
            if method == "Runtime.exceptionThrown":
                found.append(json.dumps(values["exceptionDetails"])[:600])
            elif method == "Runtime.consoleAPICalled" and values["type"] in {"error", "warning", "assert"}:
                found.append(json.dumps(values["args"])[:600])
            elif method == "Log.entryAdded" and values["entry"]["level"] in {"error", "warning"}:
                found.append(json.dumps(values["entry"])[:600])
        return found

    def requests(self) -> list[str]:
        """The addresses of all that was asked for, data in the page itself left out."""
        sent = (
            e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"
        )
        return [url for url in sent if not url.startswith(("data:", "blob:"))]


_KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "Tab": 9, "Enter": 13}
