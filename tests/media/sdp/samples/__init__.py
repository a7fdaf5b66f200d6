"""Real bodies, byte for byte. Chromium's and baresip's were captured; the rest follow what those peers send."""

from pathlib import Path

SAMPLES = {path.stem: path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.sdp"))}
BROWSERS = ("chromium-", "firefox-", "safari-")
