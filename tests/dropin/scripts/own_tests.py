"""A lab's own tests."""

import unittest

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)


class Echo(unittest.TestCase):
    def test_values_come_back(self):
        with program() as prog:
            x = declare_input_stream(int, name="x")
            st = declare_stream()
            advance_input_stream(x)
            assign(x, x + 1)
            save(x, st)
            with stream_processing():
                st.save_all("x")
        job = qm.execute(prog)
        job.push_to_input_stream("x", 41)
        self.assertTrue(job.result_handles.wait_for_all_values())
        self.assertEqual(job.result_handles.x.fetch_all()["value"].tolist(), [42])

    def test_an_element_that_is_not_there(self):
        with program() as prog:
            play("pi", "qubit")
        with self.assertRaises(Exception):
            qm.execute(prog).get_element_correction("nobody")


if __name__ == "__main__":
    unittest.main(argv=["own_tests"], verbosity=0)
