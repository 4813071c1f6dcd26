# ruff: noqa: SLF001 - Numba offers no public way to keep a function from becoming machine code of its own
"""The one decorator of compiled code, and where its machine code is kept.

Numba's cache does not notice an edited callee in another file, so the cache folder is named after all kernel sources and Numba's version:
any edit is a cold start, never a stale result. Without a writable folder the code is compiled again in every process.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import config as numba_config
from numba.core.codegen import JITCodeLibrary


def cache_folder() -> Path | None:
    """Return the folder for compiled code (``MARKETSIM_KERNEL_CACHE`` or the user's cache), or None where none is writable."""
    sources = hashlib.sha256(numba.__version__.encode())
    here = Path(__file__).parent
    for path in [here.parent / "records.py", here.parent / "recorded.py", *sorted(here.rglob("*.py"))]:
        sources.update(path.read_bytes())
    base = os.environ.get("MARKETSIM_KERNEL_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marketsim"
    folder = Path(base) / f"kernel-{sources.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


CACHE_FOLDER = cache_folder()
INNER_OPTIMISATION = 1  # less makes slower code in the end, more only takes longer


def is_compiled(module: str = "*") -> bool:
    """Whether an earlier process left compiled code (of one kernel module), so that the first call is quick."""
    return CACHE_FOLDER is not None and any(CACHE_FOLDER.rglob(f"{module}.*.nbc"))


def entry(function: Callable[..., Any]) -> Any:
    """Compile a function that Python calls: cached, without the interpreter lock."""
    return _cached(CACHE_FOLDER, function, {"nogil": True})


def cached_in(folder: Path | None, function: Callable[..., Any], *, boundscheck: bool = False) -> Any:
    """Compile a function that only compiled code calls, by its `machine_address`, and keep it in a folder; None keeps it nowhere.

    With ``boundscheck`` an index outside an array raises, as in Python, instead of reaching into other memory.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy", "boundscheck": boundscheck}
    return _cached(folder, function, options)


def _cached(folder: Path | None, function: Callable[..., Any], options: dict[str, Any]) -> Any:
    settings: Any = numba_config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(folder or "")
    njit: Any = numba.njit
    try:
        return njit(cache=folder is not None, **options)(function)
    finally:
        settings.CACHE_DIR = before


def machine_address(dispatcher: Any, *kinds: Any) -> int:
    """Return the address of a compiled function's machine code, for `marketsim.kernel.memory.caller`; it lives as long as the function.

    Compiled now if it is not yet; ``kinds`` are the Numba types of its arguments.
    """
    dispatcher.compile(kinds)
    compiled = dispatcher.overloads[kinds]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def inner(function: Callable[..., Any]) -> Any:
    """Compile a function that only compiled code calls.

    Four things keep a cold start short: no wrapper for Python; whole numbers of every width and constants share one version for int64;
    the code is optimised once, in the entry point that all inner functions end up in, not once for each of them; and only there is
    machine code made of it.
    """
    return _for_compiled_callers(function, inline="never")


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function like `inner`, as part of its callers, of which it has one or two.

    For the few steps that every message takes; and for rare ones that reach far: each `inner` function on the way down to much code
    makes a cold start longer, because it carries all that it calls.
    """
    return _for_compiled_callers(function, inline="always")


def _for_compiled_callers(function: Callable[..., Any], inline: str) -> Any:
    njit: Any = numba.njit
    dispatcher = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, inline=inline)(function)
    compile_one = dispatcher.compile

    def compile_normalised(signature: tuple[Any, ...]) -> Any:
        with _only_to_be_linked(dispatcher.targetctx.codegen()):
            return compile_one(tuple(_normalised(kind) for kind in signature))

    dispatcher.compile = compile_normalised
    return dispatcher


def _normalised(kind: Any) -> Any:
    """Return the type that stands for all whole numbers, or for a truth value whether it is a constant or not."""
    if isinstance(kind, types.Integer):
        return types.int64
    return types.boolean if isinstance(kind, types.BooleanLiteral) else kind


class _LinkedLibrary(JITCodeLibrary):
    """Code that its callers link into themselves; on its own it never becomes machine code."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0, Numba's word for a function that is not there."""
        return 0


@contextmanager
def _only_to_be_linked(codegen: Any) -> Iterator[None]:
    """Let Numba make linked libraries, cheaply optimised; inner functions compile one another, so this nests."""
    settings: Any = numba_config
    before = settings.OPT, codegen._library_class, codegen.set_env
    settings.OPT = type(before[0])(INNER_OPTIMISATION)
    codegen._library_class = _LinkedLibrary
    codegen.set_env = lambda _name, _environment: None  # where a function keeps what only the interpreter needs; it has no address here
    try:
        yield
    finally:
        settings.OPT, codegen._library_class, codegen.set_env = before
