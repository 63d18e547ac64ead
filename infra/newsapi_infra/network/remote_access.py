"""Ways in for people, both optional: a VPN gateway, and a bastion host with a jump host."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import compute, network

from newsapi_infra.context import Context
from newsapi_infra.network.addresses import BASTION, JUMP_HOST, VPN
from newsapi_infra.network.vnet import Network, public_address

JUMP_USER = "jumper"
"""Neither a user nor a group of the image, nor a name that Azure refuses."""


@dataclass(frozen=True, slots=True)
class RemoteAccess:
    """What of it was declared, for diagnostic settings."""

    vpn: network.VirtualNetworkGateway | None
    bastion: network.BastionHost | None


def create_remote_access(context: Context, net: Network) -> RemoteAccess:
    """Declare what the stack's flags ask for."""
    return RemoteAccess(
        _vpn(context, net) if context.config.vpn_gateway else None,
        _bastion(context, net) if context.config.bastion else None,
    )


def _vpn(context: Context, net: Network) -> network.VirtualNetworkGateway:
    """A point-to-site gateway that people log in to with their Entra account."""
    tenant = context.config.tenant_id
    return network.VirtualNetworkGateway(
        "vpn",
        resource_group_name=context.group_name,
        virtual_network_gateway_name=context.names.of("vpn"),
        location=context.location,
        gateway_type=network.VirtualNetworkGatewayType.VPN,
        vpn_type=network.VpnType.ROUTE_BASED,
        vpn_gateway_generation=network.VpnGatewayGeneration.GENERATION1,
        sku=network.VirtualNetworkGatewaySkuArgs(
            name=network.VirtualNetworkGatewaySkuName.VPN_GW1_AZ,
            tier=network.VirtualNetworkGatewaySkuTier.VPN_GW1_AZ,
        ),
        ip_configurations=[
            network.VirtualNetworkGatewayIPConfigurationArgs(
                name="default",
                subnet=network.SubResourceArgs(id=net.subnet_id(VPN)),
                public_ip_address=network.SubResourceArgs(id=public_address(context, "vpn-ip").id),
            )
        ],
        vpn_client_configuration=network.VpnClientConfigurationArgs(
            vpn_client_address_pool=network.AddressSpaceArgs(
                address_prefixes=[context.config.vpn_client_range]
            ),
            vpn_client_protocols=[network.VpnClientProtocol.OPEN_VPN],
            vpn_authentication_types=[network.VpnAuthenticationType.AAD],
            # The application that Microsoft registered for its VPN client.
            aad_audience="c632b3df-fb67-4d84-bdcf-b95ad541b5c8",
            aad_issuer=f"https://sts.windows.net/{tenant}/",
            aad_tenant=f"https://login.microsoftonline.com/{tenant}",
        ),
        tags=context.tags,
    )


def _bastion(context: Context, net: Network) -> network.BastionHost:
    """A bastion and the one small machine that it leads to; both have nothing to route."""
    _jump_host(context, net)
    return network.BastionHost(
        "bastion",
        resource_group_name=context.group_name,
        bastion_host_name=context.names.of("bastion"),
        location=context.location,
        sku=network.SkuArgs(name=network.BastionHostSkuName.STANDARD),
        enable_tunneling=True,
        disable_copy_paste=False,
        ip_configurations=[
            network.BastionHostIPConfigurationArgs(
                name="default",
                subnet=network.SubResourceArgs(id=net.subnet_id(BASTION)),
                public_ip_address=network.SubResourceArgs(
                    id=public_address(context, "bastion-ip").id
                ),
            )
        ],
        tags=context.tags,
    )


def _jump_host(context: Context, net: Network) -> compute.VirtualMachine:
    nic = network.NetworkInterface(
        "jump-host-nic",
        resource_group_name=context.group_name,
        network_interface_name=context.names.of("jump-nic"),
        location=context.location,
        ip_configurations=[
            network.NetworkInterfaceIPConfigurationArgs(
                name="default",
                subnet=network.SubnetArgs(id=net.subnet_id(JUMP_HOST)),
                private_ip_allocation_method=network.IPAllocationMethod.DYNAMIC,
            )
        ],
        tags=context.tags,
    )
    return compute.VirtualMachine(
        "jump-host",
        resource_group_name=context.group_name,
        vm_name=context.names.of("jump"),
        location=context.location,
        hardware_profile=compute.HardwareProfileArgs(vm_size="Standard_B1s"),
        network_profile=compute.NetworkProfileArgs(
            network_interfaces=[compute.NetworkInterfaceReferenceArgs(id=nic.id, primary=True)]
        ),
        os_profile=compute.OSProfileArgs(
            computer_name="jump",
            admin_username=JUMP_USER,
            allow_extension_operations=False,
            linux_configuration=compute.LinuxConfigurationArgs(
                disable_password_authentication=True,
                ssh=compute.SshConfigurationArgs(
                    public_keys=[
                        compute.SshPublicKeyArgs(
                            path=f"/home/{JUMP_USER}/.ssh/authorized_keys",
                            key_data=context.config.jump_host_ssh_key,
                        )
                    ]
                ),
            ),
        ),
        storage_profile=compute.StorageProfileArgs(
            image_reference=compute.ImageReferenceArgs(
                publisher="Canonical",
                offer="ubuntu-24_04-lts",
                sku="server",
                version="latest",
            ),
            os_disk=compute.OSDiskArgs(
                create_option=compute.DiskCreateOptionTypes.FROM_IMAGE,
                delete_option=compute.DiskDeleteOptionTypes.DELETE,
                managed_disk=compute.ManagedDiskParametersArgs(
                    storage_account_type=compute.StorageAccountTypes.STANDARD_SS_D_LRS
                ),
            ),
        ),
        tags=context.tags,
        opts=pulumi.ResourceOptions(delete_before_replace=True),
    )
