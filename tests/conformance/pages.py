"""A page of the kit's, read strictly, and what a browser makes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

VOID = {
    "meta",
    "br",
    "path",
    "ellipse",
    "polygon",
    "polyline",
    "line",
    "hr",
    "rect",
    "input",
    "wbr",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# What a script has at hand that tries a page: ``say(text)``, and ``done()`` at its end.
TOLD = """
<script>
const told = [], say = text => told.push(text);
const done = () => { document.body.innerHTML = "<pre id=told></pre>";
  document.getElementById("told").textContent = told.join("\\n"); };
addEventListener("error", event => say("error: " + event.message));
document.addEventListener("securitypolicyviolation", event => say("blocked: " + event.blockedURI));
</script>
"""


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed, and nothing is fetched or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []  # what would be fetched
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [str(value) for name, value in attrs if name == "id"]
        self.links += [unquote(str(value)) for name, value in attrs if name == "href"]
        self.sources += [str(value) for name, value in attrs if name in ("data", "action")]
        assert not {name for name, _ in attrs} & {"src", "onclick", "onload"}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def browser() -> str:
    """The browser of this machine. Skips the test where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("NO BROWSER: the page was not tried in one (Debian: apt-get install chromium)")
    return found


def tried(page: Path, script: str, width: int, fragment: str = "") -> list[str]:
    """What a script says that is put into a page, in a browser of this width."""
    text = page.read_text(encoding="utf-8")
    with_script = page.with_name(f"tried-{width}.html")
    with_script.write_text(
        text.replace("</head>", f"{TOLD}</head>").replace(
            "</body>", f"<script>{script}</script></body>"
        )
    )
    words = [
        browser(), "--headless=new", "--no-sandbox", "--disable-gpu",
        f"--user-data-dir={page.parent}/profile", f"--window-size={width},900",
        "--virtual-time-budget=5000", "--dump-dom", with_script.as_uri() + fragment,
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    told = re.search(r"<pre id=\"told\">(.*?)</pre>", done.stdout, re.DOTALL)
    assert told is not None, done.stderr[-2000:]
    return unescape(told[1]).splitlines()
