"""From the sections of a run description to providers."""

from __future__ import annotations

from pathlib import Path

from marketsim.config.providers import FileProvider, PolygonProvider, RecordingProvider, SampleProvider
from marketsim.config.run import RunSpec
from marketsim.data.providers.http import RetryPolicy
from marketsim.data.providers.provider import Provider
from marketsim.data.providers.sample import SampleBars


def build_providers(spec: RunSpec, base_dir: Path) -> list[Provider]:
    """Return the run's providers in their order; relative paths of files start at ``base_dir``."""
    providers: list[Provider] = []
    retry = RetryPolicy(seed=spec.seed)
    for settings in spec.providers:
        if isinstance(settings, SampleProvider):
            providers.append(SampleBars())
        elif isinstance(settings, FileProvider):
            from marketsim.data.providers.file import FileBars

            providers.append(FileBars(settings, base_dir, spec.symbols[0] if len(spec.symbols) == 1 else None))
        elif isinstance(settings, RecordingProvider):
            from marketsim.data.providers.recording import RecordingBars

            providers.append(RecordingBars(settings, base_dir))
        elif isinstance(settings, PolygonProvider):
            from marketsim.data.providers.polygon import PolygonBars

            providers.append(PolygonBars(api_key_env=settings.api_key_env, requests_per_minute=settings.requests_per_minute, retry=retry))
        else:
            from marketsim.data.providers.yahoo import YahooBars

            providers.append(YahooBars(requests_per_minute=settings.requests_per_minute, retry=retry))
    return providers
