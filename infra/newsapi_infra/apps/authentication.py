"""The login in front of the UI, which has none of its own, and in front of the news."""

from collections.abc import Sequence

from pulumi_azure_native import app

from newsapi_infra.context import Context

ENTRA_APP_SECRET = "entra-client-secret"  # noqa: S105

LOGIN_PATH = "/.auth/login/aad/callback"
"""Where Entra sends people back to, below the UI's address."""


def require_login(
    context: Context, name: str, webserver: app.ContainerApp, open_paths: Sequence[str]
) -> None:
    """Send everybody without a session to Entra, and back to the name that they used.

    Programs give a token of Entra's for the same registration instead, as a Bearer token.
    `open_paths`: what the gateway's health probe asks for, without a login.
    """
    config = context.config
    app.ContainerAppsAuthConfig(
        name,
        resource_group_name=context.group_name,
        container_app_name=webserver.name,
        auth_config_name="current",
        platform=app.AuthPlatformArgs(enabled=True),
        global_validation=app.GlobalValidationArgs(
            unauthenticated_client_action=app.UnauthenticatedClientActionV2.REDIRECT_TO_LOGIN_PAGE,
            redirect_to_provider="azureactivedirectory",
            excluded_paths=list(open_paths),
        ),
        http_settings=app.HttpSettingsArgs(
            require_https=True, forward_proxy=_forward_proxy(config.has_gateway)
        ),
        identity_providers=app.IdentityProvidersArgs(
            azure_active_directory=app.AzureActiveDirectoryArgs(
                enabled=True,
                registration=app.AzureActiveDirectoryRegistrationArgs(
                    client_id=config.entra_client_id,
                    client_secret_setting_name=ENTRA_APP_SECRET,
                    open_id_issuer=f"https://login.microsoftonline.com/{config.tenant_id}/v2.0",
                ),
                validation=app.AzureActiveDirectoryValidationArgs(
                    allowed_audiences=[config.entra_client_id, f"api://{config.entra_client_id}"]
                ),
            )
        ),
        login=app.LoginArgs(
            preserve_url_fragments_for_logins=True,
            cookie_expiration=app.CookieExpirationArgs(
                convention=app.CookieExpirationConvention.FIXED_TIME, time_to_expiration="08:00:00"
            ),
        ),
    )


def _forward_proxy(gateway: bool) -> app.ForwardProxyArgs:
    if not gateway:
        return app.ForwardProxyArgs(convention=app.ForwardProxyConvention.NO_PROXY)
    # The gateway talks to the app's own name and tells the browser's in a header of its own.
    return app.ForwardProxyArgs(
        convention=app.ForwardProxyConvention.CUSTOM,
        custom_host_header_name="X-Original-Host",
        custom_proto_header_name="X-Forwarded-Proto",
    )
