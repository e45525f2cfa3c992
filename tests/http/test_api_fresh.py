#!/usr/bin/env python3
"""What is generated from openapi.yaml is as the generator makes it now."""
import subprocess
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.exit(subprocess.run([sys.executable, root / "tools/gen_api.py", "--check"]).returncode)
