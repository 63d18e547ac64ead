#!/bin/sh
# The first start of PostgreSQL: the role and the database of the apps, without further rights.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --username postgres <<'SQL'
CREATE ROLE dagster_user LOGIN PASSWORD :'password';
CREATE DATABASE newsapi_db OWNER dagster_user;
SQL
