"""The warehouse: engines, the schema on them, its tables, and questions to several of them."""

from newsapi_dentsu.warehouse.warehouse import (
    Warehouse,
    open_to_examine,
    open_to_read,
    open_warehouse,
)

__all__ = ["Warehouse", "open_to_examine", "open_to_read", "open_warehouse"]
