# The two commands of the README are `make lab` and `make test`. Both make what they need.
# Paths are relative, so that a clone may lie in a folder with spaces in its name.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made
LAB_FLAGS ?=
TEST_FLAGS ?=

.PHONY: lab test check notebooks record clean

lab: $(STAMP)
	@$(BIN)/python -m workshop.lab $(LAB_FLAGS)

test: $(STAMP)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python -m pytest -n auto --no-loadscope-reorder -q $(TEST_FLAGS) tests

check: $(STAMP)
	@$(BIN)/workshop check

# Runs the notebooks with the solutions in place, and stores their outputs.
notebooks: $(STAMP)
	@$(BIN)/python -m workshop.notebook.refresh

# Grades in full the mistakes that changed, or whose checks did: see tests/helpers/graded.py.
record: $(STAMP)
	@$(BIN)/python tests/helpers/graded.py

clean:
	@rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .workshop

$(STAMP): requirements.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "make: there is no $(PYTHON) here. Install Python 3.10 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "make: $(PYTHON) is older than Python 3.10. Name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m workshop.install
	@$(BIN)/python -m workshop.aws_script
	@touch $(STAMP)
