# Every target does its own set-up, in .venv (tools, the built package) and .venvs (one for each
# qm-qua version that is tested against). Needs Rust, CPython 3.10 to 3.12 (the newest that qm-qua
# 1.2.6 installs on) with pip, and make.

PYTHON ?= python3
QM_VERSIONS := 1.2.6 1.4.1
# How often `make bench` measures everything.
RUNS ?= 1
# Which rows of benches/README.md it measures, as 4,5; all of them unless told otherwise.
ROWS ?=

ifeq ($(OS),Windows_NT)
BIN := Scripts
else
BIN := bin
endif
PY := .venv/$(BIN)/python
QM_PY = .venvs/$(1)/$(BIN)/python
QM_READY := $(QM_VERSIONS:%=.venvs/qm-%/.ready)
# The client that the demo and the tests use unless they say otherwise.
MAIN_QM := .venvs/qm-1.4.1/$(BIN)/python

RUST_SOURCES := $(shell find rust protos -type f) Cargo.toml Cargo.lock

.PHONY: build demo test test-packages vendor-versions lint bench docs protos clean

build: .venv/.built

# What builds; what tests and checks comes on top, so that a demo does not wait for it.
.venv/.builds: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PY) -m pip install -q --no-compile --disable-pip-version-check "maturin>=1.9,<2" "numpy>=1.24"
	touch $@

.venv/.checks: .venv/.builds
	$(PY) -m pip install -q --no-compile --disable-pip-version-check "mypy>=1.15" "pytest>=8" \
		"pytest-timeout>=2.3" "ruff>=0.11"
	touch $@

.venv/.built: .venv/.builds $(RUST_SOURCES)
	VIRTUAL_ENV=$(CURDIR)/.venv $(PY) -m maturin develop --release --locked -q
	touch $@

# The package is used from the source tree, where `maturin develop` puts the extension.
.venvs/qm-%/.ready: tests/interop/requirements.txt
	$(PYTHON) -m venv .venvs/qm-$*
	$(call QM_PY,qm-$*) -m pip install -q --no-compile --disable-pip-version-check qm-qua==$* -r $<
	$(call QM_PY,qm-$*) -c "import sysconfig, pathlib; pathlib.Path(sysconfig.get_path('purelib'), \
		'pulsewire.pth').write_text(r'$(CURDIR)/python')"
	touch $@

demo: .venv/.built .venvs/qm-1.4.1/.ready
	$(MAIN_QM) -W ignore -m pulsewire demo --output demo.png

test: .venv/.built .venv/.checks $(QM_READY)
	cargo test --release --locked --workspace --exclude pulsewire-bindings -q
	cargo build --release --locked -q -p pulsewire-client --examples
	$(PY) -m pytest tests/unit
	$(MAIN_QM) -m pytest tests/emulator tests/interop tests/dropin --ignore=tests/dropin/packages

# What is heavy: scripts on qualang-tools, QCoDeS, QuAM, joblib and IPython.
.venvs/packages-%/.ready: tests/dropin/packages/requirements.txt
	$(PYTHON) -m venv .venvs/packages-$*
	$(call QM_PY,packages-$*) -m pip install -q --no-compile --disable-pip-version-check \
		qm-qua==$* -r $<
	$(call QM_PY,packages-$*) -c "import sysconfig, pathlib; pathlib.Path(sysconfig.get_path( \
		'purelib'), 'pulsewire.pth').write_text(r'$(CURDIR)/python')"
	touch $@

test-packages: .venv/.built $(QM_VERSIONS:%=.venvs/packages-%/.ready)
	$(call QM_PY,packages-1.4.1) -m pytest tests/dropin/packages

# The seams in every version of qm-qua that is known, and the drop-in's tests of install.
vendor-versions: .venv/.built $(QM_READY) .venvs/qm-1.3.1/.ready .venvs/qm-1.4.0/.ready
	$(MAIN_QM) tests/dropin/vendor_versions.py

lint: .venv/.built .venv/.checks
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -q -- -D warnings
	$(PY) tests/arrows.py
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy.stubtest pulsewire._native --mypy-config-file pyproject.toml

.venvs/flight/.ready:
	$(PYTHON) -m venv .venvs/flight
	$(call QM_PY,flight) -m pip install -q --no-compile --disable-pip-version-check "pyarrow>=17" numpy
	touch $@

bench: .venv/.built $(QM_READY) .venvs/flight/.ready
	cargo build --release --locked -q -p pulsewire-emulator -p pulsewire-benches
	RUNS=$(RUNS) ROWS=$(ROWS) $(MAIN_QM) -W ignore benches/python/run.py

# The code of rust/wire, behind a change of protos/.
protos:
	PULSEWIRE_GENERATE=1 cargo test --release --locked -q -p pulsewire-wire

clean:
	rm -rf .venv .venvs target demo.png python/pulsewire/_native*.so python/pulsewire/_native*.pyd

# The pictures of docs/gallery.md, made by the scripts in examples/.
EXAMPLES := simulated_samples waveform_report iq_blobs rabi

docs: .venv/.built .venvs/qm-1.4.1/.ready
	mkdir -p docs/gallery
	for name in $(EXAMPLES); do echo $$name; \
		MPLBACKEND=Agg $(MAIN_QM) -W ignore -m examples.$$name docs/gallery/$$name.png || exit 1; \
	done
