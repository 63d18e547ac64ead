"""The budget of the stack's resource group: told by mail before it is spent."""

from pulumi_azure_native import consumption

from newsapi_infra.context import Context

THRESHOLDS = (
    ("actual-80", "Actual", 80),
    ("actual-100", "Actual", 100),
    ("forecast", "Forecasted", 110),
)


def create_budget(context: Context) -> None:
    """Declare the budget; Azure only tells, it stops nothing."""
    consumption.Budget(
        "budget",
        scope=context.group.id,
        budget_name=context.names.of("budget"),
        category=consumption.CategoryType.COST,
        amount=context.config.budget_usd,
        time_grain=consumption.TimeGrainType.MONTHLY,
        time_period=consumption.BudgetTimePeriodArgs(
            start_date=f"{context.config.budget_start.isoformat()}T00:00:00Z"
        ),
        notifications={
            name: consumption.NotificationArgs(
                enabled=True,
                operator=consumption.OperatorType.GREATER_THAN,
                threshold=percent,
                threshold_type=kind,
                contact_emails=[context.config.owner_email],
            )
            for name, kind, percent in THRESHOLDS
        },
    )
