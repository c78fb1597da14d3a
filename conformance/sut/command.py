"""The command of a server: how its words are made, and by which names it sees its files.

Under ``chroot DIR Orthanc {config}`` paths have other names than ours.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import BadArgument

CONFIG, WORKDIR = "{config}", "{workdir}"


@dataclass(frozen=True, slots=True)
class Command:
    """What starts a server. In ``words``, `CONFIG` and `WORKDIR` are to be filled in.

    ``module``: a module of Python, whose ``main`` is called with the words instead. ``inside``: it
    runs in the folder of the server's files, and otherwise where the kit was started.
    """

    words: tuple[str, ...]
    module: str | None = None
    inside: bool = False

    @classmethod
    def parse(cls, template: str) -> Command:
        """The command that a template says. Raises `BadArgument` where it cannot be used."""
        try:
            found = shlex.split(template)
        except ValueError as error:
            raise BadArgument(f"--server-command cannot be split into words: {error}") from None
        if not any(CONFIG in word for word in found):
            raise BadArgument(f"--server-command must say where the configuration goes: {CONFIG}")
        return cls(tuple(found))

    def filled(self, folder: Path, config: str) -> list[str]:
        """Its words for the server whose files are in ``folder``, as is ``config``."""
        seen = self.seen(folder)
        return [
            word.replace(CONFIG, f"{seen}/{config}").replace(WORKDIR, seen) for word in self.words
        ]

    def takes_arguments(self) -> bool:
        """Whether more words can be added: not to the text that a shell is to run."""
        return CONFIG in self.words

    def root(self) -> Path | None:
        """The folder that ``chroot DIR ...`` makes the root, or None for another command.

        Something may stand before it, as ``sudo`` or ``env``.
        """
        words = self.words
        at = next((n for n, word in enumerate(words) if Path(word).name == "chroot"), None)
        if at is None:
            return None
        return next((Path(w).resolve() for w in words[at + 1 :] if not w.startswith("-")), None)

    def seen(self, folder: Path) -> str:
        """The name of ``folder`` as the command will see it: shorter inside of a chroot."""
        root, here = self.root(), folder.resolve()
        if root is None or not here.is_relative_to(root):
            return str(here)
        if (root / here.relative_to("/")).exists():  # as with a bind mount
            return str(here)
        return f"/{here.relative_to(root)}"

    def __str__(self) -> str:
        return shlex.join(self.words)
