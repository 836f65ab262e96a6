#!/usr/bin/env bash
# Install the two FHIR referees, each in an environment of its own: google-fhir-r4 needs a protobuf of another age, and
# neither is a dependency of this project. Run it again and nothing happens.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder="${EXCHANGE_REFEREES:-build/referees}"
mkdir -p "$folder"
environment() {
  name="$1"; shift
  if [ ! -e "$folder/$name/.done" ]; then
    "${PYTHON:-python3}" -m venv "$folder/$name"
    "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    touch "$folder/$name/.done"
  fi
}
environment google "google-fhir-r4==0.11.0" "protobuf==3.20.3"
environment pyrofile "pyrofile-validator==0.3.0" "fhirpathpy==2.2.4" "fhir.resources==8.3.0"
