"""Serve the API on this machine."""

from __future__ import annotations

import os
import socket

import click

from marketsim.errors import MarketsimError


@click.command(short_help="Serve the API on this machine.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 = any that is free.")
def serve(host: str, port: int) -> None:
    """Serve published runs over HTTP until Ctrl-C; new publications appear without a restart."""
    import uvicorn

    from marketsim.api.app import create_app
    from warehouse.settings import root

    with _listener(host, port) as listener:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        click.echo(f"marketsim: serving {root().resolve()} on {address} — stop with Ctrl-C", err=True)
        uvicorn.Server(uvicorn.Config(create_app(), log_level="warning", server_header=False)).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or say why it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror  # create_server adds the address
        raise MarketsimError(f"Cannot listen on {host} port {port} ({reason}); choose another with --host or --port.") from error
