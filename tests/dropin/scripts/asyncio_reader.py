"""An asyncio program that waits in threads."""

import asyncio

from qm import QuantumMachinesManager
from qm.qua import *

from configuration import *

qmm = QuantumMachinesManager(
    host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
)
qm = qmm.open_qm(config)

with program() as prog:
    i = declare(int)
    st = declare_stream()
    with for_(i, 0, i < 50, i + 1):
        save(i, st)
    with stream_processing():
        st.save_all("i")


async def measure_once():
    loop = asyncio.get_running_loop()
    job = await loop.run_in_executor(None, qm.execute, prog)
    await loop.run_in_executor(None, job.result_handles.wait_for_all_values)
    return (await loop.run_in_executor(None, job.result_handles.i.fetch_all))["value"].sum()


async def main():
    return [await measure_once() for _ in range(3)]


print([int(total) for total in asyncio.run(main())])
