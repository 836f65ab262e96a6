"""Let google-fhir-r4 judge: a JSON list of texts on stdin, for each a list of what is wrong on stdout.

Runs in the environment that `install.sh` makes. It stops at the first thing it finds in a message.
"""

from __future__ import annotations

import json
import sys

from google.fhir.r4 import json_format
from google.fhir.r4.proto.core.resources import bundle_and_contained_resource_pb2


def judged(text: str) -> list[str]:
    """Return what is wrong, as the name of the exception, without what it says."""
    try:
        json_format.json_fhir_string_to_proto(text, bundle_and_contained_resource_pb2.Bundle, validate=True)
    except Exception as error:
        return [type(error).__name__]
    return []


json.dump([judged(text) for text in json.load(sys.stdin)], sys.stdout)
