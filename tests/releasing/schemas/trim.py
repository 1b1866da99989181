"""Makes the schemas in this folder from those that check-jsonschema has; README.md says how."""

import json
import sys
from pathlib import Path

from tests.deploy.schemas.trim import plain

HERE = Path(__file__).parent
NAMES = ("dependabot", "github-issue-forms", "github-workflows")

if __name__ == "__main__":
    for name in NAMES:
        schema = plain(json.loads(Path(sys.argv[1], f"{name}.json").read_text(encoding="utf-8")))
        text = json.dumps(schema, indent=1, sort_keys=True)
        (HERE / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
