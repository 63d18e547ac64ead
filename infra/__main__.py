"""Pulumi's entry: the stack that the selected configuration describes."""

from newsapi_infra.stack import deploy

deploy()
