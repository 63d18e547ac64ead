"""Pulumi's entry: the stack that the selected configuration describes."""

import pulumi

from newsapi_infra.stack import deploy

for name, value in deploy().items():
    pulumi.export(name, value)
