"""``reviewlens backup`` and ``reviewlens restore``."""

import os
from typing import Annotated

import typer

from local.cli import options
from local.cli.errors import exit_on_error
from local.cli.output import console, notes, print_json
from local.state import StateFolder

Location = Annotated[
    str, typer.Argument(metavar="FOLDER|s3://BUCKET/PREFIX", help="Where the backup is.")
]


def backup(
    location: Location, as_json: options.Json = False, state: options.State = options.STATE
) -> None:
    """Back up everything: database, dumps, models, indexes and the reviewer key.

    Not included are logs and the folders of training runs; registered models are. The stack may run
    or not. The backup has its name only when it is complete; an interrupted one
    is continued by the same command. It holds the reviewer key, so keep it as safe as the state
    folder: files in a folder have mode 0600. S3 uses the AWS credentials of the environment.

    Example: reviewlens backup /mnt/backups/2026-11-29
    """
    from local.backup.places import open_place
    from local.backup.write import back_up

    os.umask(0o077)
    with exit_on_error():
        manifest = back_up(StateFolder(state), open_place(location), _show_progress)
    if as_json:
        print_json(manifest)
    else:
        console().print(
            f"{manifest.objects:,} objects ({manifest.object_bytes / 1e6:,.1f} MB) and "
            f"{manifest.counts.get('reviews', 0):,} reviews are in {location}.",
            markup=False,
        )
    if runs := sum(path.is_dir() for path in StateFolder(state).training.glob("*")):
        notes().print(
            f"Not in the backup: the folders of {runs} training runs in "
            f"{StateFolder(state).training}. Their rows and registered models are.",
            markup=False,
        )
    for line in manifest.left_out:
        notes().print(f"Damaged and not in the backup: {line}", markup=False)
    if manifest.left_out:
        raise typer.Exit(1)


def restore(
    location: Location, as_json: options.Json = False, state: options.State = options.STATE
) -> None:
    """Restore a backup into a new state folder, and verify it.

    Every file is compared with its checksum, all rows are counted, and the searches recorded with
    the backup are repeated. The folder appears only if all of this succeeds. Start the stack with
    `reviewlens up` afterwards.

    Example: reviewlens restore /mnt/backups/2026-11-29 --state restored
    """
    from local.backup.places import open_place
    from local.backup.read import restore as restore_into

    os.umask(0o077)
    with exit_on_error():
        manifest = restore_into(open_place(location), state, _show_progress)
    if as_json:
        print_json(manifest)
        return
    console().print(
        f"Restored {manifest.objects:,} objects and {manifest.counts.get('reviews', 0):,} reviews "
        f"of {manifest.created_at} into {state}; {len(manifest.searches)} searches agree.",
        markup=False,
    )


def _show_progress(step: str) -> None:
    notes().print(f"  {step}", style="dim")
