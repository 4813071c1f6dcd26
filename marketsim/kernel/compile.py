# ruff: noqa: SLF001 - Numba offers no public way to keep a function from becoming machine code of its own
"""The one decorator of compiled code, and where its machine code is kept.

Numba's cache does not notice an edited callee in another file, so the cache folder is named after all kernel sources and Numba's version:
any edit is a cold start, never a stale result. Without a writable folder the code is compiled again in every process. Of several processes
that want the same function at once, one compiles it and the others read what it left.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import config as numba_config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock


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
        dispatcher = njit(cache=folder is not None, **options)(function)
    finally:
        settings.CACHE_DIR = before
    compile_one = dispatcher.compile
    lock = None if folder is None else folder / f"{function.__module__}.{function.__name__}.lock"

    def compile_whole(signature: Any) -> Any:
        # Numba's lock between threads first, and always: with the two in another order, threads could wait for each other.
        with global_compiler_lock, _held(lock), _libraries_of(dispatcher, _EntryLibrary):
            return compile_one(signature)

    dispatcher.compile = compile_whole
    return dispatcher


@contextmanager
def _held(lock: Path | None) -> Iterator[None]:
    """Hold a lock file between processes: of those that want the same code one compiles it, the others find it in the cache.

    It falls open with its holder, however that ends. Without it, as where files cannot be locked, code is only compiled twice.
    """
    with ExitStack() as held:
        with suppress(OSError):
            if lock is not None:
                fcntl.flock(held.enter_context(lock.open("ab")), fcntl.LOCK_EX)
        yield


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
    the code is linked and optimised once, in the entry point that all inner functions end up in, not once for each of them; and only
    there is machine code made of it.
    """
    return _for_compiled_callers(function, inline="never")


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function like `inner`, as part of its callers: for the few steps that every message takes."""
    return _for_compiled_callers(function, inline="always")


def _for_compiled_callers(function: Callable[..., Any], inline: str) -> Any:
    njit: Any = numba.njit
    dispatcher = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, inline=inline)(function)
    compile_one = dispatcher.compile

    def compile_normalised(signature: tuple[Any, ...]) -> Any:
        with _libraries_of(dispatcher, _LinkedLibrary):
            return compile_one(tuple(_normalised(kind) for kind in signature))

    dispatcher.compile = compile_normalised
    return dispatcher


def _normalised(kind: Any) -> Any:
    """Return the type that stands for all whole numbers, or for a truth value whether it is a constant or not."""
    if isinstance(kind, types.Integer):
        return types.int64
    return types.boolean if isinstance(kind, types.BooleanLiteral) else kind


class _LinkedLibrary(JITCodeLibrary):
    """Code that entry points link into themselves; on its own it never becomes machine code, and it does not carry what it calls."""

    _whole: Any = None

    def finalize(self) -> None:
        """Leave the code as it is; what it calls is linked and optimised together with it, once, in the entry point."""
        self._raise_if_finalized()
        self._finalize_dynamic_globals()
        self._finalized = True

    def own_module(self) -> Any:
        """Return the code without what it calls."""
        return super()._get_module_for_linking()

    def _get_module_for_linking(self) -> Any:
        """Return the code with all that it calls, for those who do not look for the parts themselves: Numba functions of others."""
        if self._whole is None:
            self._whole = self.own_module().clone()
            for library in _called(self._linking_libraries):
                self._whole.link_in(library._get_module_for_linking(), preserve=True)
        return self._whole

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0, Numba's word for a function that is not there."""
        return 0


class _EntryLibrary(JITCodeLibrary):
    """Code that links into itself all that it calls, directly or not, each part once."""

    def finalize(self) -> None:
        """Optimise the code and all that it calls, and make machine code of it."""
        self._linking_libraries = _called(self._linking_libraries)
        super().finalize()


class _Part:
    """A linked library's own code, as Numba's linking asks for it."""

    def __init__(self, library: _LinkedLibrary) -> None:
        self._reload_init = library._reload_init
        self._get_module_for_linking = library.own_module


def _called(libraries: list[Any]) -> list[Any]:
    """Return libraries and all that they call, linked ones as parts; any other carries what it calls itself."""
    known = dict.fromkeys(libraries)
    waiting = list(known)
    # Everything in ``known`` but what is still ``waiting`` has had its own callees added.
    while waiting:
        library = waiting.pop()
        for callee in library._linking_libraries if isinstance(library, _LinkedLibrary) else []:
            if callee not in known:
                known[callee] = None
                waiting.append(callee)
    return [_Part(library) if isinstance(library, _LinkedLibrary) else library for library in known]


@contextmanager
def _libraries_of(dispatcher: Any, kind: type[JITCodeLibrary]) -> Iterator[None]:
    """Let Numba make libraries of one kind for what a dispatcher compiles; functions compile one another, so this nests."""
    codegen = dispatcher.targetctx.codegen()
    before = codegen._library_class, codegen.set_env
    codegen._library_class = kind
    if kind is _LinkedLibrary:
        codegen.set_env = lambda _name, _environment: None  # what only the interpreter needs of a function; it has no address here
    try:
        yield
    finally:
        codegen._library_class, codegen.set_env = before
