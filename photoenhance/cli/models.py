"""`photoenhance models`."""

from typing import Annotated

import typer

from photoenhance.zoo import store
from photoenhance.zoo.catalog import CATALOG, DEFAULT_MODEL

app = typer.Typer(help="The models that can enhance photos.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List the models that can be had by name."""
    width = max(map(len, CATALOG))
    for card in CATALOG.values():
        default = " (default)" if card.name == DEFAULT_MODEL else ""
        typer.echo(f"{card.name:{width}}  {card.summary}{default}")


@app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE|RUN", help="As for `enhance --model`.")
    ] = DEFAULT_MODEL,
) -> None:
    """Show what is known of one model: licence, source, training data, size, how to cite it."""
    from photoenhance.zoo import checkpoint

    file = store.find(name)
    header = checkpoint.read_header(file)
    config = ", ".join(f"{key} {value}" for key, value in header.config.items())
    facts = {"name": name, "architecture": f"{header.architecture} ({config})"}
    card = CATALOG.get(name)
    if card:
        facts |= {
            "summary": card.summary,
            "licence": card.licence,
            "source": card.source,
            "training data": card.training_data,
            "cite": card.citation,
        }
    facts |= {
        "origin": header.origin,
        "parameters": f"{store.parameters(file):,}",
        "size": f"{file.stat().st_size / 1e6:.1f} MB",
        "SHA-256": store.sha256(file),
        "file": str(file),
    }
    for key, value in facts.items():
        typer.echo(f"{key + ':':15} {value}")
