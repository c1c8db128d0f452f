"""Any application, served as the product is: `python -m benchmarks.serve module:name PORT`."""

import sys

from runtime.serving import serve

if __name__ == "__main__":
    serve(sys.argv[1], "127.0.0.1", int(sys.argv[2]), stop_seconds=5)
