#!/bin/sh
# Writes Dagster's configuration for the settings, then becomes the command: signals reach it.
set -eu
newsapi home >/dev/null
exec "$@"
