"""The site that mkdocs makes of the pages: all of them are in it, its links lead somewhere, and
nobody is asked for anything when it is read."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from tests.rooms import ROOT

CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
WORKFLOW = ROOT / ".github" / "workflows" / "site.yml"
ELSEWHERE = ("http:", "https:", "mailto:", "data:", "//")
ONE, MADE = "docs/findings.html", "docs/versions.html"


class Parts(HTMLParser):
    """The ids of a page, what it links to, and what a browser fetches to show it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name == "href" and tag == "a" and value:
                self.links.add(value)
            elif name in ("src", "href") and tag != "a" and value:
                self.fetched.add(value)


def named(nav: Any) -> Iterator[str]:
    """The files of the navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from named(part)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Parts]:
    """The pages of the site, as `make site` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {path: Parts(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}


def test_every_page_is_in_the_navigation_once() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("[!.]*/README.md")]
    wanted = {page.relative_to(ROOT).as_posix() for page in pages} | {MADE}
    found = list(named(CONFIG["nav"]))
    assert sorted(found) == sorted(wanted)


@pytest.mark.long
def test_every_link_leads_to_a_file_and_to_an_anchor_of_it(site: dict[Path, Parts]) -> None:
    assert len(site) == len(list(named(CONFIG["nav"]))) + 1  # 404.html
    tried = 0
    for page, parts in site.items():
        if page.name == "404.html":  # whose links are of wherever it is shown
            continue
        for link in parts.links | parts.fetched:
            if link.startswith(ELSEWHERE) or link.startswith("#?"):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / unquote(path)).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{page.name}: {link}"
            if anchor and target.suffix == ".html":
                assert unquote(anchor) in site[target].ids, f"{page.name}: {link}"
                tried += 1
    assert tried


@pytest.mark.long
def test_nothing_is_fetched_from_elsewhere(site: dict[Path, Parts]) -> None:
    for page, parts in site.items():
        assert not [one for one in parts.fetched if one.startswith(("http", "//"))], page
    root = next(path for path in site if path.name == "404.html").parent
    for style in root.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", style.read_text(encoding="utf-8")), style


@pytest.mark.long
def test_a_dialog_has_a_name(site: dict[Path, Parts]) -> None:
    for path in site:
        if path.name != "404.html":  # which is no page of ours
            dialogs = re.findall(r'<[^>]* role="dialog"[^>]*>', path.read_text(encoding="utf-8"))
            assert all("aria-label=" in dialog for dialog in dialogs), path


@pytest.mark.long
def test_a_picture_that_scrolls_to_the_side_is_reached_by_the_keyboard(
    site: dict[Path, Parts],
) -> None:
    (start,) = (
        path for path in site if path.name == "index.html" and path.parent.name[:4] == "site"
    )
    text = start.read_text(encoding="utf-8")
    assert re.search(r'<p tabindex="0"><img [^>]*jobs-engine-states\.svg', text)


@pytest.mark.long
def test_lists_are_nested_as_the_host_of_the_repository_nests_them(site: dict[Path, Parts]) -> None:
    (page,) = (path for path in site if path.as_posix().endswith(ONE))
    text = page.read_text(encoding="utf-8")
    assert re.search(r"<li><em>Steps</em>:\s*<ol>\s*<li>", text)


def test_the_workflow_builds_it_and_keeps_what_is_built() -> None:
    (job,) = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run site"]
    assert [step["with"]["path"] for step in job["steps"] if "with" in step] == [CONFIG["site_dir"]]
    assert job["container"] == "debian:12"
    assert "\nsite: " in (ROOT / "Makefile").read_text(encoding="utf-8")
