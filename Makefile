# `make setup` once, then anything below; each target runs it if it has not been.
PYTHON ?= python3
WORKERS ?= 2
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null)

.PHONY: setup demo test coverage check bench bench-identity bench-recall bench-full bench-model bench-understanding train pins clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Omnibot needs Python 3.11 or newer: install one and call make PYTHON=python3.x"; exit 1; }
ifdef UV
	test -d $(VENV) || uv venv --quiet --seed --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
endif
	@touch $@

demo: setup
	$(BIN)/omnibot demo

# What was compiled is kept, whatever the environment says: the tests start a hundred interpreters.
test coverage: export PYTHONDONTWRITEBYTECODE =

# The matrices are small: several threads would wait for each other, and take from the other worker.
test coverage: export OPENBLAS_NUM_THREADS = 1

# make test, or make test WORKERS=4; each worker has a PostgreSQL of its own, and who has nothing left takes from the others
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 15
test: setup
	$(PYTEST)

# The same tests, with what they reach: tracing each line doubles what they cost. Ends with 1 where it is too little.
coverage: setup
	$(BIN)/python -m coverage erase
	$(PYTEST) --cov

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# make bench, or make bench CHANNEL=telegram|slack|sms|whatsapp|email MODE=dup|flaky|race|kill
bench: setup
	$(BIN)/python -m bench $(if $(CHANNEL),--channel $(CHANNEL)) $(if $(MODE),--mode $(MODE))

# A million customers with 2.5 million addresses: who writes, beside a database of nobody; merges and splits. Not in CI.
bench-identity: setup
	$(BIN)/python -m bench.identity $(if $(CUSTOMERS),--customers $(CUSTOMERS))

# What it costs to be reminded among ten million messages; and messages/s with as many in the database. Not in CI.
bench-recall: setup
	$(BIN)/python -m bench.recall
bench-full: setup
	$(BIN)/python -m bench.full

# What a language model that takes requests and never answers costs everybody else. Not in CI.
bench-model: setup
	$(BIN)/python -m bench.language_model

# What it costs to understand a message, by part, beside raw spaCy and VADER; about a minute. Ends with 1 where a target is missed.
bench-understanding: setup
	$(BIN)/python -m bench.understanding

# make train DATA=folder [PARTS="emotions signals"] [SEED=0]: the weights that are shipped, from docs/model-card.md's data sets
TRAINING := .venv-training
train: $(TRAINING)/.ready
	$(TRAINING)/bin/python -m training $(DATA) $(PARTS) $(if $(SEED),--seed $(SEED))

$(TRAINING)/.ready: pyproject.toml
	test -d $(TRAINING) || $(PYTHON) -m venv $(TRAINING)
	$(TRAINING)/bin/python -m pip install --quiet -e '.[training]'
	@touch $@

# Pins for every platform, with hashes and without download addresses; needs uv.
pins:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header -o requirements.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml

clean:
	rm -rf $(VENV) $(TRAINING) .coverage* .mypy_cache .ruff_cache .pytest_cache dist
