"""Is the gateway of this container alive? Exit code 0 or 1. HEALTH_URL, if it is not where the image has it."""

import os
import ssl
import sys
import urllib.request

URL = os.environ.get("HEALTH_URL") or f"http://127.0.0.1:{os.environ.get('TANDEM_SERVER__PORT') or 8080}/healthz"


def main() -> int:
    unverified = ssl._create_unverified_context()  # the certificate is for people's names of it, not for 127.0.0.1
    try:
        with urllib.request.urlopen(URL, timeout=3, context=unverified) as answer:
            print(answer.read(1000).decode(errors="replace"))
            return 0
    except OSError as error:
        print(f"{URL}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
