"""Where qm-qua is not installed: ready programs, and clear words for dictionaries."""

import importlib.util

import pytest

import pulsewire


def test_a_dictionary_needs_qm_qua(pulsewire_client):
    assert importlib.util.find_spec("qm") is None, "this folder is tested without qm-qua"
    with pytest.raises(TypeError, match="pip install qm-qua"):
        pulsewire_client.open_qm({"version": 1})


def test_the_demo_runs_on_ready_programs(tmp_path, capsys):
    from pulsewire.cli import main

    picture = tmp_path / "demo.png"
    assert main(["demo", "--output", str(picture), "--iterations", "1000"]) == 0
    shown = capsys.readouterr().out
    assert "ready-made" in shown
    assert "every value checked" in shown
    has_plot = importlib.util.find_spec("matplotlib") is not None
    assert picture.exists() == has_plot


def test_bytes_that_are_no_program_are_refused(pulsewire_client, demo_files):
    machine = pulsewire_client.open_qm(demo_files["config.bin"])
    for nonsense in (b"\xff\xff\xff", demo_files["closed_loop.program.bin"][:-3]):
        with pytest.raises(pulsewire.exceptions.QmValueError, match="no QUA program"):
            machine.execute(nonsense)
    with pytest.raises(TypeError, match="int is no QUA program"):
        machine.execute(5)
    with pytest.raises(pulsewire.exceptions.QmValueError, match="no configuration"):
        pulsewire_client.open_qm(b"\xff\xff\xff")
