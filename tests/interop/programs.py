"""Programs that both clients run, in the DSL that 1.2.6 and 1.4.1 share."""

from qm.qua import (
    FUNCTIONS,
    IO1,
    IO2,
    Cast,
    Math,
    Random,
    Util,
    advance_input_stream,
    align,
    assign,
    bins,
    case_,
    declare,
    declare_input_stream,
    declare_stream,
    default_,
    elif_,
    else_,
    fixed,
    for_,
    for_each_,
    if_,
    infinite_loop_,
    pause,
    program,
    save,
    stream_processing,
    strict_timing_,
    switch_,
    wait,
    while_,
)


def pipelines():  # noqa: PLR0915 (one program)
    """Every operator of stream processing that the emulator has, on every kind of value."""
    with program() as built:
        i = declare(int)
        x = declare(fixed)
        b = declare(bool)
        ints, reals, bools, times = (declare_stream() for _ in range(4))
        with for_(i, 0, i < 12, i + 1):
            assign(x, Math.sin2pi(Cast.mul_fixed_by_int(0.0625, i)))
            assign(b, (i & 1) == 1)
            save(i, ints)
            save(x, reals)
            save(b, bools)
            save(i, times)
            save(i, "legacy_int")
            save(x, "legacy_fixed")
            save(b, "legacy_bool")
            wait(10, "qubit")
        with stream_processing():
            for name, stream in [("int", ints), ("fixed", reals), ("bool", bools)]:
                stream.save_all(f"{name}_all")
                stream.save(f"{name}_last")
                stream.buffer(4).save_all(f"{name}_buffer")
                stream.buffer(4).save(f"{name}_buffer_last")
                stream.buffer(2, 3).save_all(f"{name}_matrix")
                stream.buffer(3).buffer(2).save(f"{name}_matrix_last")
                stream.timestamps().save_all(f"{name}_timestamps")
                stream.with_timestamps().save_all(f"{name}_stamped")
                stream.with_timestamps().save(f"{name}_stamped_last")
                stream.with_timestamps().buffer(3).save_all(f"{name}_stamped_buffer")
                stream.with_timestamps().buffer(12).save_all(f"{name}_stamped_once")
                stream.with_timestamps().buffer(3).save(f"{name}_stamped_buffer_last")
                stream.buffer(12).save_all(f"{name}_once")
                stream.buffer(13).save_all(f"{name}_never")
                stream.buffer(13).save(f"{name}_never_last")
                stream.buffer(1).save(f"{name}_one_last")
                stream.buffer(1).save_all(f"{name}_one")
                stream.take(5).save_all(f"{name}_take")
                stream.take(1).save_all(f"{name}_take_one")
                stream.skip(5).save_all(f"{name}_skip")
                stream.skip_last(5).save_all(f"{name}_skip_last")
                stream.buffer(3).flatten().save_all(f"{name}_flat")
                stream.buffer_and_skip(3, 2).save_all(f"{name}_windows")
                stream.buffer_and_skip(3, 5).save_all(f"{name}_gaps")
                stream.zip(ints).save_all(f"{name}_zip")
                stream.zip(ints).save(f"{name}_zip_last")
                stream.buffer(2).zip(ints.buffer(2)).save_all(f"{name}_zip_buffer")
            for name, stream in [("int", ints), ("fixed", reals)]:
                stream.average().save(f"{name}_average")
                stream.average().save_all(f"{name}_averages")
                stream.buffer(4).average().save(f"{name}_average_buffer")
                stream.buffer(2, 3).map(FUNCTIONS.average()).save_all(f"{name}_mean")
                stream.buffer(2, 3).map(FUNCTIONS.average(0)).save_all(f"{name}_mean_0")
                stream.buffer(2, 3).map(FUNCTIONS.average([0, 1])).save_all(f"{name}_mean_01")
                (stream + ints).save_all(f"{name}_plus")
                (stream - reals).save_all(f"{name}_minus")
                (stream * stream).save_all(f"{name}_times")
                (stream + 1).save_all(f"{name}_plus_1")
                (2 - stream).save_all(f"{name}_from_2")
                (stream * 0.5).save_all(f"{name}_half")
                (stream / 4).save_all(f"{name}_quarter")
                (stream.buffer(2) + [1, 2]).save_all(f"{name}_vector")
                stream.multiply_by(2).save_all(f"{name}_double")
                stream.buffer(3).multiply_by([1, 2, 3]).save_all(f"{name}_weighted")
                stream.buffer(3).dot_product([1, 2, 3]).save_all(f"{name}_dot")
                stream.histogram([[0, 1], [2, 5], [6, 11]]).save(f"{name}_histogram")
            ints.histogram(bins(0, 11, 4)).save_all("bins")
            bools.boolean_to_int().save_all("bool_ints")
            bools.boolean_to_int().average().save("bool_average")
            bools.boolean_to_int().buffer(4).save_all("bool_int_buffer")
    return built


def calculations():  # noqa: PLR0915 (one program)
    """Control flow, arrays and the library, with every value saved."""
    with program() as built:
        i = declare(int)
        j = declare(int, value=-7)
        x = declare(fixed, value=0.3)
        b = declare(bool, value=True)
        a = declare(int, value=[5, -3, 8, 1])
        f = declare(fixed, value=[0.5, -1.25, 2.0, 0.125])
        r = Random(1234)
        ints, reals, bools = (declare_stream() for _ in range(3))

        def keep_int(expression):
            assign(i, expression)
            save(i, ints)

        def keep_fixed(expression):
            assign(x, expression)
            save(x, reals)

        def keep_bool(expression):
            assign(b, expression)
            save(b, bools)

        for expression in (j + 3, j - 3, j * 3, j / 2, j << 2, j >> 1, j & 12, j | 12, j ^ 12, -j):
            keep_int(expression)
        for expression in (x + 0.5, x - 1, 2 * x, x * x, x / 3, x << 1, x >> 2, -x):
            keep_fixed(expression)
        for expression in (j < 0, j <= -7, j > 0, j >= 0, j == -7, x > 0, ~b, b & (j < 0), b | b):
            keep_bool(expression)
        keep_int(a[1] + a[2])
        keep_int(a.length())
        keep_fixed(f[1])
        for name in ("sum", "max", "min", "argmax", "argmin"):
            keep_int(getattr(Math, name)(a))
        keep_int(Math.dot(a, a))
        keep_fixed(Math.dot(f, f))
        keep_fixed(Math.dot(a, f))
        keep_int(Math.abs(j))
        keep_int(Math.msb(j))
        for name in ("log2", "ln", "sqrt", "exp", "sin", "cos", "sin2pi", "cos2pi", "inv", "pow2"):
            keep_fixed(getattr(Math, name)(f[0]))
        for name in ("elu", "aelu", "selu", "relu", "lrelu"):
            keep_fixed(getattr(Math, name)(f[1]))
        keep_fixed(Math.log10(f[2]))
        keep_fixed(Math.plrelu(f[1], f[0]))
        keep_fixed(Math.pow(f[2], f[0]))
        keep_fixed(Math.log(f[2], f[2]))
        keep_fixed(Math.atan2(f[0], f[2]))
        keep_fixed(Math.atan2_2pi(f[0], f[2]))
        keep_fixed(Math.div(f[0], f[2]))
        keep_int(Math.div(j, 2))
        keep_int(Cast.mul_int_by_fixed(j, f[0]))
        keep_fixed(Cast.mul_fixed_by_int(f[0], j))
        keep_int(Cast.to_int(f[1]))
        keep_fixed(Cast.to_fixed(j))
        keep_bool(Cast.to_bool(j))
        keep_int(Cast.unsafe_cast_int(f[0]))
        keep_fixed(Cast.unsafe_cast_fixed(a[0]))
        keep_bool(Cast.unsafe_cast_bool(a[0]))
        keep_int(Util.cond(j < 0, 1, 2))
        for _ in range(3):
            keep_int(r.rand_int(100))
            keep_fixed(r.rand_fixed())
        r.set_seed(9)
        keep_int(r.rand_int(100))
        with while_(j < 0):
            assign(j, j + 2)
            save(j, ints)
        with for_each_((i, x), ([1, 2], [0.25, 0.5])):
            save(i, ints)
            save(x, reals)
        with for_(i, 0, i < 4, i + 1):
            with if_(i == 0):
                save(100, ints)
            with elif_(i == 1):
                save(101, ints)
            with else_():
                save(102, ints)
            with switch_(i):
                with case_(2):
                    save(202, ints)
                with default_():
                    save(299, ints)
            with strict_timing_():
                assign(a[i], i)
            save(a[i], ints)
            save(0.5, reals)
            save(True, bools)
        align("qubit", "flux")
        wait(8)
        with stream_processing():
            ints.save_all("ints")
            reals.save_all("reals")
            bools.save_all("bools")
    return built


def registers():
    """Reads IO1, pauses, writes both registers."""
    with program() as built:
        i = declare(int)
        x = declare(fixed)
        ints, reals = declare_stream(), declare_stream()
        pause()
        assign(i, IO1)
        assign(x, IO2)
        save(i, ints)
        save(x, reals)
        assign(IO1, i + 1)
        assign(IO2, x * 0.5)
        pause()
        with stream_processing():
            ints.save_all("ints")
            reals.save_all("reals")
    return built


def echo():
    """Takes entries of every kind and saves them, for ever."""
    with program() as built:
        numbers = declare_input_stream(int, "numbers", size=2)
        angle = declare_input_stream(fixed, "angle")
        flag = declare_input_stream(bool, "flag")
        ints, reals, bools = (declare_stream() for _ in range(3))
        with infinite_loop_():
            advance_input_stream(numbers)
            advance_input_stream(angle)
            advance_input_stream(flag)
            save(numbers[0], ints)
            save(numbers[1], ints)
            save(angle, reals)
            save(flag, bools)
        with stream_processing():
            ints.buffer(2).save_all("numbers")
            reals.save_all("angle")
            bools.save_all("flag")
    return built


def endless():
    """Runs until it is halted."""
    with program() as built:
        i = declare(int)
        with infinite_loop_():
            assign(i, i + 1)
    return built


def faulty():
    """Meets a runtime error."""
    with program() as built:
        i = declare(int, value=9)
        a = declare(int, size=2)
        stream = declare_stream()
        assign(a[i], 1)
        save(a[i], stream)
        with stream_processing():
            stream.save_all("cell")
    return built


def wrong():
    """Does not compile."""
    with program() as built:
        i = declare(int)
        x = declare(fixed)
        assign(i, x)
        wait(10, "nowhere")
    return built
