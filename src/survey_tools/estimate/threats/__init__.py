"""What could make an estimate wrong: imbalance, attrition, hidden causes, one commune alone."""

from survey_tools.estimate.threats.balance import attrition, balance, balance_joint

__all__ = ["attrition", "balance", "balance_joint"]
