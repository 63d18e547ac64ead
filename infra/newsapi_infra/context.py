"""What every module needs to declare a resource: configuration, names, group, tags."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import resources

from newsapi_infra.config import StackConfig
from newsapi_infra.names import Names


@dataclass(frozen=True, slots=True)
class Context:
    """One stack being declared."""

    config: StackConfig
    names: Names
    tags: dict[str, str]
    group: resources.ResourceGroup

    @property
    def group_name(self) -> pulumi.Output[str]:
        """The resource group's name, known once the group exists."""
        return self.group.name

    def lasting(self, **options: Any) -> pulumi.ResourceOptions:
        """Options of what must outlive a mistake: outside of `dev` Pulumi refuses to delete it."""
        return pulumi.ResourceOptions(protect=self.config.protected, **options)

    @property
    def location(self) -> str:
        """The stack's region."""
        return self.config.location


def open_stack(config: StackConfig) -> Context:
    """Declare the resource group and hand out what the modules need."""
    names = Names(config.stack, config.suffix)
    tags = {"product": "newsapi-dentsu", "stack": config.stack, "owner": config.owner_email}
    group = resources.ResourceGroup(
        "group",
        resource_group_name=config.resource_group,
        location=config.location,
        tags=tags,
    )
    return Context(config, names, tags, group)
