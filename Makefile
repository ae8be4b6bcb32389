# make run · make test · make train PAPER=lenet5 [AGAIN=1] [DEVICE=cuda] · make bench · make pictures
PYTHON ?= python3
PORT ?= 8501
DEVICE ?= cpu
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1

.PHONY: run test train bench pictures browser

run: .venv/app
	$(BIN)/streamlit run streamlit_app.py --server.port $(PORT)

test: .venv/dev browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --cov --cov-report=term || { $(BIN)/python -m tests.hang; exit 1; }

train: .venv/dev
	@test -n "$(PAPER)" || { echo "Say which paper: make train PAPER=lenet5"; exit 2; }
	$(BIN)/python -m models train $(PAPER) --device $(DEVICE) $(if $(AGAIN),--again)

bench: .venv/dev browser
	$(BIN)/python -m tests.bench

pictures: .venv/dev browser
	$(BIN)/python -m tests.browser.pictures

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Cutaway needs Python 3.11 or newer; name one with: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }

.venv/app: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	@touch $@ .venv/app

browser:
	@command -v chromium >/dev/null || test -n "$(CHROMIUM)" || \
	{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "Installing chromium for the browser tests" && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
	{ echo "The browser tests need Chromium: install it (Debian: apt-get install chromium), or name one with CHROMIUM=/path"; exit 1; }
