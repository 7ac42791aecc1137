"""The suite uses every statement, operator, process and feature of the configuration twice.

What there is to use comes from the vendor's own message types (what no client of QOP 2 writes is
listed here by name), from the operators and functions of docs/protocol.md, "The program on the
wire", and from the keys of configurations.
"""

import collections

import pytest
from qm.qua import program

from tests.interop.suite import SUITE
from tests.interop.suite.configurations import CONFIGS

# Fields that no client writes for a QOP 2: refused by name, where they can come.
ELSEWHERE = {
    # QOP 3 and OPX1000.
    "AnyStatement": {
        "loadWaveform",
        "sendToExternalStream",
        "receiveFromExternalStream",
        "globalVariableAssignment",
        "updateOscillatorFrequency",
        # Nothing in the DSL makes them.
        "sync",
        "rus",
        "qrun",
        "arbitrary",
        "arbitraryContext",
    },
    "AnyScalarExpression": {"function", "globalVariable", "broadcast"},
    "PlayStatement": {"pulse", "port_condition"},
    "MeasureStatement": {"outputs"},
    "AnalogMeasureProcess": {"dualBareIntegration"},
    "HighResTimeTagging": {"elementOutput"},
    "VarDeclaration": {"structMember"},
    "ArrayVarRefExpression": {"structVar"},
    "AssignmentStatement": {"variable", "save"},
    "SaveStatement": {"variable"},
    "PauseStatement": {"qes"},
    "Script": {"externalStreams"},
}
OPERATORS = """
    save saveAll @re:0 @re:1 @re:2 @macro_input @macro_adc_trace @macro_auto_reshape @array
    buffer bufferAndSkip average map:average map:dot map:smult map:vmult map:tmult map:conv
    map:fft map:booleancast map:demod skip skipLast take histogram flatten real image zip + - *
    /
"""
FUNCTIONS = {
    "math": """
        log2 log10 ln exp pow2 sqrt inv_sqrt inv MSB elu aelu selu relu lrelu plrelu sin cos
        sin2pi cos2pi abs atan atan_2pi atan2 atan2_2pi log pow div sum max min argmax argmin
        dot
    """,
    "cast": "mul_int_by_fixed mul_fixed_by_int to_int to_fixed to_bool unsafe_cast_int "
    "unsafe_cast_fixed unsafe_cast_bool",
    "util": "cond",
    "random": "rand_int rand_fixed",
}
ELEMENT = """
    mixInputs singleInput multipleInputs singleInputCollection RF_inputs RF_outputs
    digitalInputs outputs time_of_flight smearing sticky hold_offset thread core oscillator
    intermediate_frequency outputPulseParameters operations
"""
WIRING = """
    output.offset output.delay output.feedforward output.feedback output.crosstalk
    output.shareable input.offset input.gain_db input.shareable digital.inverted
    digital.shareable marker.delay marker.buffer sticky.analog sticky.digital sticky.duration
    frequency.negative frequency.zero frequency.none mixer.correction waveform.constant
    waveform.arbitrary waveform.sampling_rate waveform.max_allowed_error waveform.is_overridable
    digital_waveform.levels digital_waveform.rest weights.list weights.pairs second_controller
"""


def messages(message):
    """A message and all within it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if field.message_type.full_name.startswith("google."):
            continue
        for one in value if hasattr(value, "extend") else [value]:
            yield from messages(one)


def fields(built):
    """What a program's messages have set; of an enum, its value."""
    for message in messages(built.script):
        kind = message.DESCRIPTOR.name
        for field in message.DESCRIPTOR.fields:
            if field.name == "loc":
                continue
            if field.enum_type is not None:
                number = getattr(message, field.name)
                yield f"{kind}.{field.name}={field.enum_type.values_by_number[number].name}"
        for field, _ in message.ListFields():
            if field.enum_type is None and field.name != "loc":
                yield f"{kind}.{field.name}"
        if kind == "LibFunctionExpression":
            yield f"{message.libraryName}.{message.functionName}"


def known_fields(descriptor, seen):
    """What a message type may have set, and those within it."""
    if descriptor.full_name in seen or descriptor.full_name.startswith("google."):
        return
    seen.add(descriptor.full_name)
    for field in descriptor.fields:
        if field.name == "loc" or field.name in ELSEWHERE.get(descriptor.name, ()):
            continue
        if field.enum_type is not None:
            for value in field.enum_type.values:
                yield f"{descriptor.name}.{field.name}={value.name}"
        else:
            yield f"{descriptor.name}.{field.name}"
        if field.message_type is not None:
            yield from known_fields(field.message_type, seen)


def operators(pipeline):
    """The operators of a pipeline, which is nested lists of texts."""
    if not isinstance(pipeline, list):
        return
    name = pipeline[0]
    if isinstance(name, str):
        if name == "map":
            yield f"map:{pipeline[1][0]}"
            yield from operators(pipeline[2])
            yield from (found for one in pipeline[1] for found in operators(one))
            return
        yield f"@re:{pipeline[1]}" if name == "@re" else name
    for one in pipeline:
        yield from operators(one)


def lists(value):
    return [one if isinstance(one, str) else lists(one) for one in value]


def played(built):
    """The elements that a program uses, with the operations on them, and its targets."""
    used = collections.defaultdict(set)
    for message in messages(built.script):
        named = message.DESCRIPTOR.fields_by_name
        if "qe" not in named:
            continue
        elements = message.qe if hasattr(message.qe, "extend") else [message.qe]
        pulse = next(
            (message.__getattribute__(p).name for p in ("namedPulse", "pulse") if p in named), ""
        )
        for element in elements:
            used[element.name].add(pulse)
    return used


def wiring(config, used):
    """What elements, and the pulses that are played on them, have in the configuration."""
    controllers = config["controllers"]
    for name, operations in used.items():
        element = config["elements"][name]
        yield from (f"element.{key}" for key in element)
        yield from element_features(config, element)
        for port in ports_of(element):
            settings = controllers[port[0]]["analog_outputs"][port[1]]
            yield from (f"output.{key}" for key, value in settings.items() if value)
            yield from (f"output.{key}" for key, taps in settings.get("filter", {}).items() if taps)
            if port[0] == "con2":
                yield "second_controller"
        for port in element.get("outputs", {}).values():
            settings = controllers[port[0]]["analog_inputs"][port[1]]
            yield from (f"input.{key}" for key, value in settings.items() if value)
        for marker in element.get("digitalInputs", {}).values():
            yield from (f"marker.{key}" for key in ("delay", "buffer") if marker[key])
            settings = controllers[marker["port"][0]]["digital_outputs"][marker["port"][1]]
            yield from (f"digital.{key}" for key in settings)
        for operation in operations - {""}:
            yield from pulse_features(config, config["pulses"][element["operations"][operation]])


def ports_of(element):
    mixed = element.get("mixInputs", {})
    yield from (mixed[side] for side in ("I", "Q") if side in mixed)
    if "singleInput" in element:
        yield element["singleInput"]["port"]
    for kind in ("multipleInputs", "singleInputCollection"):
        yield from element.get(kind, {}).get("inputs", {}).values()


def element_features(config, element):
    frequency = element.get("intermediate_frequency")
    if frequency is not None and frequency <= 0:
        yield "frequency.negative" if frequency else "frequency.zero"
    if frequency is None and "oscillator" not in element:
        yield "frequency.none"
    yield from (f"sticky.{key}" for key, value in element.get("sticky", {}).items() if value)
    mixer = element.get("mixInputs", {}).get("mixer")
    for one in config["mixers"].get(mixer, []):
        if one["intermediate_frequency"] == frequency and one["correction"] != (1, 0, 0, 1):
            yield "mixer.correction"


def pulse_features(config, pulse):
    for name in pulse.get("waveforms", {}).values():
        waveform = config["waveforms"][name]
        yield f"waveform.{waveform['type']}"
        yield from (f"waveform.{key}" for key in waveform)
    if "digital_marker" in pulse:
        samples = config["digital_waveforms"][pulse["digital_marker"]]["samples"]
        yield "digital_waveform.levels" if len(samples) > 1 else "digital_waveform.rest"
    for name in pulse.get("integration_weights", {}).values():
        first = config["integration_weights"][name]["cosine"][0]
        yield "weights.pairs" if isinstance(first, tuple) else "weights.list"


def uses(entry):
    """Everything that a program uses."""
    with program() as built:
        entry.build()
    message = built.qua_program
    found = set(fields(message))
    for terminal in message.resultAnalysis.model:
        found.update(operators(lists(terminal)))
    found.update(wiring(CONFIGS[entry.config], played(message)))
    return found


@pytest.fixture(scope="module")
def counts():
    counted = collections.Counter()
    for entry in SUITE.values():
        counted.update(uses(entry))
    return counted


def missing(counts, wanted):
    return sorted(f"{name}: {counts[name]}" for name in set(wanted) if counts[name] < 2)


def test_every_field_of_a_program_is_used_twice(counts):
    with program() as built:
        pass
    wanted = set(known_fields(type(built.qua_program.script).DESCRIPTOR, set()))
    assert len(wanted) > 150
    assert missing(counts, wanted) == []


def test_every_operator_of_streams_is_used_twice(counts):
    assert missing(counts, OPERATORS.split()) == []


def test_every_function_is_used_twice(counts):
    names = [f"{library}.{name}" for library, all_ in FUNCTIONS.items() for name in all_.split()]
    assert missing(counts, names) == []


def test_every_feature_of_a_configuration_is_used_twice(counts):
    assert missing(counts, [f"element.{key}" for key in ELEMENT.split()] + WIRING.split()) == []
