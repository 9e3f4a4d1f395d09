"""Say which household a submission is of: codes, copies, two under one code, the same in every wave."""
