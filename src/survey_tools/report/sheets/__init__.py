"""Write the field supervisor's sheets: a page and a workbook a team and an enumerator."""
