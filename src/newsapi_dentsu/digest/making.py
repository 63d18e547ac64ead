"""Making a digest of what the settings name."""

from contextlib import closing

from newsapi_dentsu.reading.digest import USUAL_STORIES, Digest, Period, read_digest
from newsapi_dentsu.reading.library import open_library
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.source import load_brands


def make_digest(
    settings: Settings, period: Period, *, topic: str | None = None, rows: int = USUAL_STORIES
) -> Digest:
    """The digest of some days; see `read_digest`.

    Raises:
        BrandsError: the file of watched brands has a mistake.
        WarehouseError: there is nothing to read yet, or it can't be read.
    """
    brands = [brand.name for brand in load_brands(settings).brands]
    with closing(open_library(settings)) as library:
        return library.read(
            lambda session: read_digest(session, period, topic=topic, brands=brands, rows=rows)
        )
