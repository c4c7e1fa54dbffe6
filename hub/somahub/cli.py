"""The command `somahub`: what an operator types on one machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from somahub import catalog
from somahub.errors import SomahubError
from somahub.instance import shipped
from somahub.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Desktops and notebooks for neuroscience labs.")
profiles = typer.Typer(no_args_is_help=True, help="The offerings under spawner_profiles/.")
user = typer.Typer(no_args_is_help=True, help="Who may log in.")
apps = typer.Typer(no_args_is_help=True, help="The app environments.")
app.add_typer(profiles, name="profiles")
app.add_typer(user, name="user")
app.add_typer(apps, name="apps")


def main() -> None:
    """Run the command; what goes wrong on purpose is one line, not a traceback."""
    try:
        app()
    except SomahubError as error:
        typer.secho(f"somahub: {error}", err=True, fg="red")
        if error.mend:
            typer.echo(f"  what helps: {error.mend}", err=True)
        sys.exit(1)


@app.command()
def up() -> None:
    """Start somahub on this machine; says where it answers."""
    from somahub.local.up import up as run

    raise typer.Exit(run(Settings()))


@app.command()
def down() -> None:
    """Stop it, sessions too. Nothing of people's work is removed."""
    from somahub.local.down import down as run

    raise typer.Exit(run(Settings()))


@app.command()
def doctor() -> None:
    """Name what this machine lacks, each with the command that mends it."""
    from somahub.local.doctor import doctor as run

    raise typer.Exit(run(Settings()))


@app.command()
def sample(
    directory: Annotated[Path, typer.Argument(help="The folder to make it in.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same animal, pixel for pixel.")] = 7,
) -> None:
    """Make a small open-field recording with exact keypoints, as a DeepLabCut project and for SLEAP."""
    from somahub.sample import make

    made = make(directory, seed)
    typer.echo(f"{made.project}\n{made.slp}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def images(context: typer.Context) -> None:
    """Build the container images: somahub images build --help."""
    from somahub.images.command import main as run

    raise typer.Exit(run(context.args))


@profiles.command()
def check(
    directory: Annotated[Path | None, typer.Argument(help="A folder of profiles; the one in use if left out.")] = None,
) -> None:
    """Print one line for each fault of the catalogue: file, path, rule, value, and the nearest right word."""
    settings = Settings()
    where = directory or settings.profiles or shipped("profiles")
    lines = catalog.check_lines(where, _known_apps(settings))
    for line in lines:
        typer.echo(line)
    if lines:
        raise typer.Exit(1)
    typer.echo(f"{where}: no fault")


def _known_apps(settings: Settings) -> Path | frozenset[str]:
    if settings.cluster is None:
        return settings.images or shipped("images")
    from somahub.cluster import this_cluster

    return this_cluster(settings).apps()


@user.command()
def add(
    name: str,
    administrator: Annotated[bool, typer.Option("--administrator", help="May see and stop what others run.")] = False,
) -> None:
    """Let somebody log in; prints their first password, once."""
    from somahub.accounts import admin

    typer.echo(admin.add(Settings(), name, administrator=administrator))


@user.command()
def remove(name: str) -> None:
    """Let somebody log in no more and stop their sessions; their files stay."""
    from somahub.accounts import admin

    typer.echo(admin.remove(Settings(), name))


@user.command()
def reset(name: str) -> None:
    """Give somebody a new password, printed once; their open log-ins end."""
    from somahub.accounts import admin

    typer.echo(admin.reset(Settings(), name))


@apps.command("build")
def build(
    names: Annotated[list[str] | None, typer.Argument(help="Apps to build; all if left out.")] = None,
) -> None:
    """Build app environments ahead of their first use."""
    from somahub.local import apps as environments

    environments.build(Settings(), names or [])


if __name__ == "__main__":
    main()
