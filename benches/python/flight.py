"""Arrow Flight as a peer for large results, server and client.

python flight.py serve VALUES | fetch PORT COUNT
"""

import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

# Rows of a batch: 1 MiB, as the emulator's messages; larger ones were slower.
BATCH = 1 << 17


class Server(fl.FlightServerBase):
    def __init__(self, size):
        super().__init__("grpc://127.0.0.1:0")
        values = np.arange(size)
        parts = [values[at : at + BATCH] for at in range(0, size, BATCH)]
        batches = [pa.record_batch([pa.array(part)], names=["values"]) for part in parts]
        self.table = pa.Table.from_batches(batches)

    def do_get(self, context, ticket):
        return fl.RecordBatchStream(self.table)


def fetch(port, count):
    client = fl.connect(f"grpc://127.0.0.1:{port}")
    for _ in range(count):
        started = time.perf_counter()
        table = client.do_get(fl.Ticket(b"values")).read_all()
        print(time.perf_counter() - started, flush=True)
        assert table["values"][-1].as_py() == table.num_rows - 1


def main():
    match sys.argv[1:]:
        case ["serve", size]:
            server = Server(int(size))
            print(server.port, flush=True)
            sys.stdin.read()
            server.shutdown()
        case ["fetch", port, count]:
            fetch(port, int(count))


if __name__ == "__main__":
    main()
