# Each target makes its own environment; nothing needs to be installed first but Python 3.11+ and make.
PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready

.PHONY: help demo test lab bench lint lock clean
help:
	@echo "make demo   set up, then run the whole job on the synthetic district (no account needed)"
	@echo "make lab    open the workspace in JupyterLab"
	@echo "make test   set up, then run all tests"
	@echo "make bench  measure speed (prints ratios)"

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed, found " + sys.version.split()[0] + ". Say: make PYTHON=python3.11 …")'
	@echo "Setting up .venv (about a minute the first time) …"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep -o '^uv==[0-9.]*' requirements.lock)
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q src  # where Python may not write bytecode, every process would compile anew
	@touch $(READY)

demo: $(READY)
	@$(BIN)/survey-tools demo

lab: $(READY)
	@$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks \
	  $(if $(filter 0,$(shell id -u)),--allow-root)

test: export OPENBLAS_NUM_THREADS = 1
test: $(READY) lint
	@scripts/install-browser.sh
	@$(BIN)/pytest -n 2 --dist loadfile

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY)
	@$(BIN)/python bench/kobo.py --quick
	@$(BIN)/python bench/clean.py --quick
	@$(BIN)/python bench/estimate.py --quick
	@$(BIN)/python bench/batch.py sides --quick

lock: $(READY)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml --group dev --output-file requirements.lock

clean:
	rm -rf .venv $(wildcard bench/.venv*) bench/.cache .pytest_cache .ruff_cache .mypy_cache .hypothesis
