"""Any application, served as the product is: `python -m benchmarks.serve module:name PORT`."""

import sys

from runtime.serving import serve

if __name__ == "__main__":
    target = sys.argv[1]
    is_factory = ":create_" in target
    serve(target, "127.0.0.1", int(sys.argv[2]), is_factory=is_factory, stop_seconds=5)
