"""Reports that no good gateway sends: an error of ours, which names the job, or a report."""

import copy
import math
from types import SimpleNamespace

import numpy as np
import pytest

from pulsewire.exceptions import QMSimulationError
from pulsewire.results.fetchers import SingleStreamSingleResultFetcher
from pulsewire.results.waveform_report import WaveformReport

PULSER = {"controllerName": "con1", "pulserIndex": 0.0, "femId": 0.0}
IQ = {"isPartOfIq": True, "iqGroupId": 0.0, "isI": True, "isQ": False}
PLAYED = {
    "waveformName": "w",
    "pulseName": "OriginPulseName=p",
    "timestamp": 16.0,
    "length": 100.0,
    "iqInfo": IQ,
    "quantumElements": "q",
    "outputPorts": [1.0],
    "pulser": PULSER,
}
GOOD = {
    "analogWaveforms": [
        {
            **PLAYED,
            "currentGMatrixElements": [1.0, 0.0],
            "currentDCOffsetByPort": {"1": 0.0},
            "currentIntermediateFrequency": 1e6,
            "currentFrame": [1.0, 0.0],
            "currentCorrectionElements": [1.0, 0.0],
            "currentPhase": 0.0,
            "chirpInfo": {
                "rate": [1.0],
                "times": [0.0],
                "units": "Hz/nsec",
                "startFrequency": 1.0,
                "endFrequency": 2.0,
            },
        }
    ],
    "digitalWaveforms": [PLAYED],
    "adcAcquisitions": [
        {
            "startTime": 1.0,
            "endTime": 2.0,
            "process": "DemodIntegration",
            "pulser": PULSER,
            "quantumElement": "q",
            "adc": [0.0],
        }
    ],
    "events": [
        {
            "eventMessage": "phase_reset",
            "timestamp": 3.0,
            "quantumElement": "q",
            "sourcePulser": PULSER,
            "sourcePulserIqInfo": {"isI": True, "isQ": False},
        }
    ],
}


def places(value, path=()):
    """The path of everything within."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*path, key))


PLACES = list(places(GOOD))


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("wrong", ["gone", None, "x", math.inf, math.nan, [], {}, -1e30])
def test_a_report_is_one_or_an_error_of_ours(path, wrong):
    given = copy.deepcopy(GOOD)
    parent = given
    for key in path[:-1]:
        parent = parent[key]
    if wrong == "gone":
        del parent[path[-1]]
    else:
        parent[path[-1]] = wrong
    try:
        report = WaveformReport.from_dict(given, "job-7")
    except QMSimulationError as error:
        assert "'job-7'" in str(error)
        assert len(str(error)) < 1000
        return
    # What was taken can be shown.
    report.to_dict()
    report.to_string()
    report.report_by_controllers()


def test_the_good_one_is_taken():
    report = WaveformReport.from_dict(GOOD, "job-7")
    assert len(report.analog_waveforms) == len(report.adc_acquisitions) == len(report.events) == 1


def test_an_item_without_dimensions_is_a_scalar():
    # A gateway that describes a last value by an empty shape.
    fetcher = object.__new__(SingleStreamSingleResultFetcher)
    fetcher._name = "r"
    value = fetcher._shaped(SimpleNamespace(array=np.array(7)), False)
    assert value == 7
    assert value.dtype == np.int64
