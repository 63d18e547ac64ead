"""The public names of the UI and the news, where their DNS zone is on Azure."""

import pulumi
from pulumi_azure_native import dns

from newsapi_infra.context import Context

TTL_SECONDS = 60
"""Short, so that people follow soon when the name is moved to the other region."""


def name_address(context: Context, zone: str, address: pulumi.Input[str]) -> None:
    """Let both names lead to the gateway's address; the zone is in the stack's own group."""
    for kind, name in (("ui", context.config.host_name), ("news", context.config.news_host_name)):
        dns.RecordSet(
            f"{kind}-name",
            resource_group_name=context.group_name,
            zone_name=zone,
            record_type="A",
            relative_record_set_name=name.removesuffix(f".{zone}"),
            ttl=TTL_SECONDS,
            a_records=[dns.ARecordArgs(ipv4_address=address)],
            # Moved by hand in a disaster: no drift to undo.
            opts=context.lasting(ignore_changes=["aRecords"]),
        )
