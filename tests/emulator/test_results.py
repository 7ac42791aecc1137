"""Results: waiting, fetching, ends, limits."""

import logging
import threading
import time

import numpy as np
import pytest

import pulsewire
from pulsewire import exceptions as errors
from pulsewire.results import (
    SingleStreamMultipleResultFetcher,
    SingleStreamSingleResultFetcher,
    StreamingResultFetcher,
    StreamsManager,
)
from tests import PATIENCE


@pytest.fixture
def done(pulsewire_client, machine, counting):
    job = machine.execute(counting(10))
    assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
    return job


def test_the_manager_is_a_mapping_of_handles(done):
    results = done.result_handles
    assert StreamingResultFetcher is StreamsManager
    assert list(results.keys()) == ["values", "last"]
    assert len(results) == 2
    assert "values" in results
    assert "nothing" not in results
    assert 5 not in results
    # `values` is the mapping's own method, and the name of a result as an item.
    assert isinstance(results["values"], SingleStreamMultipleResultFetcher)
    assert isinstance(results.last, SingleStreamSingleResultFetcher)
    assert results["nothing"] is None
    assert not hasattr(results, "nothing")
    with pytest.raises(AttributeError, match="no result 'nothing'; it has: values, last"):
        results.nothing.fetch_all()
    assert results.get("nothing", "mine") == "mine"
    assert [name for name, _ in results.iterate_results()] == ["values", "last"]
    handle = results["values"]
    assert (handle.name, handle.job_id, handle.expected_count) == ("values", done.id, 0)
    assert handle.numpy_dtype == [["value", "<i8"]]
    assert len(handle) == handle.count_so_far() == 10
    everything = np.arange(10)
    for start in (None, -(2**70), -3, 0, 3, 2**70):
        for stop in (None, -(2**70), -3, 0, 3, 2**70):
            got = handle.fetch(slice(start, stop))
            expected = everything[start:stop]
            assert (got is None and not len(expected)) or got["value"].tolist() == expected.tolist()
    assert not handle.is_processing()
    assert not results.is_processing()
    assert not handle.has_dataloss()
    state = handle.get_job_state()
    assert (state.job_id, state.done, state.closed) == (done.id, True, False)


def test_slices_are_those_of_python(done):
    handle = done.result_handles["values"]
    everything = list(range(10))

    def fetched(item):
        return handle.fetch(item, flat_struct=True).tolist()

    for item in [
        slice(None),
        slice(2, 5),
        slice(-3, None),
        slice(0, -1),
        slice(5, 2),
        slice(8, 99),
        slice(-99, 3),
        slice(3, 9, 1),
    ]:
        assert fetched(item) == everything[item], item
    for index in (0, 9, -1, -10, np.int64(4)):
        assert fetched(index) == [everything[index]]
    assert fetched(10) == []
    assert handle.strict_fetch(3).tolist() == [(3,)]


def test_a_single_result_is_a_scalar(done, caplog):
    handle = done.result_handles["last"]
    assert handle.fetch_all() == 9
    assert isinstance(handle.fetch_all(), np.int64)
    assert handle.fetch() == 9
    with caplog.at_level(logging.WARNING):
        assert handle.fetch(5) == 9
    assert "single value" in caplog.text
    with pytest.raises(RuntimeError, match="single value"):
        handle.wait_for_values(2)
    handle.wait_for_values()


def test_a_result_without_values_yet(pulsewire_client, machine, echo, caplog):
    job = machine.execute(echo)
    results = job.result_handles
    with caplog.at_level(logging.WARNING):
        assert results.last_angle.fetch_all() is None
    assert "'last_angle' has no value yet" in caplog.text
    assert results.numbers.fetch_all(flat_struct=True).shape == (0, 3)
    assert results.angle.fetch_all().shape == (0,)
    assert set(results.fetch_results(wait_until_done=False)) == {"numbers", "angle", "flag"}
    started = time.perf_counter()
    with pytest.raises(TimeoutError, match=f"'angle' of the job '{job.id}': not within 0.05 s"):
        results.angle.wait_for_values(1, timeout=0.05)
    for wait in (
        lambda: results.angle.wait_for_values(1, timeout=0),
        lambda: results.angle.wait_for_all_values(timeout=-1),
        lambda: results.wait_for_all_values(timeout=-1),
    ):
        with pytest.raises(TimeoutError):
            wait()
    with pytest.raises(errors.QMTimeoutError):
        results.fetch_results(timeout=0.05)
    assert time.perf_counter() - started < 30
    job.halt()


def test_a_wait_ends_with_the_job(pulsewire_client, machine, counting, echo):
    job = machine.execute(counting(10))
    with pytest.raises(errors.ResultEndedError, match="10 of 11 values: the program came") as ended:
        job.result_handles["values"].wait_for_values(11, timeout=PATIENCE)
    assert (ended.value.got, ended.value.wanted) == (10, 11)
    job = machine.execute(echo)
    threading.Timer(0.05, job.halt).start()
    with pytest.raises(errors.ResultEndedError, match=f"{job.id}.*0 of 1 values: the job was"):
        job.result_handles.angle.wait_for_values(1, timeout=PATIENCE)


def test_several_results_at_once(done):
    results = done.result_handles
    everything = results.fetch_results(timeout=PATIENCE)
    assert everything["last"] == 9
    assert everything["values"]["value"].tolist() == list(range(10))
    some = results.fetch_results(stream_names={"values": slice(2, 4)})
    assert some["values"]["value"].tolist() == [2, 3]
    assert results.fetch_results(stream_names=["values"], item=3)["values"].tolist() == [(3,)]
    for timeout in (0, -1, None):
        assert results.fetch_results(timeout=timeout)["last"] == 9
    with pytest.raises(errors.QmQuaException, match="not both"):
        results.fetch_results(stream_names={"values": 1}, item=1)
    with pytest.raises(errors.QmQuaException, match="no results 'nothing'"):
        results.fetch_results(stream_names=["nothing"])


def test_a_job_without_results(pulsewire_client, machine, endless):
    job = machine.execute(endless)
    results = job.result_handles
    assert len(results) == 0
    assert results.wait_for_all_values()
    assert not results.is_processing()
    assert results.fetch_results() == {}
    job.halt()


def test_results_by_job_id(pulsewire_client, done):
    results = pulsewire_client.result_handles(done.id)
    assert results["last"].fetch_all() == 9


def test_large_results_are_exact(pulsewire_client, machine, counting):
    count = 1_000_000
    job = machine.execute(counting(count))
    handle = job.result_handles["values"]
    seen = 0
    while handle.is_processing():
        now = handle.count_so_far()
        assert now >= seen
        seen = now
    data = handle.fetch_all(flat_struct=True)
    assert data.flags.c_contiguous
    assert data.flags.owndata
    assert np.array_equal(data, np.arange(count))
    part = handle.fetch(slice(123_456, 654_321), flat_struct=True)
    assert np.array_equal(part, np.arange(123_456, 654_321))


def test_lost_data_is_said(counting):
    from tests.emulator.conftest import CONFIG

    with (
        pulsewire.Emulator(limits={"result_bytes": 800}) as emulator,
        pulsewire.connect(emulator.host, emulator.port) as client,
    ):
        job = client.open_qm(CONFIG).execute(counting(1000))
        handle = job.result_handles["values"]
        handle.wait_for_all_values(timeout=PATIENCE)
        assert handle.has_dataloss()
        assert handle.count_so_far() == 100
        with pytest.raises(errors.StreamProcessingDataLossError, match=f"'values'.*{job.id}"):
            handle.fetch_all()


def test_runtime_errors_are_reported(pulsewire_client, machine, caplog):
    from qm.qua import assign, declare, declare_stream, program, save, stream_processing

    with program() as faulty:
        index = declare(int, value=5)
        cells = declare(int, size=3)
        stream = declare_stream()
        assign(cells[index], 1)
        save(cells[index], stream)
        with stream_processing():
            stream.save_all("cell")
    job = machine.execute(faulty)
    handle = job.result_handles.cell
    handle.wait_for_all_values(timeout=PATIENCE)
    report = job.execution_report()
    assert report.has_errors()
    assert len(report.errors()) == 2
    for error in report.errors():
        assert "index out of the array 'a1' of 3" in error.message
        assert "test_results.py" in error.message
        assert error.severity.name == "Error"
    with caplog.at_level(logging.ERROR):
        assert handle.fetch_all()["value"].tolist() == [0]
    assert f"job {job.id} met runtime errors" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        handle.fetch_all(check_for_errors=False)
    assert not caplog.text
