"""Scripts on qualang-tools, QCoDeS' driver, QuAM and joblib; run by ``make test-packages``."""

from pathlib import Path

import pytest

from tests import VERSIONS
from tests.dropin.conftest import call, command_of, run_script

FOLDER = Path(__file__).parent / "scripts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
EXPECTED = {
    "live_fetching": ["last 299"],
    "wait_for_all": ["(18,), (19,)]", "[0.46875, 0.5    , 0.53125, 0.5625 , 0.59375]", " 19"],
    "session": ["[5]", "busy", "0"],
    "callables": ["[('first', 0), ('first', 1), ('first', 2), ('first', 3)]"],
    "qcodes_driver": ["True", "(6,)"],
    "quam_machine": ["[0 1 2 3 4 5]"],
    "joblib_workers": ["[7, 7, 7]"],
}


def last_words(text):
    """What a script prints, without a progress bar's states."""
    return [line.rpartition("\r")[2] for line in text.splitlines() if "Progress" not in line]


def test_the_extension_of_ipython():
    lines = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import pulsewire\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'pulsewire'); print(pulsewire.installed())\n"
        "shell.run_line_magic('unload_ext', 'pulsewire'); print(pulsewire.installed())\n"
    )
    done = call(command_of("packages-1.4.1", "-c", lines))
    assert done.stdout.split()[-2:] == ["True", "False"], done.stderr


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_script_does_the_same(version, name):
    environment = f"packages-{version}"
    plain = run_script(environment, name, "plain", FOLDER)
    assert plain.status == 0, plain.errors
    for words in EXPECTED[name]:
        assert words in plain.output, plain.output
    for mode in ("run", "shadow", "emulator"):
        other = run_script(environment, name, mode, FOLDER)
        assert (other.status, last_words(other.output)) == (0, last_words(plain.output)), other
        if "made both ways" in other.report:
            assert ", 0 differed" in other.report
