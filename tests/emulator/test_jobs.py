"""A job's life: status, queue, pause, halt, corrections, waits."""

import datetime
import pickle
import time

import pytest

import pulsewire
from pulsewire import exceptions as errors
from pulsewire.jobs import AcquiringStatus, QmJob, QmPendingJob, RunningQmJob
from tests import PATIENCE


def wait_until(condition, timeout=5.0):
    ends = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < ends, "not in time"
        time.sleep(0.001)


def test_a_job_runs_and_completes(pulsewire_client, machine, counting):
    before = datetime.datetime.now(datetime.timezone.utc)
    job = machine.execute(counting(10))
    assert isinstance(job, QmJob)
    assert isinstance(job, RunningQmJob)
    assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
    wait_until(lambda: job.status == "completed")
    assert before - datetime.timedelta(seconds=1) <= job.time_added
    assert job.time_added <= datetime.datetime.now(datetime.timezone.utc)
    assert job.user_added == "pulsewire"
    assert not job.halt()
    assert not job.is_paused()
    assert job._is_data_acquiring() is AcquiringStatus.AcquireStopped
    assert not job._is_job_running()
    assert machine.get_running_job() is None


def test_pause_resume_and_halt_reach_the_program(pulsewire_client, machine, counting, endless):
    job = machine.execute(counting(5, pausing=True))
    wait_until(job.is_paused)
    assert job.status == "running"
    assert job.result_handles["values"].fetch_all()["value"].tolist() == [0, 1, 2, 3, 4]
    assert job.resume()
    assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
    assert not job.is_paused()

    job = machine.execute(counting(5, pausing=True))
    wait_until(job.is_paused)
    assert job.halt()
    assert job.status == "completed"
    assert not job.result_handles.wait_for_all_values(timeout=PATIENCE)
    assert job.result_handles["values"].count_so_far() == 5

    job = machine.execute(endless)
    assert job._is_job_running()
    assert job._is_data_acquiring() is AcquiringStatus.NoDataToAcquire
    assert machine.get_running_job().id == job.id
    assert job.cancel()
    assert job.status == "completed"


def test_execute_clears_the_queue_and_halts_what_runs(pulsewire_client, machine, endless):
    first = machine.execute(endless)
    waiting = machine.queue.add(endless)
    second = machine.execute(endless)
    assert (first.status, waiting.status, second.status) == ("completed", "canceled", "running")
    with pytest.raises(errors.JobCancelledError, match=waiting.id):
        waiting.wait_for_execution(1)
    second.halt()


def test_the_queue_is_in_order(pulsewire_client, machine, endless, counting):
    queue = machine.queue
    running = machine.execute(endless)
    last = queue.add(counting(1))
    first = queue.add_to_start(counting(1))
    assert isinstance(first, QmPendingJob)
    assert (first.position_in_queue(), last.position_in_queue()) == (1, 2)
    assert [job.id for job in queue.pending_jobs] == [last.id, first.id]
    assert (queue.count, len(queue)) == (2, 2)
    # In the order in which they will run.
    assert [job.id for job in queue] == [first.id, last.id]
    assert [job.id for job in reversed(queue)] == [last.id, first.id]
    assert last in queue
    assert last.id in queue
    assert "nothing" not in queue
    assert queue.remove_by_position(2**40) == 0
    for nowhere in (0, 2**40, 2**70):
        with pytest.raises(errors.JobNotFoundError):
            queue.get_at(nowhere)
    assert queue.get(last.id).id == last.id
    assert (queue.get_at(1).id, queue[2].id) == (first.id, last.id)
    assert {job.id for job in queue.get_by_user_id("pulsewire")} == {first.id, last.id}
    assert queue.get_by_user_id("nobody") == ()
    assert (first.status, first.user_added) == ("pending", "pulsewire")
    for look in (lambda: queue.get("job-x"), lambda: queue[3]):
        with pytest.raises(errors.JobNotFoundError):
            look()
    started = time.perf_counter()
    with pytest.raises(TimeoutError, match=f"the start of the job '{first.id}': not within 0.05 s"):
        first.wait_for_execution(0.05)
    assert time.perf_counter() - started < 30
    for once in (0, -1):
        with pytest.raises(TimeoutError):
            first.wait_for_execution(once)
    assert queue.remove_by_id(last.id) == 1
    assert queue.remove_by_id(last.id) == 0
    assert not last.cancel()
    assert queue.remove_by_position(2) == 0
    assert queue.remove_by_user_id("nobody") == 0
    for bad in (lambda: queue.remove_by_id(""), lambda: queue.remove_by_position(0)):
        with pytest.raises(ValueError, match="must be|cannot be"):
            bad()
    running.halt()
    started_job = first.wait_for_execution(5)
    assert started_job.result_handles.wait_for_all_values(timeout=PATIENCE)
    assert first.position_in_queue() == -1
    assert queue.clear() == 0


def test_compiled_programs_run_again_with_overrides(pulsewire_client, machine, counting):
    program = machine.compile(counting(3))
    queue = machine.queue
    for _ in range(2):
        pending = queue.add_compiled(program, {"waveforms": {"constant": 0.1, "shape": [0.2] * 40}})
        job = pending.wait_for_execution(5)
        assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
    for overrides, says in [
        ({"constant": [0.1, 0.2]}, "takes 1 sample, not 2"),
        ({"shape": [0.1]}, "has 1 samples, the waveform 40"),
        ({"fixed_shape": [0.1] * 40}, "not overridable"),
        ({"nothing": 0.1}, "no waveform 'nothing'"),
        ({"constant": float("nan")}, "sample NaN V"),
    ]:
        with pytest.raises(errors.FailedToAddJobToQueueException, match=says):
            queue.add_compiled(program, {"waveforms": overrides})
    with pytest.raises(errors.FailedToAddJobToQueueException, match="no compiled program 'p-1'"):
        queue.add_compiled("p-1")


def test_mistakes_are_reported_with_statement_and_line(pulsewire_client, machine):
    from qm.qua import assign, declare, fixed, program, save, wait

    with program() as wrong:
        integer = declare(int)
        real = declare(fixed)
        cells = declare(int, size=3)
        assign(integer, real)
        assign(integer, cells[7])
        wait(10, "nowhere")
        save(integer, "tag")
    for add in (
        lambda: machine.execute(wrong),
        lambda: machine.compile(wrong),
    ):
        with pytest.raises(errors.QmQuaException) as caught:
            add()
        texts = caught.value.errors
        assert len(texts) == 3
        for text, says in zip(
            texts, ["assign: bad type", "assign: index 7", "wait: unknown element 'nowhere'"]
        ):
            assert text.startswith(says)
            assert "test_jobs.py" in text
            assert text in str(caught.value)


def test_corrections_belong_to_the_job(pulsewire_client, machine, endless):
    job = machine.execute(endless)
    assert job.get_element_correction("qubit") == (1.0, 0.25, -0.25, 0.5)
    wanted = (1.1, 0.123456, -0.2, 2 - 2**-16)
    held = job.set_element_correction("qubit", wanted)
    assert held == tuple(pulsewire.quantize_correction(wanted))
    assert job.get_element_correction("qubit") == held
    for element, kind, code in [
        ("flux", errors.ElementWithSingleInputError, 3000),
        ("bare", errors.ElementWithoutIntermediateFrequencyError, 3002),
        ("none", errors.MissingElementError, 4001),
    ]:
        for call in (
            lambda e=element: job.get_element_correction(e),
            lambda e=element: job.set_element_correction(e, wanted),
        ):
            with pytest.raises(kind, match=f"'{element}'.*{job.id}") as caught:
                call()
            assert caught.value.code == code
    with pytest.raises(errors.InvalidElementCorrectionError, match="v00 = 2") as caught:
        job.set_element_correction("qubit", (2.0, 0.0, 0.0, 1.0))
    assert (caught.value.code, caught.value.element_name) == (3001, "qubit")
    assert caught.value.correction == (2.0, 0.0, 0.0, 1.0)
    assert job.get_element_correction("qubit") == held
    job.halt()
    with pytest.raises(errors.InvalidJobExecutionStatusError) as caught:
        job.get_element_correction("qubit")
    assert caught.value.code == 1001
    fresh = machine.execute(endless)
    assert fresh.get_element_correction("qubit") == (1.0, 0.25, -0.25, 0.5)
    fresh.halt()


def test_a_wrong_job_is_named(pulsewire_client, machine):
    job = pulsewire_client.job("job-77", machine.id)
    assert job.status == "unknown"
    assert (job.user_added, job.time_added) == (None, None)
    assert not job.halt()
    for call in (
        lambda: job.push_to_input_stream("tau", 1),
        lambda: job.get_element_correction("qubit"),
    ):
        with pytest.raises(errors.MissingJobError, match="job-77") as caught:
            call()
        assert caught.value.code == 1000
    for call in (lambda: job.result_handles, job.resume, job.execution_report):
        with pytest.raises(errors.MissingJobError, match="job-77") as caught:
            call()
        assert caught.value.code == 1000
    for wrong in ((1, 0, 0), ((1, 0), (0, 1)), "abcd", None, (1, 0, 0, "x")):
        with pytest.raises(errors.QmValueError, match="'qubit' is four values"):
            job.set_element_correction("qubit", wrong)
    with pytest.raises(errors.UnknownJobStateError, match="job-77"):
        QmPendingJob(pulsewire_client, "job-77", machine.id).wait_for_execution(1)


def test_machines_open_and_close(pulsewire_client, machine, endless):
    config = pulsewire_client._native  # the extension's own object takes bytes only
    assert pulsewire_client.list_open_qms() == [machine.id]
    job = machine.execute(endless)
    with pytest.raises(errors.OpenQmException, match="no configuration"):
        config.open_qm(b"", False)
    assert machine.close()
    assert job.status == "completed"
    with pytest.raises(errors.QmFailedToCloseQuantumMachineError, match=machine.id):
        machine.close()
    with pytest.raises(errors.FailedToAddJobToQueueException, match="no open quantum machine"):
        machine.execute(endless)


def test_a_job_outlives_its_client(pulsewire_emulator, pulsewire_client, machine, endless):
    with pulsewire.connect(pulsewire_emulator.host, pulsewire_emulator.port) as other:
        job_id = other.get_qm(machine.id).execute(endless).id
    with pytest.raises(errors.QMConnectionError, match="closed"):
        other.list_open_qms()
    job = machine.get_running_job()
    assert job.id == job_id
    assert job.halt()


def test_handles_pickle_as_address_and_id(pulsewire_client, machine, counting):
    job = machine.execute(counting(3))
    assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
    again = pickle.loads(pickle.dumps(job))
    assert type(again) is QmJob
    assert (again.id, again.status) == (job.id, "completed")
    handles = pickle.loads(pickle.dumps(job.result_handles))
    assert handles["values"].fetch_all()["value"].tolist() == [0, 1, 2]
    handle = pickle.loads(pickle.dumps(job.result_handles["last"]))
    assert handle.fetch_all() == 2
    for one in (again, handles._job, handle._job):
        one._client.close()


def test_deprecated_members_warn(pulsewire_client, machine, echo):
    job = machine.execute(echo)
    with pytest.warns(DeprecationWarning, match=r"1\.1\.0"):
        assert job.manager is None
    with pytest.warns(DeprecationWarning, match="push_to_input_stream"):
        job.insert_input_stream("flag", True)
    with pytest.warns(DeprecationWarning, match="iterate_results"):
        assert len(list(job.result_handles)) == 4
    job.halt()
