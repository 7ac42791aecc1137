"""Where the programs of the suite are registered, and what some of them need to run."""

from dataclasses import dataclass, field

from qm.qua import declare_stream, save, stream_processing

SUITE = {}
# Clock cycles that are simulated; no program needs more.
LONGEST = 4000


@dataclass(frozen=True)
class Program:
    """One program of the suite.

    Attributes:
        build: Writes the program's body.
        config: The name of its configuration in ``configurations.CONFIGS``.
        pushes: Entries of its input streams, in the order in which they are pushed.
        pauses: How often it pauses.
        registers: What IO1 and IO2 are set to before it runs.
    """

    build: callable
    config: str = "rack"
    pushes: tuple = ()
    pauses: int = 0
    registers: tuple = field(default=())

    @property
    def alone(self):
        """Whether it ends with nobody to talk to: only then is it the same when it is simulated."""
        return not (self.pushes or self.pauses or self.registers)


def suite(build=None, **needs):
    """Registers the function that builds a program, under its name."""
    if build is None:
        return lambda build: suite(build, **needs)
    assert build.__name__ not in SUITE, build.__name__
    SUITE[build.__name__] = Program(build, **needs)
    return build


def kept(**variables):
    """Saves variables under their names."""
    streams = {name: declare_stream() for name in variables}
    for name, variable in variables.items():
        save(variable, streams[name])
    with stream_processing():
        for name, stream in streams.items():
            stream.save_all(name)
