"""A Spark Connect server on a free port of this machine until its input closes; it prints the port."""

from __future__ import annotations

import os
import socket
import sys
import tempfile

from pyspark.sql import SparkSession


def main() -> None:
    """Serve with generated code left out, which costs more than it saves on small data."""
    # The wheel brings its own Spark; one that is configured elsewhere is not ours.
    os.environ.pop("SPARK_HOME", None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    builder = SparkSession.builder.master("local[2]").appName("exchange")
    for name, value in {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.warehouse.dir": tempfile.mkdtemp(),
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    session.stop()


if __name__ == "__main__":
    main()
