"""The database sizes that a stack may choose, with the limits that alerts are set by."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DatabaseSku:
    """One size of a PostgreSQL flexible server."""

    name: str
    tier: Literal["Burstable", "GeneralPurpose"]
    vcores: int
    memory_gb: int
    max_connections: int
    """The server's default, from the vendor's table of limits."""

    @property
    def standby_possible(self) -> bool:
        """Burstable servers have no zone-redundant standby."""
        return self.tier == "GeneralPurpose"

    @property
    def connections_alert(self) -> int:
        """80 % of the maximum: no metric gives a percentage."""
        return self.max_connections * 80 // 100


STORAGE_SIZES_GB = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16384, 32767)
"""What Premium SSD storage of a server may have; it grows, and never shrinks."""

SKUS = {
    sku.name: sku
    for sku in (
        DatabaseSku("Standard_B2s", "Burstable", 2, 4, 429),
        DatabaseSku("Standard_D2ds_v5", "GeneralPurpose", 2, 8, 859),
        DatabaseSku("Standard_D4ds_v5", "GeneralPurpose", 4, 16, 1718),
    )
}
