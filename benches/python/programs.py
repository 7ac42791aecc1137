"""The programs that the benchmarks run, in the vendor's DSL."""

CONFIG = {
    "controllers": {
        "con1": {"type": "opx1", "analog_outputs": {1: {"offset": 0.0, "shareable": True}}}
    },
    "elements": {"element": {"singleInput": {"port": ("con1", 1)}, "operations": {}}},
    "pulses": {},
    "waveforms": {},
}


def sink(size=None, kind="int"):
    """Takes entries of ``size`` values (None: a scalar) and does nothing with them."""
    from qm.qua import advance_input_stream, declare_input_stream, fixed, infinite_loop_, program

    kind = {"int": int, "fixed": fixed}[kind]
    with program() as built:
        if size is None:
            value = declare_input_stream(kind, "value")
        else:
            value = declare_input_stream(kind, "value", size=size)
        with infinite_loop_():
            advance_input_stream(value)
    return built


def answering(cycles):
    """Answers each entry after some clock cycles."""
    from qm.qua import (
        advance_input_stream,
        declare_input_stream,
        declare_stream,
        infinite_loop_,
        program,
        save,
        stream_processing,
        wait,
    )

    with program() as built:
        value = declare_input_stream(int, "value")
        stream = declare_stream()
        with infinite_loop_():
            advance_input_stream(value)
            if cycles:
                wait(cycles, "element")
            save(value, stream)
        with stream_processing():
            stream.save_all("answer")
    return built


def counting(count, results=("values",)):
    """Saves 0 … count - 1 to each result."""
    from qm.qua import declare, declare_stream, for_, program, save, stream_processing

    with program() as built:
        value = declare(int)
        streams = [declare_stream() for _ in results]
        with for_(value, 0, value < count, value + 1):
            for stream in streams:
                save(value, stream)
        with stream_processing():
            for name, stream in zip(results, streams, strict=True):
                stream.save_all(name)
    return built


def looping(count):
    """Adds in a loop, and saves once."""
    from qm.qua import assign, declare, declare_stream, for_, program, save, stream_processing

    with program() as built:
        index, total = declare(int), declare(int)
        stream = declare_stream()
        with for_(index, 0, index < count, index + 1):
            assign(total, total + index)
        save(total, stream)
        with stream_processing():
            stream.save("total")
    return built
