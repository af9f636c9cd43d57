# On a machine with git, make and Python 3.11+ (with venv): `make demo` shows, `make test` proves.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
DEMO ?= samples/asterisk-first-registration/input.txt

# What the tests and the benchmark run beside Python, as command:package (Debian's names).
TOOLS := tshark:tshark dumpcap:wireshark-common sngrep:sngrep kamailio:kamailio kamcmd:kamailio openssl:openssl \
	ip:iproute2 tc:iproute2 strace:strace sipp:sip-tester sipsak:sipsak baresip:baresip linphonec:linphone-cli \
	chromium:chromium tcpdump:tcpdump zsh:zsh fish:fish

.NOTPARALLEL:

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := requirements.lock

fuzz: NAME ?= message
SECONDS ?= 600

.PHONY: demo test check fuzz pytest tools bytecode benchmark docs pages pictures release samples hits rule dialect format lock clean

# Findings (exit 1) are what a demonstration is for; anything above is a failure.
demo: bytecode
	@$(BIN)/sipcheck log $(DEMO) || [ $$? -eq 1 ]

test: tools check pytest

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

pytest: $(VENV)/.installed-test bytecode
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

tools:
	@sh scripts/tools.sh $(TOOLS)

# pip compiles what it copies, but not an editable install; where PYTHONDONTWRITEBYTECODE is set (as in many containers)
# each start would compile again, which takes as long as the rest of it.
bytecode: $(VENV)/.installed
	@$(BIN)/python -m compileall -q analyzer replay

# Takes a quarter of an hour and 2 GB of disk in build/; BENCHMARK_ARGS="--help" tells how to have less, or more.
benchmark: tools $(VENV)/.installed-benchmark bytecode
	$(BIN)/python -m benchmarks $(BENCHMARK_ARGS)

# Fuzz one target with atheris: make fuzz NAME=message SECONDS=600; `python -m tests.fuzz --help` lists them.
fuzz: $(VENV)/.installed-test
	$(PIP) install --quiet -c $(LOCK) -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(NAME) --seconds $(SECONDS)

# The site of the documents, in build/site. A warning (a link to nowhere, a picture that is not there) is an error.
docs: pages
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/site
	@echo "build/site/index.html"

# The page on the tables is printed from their data dictionary, that on what is read from what reads it, those on the
# rules from the rules, that on checklists from these and the samples, the JSON Schema from its declaration, and the
# manual from the commands.
pages: $(VENV)/.installed-docs
	$(BIN)/python -m analyzer.dataframes >docs/tables.md
	$(BIN)/python -m analyzer.capture >docs/reads.md
	$(BIN)/python -m scripts.rule_pages
	$(BIN)/python -m scripts.checklist >docs/checklists.md
	$(BIN)/python -m scripts.stacks >docs/stacks.md
	$(BIN)/python -m analyzer.views.json_schema >analyzer/views/sipcheck-1.schema.json
	$(BIN)/python -m scripts.manual

# The pictures of the documents: the page in Chromium, a ladder, a storm.
pictures: $(VENV)/.installed-benchmark
	$(BIN)/python -m scripts.pictures

# A release up to the upload: make release VERSION=0.2.0 (scripts/release.py says what it does).
release: $(VENV)/.installed-docs
	$(PIP) install --quiet -c $(LOCK) '.[release]'
	$(BIN)/python -m scripts.release '$(VERSION)'

# What the samples say of themselves (findings, causes of storms, outcomes) is made anew; what changes is shown.
samples: $(VENV)/.installed
	@$(BIN)/python -m scripts.samples

# What every rule says of every capture and log at hand; what changes is printed.
hits: $(VENV)/.installed
	@$(BIN)/python -m scripts.hits

# The file of a new rule or log dialect, to be filled in: make rule ID=R3261-10.2-callid, make dialect NAME=kamailio-xlog.
rule:
	@$(PYTHON) scripts/new.py rule '$(ID)'

dialect:
	@$(PYTHON) scripts/new.py dialect '$(NAME)'

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Stamps: what is installed is installed again only when the project's frame changed.
$(VENV)/.installed: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) install --quiet -c $(LOCK) -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) install --quiet -c $(LOCK) -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) install --quiet -c $(LOCK) -e '.[docs]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-benchmark: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) install --quiet -c $(LOCK) -e '.[benchmark]'
	@touch $@ $(VENV)/.installed

$(VENV)/.created:
	@sh scripts/venv.sh '$(PYTHON)' '$(VENV)'
	@touch $@

lock:
	sh scripts/lock.sh '$(PYTHON)' $(LOCK)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
