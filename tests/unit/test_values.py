"""What needs no server: corrections, exceptions, reports, the command line."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

import pulsewire
from pulsewire import exceptions
from pulsewire._connection import TlsMaterial, tls_material
from pulsewire.cli import main
from pulsewire.jobs.job_queue_old_api import _overrides
from pulsewire.results.fetchers import _range_of
from pulsewire.results.report import ExecutionReport

STEP = 2.0**-16


def test_corrections_are_quantized_one_or_many():
    one = pulsewire.quantize_correction([1.0, 0.123456, -0.5, 2 - STEP])
    assert one.shape == (4,)
    assert one.dtype == np.float64
    assert one.tolist() == [1.0, round(0.123456 / STEP) * STEP, -0.5, 2 - STEP]
    many = pulsewire.quantize_correction(np.linspace(-2, 1.9, 400).reshape(100, 4))
    assert many.shape == (100, 4)
    assert np.array_equal(many, np.rint(np.linspace(-2, 1.9, 400).reshape(100, 4) / STEP) * STEP)
    # A view with strides gives the same as its copy.
    wide = np.linspace(-1, 1, 80).reshape(10, 8)
    assert np.array_equal(
        pulsewire.quantize_correction(wide[:, ::2]),
        pulsewire.quantize_correction(wide[:, ::2].copy()),
    )


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1.0, 2.0, 0.0, 0.0], "v01 = 2"),
        ([[0.0] * 4, [0.0, 0.0, float("nan"), 0.0]], "row 1: v10 = NaN"),
        ([0.0, 0.0, 0.0, -2.0001], "v11 = -2.0001"),
        ([0.0] * 3, r"shape \(4,\) or \(n, 4\), not \[3\]"),
        (np.zeros((2, 2, 4)), r"not \[2, 2, 4\]"),
    ],
)
def test_bad_corrections_are_named(value, says):
    with pytest.raises(exceptions.QmValueError, match=says):
        pulsewire.quantize_correction(value)


def test_every_exception_is_exported_and_says_something():
    for name in exceptions.__all__:
        kind = getattr(exceptions, name)
        assert inspect.getdoc(kind), name
        assert "what happened" in str(kind("what happened"))
    assert issubclass(exceptions.QmValueError, ValueError)
    assert issubclass(exceptions.GatewayNotImplementedError, NotImplementedError)
    assert exceptions.MissingElementError("x").code == 4001


def test_reports_are_tables():
    boom = SimpleNamespace(code=7, is_error=True, message="boom")
    careful = SimpleNamespace(code=8, is_error=False, message="careful")
    report = ExecutionReport.from_native("job-1", [boom, careful])
    assert report.has_errors()
    # A notice is no error.
    assert not ExecutionReport.from_native("job-1", [careful]).has_errors()
    assert repr(report).splitlines()[-2:] == ["7\t\tError\t\tboom", "8\t\tWarn\t\tcareful"]
    report.errors().clear()
    assert len(report.errors()) == 2
    assert repr(ExecutionReport("job-1", [])) == "Execution report for job job-1\nNo errors"


def test_items_are_ranges():
    assert _range_of("r", 3) == (3, 4)
    assert _range_of("r", -1) == (-1, None)
    assert _range_of("r", np.int64(2)) == (2, 3)
    assert _range_of("r", slice(None, np.int32(5))) == (0, 5)
    # As Python clamps the ends of slices.
    assert _range_of("r", slice(-(2**70), 2**70)) == (-(2**63) + 1, 2**63 - 1)
    assert _range_of("r", 2**70) == (2**63 - 1, 2**63 - 1)
    with pytest.raises(ValueError, match="'r': items are fetched in steps of 1, not 2"):
        _range_of("r", slice(0, 9, 2))
    for bad in (1.0, "1", None):
        with pytest.raises(TypeError, match="'r': fetch takes an int or a slice"):
            _range_of("r", bad)


def test_overrides_have_one_form():
    assert _overrides(None) == []
    assert _overrides({"waveforms": {"a": 1, "b": [0.5, 1]}}) == [("a", [1.0]), ("b", [0.5, 1.0])]
    for bad, says in [
        ({"pulses": {}}, "pulses"),
        ({"waveforms": {"a": []}}, "'a'"),
        ({"waveforms": None}, "mapping"),
        ({"waveforms": {"a": "x"}}, "'a'"),
    ]:
        with pytest.raises(exceptions.QmValueError, match=says):
            _overrides(bad)


def test_tls_options_are_checked(tmp_path):
    pem = tmp_path / "ca.pem"
    pem.write_text("PEM")
    assert tls_material(None) is None
    assert tls_material(True) == TlsMaterial(None, None, None)
    assert tls_material({"ca": pem, "domain": "qop"}) == TlsMaterial("PEM", None, "qop")
    with pytest.raises(ValueError, match="together"):
        tls_material({"certificate": pem})
    with pytest.raises(TypeError, match="verify"):
        tls_material({"verify": "no"})


def test_the_command_line_explains_itself(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "emulator" in capsys.readouterr().out
    assert main(["demo", "--iterations", "5"]) == 2
    # The emulator's options are the binary's.
    assert main(["emulator", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "usage: pulsewire emulator" in shown
    for option in ("--host", "--port", "--realtime", "--timing", "--msb", "--readout", "--seed"):
        assert option in shown
    assert main(["emulator", "--seed", "many"]) == 2
    assert "many" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2


def test_a_missing_gateway_is_named():
    with pytest.raises(exceptions.QmServerDetectionError, match="127.0.0.1:1.*is it started"):
        pulsewire.connect("127.0.0.1", 1, timeout=5)
    with pytest.raises(exceptions.QmValueError, match="no time"):
        pulsewire.connect("127.0.0.1", 1, timeout=0)
    with pytest.raises(exceptions.QmValueError, match="70000"):
        pulsewire.connect("127.0.0.1", 70000)
    with pytest.raises(exceptions.QmValueError, match="header"):
        pulsewire.connect("127.0.0.1", 1, headers={"a b": "c"})
