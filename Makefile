# Each target sets up what it needs on a new Debian 12 machine with Python 3.11:
#   make setup  the command orthanc-jobs, in .venv
#   make run    the main job, on the embedded reference server
#   make check  lint, types, and all tests but those marked orthanc or long
#   make test   everything that is checked, a real Orthanc included: what CI runs
#   make site   the documentation as a site, in build/site
#   make bench  the tables of benchmarks/README.md, on a machine that has no other work

VENV := .venv
BIN := $(VENV)/bin

# Else each of the hundreds of processes that the tests start would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

# More than cores: most tests wait for a server. tests/conftest.py hands them out.
SIDE_BY_SIDE := -n $(shell expr 3 \* $$(nproc))

# What can be said before any test is run, one beside the other.
PREPARED = $(MAKE) --no-print-directory --jobs --output-sync lint compiled

.PHONY: setup run check test planted weekly faults lint compiled diagrams matrix site bench lock clean

setup: $(VENV)/run
	@echo 'in this shell: source $(BIN)/activate; then: orthanc-jobs --help'

run: $(VENV)/run
	$(BIN)/orthanc-jobs run

check: $(VENV)/check
	$(PREPARED)
	$(BIN)/pytest $(SIDE_BY_SIDE) -m 'not faults and not weekly and not orthanc and not long'

test: $(VENV)/test
	$(PREPARED)
	$(BIN)/pytest $(SIDE_BY_SIDE)

# For each documented requirement a planted fault that breaks it: some minutes, beside CI.
planted: $(VENV)/test
	$(BIN)/pytest -m faults  # two servers at once

# That, and at its whole size what CI sees by a cheaper test.
weekly: planted
	$(BIN)/pytest -m weekly

# Which suite finds which planted fault: docs/power.md. All suites for each fault, so it takes hours.
faults: $(VENV)/test
	$(BIN)/python tools/power

lint: $(VENV)/check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/orthanc-jobs diagram --check

# All modules are read once: the processes that run the tests would do it at the same moment, each
# by itself. What cannot be read is told here.
compiled: $(VENV)/check
	@found=$$($(BIN)/pytest --collect-only -qqq 2>&1) || { echo "$$found"; false; }

diagrams: $(VENV)/check
	$(BIN)/orthanc-jobs diagram

# Everything on four released Orthancs and the reference server: some minutes, and not part of CI.
matrix: $(VENV)/test
	$(BIN)/python tools/matrix

# The pages and the matrix; a link that leads nowhere is an error.
site: $(VENV)/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The tables of benchmarks/README.md: less than 20 minutes on two cores without other work.
bench: $(VENV)/bench
	$(BIN)/python -m benchmarks.remake

# The newest versions of all packages that pyproject.toml allows.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade

lock: $(BIN)/uv
	$(LOCK) --output-file requirements/build.txt requirements/build.in
	$(LOCK) --output-file requirements/kit.txt --all-extras pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache replays

# What is installed is locked: the same packages, byte for byte, whenever it is done.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation \
	--constraint requirements/kit.txt --editable

$(BIN)/python:
	python3 -m venv $(VENV) || { tools/debian-packages python3-venv && python3 -m venv --clear $(VENV); }

$(BIN)/uv: $(BIN)/python requirements/build.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/build.txt
	touch $@

$(VENV)/run: $(BIN)/uv pyproject.toml requirements/kit.txt
	$(INSTALL) .
	touch $@

$(VENV)/check: $(BIN)/uv pyproject.toml requirements/kit.txt
	tools/debian-packages graphviz spin gcc libc6-dev curl nodejs redis-server
	$(INSTALL) '.[clients,dev,docs,fuzz,learn,proofs]'
	touch $@

$(VENV)/test: $(VENV)/check
	tools/debian-packages orthanc chromium
	touch $@

$(VENV)/site: $(BIN)/uv pyproject.toml requirements/kit.txt
	$(INSTALL) '.[docs]'
	touch $@

$(VENV)/bench: $(VENV)/test
	$(INSTALL) '.[bench]'
	touch $@
