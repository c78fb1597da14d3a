"""`orthanc-jobs clean`: what earlier runs have left on a server."""

from __future__ import annotations

from typing import Annotated

import typer

from conformance.cli.options import AccessOptions, spread

LONGEST = 600.0  # seconds


@spread
def command(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server.")],
    access: AccessOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only name what would be removed.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, max=LONGEST, help="How long it takes at most.")
    ] = 30.0,
) -> int:
    """Remove what runs that were killed have left on a server, and nothing else.

    No run may be under way on it: what that has made is removed as well. Exit status 0: nothing of
    the kit is on the server. 2: something is, also where it was only named.
    """
    from conformance.errors import Interrupted
    from conformance.interrupts import interruptible
    from conformance.reports.terminal import Terminal
    from conformance.session.cleanup import Cleaning, of_any_run
    from conformance.sut.address import Address
    from conformance.sut.client import Client
    from conformance.sut.identity import identify
    from conformance.sut.profile import NOTHING
    from conformance.sut.target import Choice, profile_of
    from conformance.text import shown

    address = Address.parse(url, only=True, **access.settings())
    client, console = Client(address, access.timeout), Terminal()
    cleaning: Cleaning | None = None
    ended = ""
    try:
        with interruptible():
            profile = profile_of(Choice(address.url, address), identify(client), NOTHING)
            cleaning = of_any_run(client, profile.deletes, seconds, dry_run)
            cleaning.run()
    except Interrupted:
        ended = "interrupted, and more may be left; "
    finally:
        client.close()
    found, left = ([], []) if cleaning is None else (cleaning.found, cleaning.left)
    for kind, id in found:
        console.say(
            shown(f"{'would remove' if dry_run else 'removed'} {kind} {id}", address.secrets)
        )
    for one in left:
        told = f"left {one.kind} {one.id}: {one.why}"
        console.say(shown(told, address.secrets))
    counts = f"{len(found)} {'to be removed' if dry_run else 'removed'}, {len(left)} left"
    console.say(f"{address.url}: {ended}{counts}")
    return 2 if ended or left or (dry_run and found) else 0
