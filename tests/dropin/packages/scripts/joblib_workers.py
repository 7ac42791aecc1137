"""Results fetched by workers of joblib, each with a process of its own."""

from joblib import Parallel, delayed


def count(address, job_id):
    try:
        import pulsewire

        pulsewire.install()
    except ImportError:
        pass
    from qm import QuantumMachinesManager

    qmm = QuantumMachinesManager(*address, log_level="ERROR")
    return len(qmm.get_job_result_handles(job_id).n.fetch_all())


if __name__ == "__main__":
    import os

    from configuration import cluster_name, config, qop_ip, qop_port
    from qm import QuantumMachinesManager
    from qm.qua import declare, declare_stream, for_, program, save, stream_processing

    qmm = QuantumMachinesManager(
        host=qop_ip, port=qop_port, cluster_name=cluster_name, log_level="ERROR"
    )
    qm = qmm.open_qm(config)

    with program() as prog:
        n = declare(int)
        st = declare_stream()
        with for_(n, 0, n < 7, n + 1):
            save(n, st)
        with stream_processing():
            st.save_all("n")
    job = qm.execute(prog)
    job.result_handles.wait_for_all_values()
    details = qmm._server_details.connection_details
    print(
        Parallel(n_jobs=2)(delayed(count)((details.host, details.port), job.id) for _ in range(3))
    )
