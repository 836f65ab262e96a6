"""Let pyrofile judge resources; runs in its own environment, told by JSON on stdin, and answers with JSON on stdout.

In: {"packages": [paths], "resources": {name: resource}}. Out: {name: [[severity, code, path, profile], …]}.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from pyrofile_validator import Validator
from pyrofile_validator.config import ValidatorConfig


def main() -> None:
    """Judge what stands on stdin; what pyrofile prints itself is not asked for."""
    asked = json.load(sys.stdin)
    found = {}
    with contextlib.redirect_stdout(io.StringIO()):
        validator = Validator(ValidatorConfig.load_dict({"localPackagePaths": asked["packages"]}))
        for name, resource in asked["resources"].items():
            issues = validator.validate_resource(resource)
            found[name] = [
                [each.severity.value, each.code, each.path or "", each.profile or ""]
                for each in getattr(issues, "issues", issues)
            ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
