"""`orthanc-jobs compare`: what changed between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.ending import conclude
from conformance.cli.options import JsonFile
from conformance.cli.typed import typed
from conformance.errors import CannotWrite


def command(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="The report of the old run.")],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="The report of the new run.")],
    json_file: JsonFile = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", metavar="F", help="The same, for a CI page.")
    ] = None,
    junit_file: Annotated[
        Path | None,
        typer.Option("--junit", metavar="F", help="JUnit XML that fails in what got worse only."),
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option("--html", metavar="F", help="The page of the new run, with what changed."),
    ] = None,
) -> int:
    """Tell what changed between two runs. Exit status 1: there is a new deviation."""
    from conformance.campaign.merging import merge
    from conformance.files import write_text
    from conformance.reports import Reports, compared, comparing, writable
    from conformance.reports.html import HtmlReport

    found = comparing.compare(comparing.load(before), comparing.load(after))
    writers = (
        (json_file, compared.to_json),
        (markdown_file, compared.markdown),
        (junit_file, compared.junit),
    )
    files = [*(path for path, _ in writers), html_file]
    writable([path for path in files if path is not None])
    failed = None
    for path, text in writers:
        try:
            if path is not None:
                write_text(path, text(found), "the report")
        except CannotWrite as error:
            failed = str(error)
    for line in compared.lines(found):
        print(line)
    if html_file is not None:
        page = Reports([HtmlReport(html_file, found)])
        merge([after], page, typed())
        failed = failed or page.failed
    return conclude(1 if found.worse else 0, failed)
