"""Pushing: what is taken, what is refused, in which order it arrives."""

import numpy as np
import pytest
from qm.qua import (
    advance_input_stream,
    declare,
    declare_input_stream,
    declare_stream,
    fixed,
    for_,
    infinite_loop_,
    program,
    save,
    stream_processing,
)

from pulsewire import exceptions as errors
from tests import PATIENCE


@pytest.fixture
def job(pulsewire_client, machine, echo):
    job = machine.execute(echo)
    yield job
    job.halt()


def answer(job, name, count):
    handle = job.result_handles.get(name)
    handle.wait_for_values(count, timeout=PATIENCE)
    return handle.fetch_all(flat_struct=True)


@pytest.mark.parametrize(
    "entry",
    [
        [1, -2, 2**31 - 1],
        (1, -2, 2**31 - 1),
        np.array([1, -2, 2**31 - 1], dtype=np.int32),
        np.array([1, -2, 2**31 - 1], dtype=np.int64),
        np.array([1, 0, -2, 0, 2**31 - 1], dtype=np.int64)[::2],
        [np.int8(1), np.int64(-2), np.int32(2**31 - 1)],
        np.array([(5, 1), (6, -2), (7, 2**31 - 1)], dtype=[("other", "i1"), ("wanted", "<i4")])[
            "wanted"
        ],
    ],
)
def test_every_form_of_ints_arrives(job, entry):
    job.push_to_input_stream("numbers", entry)
    job.push_to_input_stream("angle", 0.5)
    job.push_to_input_stream("flag", True)
    assert answer(job, "numbers", 1).ravel().tolist() == [1, -2, 2**31 - 1]


@pytest.mark.parametrize(
    "entry", [range(3), *(np.arange(3, dtype=kind) for kind in ("u1", "u8", ">i4", "i2"))]
)
def test_ranges_and_other_widths_arrive(job, entry):
    job.input_stream("numbers").push(entry)
    job.input_stream("angle").push(0.5)
    job.input_stream("flag").push(True)
    assert answer(job, "numbers", 1).ravel().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("angle", "flag"),
    [
        (-8.0, False),
        ([0.25], [True]),
        (np.float64(0.25), np.bool_(True)),
        (np.float32(0.25), np.array([True])),
        (np.array([0.25], dtype=np.float16), np.array(False)),
        (3, True),
    ],
)
def test_floats_and_bools_arrive(job, angle, flag):
    job.push_to_input_stream("numbers", [0, 0, 0])
    job.push_to_input_stream("angle", angle)
    job.push_to_input_stream("flag", flag)
    assert answer(job, "angle", 1) == np.ravel(angle)[0]
    assert answer(job, "flag", 1) == np.ravel(flag)[0]


@pytest.mark.parametrize(
    ("stream", "entry", "says"),
    [
        ("numbers", [1, True, 3], "mixed types"),
        ("angle", [True, 0.5], "mixed types"),
        ("angle", [1, np.bool_(0)], "mixed types"),
        ("angle", [0.5, False], "mixed types"),
        ("numbers", [16.0] * 3, "float.*takes ints"),
        ("numbers", np.float32(16), "float.*takes ints"),
        ("numbers", [1, 2, 2**31], "2147483648 .*does not fit an int"),
        ("numbers", 2**80, "does not fit an int"),
        ("numbers", np.array([1, 2, -(2**31) - 1]), "-2147483649 .*does not fit an int"),
        (
            "numbers",
            np.array([1, 9, 2**40, 9, 3, 9])[::2],
            "1099511627776 .value 1. does not fit an int",
        ),
        ("numbers", np.array([2**64 - 1], dtype=np.uint64), "18446744073709551615"),
        ("numbers", "123", "str is not a bool"),
        ("numbers", b"123", "bytes is not a bool"),
        ("numbers", None, "NoneType is not a bool"),
        ("numbers", ["1"], "str is not a bool"),
        ("numbers", [[1, 2, 3]], "list is not a bool"),
        ("numbers", {3, 1, 2}, "set is not a bool"),
        ("numbers", bytearray(3), "bytearray is not a bool"),
        ("numbers", np.ma.array([1, 2, 3], mask=[0, 1, 0]), "masked"),
        ("numbers", np.array([2**64 - 1] * 3, dtype=">u8"), "18446744073709551615"),
        ("angle", 7.9999999999, "does not fit a fixed"),
        ("numbers", np.zeros((3, 1), dtype=int), "push_many"),
        ("numbers", np.array(["a"]), "cannot be pushed"),
        ("numbers", np.array([1j]), "cannot be pushed"),
        ("angle", float("nan"), "does not fit a fixed"),
        ("angle", [8.0], r"8.0 .value 0. does not fit a fixed"),
        ("angle", np.array([-8.1]), "does not fit a fixed"),
        ("angle", float("inf"), "does not fit a fixed"),
    ],
)
def test_what_cannot_be_represented_is_refused_before_it_is_sent(job, stream, entry, says):
    with pytest.raises(errors.QmValueError, match=says) as caught:
        job.push_to_input_stream(stream, entry)
    assert f"'{stream}'" in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("stream", "entry", "kind", "code", "says"),
    [
        (
            "nothing",
            1,
            errors.UnknownInputStreamError,
            1006,
            "'nothing'; it has: numbers, angle, flag",
        ),
        ("numbers", [1, 2.0, 3], errors.UnspecifiedError, 0, "takes ints, and floats were given"),
        ("numbers", [1.0, 2.0, 3.0], errors.UnspecifiedError, 0, "write 16, not 16.0"),
        ("numbers", [1, 2], errors.UnspecifiedError, 0, "takes 3 values an entry, not 2"),
        ("numbers", [], errors.UnspecifiedError, 0, "takes 3 values an entry, not 0"),
        (
            "numbers",
            [1.0, 2.0, 3.0],
            errors.UnspecifiedError,
            0,
            "takes ints, and floats were given.*int, not fixed",
        ),
        ("flag", 1, errors.UnspecifiedError, 0, "takes bool, not int"),
        ("angle", True, errors.UnspecifiedError, 0, "takes fixed, not bool"),
        ("angle", 9, errors.UnspecifiedError, 0, "9 does not fit"),
    ],
)
def test_what_does_not_fit_the_declaration_is_refused(job, stream, entry, kind, code, says):
    with pytest.raises(kind, match=says) as caught:
        job.push_to_input_stream(stream, entry)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert job.id in str(caught.value)
    # Nothing of it was taken.
    job.push_to_input_stream("numbers", [7, 8, 9])
    job.push_to_input_stream("angle", 0.5)
    job.push_to_input_stream("flag", True)
    assert answer(job, "numbers", 1).ravel().tolist() == [7, 8, 9]


def test_many_entries_arrive_in_order(job):
    rows = np.arange(600, dtype=np.int64).reshape(200, 3)
    assert job.input_stream("numbers").push_many(rows) == 200
    assert job.input_stream("angle").push_many(np.linspace(-1, 1, 200)) == 200
    assert job.input_stream("flag").push_many([[True], False] * 100) == 200
    assert np.array_equal(answer(job, "numbers", 200), rows)
    assert answer(job, "flag", 200).tolist() == [True, False] * 100
    assert job.input_stream("flag").push_many([]) == 0


@pytest.mark.parametrize("entry", [[1, 0.25], [0.25, 1], (0, 0.5), [0.5, np.int8(1)]])
def test_ints_among_floats_are_floats(pulsewire_client, machine, entry):
    # As physicists write angles: [1.0, 0, 0].
    from qm.qua import (
        advance_input_stream,
        declare_input_stream,
        declare_stream,
        fixed,
        program,
        save,
        stream_processing,
    )

    with program() as built:
        angles = declare_input_stream(fixed, "angles", size=2)
        stream = declare_stream()
        advance_input_stream(angles)
        save(angles[0], stream)
        save(angles[1], stream)
        with stream_processing():
            stream.save_all("angles")
    job = machine.execute(built)
    job.push_to_input_stream("angles", entry)
    assert job.result_handles.wait_for_all_values(timeout=PATIENCE)
    assert job.result_handles.angles.fetch_all()["value"].tolist() == [float(v) for v in entry]


def test_a_failure_tells_how_many_were_taken(job):
    stream = job.input_stream("numbers")
    with pytest.raises(errors.UnspecifiedError, match="not 2") as caught:
        stream.push_many([[1, 2, 3], [4, 5, 6], [7, 8]])
    assert caught.value.acknowledged == 2
    with pytest.raises(errors.QmValueError) as caught:
        job.input_stream("angle").push_many(np.array([0.5, np.nan]))
    assert caught.value.acknowledged == 0
    # Floats among ints are floats, which only the gateway knows to be wrong here.
    with pytest.raises(errors.UnspecifiedError, match="takes ints") as caught:
        stream.push_many([[1, 2, 3], [1, 2, 3.5]])
    assert caught.value.acknowledged == 1
    with pytest.raises(errors.QmValueError, match="an array or a list"):
        stream.push_many(5)
    for bad in (np.zeros((2, 2, 2), dtype=int), np.zeros((2, 0), dtype=int)):
        with pytest.raises(errors.QmValueError, match="'numbers'"):
            stream.push_many(bad)


def test_an_ended_job_takes_nothing(job):
    job.halt()
    with pytest.raises(errors.InvalidJobExecutionStatusError, match=job.id) as caught:
        job.push_to_input_stream("flag", True)
    assert caught.value.code == 1001


def layouts(values):
    """The same numbers, as they may lie in memory."""
    size, kind = len(values), values.dtype
    yield values
    yield values[::-1].copy()[::-1]
    yield np.repeat(values, 3)[::3]
    yield np.stack([values, values], axis=1)[:, 1]
    packed = np.zeros(size, dtype=[("before", "i1"), ("value", kind)])
    packed["value"] = values
    yield packed["value"]
    unaligned = np.zeros(kind.itemsize * size + 1, dtype=np.uint8)[1:].view(kind)
    unaligned[:] = values
    yield unaligned
    yield values.astype(kind.newbyteorder())


@pytest.mark.parametrize(
    ("qua_type", "kinds"),
    [
        (int, ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")),
        (fixed, ("f2", "f4", "f8", "g")),
    ],
)
def test_arrays_of_every_kind_and_layout_arrive(pulsewire_client, machine, qua_type, kinds):
    with program() as built:
        entry = declare_input_stream(qua_type, "entry", size=7)
        index, stream = declare(int), declare_stream()
        with infinite_loop_():
            advance_input_stream(entry)
            with for_(index, 0, index < 7, index + 1):
                save(entry[index], stream)
        with stream_processing():
            stream.buffer(7).save_all("seen")
    job = machine.execute(built)
    wanted = []
    for kind in kinds:
        # Fixed numbers that every kind of float holds.
        values = np.arange(7).astype(kind) if qua_type is int else (np.arange(7) / 2).astype(kind)
        for entry in (*layouts(values), np.broadcast_to(values[3], 7)):
            job.push_to_input_stream("entry", entry)
            wanted.append(np.asarray(entry, dtype=float))
    seen = answer(job, "seen", len(wanted))
    assert np.array_equal(seen, wanted)
    job.halt()
