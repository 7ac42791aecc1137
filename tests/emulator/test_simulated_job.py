"""The simulated job: what it gives, what it refuses, and what the report says."""

import copy
import pickle

import numpy as np
import pytest
from qm.qua import (
    align,
    amp,
    declare,
    declare_stream,
    demod,
    dual_demod,
    fixed,
    for_,
    frame_rotation_2pi,
    measure,
    play,
    program,
    ramp,
    reset_if_phase,
    save,
    stream_processing,
    update_frequency,
    wait,
)

import pulsewire
import pulsewire.jobs.simulated_job
from pulsewire.exceptions import (
    FailedToExecuteJobException,
    InvalidOperationOnSimulatorJobError,
    QMSimulationError,
    QmValueError,
)
from tests import PATIENCE
from tests.emulator import rack


@pytest.fixture
def simulate(pulsewire_client):
    def simulate(build, cycles=200, config=None, **more):
        with program() as built:
            build()
        return pulsewire_client.simulate(config or rack.config(), built, cycles, **more)

    return simulate


def hold():
    play("hold", "flux")


def test_samples_by_every_name(simulate):
    samples = simulate(hold).get_simulated_samples()
    con1 = samples.con1
    assert samples["con1"] is con1
    assert con1.analog["4"] is con1.analog[4] is con1.analog["1-4"]
    assert (con1.analog[4].shape, con1.analog[4].dtype) == ((800,), np.float64)
    assert con1.digital["1"].dtype == np.bool_
    assert con1.analog_sampling_rate["1-4"] == 1e9
    assert 4 in con1.analog
    assert 11 not in con1.analog
    assert con1.analog.get("4") is con1.analog[4]
    with pytest.raises(KeyError):
        con1.analog[11]
    assert not hasattr(samples, "con2")
    with pytest.raises(KeyError, match="there are: con1"):
        samples.con2  # noqa: B018
    copied = copy.deepcopy(samples)
    np.testing.assert_array_equal(copied.con1.analog[4], con1.analog[4])


def test_only_what_is_asked_for_comes(simulate):
    job = simulate(hold)
    analog = job.get_simulated_samples(include_digital=False).con1
    assert (len(analog.analog), len(analog.digital)) == (10, 0)
    digital = job.get_simulated_samples(include_analog=False).con1
    assert (len(digital.analog), len(digital.digital)) == (0, 4)
    assert job.get_simulated_samples(False, False) == {}


def test_a_simulation_of_no_time(simulate):
    samples = simulate(hold, cycles=0).get_simulated_samples()
    assert samples.con1.analog[4].shape == (0,)


def test_a_simulated_job_is_a_job(simulate, pulsewire_client):
    def build():
        value = declare(int, value=7)
        stream = declare_stream()
        save(value, stream)
        with stream_processing():
            stream.save("value")

    job = simulate(build)
    assert isinstance(job, pulsewire.jobs.simulated_job.SimulatedJob)
    assert job.status == "completed"
    assert job.result_handles.value.fetch_all() == 7
    assert (job.user_added, job.time_added) == (None, None)
    with pytest.raises(InvalidOperationOnSimulatorJobError):
        job.push_to_input_stream("x", 1)
    again = pickle.loads(pickle.dumps(job))
    assert again.get_simulated_waveform_report() is None
    assert len(again.get_simulated_samples().con1.analog) == 10
    with pytest.raises(QMSimulationError, match=job.id):
        again.plot_waveform_report_without_samples()


def test_an_executed_job_has_no_samples(pulsewire_client):
    with program() as built:
        hold()
    machine = pulsewire_client.open_qm(rack.config())
    job = machine.execute(built)
    attached = pulsewire.jobs.simulated_job.SimulatedJob(pulsewire_client, job.id)
    with pytest.raises(QMSimulationError, match="only simulated jobs"):
        attached.get_simulated_samples()
    unknown = pulsewire.jobs.simulated_job.SimulatedJob(pulsewire_client, "nobody")
    with pytest.raises(pulsewire.exceptions.QmQuaException, match="nobody"):
        unknown.get_simulated_samples()


@pytest.mark.parametrize("duration", [-1, 1 << 32, 1.5, "10", None])
def test_durations_that_cannot_be(simulate, duration):
    with pytest.raises(QmValueError, match="clock cycles"):
        simulate(hold, cycles=duration)


def test_more_than_fits_is_refused(simulate):
    with pytest.raises(FailedToExecuteJobException, match="simulate a shorter time"):
        simulate(hold, cycles=1 << 30)


@pytest.mark.parametrize(
    ("interface", "says"),
    [
        (pulsewire.Loopback([("con1", 11, "con1", 1)]), "no analog output 11"),
        (pulsewire.Loopback([("con1", 1, "con2", 1)]), "no analog input 1 of 'con2'"),
        (pulsewire.Loopback([("nobody", "ro", 1)]), "unknown element 'nobody'"),
        (pulsewire.Raw([("con1", 3, [0.0])]), "no analog input 3"),
        (pulsewire.Raw([("con1", 1, [float("nan")])]), "not finite"),
    ],
)
def test_interfaces_that_do_not_fit_the_configuration(simulate, interface, says):
    with pytest.raises(FailedToExecuteJobException, match=says):
        simulate(hold, interface=interface)


@pytest.mark.parametrize(
    "interface",
    [
        pulsewire.Loopback([("con1", 4, "con1", 2), ("con1", 9, "con1", 1)], latency=200),
        pulsewire.Loopback([("con1", 9, "con1", 1), ("con1", 10, "con1", 2)], latency=200),
        pulsewire.Raw([("con1", 2, np.full(9, 0.1, np.float32))], noise_power=np.float32(0)),
    ],
)
def test_connections_of_ports_that_are_not_configured_lead_nowhere(simulate, interface):
    # As public programs have them: the hardware has the port, the configuration does not name it.
    config = rack.config()
    del config["elements"]["rr"], config["controllers"]["con1"]["analog_inputs"][2]
    del config["controllers"]["con1"]["analog_outputs"][10]
    job = simulate(hold, config=config, interface=interface)
    messages = [error.message for error in job.execution_report().errors()]
    assert any(
        "leads nowhere" in message and "analog input 2" in message for message in messages
    ) or ("analog output 10" in messages[0])


@pytest.mark.parametrize(
    ("interface", "says"),
    [
        (pulsewire.Loopback([("con1", 1)]), "a tuple of 3 or 4 or 6"),
        (pulsewire.Loopback([["con1", 1, "con1", 1]]), "a tuple of"),
        (pulsewire.Loopback([("con1", "1", "con1", 1)]), "'1' in the connection"),
        (pulsewire.Loopback([("con1", 1, "con1", 1)], noise_power=-1.0), "variance"),
        (pulsewire.Raw(5), "a list of tuples"),
        (pulsewire.Raw([("con1", 1, 0.5)]), "no numbers"),
        (pulsewire.Raw([("con1", 1, "12")]), "no numbers"),
        (pulsewire.Raw([("con1", 1, b"12")]), "no numbers"),
        (pulsewire.Raw([("con1", 1, ["0.5"])]), "no numbers"),
        (pulsewire.Raw([("con1", 1, [True])]), "no numbers"),
        (pulsewire.Raw([("con1", 1, {0.5: 1})]), "no numbers"),
        (pulsewire.Raw([("con1", 1, np.array([1j]))]), "no numbers"),
        (pulsewire.Raw([("con1", 1, [0.0])], noise_power="much"), "variance"),
        (pulsewire.Loopback([("con1", 1, "con1", 1)], latency=-1), "latency"),
        (pulsewire.Loopback([("con1", 1 << 40, "con1", 1)]), "in the connection"),
        ("loopback", "a Loopback or a Raw"),
    ],
)
def test_interfaces_that_cannot_be(simulate, interface, says):
    with pytest.raises(QmValueError, match=says):
        simulate(hold, interface=interface)


@pytest.mark.parametrize(
    "connection", [("con1", 9, "con1", 1), ("con1", 1, 9, "con1", 1, 1), ("ro", "ro", 1)]
)
def test_loopbacks_by_ports_and_by_elements(simulate, connection):
    def build():
        value = declare(fixed)
        stream = declare_stream()
        measure("readout", "ro", demod.full("cos", value))
        save(value, stream)
        with stream_processing():
            stream.save("value")

    job = simulate(build, interface=pulsewire.Loopback([connection], latency=200))
    # The whole pulse is heard, at the carrier's phase 176 ns later.
    expected = -0.1 * 400 / 4096 * np.cos(2 * np.pi * 20e6 * 176e-9)
    assert job.result_handles.value.fetch_all() == pytest.approx(expected, rel=0.02)


def test_the_report_tells_what_was_played(simulate):
    def build():
        i = declare(fixed)
        frame_rotation_2pi(0.25, "iq")
        play("pi" * amp(0.5), "iq")
        play("hold", "tone", duration=50, chirp=(1000, "Hz/nsec"))
        reset_if_phase("tone")
        wait(5, "tone")
        play("short", "tone")
        align()
        measure("readout", "rr", dual_demod.full("cos", "out1", "sin", "out2", i))

    job = simulate(build, config=rack.config(p3={"offset": 0.125}))
    report = job.get_simulated_waveform_report()
    first, second, chirped, short, *measured = report.analog_waveforms
    assert first.to_dict() == {
        "waveform_name": "gauss",
        "pulse_name": "OriginPulseName=pi",
        "length": 100,
        "timestamp": 0,
        "iq_info": {"isPartOfIq": True, "iqGroupId": 0.0, "isI": True, "isQ": False},
        "element": "iq",
        "output_ports": [1],
        "controller": "con1",
        "pulser": {"controllerName": "con1", "femId": 0.0, "pulserIndex": 0.0},
        "fem": 1,
        "current_amp_elements": [0.5, 0.0],
        "current_dc_offset_by_port": {"1": 0.0},
        "current_intermediate_frequency": 50e6,
        "current_frame": pytest.approx([0.0, -1.0], abs=1e-12),
        "current_correction_elements": [rack.C[0], rack.C[1]],
        "chirp_info": None,
        # Behind a rotation, minus the frame's angle.
        "current_phase": pytest.approx(-np.pi / 2),
    }
    assert (second.get_iq_association, second.output_ports) == ("Q", [2])
    assert second.current_frame == pytest.approx([1.0, 0.0], abs=1e-12)
    assert chirped.chirp_info == {
        "rate": [1000.0],
        "times": [0.0],
        "units": "Hz/nsec",
        "startFrequency": 10e6,
        "endFrequency": 10e6 + 200 * 1000,
    }
    assert (chirped.length, chirped.current_dc_offset_by_port) == (200, {"3": 0.125})
    assert (short.timestamp, short.ends_at, short.is_iq) == (220, 236, False)
    assert short.current_intermediate_frequency == 10e6 + 200 * 1000
    assert [one.timestamp for one in measured] == [236, 236]
    markers = [(one.element, one.timestamp, one.length) for one in report.digital_waveforms]
    # Delay 20 and buffer 6 in whole clock cycles, as long as the pulse; once for I and once for Q.
    assert markers == [("iq", 12, 100)] * 2
    assert [(a.start_time, a.end_time, a.process, a.ports) for a in report.adc_acquisitions] == [
        (260, 660, "DualDemodIntegration", ["1", "2"]),
    ]
    assert [(e.name, e.element, e.timestamp) for e in report.events] == [
        ("phase_reset", "tone", 220)
    ]


def test_reports_are_filtered(simulate):
    def build():
        play("pi", "iq")
        play("hold", "both")
        measure("readout", "ro")

    report = simulate(build).get_simulated_waveform_report()
    assert report.controllers_in_use == ["con1"]
    assert report.elements_in_report == ["both", "iq", "ro"]
    assert report.fems_in_use_by_controller == {"con1": [1]}
    assert set(report.report_by_elements()) == {"both", "iq", "ro"}
    assert len(report.report_by_elements()["iq"].waveforms) == 4
    assert report.report_by_controllers()["con1"] == report
    assert report.report_by_controller_and_fems()["con1"][1] == report
    ports = report.get_report_by_output_ports()
    assert list(ports[1].analog_out) == ["1", "2", "7", "8", "9"]
    assert (ports.num_analog_out_ports, ports.num_digital_out_ports) == (5, 2)
    assert next(iter(ports.flat_analog_out)) == "1-1"
    assert report.get_report_by_output_ports("con1") == ports


def test_structures_of_waveforms(simulate):
    def build():
        play("rise" * amp(0.5), "flux")
        play("hold", "flux")
        play("stutter", "lamp")

    job = simulate(build, include_analog_waveforms=True, include_digital_waveforms=True)
    with pytest.warns(DeprecationWarning, match="get_simulated_waveform_report"):
        analog = job.simulated_analog_waveforms()
    one, two = analog["elements"]["flux"]
    assert (one["timestamp"], two["timestamp"], one["duration"]) == (0.0, 100.0, 100.0)
    assert [s["value"] for s in one["samples"]] == pytest.approx([0.5 * v for v in rack.RISE])
    assert two["samples"] == [{"duration": 100.0, "value": 0.2}]
    assert analog["controllers"]["con1"]["ports"] == {"4": [one, two]}
    with pytest.warns(DeprecationWarning, match="get_simulated_waveform_report"):
        digital = job.simulated_digital_waveforms()
    (marker,) = digital["elements"]["lamp"]
    assert [(s["duration"], s["value"]) for s in marker["samples"]] == [
        (100.0, True), (200.0, False), (76.0, True), (10.0, False), (14.0, True),
    ]  # fmt: skip
    plain = simulate(build)
    with pytest.warns(DeprecationWarning, match="get_simulated_waveform_report"):
        assert plain.simulated_analog_waveforms() is None


def test_structures_of_many_pulses_are_cut_and_say_so(simulate):
    def build():
        n = declare(int)
        with for_(n, 0, n < 10_001, n + 1):
            play("short", "flux")

    job = simulate(build, cycles=41_000, include_analog_waveforms=True)
    (warning,) = [error.message for error in job.execution_report().errors()]
    assert "list the first 10000 of 10001 pulses" in warning
    assert len(job.simulated_analog_waveforms()["elements"]["flux"]) == 10_000
    # The report has room for more.
    assert len(job.get_simulated_waveform_report().analog_waveforms) == 10_001


def test_pictures(simulate, tmp_path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    def build():
        play("pi", "iq")
        measure("readout", "ro")

    job = simulate(build)
    samples = job.get_simulated_samples()
    plt.figure()
    axes = samples.con1.plot()
    assert [line.get_label() for line in axes.get_lines()] == [
        "FEM1-AO1", "FEM1-AO2", "FEM1-AO9", "FEM1-DO1", "FEM1-DO3",
    ]  # fmt: skip
    x, y = axes.get_lines()[0].get_data()
    np.testing.assert_array_equal(y, samples.con1.analog[1])
    assert (x[0], x[-1], axes.get_xlabel()) == (0.0, 799.0, "Time [ns]")
    plt.figure()
    assert len(samples.con1.plot(analog_ports=["1", 4], digital_ports=[]).get_lines()) == 1
    with pytest.raises(KeyError):
        samples.con1.plot(analog_ports="12")
    with pytest.raises(KeyError):
        samples.con1.plot(analog_ports=True)
    report = job.get_simulated_waveform_report()
    (figure,) = report.create_plot(samples, plot=False, save_path=tmp_path / "new" / "one.png")
    assert (tmp_path / "new" / f"one_con1_{job.id}.png").stat().st_size > 10_000
    assert len(figure.axes) == 10
    (figure,) = report.create_plot(plot=False, controllers=["con1"])
    assert len(figure.axes) == 5
    assert report.create_plot(plot=False, controllers=["con9"]) == []
    # A script's own name: a picture beside it, and no directory of that name.
    script = tmp_path / "script.py"
    script.write_text("")
    bare = tmp_path / "noext"
    bare.write_text("")
    for path in (script, bare, tmp_path / "other.py", tmp_path / "name.dat"):
        report.create_plot(samples, save_path=str(path))
        assert not path.is_dir()
        picture = tmp_path / f"waveform_report_con1_{job.id}.png"
        assert picture.stat().st_size > 10_000
        picture.unlink()
    # What is drawn next is not drawn into the report.
    before = plt.figure()
    (figure,) = report.create_plot(samples)
    assert plt.gcf() is before
    drawn = [len(axes.lines) for axes in figure.axes]
    samples.con1.plot()
    assert drawn == [len(axes.lines) for axes in figure.axes]
    with pytest.raises(KeyError, match="no port '1-7x' was simulated; there are: 1-1, 1-2"):
        samples.con1.analog["7x"]
    plt.close("all")


@pytest.mark.parametrize("port", [9, np.int64(9), np.uint8(9)])
def test_numpy_integers_are_ports(simulate, port):
    def build():
        i = declare(fixed)
        measure("readout", "ro", demod.full("cos", i))

    loopback = pulsewire.Loopback([("con1", port, "con1", np.int32(1))])
    job = simulate(build, interface=loopback)
    samples = job.get_simulated_samples().con1
    assert port in samples.analog
    assert samples.plot(port, []).get_lines()[0].get_label() == "FEM1-AO9"
    for wrong in (True, np.True_, 9.0, "9"):
        with pytest.raises(pulsewire.exceptions.QmValueError, match="connection"):
            simulate(build, interface=pulsewire.Loopback([("con1", wrong, "con1", 1)]))
        with pytest.raises(pulsewire.exceptions.QmValueError, match="connection"):
            simulate(build, interface=pulsewire.Raw([("con1", wrong, [0.1])]))
    assert True not in samples.analog
    with pytest.raises(pulsewire.exceptions.QmValueError, match="duration"):
        simulate(build, cycles=True)


def test_an_octave_is_played_through_its_ports(simulate):
    # docs/protocol.md, "Simulation": RF output k is fed by the analog outputs 2k - 1 and 2k.
    config = rack.config()
    config["octaves"] = {
        "oct1": {
            "RF_outputs": {
                2: {
                    "LO_frequency": 5e9,
                    "LO_source": "internal",
                    "output_mode": "always_on",
                    "gain": 0,
                }
            },
            "connectivity": "con1",
        }
    }
    config["elements"]["through"] = {
        "RF_inputs": {"port": ("oct1", 2)},
        "intermediate_frequency": 30_000_000,
        "operations": {"hold": "hold_iq"},
    }
    samples = simulate(lambda: play("hold", "through"), config=config).get_simulated_samples()
    i, q = rack.mixed(0.2, 0.1, 30e6, np.arange(100))
    np.testing.assert_allclose(samples.con1.analog[3][:100], i, atol=1e-9)
    np.testing.assert_allclose(samples.con1.analog[4][:100], q, atol=1e-9)


def test_a_frequency_of_zero_is_modulated_all_the_same(simulate):
    config = rack.config()
    config["elements"]["tone"]["intermediate_frequency"] = 0

    def build():
        play("hold", "tone")
        frame_rotation_2pi(0.5, "tone")
        play("hold", "tone")

    analog = simulate(build, config=config).get_simulated_samples().con1.analog[3]
    np.testing.assert_allclose(analog[:200], np.repeat([0.2, -0.2], 100), atol=1e-9)


def test_corrections_belong_to_a_frequency(simulate):
    # docs/protocol.md, "Phase and frame": the entry with the element's frequency, sign included.
    config = rack.config()
    config["elements"]["iq"]["intermediate_frequency"] = -50_000_000
    config["mixers"]["mixer"].append(
        {
            "intermediate_frequency": -50_000_000,
            "lo_frequency": 5_000_000_000,
            "correction": (0.5, 0.0, 0.0, 0.25),
        }
    )
    analog = simulate(lambda: play("hold", "iq"), config=config).get_simulated_samples().con1.analog
    i, q = rack.mixed(0.2, 0.1, -50e6, np.arange(100), correction=(0.5, 0, 0, 0.25))
    np.testing.assert_allclose(analog[1][:100], i, atol=1e-9)
    np.testing.assert_allclose(analog[2][:100], q, atol=1e-9)


def test_overridden_waveforms_are_played(pulsewire_client):
    with program() as built:
        play("rise" * amp(1.5), "flux")
    machine = pulsewire_client.open_qm(rack.config())
    compiled = machine.compile(built)
    queue = machine.queue

    def errors(overrides):
        pending = queue.add_compiled(compiled, overrides=overrides)
        job = pending.wait_for_execution(5)
        job.result_handles.wait_for_all_values(PATIENCE)
        return [error.message for error in job.execution_report().errors()]

    assert errors(None) == []
    loud = {"waveforms": {"rise": [0.4] * 100}}
    assert len(errors(loud)) == 1
    assert errors(None) == []


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: play("nope", "flux"), "no operation 'nope'; it has: hold"),
        (lambda: play("hold", "nobody"), "unknown element 'nobody'"),
        (lambda: play(ramp(0.1), "sticky"), "a ramp.. needs a duration"),
        (lambda: play("hold", "flux", chirp=(1, "Hz/nsec")), "needs an intermediate frequency"),
        (lambda: play("hold", "flux", duration=3), "duration is at least 4"),
        (lambda: play("hold", "flux", truncate=2), "truncate is at least 4"),
        (lambda: play("hold", "flux", target="a"), "singleInputCollection"),
        (lambda: play("hold", "either"), "choose one with target=: a, b"),
        (lambda: play("hold", "either", target="c"), "no input 'c'; it has: a, b"),
        (lambda: play("hold" * amp(1, 0, 0, 1), "flux"), "an element with I and Q"),
        (lambda: update_frequency("flux", 5), "no intermediate frequency to update"),
        (lambda: measure("hold", "ro"), "no operation 'hold'"),
        (lambda: measure("hold", "flux"), "a control pulse"),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_line(simulate, build, says):
    with pytest.raises(FailedToExecuteJobException, match=says) as raised:
        simulate(build)
    assert __file__ in raised.value.errors[0]


def test_pulses_that_the_hardware_cannot_have(simulate):
    for length in (12, 18):
        config = rack.config()
        config["pulses"]["hold_single"]["length"] = length
        with pytest.raises(FailedToExecuteJobException, match=f"is {length} ns long"):
            simulate(hold, config=config)
    config = rack.config()
    config["elements"]["ro"]["smearing"] = 196
    with pytest.raises(FailedToExecuteJobException, match="smearing of 'ro' is 196"):
        simulate(lambda: measure("readout", "ro"), config=config)


def test_flags_are_texts(simulate):
    with pytest.raises(QmValueError, match="a list of texts"):
        simulate(hold, flags="auto-element-thread")


def test_descending_loops_shape_their_streams(simulate):
    from qm.qua import for_

    def build():
        i, j = declare(int), declare(int)
        stream = declare_stream()
        with for_(i, 9, i > 0, i - 3), for_(j, 4, j >= 0, j - 2):
            save(i, stream)
        with stream_processing():
            stream.auto_reshape().save("shaped")

    assert simulate(build).result_handles.shaped.fetch_all().tolist() == [[9] * 3, [6] * 3, [3] * 3]
