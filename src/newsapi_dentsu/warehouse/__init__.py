"""The tables: schema history, transactions, bulk writes, watermarks. The only place with SQL."""

from newsapi_dentsu.warehouse.warehouse import Warehouse, open_warehouse

__all__ = ["Warehouse", "open_warehouse"]
