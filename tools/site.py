"""What mkdocs.yml leaves to code: the site has the pages where they stand in the repository.

So their links lead the same way here and on the host of the repository. Beside the pages the site
has every file that one of them links to, and the matrix as a page, which is made anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from markdown import Extension, Markdown
from markdown.blockparser import BlockParser
from markdown.blockprocessors import build_block_parser
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PAGES = ("*.md", "docs/*.md", "spec/README.md", "benchmarks/README.md")
OURS = ("docs/site.css", "docs/site.js")  # what mkdocs.yml adds to each page
MATRIX = "docs/versions.html"
PICTURE = re.compile(r"<p>(?=<img [^>]*\.svg)")
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


class AsOnTheHost(Extension):
    """Lists are nested by two spaces, as the host of a repository reads them; Markdown has four."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.tab_length = 2
        md.parser: BlockParser = build_block_parser(md)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.markdown_extensions.insert(0, AsOnTheHost())  # before others add to the parser
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Those of the theme, and ours by their paths in the repository."""
    from conformance.evidence import dashboard
    from conformance.evidence.kept import measured

    found = [file for file in files if file.src_dir != config.docs_dir]
    for path in sorted({*pages(), *linked(), *(ROOT / name for name in OURS)}):
        name = path.relative_to(ROOT).as_posix()
        found.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    matrix = dashboard.page(measured(), findings="findings.html")
    found.append(File.generated(config, MATRIX, content=matrix))
    return Files(found)


def pages() -> Iterator[Path]:
    """The pages of the repository."""
    for pattern in PAGES:
        yield from ROOT.glob(pattern)


def linked() -> Iterator[Path]:
    """The files of the repository that a page links to, and that are none."""
    for page in pages():
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            path = (page.parent / link).resolve()
            if path.is_file() and path.suffix != ".md" and path.is_relative_to(ROOT):
                yield path


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """What the theme leaves out for who hears a page, or reads it by the keyboard.

    The dialog of the search has a name, and the arrow keys scroll a picture to the side.
    """
    output = output.replace('role="dialog"', 'role="dialog" aria-label="Search"', 1)
    return PICTURE.sub('<p tabindex="0">', output)
