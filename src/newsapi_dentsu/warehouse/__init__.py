"""The warehouse: engines, the schema on them, its tables, and questions to several of them."""

from newsapi_dentsu.warehouse.warehouse import Warehouse, open_warehouse

__all__ = ["Warehouse", "open_warehouse"]
