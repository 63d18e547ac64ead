"""Ways of writing a link."""


def spellings(page: str) -> list[str]:
    """Twenty ways in which a page's canonical url is written."""
    rest = page.removeprefix("https://")
    host, slash, path = rest.partition("/")
    more = "&" if "?" in page else "?"
    return [
        page,
        f"http://{rest}",
        f"https://www.{rest}",
        f"HTTPS://{host.upper()}{slash}{path}",
        f"https://{host}.{slash}{path}",
        f"https://{host}:443{slash}{path}",
        f"http://{host}:80{slash}{path}",
        f"https://reader@{rest}",
        f"https://{host}//{path}",
        f"https://{host}/./{path}",
        f"https://{host}/old/../{path}",
        f"//{rest}",
        f"http:https://{rest}",
        f"https:/{rest}",
        f" {page}\n",
        f"{page}{more}utm_source=feed&utm_campaign=spring sale",
        f"{page}{more}fbclid=1&amp;gclid=2",
        f"{page}#:~:text=word",
        f"{page}#utm_source=feed",
        page.replace("&", "&#038;"),
    ]
