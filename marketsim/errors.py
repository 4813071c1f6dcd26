"""One small tree of errors; every message is a whole sentence a person can act on."""

from __future__ import annotations


class MarketsimError(Exception):
    """Base of every error that is meant to be read by a person; its text is printed, never a traceback."""

    exit_code = 1


class ConfigError(MarketsimError):
    """A run description that cannot be honoured: names the file, the key and the allowed values."""

    exit_code = 2


class DataError(MarketsimError):
    """Market data that cannot be read or used: names the source, the row and what was expected."""

    exit_code = 3


class ProviderError(DataError):
    """A provider that did not answer as its protocol says; ``retryable`` tells whether waiting may help."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class ValidationStopped(DataError):
    """Findings severe enough that nothing may be published from these data."""

    exit_code = 4


class StrategyError(MarketsimError):
    """A strategy that raised or returned nonsense: names the agent, the time and the reason."""

    exit_code = 5


class WarehouseError(MarketsimError):
    """A warehouse that cannot be read or written as asked."""

    exit_code = 6


class RunFailed(MarketsimError):
    """A run that was published and failed a health gate; the reason is also in table `runs`."""

    exit_code = 7

    def __init__(self, message: str, *, run_id: str = "") -> None:
        super().__init__(message)
        self.run_id = run_id
