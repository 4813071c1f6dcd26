"""Serve the API on this machine."""

from __future__ import annotations

import socket

import click

from marketsim.errors import MarketsimError

WAITING = 2048  # connections that may wait to be accepted


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
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)[0]
        # The protocol is named because asyncio sends small answers at once only on a socket that says it is TCP.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(WAITING)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise MarketsimError(f"Cannot listen on {host} port {port} ({error.strerror}); choose another with --host or --port.") from error
    return listener
