#!/usr/bin/env bash
# Make a headless Chromium available for the browser tests: the one on the machine, else Debian's package,
# else the build that Playwright downloads.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if command -v apt-get >/dev/null 2>&1; then
  sudo=""
  if [ "$(id -u)" -ne 0 ]; then sudo="sudo"; fi
  echo "Installing Chromium for the browser tests …"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  "$(dirname "$0")/../.venv/bin/playwright" install chromium
fi
