"""What ports play, against the manual's formulas computed in numpy."""

import numpy as np
import pytest
from qm.qua import (
    align,
    amp,
    assign,
    declare,
    fixed,
    for_,
    frame_rotation_2pi,
    if_,
    infinite_loop_,
    play,
    program,
    reset_if_phase,
    set_dc_offset,
    strict_timing_,
    wait,
    while_,
)

from tests.emulator import rack
from tests.emulator.rack import GAUSS, RISE, C, close, cos, mixed, sin, spans

# The order of statements


def test_elements_play_at_once_unless_aligned(ports):
    # docs/protocol.md, "When things happen", example 1.
    def build():
        play("hold", "flux")
        play("hold", "sticky", duration=50)

    analog = ports(build)
    assert spans(analog[4]) == [(0, 100)]
    assert spans(analog[5])[0][0] == 0


def test_a_wait_without_elements_delays_all(ports):
    # Example 2: the element that waits plays after 400 ns.
    def build():
        play("hold", "flux")
        wait(100)
        play("hold", "tone", duration=50)
        play("hold", "flux")

    analog = ports(build)
    assert spans(analog[4]) == [(0, 100), (500, 600)]
    assert spans(analog[3])[0][0] == 400


def test_align_waits_for_the_latest(ports):
    # Example 3; flux takes no part.
    def build():
        play("hold", "iq")
        align("iq", "both")
        play("hold", "both")
        play("hold", "flux")

    analog = ports(build)
    assert spans(analog[7]) == [(100, 200)]
    assert spans(analog[4]) == [(0, 100)]


def test_plays_of_one_element_follow_each_other(ports):
    # Example 5, and docs/protocol.md, "When things happen" on strict timing.
    def build():
        with strict_timing_():
            play("hold", "flux")
            play("hold" * amp(2), "flux")
            play("short", "flux")

    analog = ports(build)
    close(analog[4][:100], 0.2)
    close(analog[4][100:200], 0.4)
    close(analog[4][200:216], 0.2)
    close(analog[4][216:], 0.0)


def test_blocks_align_their_elements(ports):
    # docs/protocol.md, "When things happen": before the block, and before each iteration.
    def build():
        n = declare(int)
        play("hold", "flux")
        with for_(n, 0, n < 2, n + 1):
            play("short", "flux")
            play("hold", "both")

    analog = ports(build)
    assert spans(analog[4]) == [(0, 116), (200, 216)]
    assert spans(analog[7]) == [(100, 300)]


def test_branches_align_the_elements_of_all_of_them(ports):
    def build():
        n = declare(int, value=1)
        play("hold", "flux")
        with if_(n > 5):
            play("hold", "flux")
        with if_(n > 5):
            play("short", "flux")
            play("short", "both")
        play("short", "both")

    analog = ports(build)
    assert spans(analog[7]) == [(100, 116)]


def test_elements_of_one_thread_play_one_after_the_other(ports):
    # docs/protocol.md, "What plays", Threads.
    def build():
        play("hold", "thread_a")
        play("hold", "thread_b")
        play("hold", "both")

    analog = ports(build)
    assert spans(analog[3]) == [(0, 100)]
    assert spans(analog[4]) == [(100, 200)]
    assert spans(analog[7]) == [(0, 100)]


def test_infinite_loops_run_beside_each_other(ports):
    def build():
        with infinite_loop_():
            play("hold", "flux")
            wait(25, "flux")
        with infinite_loop_():
            play("short", "both")
            wait(4, "both")

    analog = ports(build, cycles=100)
    assert spans(analog[4]) == [(0, 100), (200, 300)]
    assert spans(analog[7]) == [(32 * n, 32 * n + 16) for n in range(12)] + [(384, 400)]


def test_a_simulation_ends_with_its_duration(ports):
    # An average over many shots, of which few fit; the other element plays at its own start.
    def build():
        n = declare(int)
        with for_(n, 0, n < 1_000_000_000, n + 1):
            play("hold", "flux")

    assert spans(ports(build, cycles=100)[4]) == [(0, 400)]


# The output chain


def test_mixed_inputs_are_rotated_and_corrected(ports):
    def build():
        wait(10, "iq")
        play("pi", "iq")
        play("hold" * amp(0.5), "iq")

    analog = ports(build)
    n = np.arange(40, 140)
    i, q = mixed(np.array(GAUSS), 0.0, 50e6, n, correction=C)
    close(analog[1][40:140], i)
    close(analog[2][40:140], q)
    n = np.arange(140, 240)
    i, q = mixed(0.1, 0.05, 50e6, n, correction=C)
    close(analog[1][140:240], i)
    close(analog[2][140:240], q)
    close(analog[1][240:], 0.0)


def test_an_amp_matrix_acts_before_the_modulation(ports):
    # docs/protocol.md, "What plays": [[v0, v1], [v2, v3]].
    def build():
        play("hold" * amp(0.5, -0.25, 0.75, 1.5), "iq")

    analog = ports(build)
    n = np.arange(100)
    i, q = mixed(0.5 * 0.2 - 0.25 * 0.1, 0.75 * 0.2 + 1.5 * 0.1, 50e6, n, correction=C)
    close(analog[1][:100], i)
    close(analog[2][:100], q)


def test_single_inputs_are_multiplied_by_a_cosine(ports):
    def build():
        a = declare(fixed, value=0.3)
        play("rise" * amp(a), "tone")
        play("rise", "flux")

    analog = ports(build)
    n = np.arange(100)
    close(analog[3][:100], rack.fixed(0.3) * np.array(RISE) * cos(10e6, n))
    close(analog[4][:100], RISE)


def test_offsets_are_added_last_and_ports_rest_on_them(ports):
    def build():
        play("hold", "flux")
        wait(25, "flux")
        set_dc_offset("flux", "single", -0.125)
        wait(25, "flux")
        play("hold", "flux")

    analog = ports(build, p4={"offset": 0.0625})
    close(analog[4][:100], 0.2625)
    close(analog[4][100:200], 0.0625)
    close(analog[4][200:300], -0.125)
    close(analog[4][300:400], 0.075)


def test_offsets_of_a_pair_are_set_one_by_one(ports):
    def build():
        set_dc_offset("iq", "I", 0.25)
        set_dc_offset("iq", "Q", -0.25)

    analog = ports(build)
    close(analog[1], 0.25)
    close(analog[2], -0.25)


def test_elements_on_one_port_add_up(ports):
    def build():
        play("hold", "tone")
        play("rise", "twin")

    close(ports(build)[3][:100], (0.2 + np.array(RISE)) * cos(10e6, np.arange(100)))


def test_beyond_the_range_ports_clip_and_the_report_says_so(ports):
    # docs/v0.7/error: clipped; [-0.5, 0.5 - 2**-16].
    def build():
        play("hold" * amp(1.75), "flux")
        play("hold" * amp(-1.75), "flux")

    analog = ports(build, p4={"offset": 0.25})
    close(analog[4][:100], 0.5 - 2**-16)
    close(analog[4][100:200], -0.1)
    errors = ports.job.execution_report().errors()
    assert len(errors) == 1
    assert "4" in errors[0].message
    assert "overflow" in errors[0].message


def test_an_execution_reports_what_it_clips(pulsewire_client):
    with program() as built:
        play("hold" * amp(1.75), "flux")
        play("hold" * amp(1.99), "flux")
    machine = pulsewire_client.open_qm(rack.config(p4={"offset": 0.125}))
    job = machine.execute(built)
    job.result_handles.wait_for_all_values()
    errors = job.execution_report().errors()
    assert len(errors) == 1
    assert "amp(1.99)" in errors[0].message


def test_crosstalk_adds_what_other_ports_play(ports):
    # docs/protocol.md, "Filters and crosstalk": the manual's example; 32 ns later, no offset.
    def build():
        play("hold" * amp(0.5), "flux")

    crosstalk = {"p5": {"crosstalk": {4: 0.2}}, "p6": {"crosstalk": {4: -0.1}}}
    analog = ports(build, p4={"offset": 0.25}, **crosstalk)
    close(analog[4][32:132], 0.35)
    close(analog[5], np.where((np.arange(800) >= 32) & (np.arange(800) < 132), 0.02, 0.0))
    close(analog[6][32:132], -0.01)
    assert spans(ports(build)[4]) == [(0, 100)]


def test_crosstalk_delays_others_unless_told_not_to(ports):
    def build():
        play("hold", "flux")
        play("hold", "both")

    crosstalk = {"p5": {"crosstalk": {4: 0.2}}}
    assert spans(ports(build, **crosstalk)[7]) == [(32, 132)]
    flags = ["disable-crosstalk-matrix-ports-alignment"]
    analog = ports(build, flags=flags, **crosstalk)
    assert spans(analog[7]) == [(0, 100)]
    assert spans(analog[4]) == [(32, 132)]


def test_filters_are_a_feedforward_and_single_poles(ports):
    # docs/protocol.md, "Filters and crosstalk": taps of feedback by convolution; 60 ns of two.
    def build():
        play("rise", "flux")

    forward, poles = [0.5, 0.25, -0.125], [0.5, -0.3]
    analog = ports(build, p4={"filter": {"feedforward": forward, "feedback": poles}})
    played = np.zeros(800)
    played[:100] = RISE
    expected = np.convolve(played, forward)[:800]
    a1, a2 = poles[0] + poles[1], -poles[0] * poles[1]
    out = np.zeros(800)
    for n in range(800):
        past = [out[n - 1] if n > 0 else 0.0, out[n - 2] if n > 1 else 0.0]
        out[n] = expected[n] + a1 * past[0] + a2 * past[1]
    close(analog[4], np.concatenate([np.zeros(60), out[:-60]]))


@pytest.mark.parametrize(
    ("taps", "delay"), [(([1.0], []), 44), (([1.0], [0.1]), 48), (([], [0.1, 0.2, 0.1]), 72)]
)
def test_filters_delay_all_ports(ports, taps, delay):
    def build():
        play("hold", "flux")
        play("pi", "iq")

    def start(**outputs):
        analog = ports(build, **outputs)
        return spans(analog[4])[0][0], spans(ports.digital[1])[0][0]

    shape = {"p7": {"filter": {"feedforward": taps[0], "feedback": taps[1]}}}
    plain = start()
    assert start(**shape) == (plain[0] + delay, plain[1] + delay)


def test_what_a_filter_cannot_have_is_refused(pulsewire_client):
    from pulsewire.exceptions import FailedToExecuteJobException

    with program() as built:
        play("hold", "flux")
    for shape in (
        {"feedforward": [0.1] * 45, "feedback": []},
        {"feedforward": [0.1] * 38, "feedback": [0.5]},
        {"feedforward": [], "feedback": [0.1, 0.1, 0.1, 0.1]},
        {"feedforward": [2.5], "feedback": []},
        {"feedforward": [], "feedback": [1.0]},
    ):
        with pytest.raises(FailedToExecuteJobException, match="filter of the output 4"):
            pulsewire_client.simulate(rack.config(p4={"filter": shape}), built, 10)


def test_a_port_delays_what_it_plays(ports):
    def build():
        play("hold", "flux")
        play("hold", "both")

    analog = ports(build, p7={"delay": 110}, p8={"delay": 21})
    assert spans(analog[4]) == [(0, 100)]
    assert (spans(analog[7]), spans(analog[8])) == ([(110, 210)], [(21, 121)])


def test_multiple_inputs_play_the_same(ports):
    def build():
        play("rise", "both")

    analog = ports(build)
    close(analog[7][:100], RISE)
    close(analog[8], analog[7])


def test_a_target_chooses_the_input(ports):
    def build():
        play("hold", "either", target="b")
        play("hold", "either", target="a")

    analog = ports(build)
    close(analog[8][:100], 0.2 * cos(4e6, np.arange(100)))
    close(analog[7][100:200], 0.2 * cos(4e6, np.arange(100, 200)))
    assert spans(analog[8])[-1][1] <= 100


# Digital outputs


def test_markers_are_delayed_and_widened(ports):
    # docs/protocol.md, "Digital outputs": by the delay, and the buffer on either side; simulated
    # samples show them aligned with the analog ones.
    def build():
        wait(25, "iq")
        play("pi", "iq")

    ports(build)
    assert spans(ports.digital[1]) == [(100 + 20 - 6, 200 + 20 + 6)]


def test_markers_are_lists_of_levels(ports):
    def build():
        play("stutter", "lamp")
        play("on", "lamp")
        wait(10, "lamp")
        play("stutter", "lamp", duration=130)

    ports(build, cycles=400)
    first = [(0, 100), (300, 376), (386, 440)]
    second = [(480, 580), (780, 856), (866, 1000)]
    assert spans(ports.digital[4]) == first + second


def test_an_inverted_output_is_low_for_a_pulse(pulsewire_client):
    config = rack.config()
    config["controllers"]["con1"]["digital_outputs"][4] = {"inverted": True}
    with program() as built:
        wait(10, "lamp")
        play("on", "lamp")
    levels = pulsewire_client.simulate(config, built, 30).get_simulated_samples().con1.digital[4]
    assert spans(~levels) == [(40, 80)]


def test_a_sticky_marker_is_held_until_the_ramp(ports):
    def build():
        play("marked", "sticky")
        wait(50, "sticky")
        play("marked", "sticky")

    ports(build, cycles=300)
    assert spans(ports.digital[2]) == [(0, 400)]


def test_timestamps_count_cycles(pulsewire_client):
    with program() as built:
        n = declare(int)
        with for_(n, 0, n < 3, n + 1):
            play("hold", "flux", timestamp_stream="played")
            wait(25, "flux")
    machine = pulsewire_client.open_qm(rack.config())
    job = machine.execute(built)
    assert job.result_handles.wait_for_all_values()
    assert job.result_handles.played.fetch_all()["value"].tolist() == [0, 50, 100]


def test_while_loops_play_what_they_count(ports):
    def build():
        n = declare(int, value=1)
        with while_(n < 4):
            play("hold" * amp(1.0), "flux", duration=10 * n)
            wait(4, "flux")
            assign(n, n + 1)

    assert spans(ports(build)[4]) == [(0, 40), (56, 136), (152, 272)]


def test_the_documented_figure_of_a_phase(ports):
    # docs/protocol.md, "Phase and frame": a pulse begins as a sine with a frame of -1/4.
    def build():
        wait(13, "tone")
        reset_if_phase("tone")
        frame_rotation_2pi(-0.25, "tone")
        play("hold", "tone")

    close(ports(build)[3][52:152], 0.2 * sin(10e6, np.arange(100)))


def test_a_loop_that_takes_no_time_starves_no_other(ports):
    def build():
        flag = declare(bool, value=False)
        with infinite_loop_(), if_(flag):
            play("hold", "flux")
        with infinite_loop_():
            play("short", "both")

    assert spans(ports(build, cycles=50)[7]) == [(0, 200)]


def test_elements_of_one_oscillator_may_be_at_different_times(ports):
    def build():
        play("hold", "shared_a", chirp=(10_000, "Hz/nsec"), continue_chirp=True)
        play("hold", "shared_b")

    analog = ports(build)
    assert np.abs(analog[4]).max() <= 0.2


def test_a_marker_alone_leaves_what_is_held(pulsewire_client):
    config = rack.config()
    config["elements"]["sticky"]["operations"]["mark"] = "on_pulse"
    with program() as built:
        play("hold", "sticky")
        play("mark", "sticky")
        wait(10, "sticky")
    held = pulsewire_client.simulate(config, built, 40).get_simulated_samples().con1.analog[5]
    close(held[100:160], np.round(0.2 * 65536) / 65536)
