# Needs python3 (3.10 or newer, with venv) and make. Everything else goes into .venv; an
# installation is repeated only when the files that describe it have changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DESCRIBED_BY := setup.cfg pyproject.toml Makefile

.DEFAULT_GOAL := help
.PHONY: help test browser screenshots demo lint docs report bench bench-admin ci clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

test: $(VENV)/.installed-test  ## run the tests on SQLite
	$(BIN)/python -m pytest $(ARGS)

browser: $(VENV)/.installed-test,browser  ## run the browser tests (needs chromium and its driver)
	$(BIN)/python -m pytest -m browser tests/browser $(ARGS)

screenshots: $(VENV)/.installed-test,browser  ## take the pictures of the documentation anew
	$(BIN)/python -m pytest -m browser tests/browser/screenshots.py $(ARGS)

demo: $(VENV)/.installed-axes  ## run the example project, use it over HTTP and show what was recorded
	$(BIN)/python example_project/demo.py $(ARGS)

lint: $(VENV)/.installed-test,lint  ## check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.installed-docs  ## build the documentation into docs/_build
	$(BIN)/sphinx-build --fail-on-warning --quiet docs docs/_build

report: $(VENV)/.installed-axes  ## make the demo's report that the documentation shows
	$(BIN)/python example_project/demo.py --no-serve
	# Two clauses fail, and that is status 1.
	! $(BIN)/python example_project/manage.py report_audit_log --profile asvs5 --format html \
		> docs/_static/demo-report.html
	sed -i "s#$(CURDIR)#/srv/harbour#g" docs/_static/demo-report.html

bench:  ## measure what the audit costs, beside its peers
	benchmarks/run $(ARGS)

bench-admin:  ## measure the admin's pages on 50 thousand and on 5 million entries
	benchmarks/run admin $(ARGS)

ci:  ## run everything that must pass before a change lands
	bash .ci/run

clean:  ## remove what the targets above have made
	rm -rf $(VENV) .tox build dist docs/_build *.egg-info .coverage .coverage.*

# The stamp's name lists the extras that are installed.
$(VENV)/.installed-%: $(DESCRIBED_BY) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
