"""Run generated practices on a Spark of this process, and print which definitions differ: `on_spark.py MASTER N`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import exported
from pyspark.sql import SparkSession

from exchange.counting.engines import OnSpark

PRACTICES = ((25, ()), (40, ("month", "sex")), (0, ()), (25, ("year", "therapist", "diagnosis")))


def main(master: str, count: int) -> None:
    """Compare `count` practices; small data goes without generated code, which costs more than it saves."""
    # The wheel brings its own Spark; one that is configured elsewhere is not ours.
    os.environ.pop("SPARK_HOME", None)
    builder = SparkSession.builder.master(master).appName("exchange")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        # A real shuffle between two executors: without this each table of these is small enough to be sent around.
        "spark.sql.autoBroadcastJoinThreshold": "-1" if master.startswith("local-cluster") else "10485760",
        "spark.sql.warehouse.dir": tempfile.mkdtemp(),
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    differs: dict[str, list[str]] = {}
    compared = 0
    for seed, (size, group_by) in enumerate(PRACTICES[:count]):
        dataset = exported.generated._Maker(seed, size).dataset()
        with tempfile.TemporaryDirectory() as folder:
            exported.write(Path(folder), dataset)
            found = list(exported.differing(OnSpark(session, folder), dataset, group_by, (None,)))
            compared += len(exported.generated._definitions())
        if found:
            differs[f"{seed} {size} {group_by}"] = found
    executors = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size()
    session.stop()
    sys.stdout.write(json.dumps({"compared": compared, "differs": differs, "executors": executors - 1}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
