"""Let pyrofile judge: a JSON list of texts on stdin, for each a list of errors on stdout.

Runs in the environment that `install.sh` makes; the arguments are packages and folders with definitions. What it says
on the way goes to stderr.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import redirect_stdout

from pyrofile_validator import Validator
from pyrofile_validator.config import ValidatorConfig


def judged(validator: Validator, text: str) -> list[str]:
    """Return `code path` of each error."""
    try:
        resource = json.loads(text)
    except ValueError:
        return ["json.invalid"]
    try:
        report = validator.validate_resource(resource)
    except Exception as error:
        return [f"crashed {type(error).__name__}"]
    return sorted({f"{each.code} {each.path}" for each in report.errors})


with redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as folder:
    texts = json.load(sys.stdin)
    settings = {
        "fhirVersion": "4.0.1",
        "localPackagePaths": sys.argv[1:],
        "terminology": {"mode": "local"},
        "evidenceOutputDir": folder,
    }
    judge = Validator(ValidatorConfig.load_dict(settings))
    verdicts = [judged(judge, text) for text in texts]
json.dump(verdicts, sys.stdout)
