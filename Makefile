# Two targets set up everything that they need on a new Debian 12 machine with Python 3.11:
#   make run    the main job, on the embedded reference server
#   make test   everything that is checked, a real Orthanc included

VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test planted faults lint diagrams matrix clean

run: $(VENV)/run
	$(BIN)/orthanc-jobs run

test: $(VENV)/test lint
	$(BIN)/orthanc-jobs diagram --check
	$(BIN)/pytest -n 3 --dist loadfile  # more than cores: most of them wait for a server

# For each documented requirement a planted fault that breaks it: some minutes, beside CI.
planted: $(VENV)/test
	$(BIN)/pytest -m faults  # two servers at once

# Which suite finds which planted fault: docs/power.md. All suites for each fault, so it takes hours.
faults: $(VENV)/test
	$(BIN)/python tools/power

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

diagrams: $(VENV)/test
	$(BIN)/orthanc-jobs diagram

# Everything on four released Orthancs and the reference server: some minutes, and not part of CI.
matrix: $(VENV)/test
	$(BIN)/python tools/matrix

clean:
	rm -rf $(VENV) build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache replays

$(BIN)/python:
	python3 -m venv $(VENV) || { tools/debian-packages python3-venv && python3 -m venv --clear $(VENV); }

$(VENV)/run: $(BIN)/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/test: $(BIN)/python pyproject.toml
	tools/debian-packages orthanc graphviz spin gcc libc6-dev
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,learn,proofs]'
	touch $@
