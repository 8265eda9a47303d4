# The two commands of the README are `make run` and `make test`; each sets up all it needs.
# On Debian 12 that is: apt-get install make python3-venv

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# What `make run` tells legacy-tc:  make run ARGS="simulate --profile zb3 --joiner telink"
ARGS ?= --profile pre-zb3 --once --expect left-by-joiner
# What `make test` tells pytest:    make test PYTEST_ARGS="tests/profiles -x"
PYTEST_ARGS ?=
# What `make bench` tells it:       make bench BENCH_ARGS="--json results.jsonl"
BENCH_ARGS ?=

.PHONY: run test coverage lint format types layers matrix-check api-check check matrix api bench image tshark \
  zigbee-on-host asyncapi-parser judges clean

run: $(VENV)/.installed
	@$(BIN)/legacy-tc $(ARGS)

# What runs in real time runs alone, so that nothing makes it late; all else on every core.
test: $(VENV)/.installed-dev tshark zigbee-on-host asyncapi-parser judges
ifeq ($(strip $(PYTEST_ARGS)),)
	$(BIN)/python -m pytest -m real_time
	$(BIN)/python -m pytest -m "not real_time" -n auto
else
	$(BIN)/python -m pytest $(PYTEST_ARGS)
endif

# Coverage makes the thousands of disturbed runs of tests/faults three times as long and tells nothing more.
coverage: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --ignore=tests/faults -m real_time --cov --cov-report=
	$(BIN)/python -m pytest --ignore=tests/faults -m "not real_time" -n auto --cov --cov-append --cov-report=term

check: lint types layers matrix-check api-check

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

layers: $(VENV)/.installed-dev
	$(BIN)/lint-imports

matrix-check: $(VENV)/.installed-dev
	$(BIN)/legacy-tc matrix --check docs/matrix.md

matrix: $(VENV)/.installed-dev
	$(BIN)/legacy-tc matrix --output docs/matrix.md

api-check: $(VENV)/.installed-dev
	$(BIN)/legacy-tc api --check docs/api

api: $(VENV)/.installed-dev
	$(BIN)/legacy-tc api --output docs/api

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# What is deployed is judged by the programs that read it: systemd, udev, compose, a broker.
JUDGES := systemd-analyze:systemd udevadm:udev umockdev-run:umockdev docker-compose:docker-compose \
  mosquitto:mosquitto mosquitto_sub:mosquitto-clients openssl:openssl
judges:
	@missing=; PATH=$$PATH:/usr/sbin; for each in $(JUDGES); do \
	  command -v $${each%%:*} >/dev/null || missing="$$missing $${each##*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq \
	      && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	  else \
	    echo "the tests need more of Debian; run: sudo apt-get install -y$$missing" >&2; exit 1; \
	  fi; \
	fi

# The container image, or its steps in a clean root: it says which.
image: $(VENV)/.installed
	@PYTHON=$(BIN)/python .ci/image

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "legacy-tc needs Python 3.11 or later; name one with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "no virtual environment could be made; on Debian run: apt-get install python3-venv" >&2; exit 1; }
	@$(PIP) install --upgrade pip
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.created pyproject.toml constraints.txt
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# tshark is the judge of every capture, so tests without it would prove less than they say.
tshark:
	@if ! command -v tshark >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tshark; \
	  else \
	    echo "the tests need tshark; run: sudo apt-get install -y tshark" >&2; exit 1; \
	  fi; \
	fi

# zigbee-on-host is a Trust Center that nobody here wrote. Version 0.3.0 asks for Node 20.19 but was seen
# to run on Debian 12's own 18.20.
ZIGBEE_ON_HOST := 0.3.0
zigbee-on-host: build/node/.zigbee-on-host-$(ZIGBEE_ON_HOST)

build/node/.zigbee-on-host-%: | node
	@mkdir -p build/node
	@npm install --loglevel=error --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
	  --prefix build/node zigbee-on-host@$* \
	  || { echo "the tests need zigbee-on-host@$* from the npm registry, and npm could not install it" >&2; exit 1; }
	@touch $@

# The AsyncAPI project's own parser judges docs/api/asyncapi.json, and an EventSource the stream of events. They
# have a folder of their own, for npm removes from a folder what it was not asked for this time.
ASYNCAPI_PARSER := 3.6.6
EVENTSOURCE := 3.0.7
asyncapi-parser: build/asyncapi/.installed-$(ASYNCAPI_PARSER)-$(EVENTSOURCE)

build/asyncapi/.installed-%: | node
	@mkdir -p build/asyncapi
	@npm install --loglevel=error --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
	  --prefix build/asyncapi @asyncapi/parser@$(ASYNCAPI_PARSER) eventsource@$(EVENTSOURCE) \
	  || { echo "the tests need two packages from the npm registry, and npm could not install them" >&2; exit 1; }
	@touch $@

.PHONY: node
node:
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq \
	      && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm; \
	  else \
	    echo "the tests need Node 18.20 or later and npm; run: sudo apt-get install -y nodejs npm" >&2; exit 1; \
	  fi; \
	fi
