.DEFAULT_GOAL := help
.PHONY: help nightly test lint format serve bench torture fuzz validate docs online lock clean

PY := .venv/bin/python
BENCHMARKS := $(filter-out benchmarks/machine.py benchmarks/order_flow.py benchmarks/hard_flows.py benchmarks/peers.py,$(wildcard benchmarks/*.py))

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

nightly:  ## Set up, then run configs/nightly.yaml through the whole pipeline
	@requirements/setup.sh runtime
	@$(PY) -m flows.nightly configs/nightly.yaml

# loadscope keeps a file's tests together, so that its server or warehouse is made once: 143 s against 185 s with worksteal.
test:  ## Set up with development tools, then run every test (ARGS="-k name" narrows it)
	@requirements/setup.sh dev
	@$(PY) -m pytest -n 2 --dist loadscope $(ARGS)

lint:  ## Check style, types and who imports whom; all four are shown
	@requirements/setup.sh dev
	@bad=0; \
	.venv/bin/ruff check || bad=1; \
	.venv/bin/ruff format --check || bad=1; \
	$(PY) -m mypy || bad=1; \
	.venv/bin/lint-imports || bad=1; \
	exit $$bad

format:  ## Write the house format and the fixes that are safe
	@requirements/setup.sh dev
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

serve:  ## Start Prefect's server, a worker with the schedules, and the API on this machine
	@requirements/setup.sh runtime
	@$(PY) -m flows.serve $(ARGS)

bench:  ## Measure what the documentation claims about speed
	@requirements/setup.sh dev
	@for script in $(BENCHMARKS); do echo "== $$script"; $(PY) "$$script" || exit 1; done

torture:  ## Kill the nightly flow at 30 random moments while two readers watch
	@requirements/setup.sh dev
	@$(PY) -m tests.torture

fuzz:  ## Send five million random messages through the exchange and its slow twin (ARGS="MESSAGES SEED")
	@requirements/setup.sh dev
	@$(PY) -m tests.exchange.fuzz $(or $(ARGS),5000000 2026)

validate:  ## Set every model beside published tables; writes data/validation/index.html (ARGS="quick" for small sizes)
	@requirements/setup.sh dev
	@$(PY) -m tests.published $(ARGS)

docs:  ## Build the documentation into site/
	@requirements/setup.sh dev
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

online:  ## Add the online providers (Yahoo, Polygon) to the environment
	@requirements/setup.sh online

lock:  ## Resolve requirements/*.txt anew from pyproject.toml
	@requirements/setup.sh dev
	@requirements/lock.sh

clean:  ## Remove the environment, caches and the built documentation; the warehouse stays
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
